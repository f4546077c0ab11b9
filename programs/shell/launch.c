/* SPDX-License-Identifier: MIT */
#include "programs/shell/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/shell/executor.h"
#include "programs/shell/lookup.h"
#include "programs/shell/redirect.h"

int launch_prepare(struct invocation *invocation, struct shell *shell, struct arena *arena,
                   const struct command *command) {
    struct expander expander = shell_expander(shell);
    const char *problem = NULL;

    *invocation = (struct invocation){.command = command};
    problem = expander_words(&expander, arena, command->words, &invocation->arguments);
    if (problem != NULL) {
        report("%s", problem);
        return -1;
    }
    if (invocation->arguments.n > 0) {
        invocation->builtin = builtins_find(invocation->arguments.items[0]);
    }
    return 0;
}

int launch_assign(struct assigned **assigned, struct shell *shell, struct arena *arena,
                  const struct word *assignments) {
    for (; assignments != NULL; assignments = assignments->next) {
        struct expander expander = shell_expander(shell);
        struct assigned *one = arena_allocate(arena, sizeof *one);
        size_t length = parser_assignment_name(assignments->text);
        const struct variable *old = NULL;
        char *value = NULL;
        const char *problem =
            expander_string(&expander, arena, assignments->text + length + 1, &value);

        if (problem != NULL) {
            report("%s", problem);
            return -1;
        }
        one->name = arena_copy(arena, assignments->text, length);
        old = variables_find(&shell->variables, one->name);
        if (old != NULL) {
            one->exported = old->exported;
            one->value =
                old->value == NULL ? NULL : arena_copy(arena, old->value, strlen(old->value));
        }
        one->next = *assigned;
        *assigned = one;
        variables_set(&shell->variables, one->name, value);
        variables_export(&shell->variables, one->name);
    }
    return 0;
}

void launch_unassign(struct assigned *assigned, struct shell *shell) {
    for (; assigned != NULL; assigned = assigned->next) {
        variables_unset(&shell->variables, assigned->name);
        if (assigned->value != NULL) {
            variables_set(&shell->variables, assigned->name, assigned->value);
        }
        if (assigned->exported) {
            variables_export(&shell->variables, assigned->name);
        }
    }
}

/* Plans where the process's descriptors lead: the pipeline's ends first, so that the command's own
 * redirections win. */
static int plan_descriptors(struct redirect_plan *plan, const struct launch *launch,
                            struct shell *shell, struct arena *arena,
                            const struct redirect *redirects) {
    if (launch->input >= 0) {
        redirect_add(plan, launch->input, STDIN_FILENO);
    }
    if (launch->output >= 0) {
        redirect_add(plan, launch->output, STDOUT_FILENO);
    }
    return redirect_prepare(plan, shell, arena, redirects);
}

/* Takes note of a process that was started, or of the failure to. */
static void add_to_job(const struct launch *launch, const struct shell *shell, pid_t pid,
                       const char *name) {
    struct job *job = launch->job;

    if (pid < 0) {
        report_errno(name);
        job_add_failure(job, STATUS_NOT_EXECUTABLE, name);
        return;
    }
    if (shell->job_control) {
        if (job->group == 0) {
            job->group = pid;
        }
        setpgid(pid, job->group); /* fails if the child was faster; then it is done */
    }
    job_add_process(job, pid, name);
    if (launch->place == CONTROL_FOREGROUND) {
        control_give_terminal(shell, job);
    }
}

/* --- forked children --- */

/* Forks. In the child, closes what the parent holds of pipes and returns 0. */
static pid_t fork_child(const struct launch *launch, struct shell *shell, const char *name) {
    pid_t group = launch->job->group;
    pid_t pid = fork();

    if (pid == 0) {
        control_enter_child(shell, group, launch->place);
        if (launch->unused >= 0) {
            close(launch->unused);
        }
        return 0;
    }
    add_to_job(launch, shell, pid, name);
    return pid;
}

/* Makes the child's descriptors what they should be, or ends it. */
static void enter_descriptors(const struct launch *launch, struct shell *shell, struct arena *arena,
                              const struct redirect *redirects) {
    struct redirect_plan plan = {0};

    if (plan_descriptors(&plan, launch, shell, arena, redirects) != 0 ||
        redirect_apply(&plan) != 0) {
        _exit(1);
    }
    redirect_keep(&plan);
    redirect_release(&plan);
    if (launch->input >= 0) {
        close(launch->input);
    }
    if (launch->output >= 0) {
        close(launch->output);
    }
}

static void start_forked(const struct invocation *invocation, const struct launch *launch,
                         struct shell *shell, struct arena *arena) {
    const struct command *command = invocation->command;
    const char *name = invocation->builtin != NULL ? invocation->builtin->name : "subshell";

    if (fork_child(launch, shell, name) != 0) {
        return;
    }
    if (command->subshell != NULL) {
        enter_descriptors(launch, shell, arena, command->redirects);
        executor_run_list(shell, command->subshell);
    } else {
        enter_descriptors(launch, shell, arena, NULL);
        executor_run_here(invocation, shell, arena);
    }
    _exit(shell->status);
}

void launch_statement(const struct statement *statement, const struct launch *launch,
                      struct shell *shell) {
    if (fork_child(launch, shell, statement->text) == 0) {
        struct arena arena = {0};

        enter_descriptors(launch, shell, &arena, NULL);
        executor_run_statement(shell, statement);
        _exit(shell->status);
    }
}

/* --- programs --- */

/* Is it text, which a shell may try to run, rather than a program for another system? */
static int is_script(const char *path) {
    char beginning[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : stream_read(fd, beginning, sizeof beginning);

    if (fd >= 0) {
        close(fd);
    }
    return n >= 0 && memchr(beginning, '\0', (size_t)n) == NULL && memcmp(beginning, "#!", 2) != 0;
}

/* Runs a file that the system did not take for a program, in this process. */
static int run_script(struct shell *shell, const char *path, char **arguments, size_t n) {
    shell->name = path;
    shell->parameters = arguments + 1;
    shell->n_parameters = n - 1;
    return shell_run_file(shell, path);
}

/* What is to be spawned. */
struct program {
    const char *path;
    char **arguments;
    char **environment;
    const struct redirect_plan *plan;
};

/* posix_spawn with everything set; an errno value or 0. */
static int spawn(const struct program *program, const struct launch *launch,
                 const struct shell *shell, pid_t *pid) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    struct sigaction saved[2];
    sigset_t defaults;
    int ignore = launch->place == CONTROL_BACKGROUND && control_background_ignores(shell);
    int error = 0;

    control_default_signals(shell, &defaults);
    if (ignore) {
        sigdelset(&defaults, SIGINT);
        sigdelset(&defaults, SIGQUIT);
        control_ignore_interrupts(saved);
    }
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, launch->job->group);
    posix_spawnattr_setflags(
        &attributes,
        (short)(POSIX_SPAWN_SETSIGDEF | (shell->job_control ? POSIX_SPAWN_SETPGROUP : 0)));
    posix_spawn_file_actions_init(&actions);
    error = redirect_add_actions(program->plan, &actions);
    if (error == 0) {
        error = posix_spawn(pid, program->path, &actions, &attributes, program->arguments,
                            program->environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (ignore) {
        control_restore_interrupts(saved);
    }
    return error;
}

/* Spawns; where process groups turn out not to work, without them from now on. */
static int spawn_somehow(const struct program *program, const struct launch *launch,
                         struct shell *shell, pid_t *pid) {
    int error = spawn(program, launch, shell, pid);

    if (shell->job_control && (error == ENOSYS || error == EPERM)) {
        shell->job_control = 0;
        error = spawn(program, launch, shell, pid);
        shell->job_control = error != 0; /* then it was not the group */
    }
    return error;
}

static void start_found(const char *path, const struct invocation *invocation,
                        const struct launch *launch, struct shell *shell, struct arena *arena) {
    char **arguments = invocation->arguments.items;
    struct redirect_plan plan = {0};
    struct program program = {.path = path, .arguments = arguments, .plan = &plan};
    pid_t pid = -1;
    int error = 0;

    if (plan_descriptors(&plan, launch, shell, arena, invocation->command->redirects) != 0) {
        redirect_release(&plan);
        job_add_failure(launch->job, 1, arguments[0]);
        return;
    }
    program.environment = variables_environment(&shell->variables);
    error = spawn_somehow(&program, launch, shell, &pid);
    variables_free_environment(program.environment);
    redirect_release(&plan);
    if (error == ENOEXEC && is_script(path)) {
        if (fork_child(launch, shell, arguments[0]) == 0) {
            enter_descriptors(launch, shell, arena, invocation->command->redirects);
            _exit(run_script(shell, path, arguments, invocation->arguments.n));
        }
        return;
    }
    errno = error;
    add_to_job(launch, shell, error == 0 ? pid : -1, arguments[0]);
}

/* Says that there is no such program: on the command's own standard error, as if it had been the
 * program that failed. Returns the status. */
static int report_missing(const struct invocation *invocation, struct shell *shell,
                          struct arena *arena, int error) {
    struct redirect_plan plan = {0};
    int status = 1;

    if (redirect_prepare(&plan, shell, arena, invocation->command->redirects) == 0 &&
        redirect_apply(&plan) == 0) {
        status = lookup_report(invocation->arguments.items[0], error);
    }
    redirect_undo(&plan);
    redirect_release(&plan);
    return status;
}

static void start_program(const struct invocation *invocation, const struct launch *launch,
                          struct shell *shell, struct arena *arena) {
    const char *name = invocation->arguments.items[0];
    struct assigned *assigned = NULL;
    char *path = NULL;
    int error = 0;

    if (launch_assign(&assigned, shell, arena, invocation->command->assignments) != 0) {
        job_add_failure(launch->job, 1, name);
    } else {
        path = lookup_program(name, variables_get(&shell->variables, "PATH"), &error);
        if (path != NULL) {
            start_found(path, invocation, launch, shell, arena);
        } else {
            job_add_failure(launch->job, report_missing(invocation, shell, arena, error), name);
        }
    }
    launch_unassign(assigned, shell);
    free(path);
}

void launch_start(const struct invocation *invocation, const struct launch *launch,
                  struct shell *shell, struct arena *arena) {
    if (invocation->builtin != NULL || invocation->arguments.n == 0) {
        start_forked(invocation, launch, shell, arena);
    } else {
        start_program(invocation, launch, shell, arena);
    }
}

int launch_replace(struct shell *shell, char **arguments) {
    char **environment = NULL;
    size_t n = 0;
    int error = 0;
    char *path = lookup_program(arguments[0], variables_get(&shell->variables, "PATH"), &error);

    if (path == NULL) {
        return lookup_report(arguments[0], error);
    }
    environment = variables_environment(&shell->variables);
    control_reset_signals(shell);
    execve(path, arguments, environment);
    if (errno == ENOEXEC && is_script(path)) {
        while (arguments[n] != NULL) {
            n++;
        }
        _exit(run_script(shell, path, arguments, n));
    }
    report_errno(arguments[0]);
    control_set_signals(shell);
    variables_free_environment(environment);
    free(path);
    return STATUS_NOT_EXECUTABLE;
}

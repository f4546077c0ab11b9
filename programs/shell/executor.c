/* SPDX-License-Identifier: MIT */
#include "programs/shell/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/shell/redirect.h"

/* Assignments without a command stay; a variable that was not exported is not exported now. */
static int assign_for_good(struct shell *shell, struct arena *arena,
                           const struct word *assignments) {
    for (; assignments != NULL; assignments = assignments->next) {
        struct expander expander = shell_expander(shell);
        size_t length = parser_assignment_name(assignments->text);
        char *value = NULL;
        const char *problem =
            expander_string(&expander, arena, assignments->text + length + 1, &value);

        if (problem != NULL) {
            report("%s", problem);
            return 1;
        }
        variables_set(&shell->variables, arena_copy(arena, assignments->text, length), value);
    }
    return 0;
}

static int run_builtin(const struct invocation *invocation, struct shell *shell,
                       struct arena *arena) {
    struct assigned *assigned = NULL;
    int status = 1;

    if (launch_assign(&assigned, shell, arena, invocation->command->assignments) == 0) {
        status =
            invocation->builtin->run(shell, invocation->arguments.items, invocation->arguments.n);
    }
    launch_unassign(assigned, shell);
    return status;
}

void executor_run_here(const struct invocation *invocation, struct shell *shell,
                       struct arena *arena) {
    const struct command *command = invocation->command;
    struct redirect_plan plan = {0};

    if (redirect_prepare(&plan, shell, arena, command->redirects) != 0 ||
        redirect_apply(&plan) != 0) {
        shell->status = 1;
    } else if (invocation->builtin != NULL) {
        shell->status = run_builtin(invocation, shell, arena);
        if (invocation->builtin->flags & BUILTIN_KEEPS_REDIRECTS) {
            redirect_keep(&plan);
        }
    } else {
        shell->status = assign_for_good(shell, arena, command->assignments);
    }
    redirect_undo(&plan);
    redirect_release(&plan);
}

/* In the background without job control, standard input must not be the terminal that the
 * foreground reads from. Returns a descriptor or -1: where there is no /dev/null, it is. */
static int open_nothing(void) {
    int fd = open("/dev/null", O_RDONLY);

    return fd < 0 ? fd : redirect_move_up(fd);
}

static void close_if_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

/* Makes a pipe whose ends are out of the user's way. 0, or -1 with errno. */
static int make_pipe(int ends[2]) {
    if (pipe(ends) != 0) {
        return -1;
    }
    ends[0] = redirect_move_up(ends[0]);
    ends[1] = redirect_move_up(ends[1]);
    if (ends[0] < 0 || ends[1] < 0) {
        int saved_errno = errno;

        close_if_open(ends[0]);
        close_if_open(ends[1]);
        errno = saved_errno;
        return -1;
    }
    return 0;
}

/* Starts one command of a pipeline, expanding its words first. */
static void start_command(struct shell *shell, const struct command *command,
                          const struct launch *launch) {
    struct arena arena = {0};
    struct invocation invocation;

    if (launch_prepare(&invocation, shell, &arena, command) == 0) {
        launch_start(&invocation, launch, shell, &arena);
    } else {
        job_add_failure(launch->job, 1, "");
    }
    arena_free(&arena);
}

/* Starts the commands of a pipeline, each connected to the next. */
static void start_pipeline(struct shell *shell, const struct command *commands, struct job *job,
                           enum control_place place) {
    int background = place == CONTROL_BACKGROUND;
    int input = background && !shell->job_control ? open_nothing() : -1;

    for (const struct command *command = commands; command != NULL; command = command->next) {
        int ends[2] = {-1, -1};
        struct launch launch = {.job = job, .place = place, .input = input};

        if (command->next != NULL && make_pipe(ends) != 0) {
            report("pipe: %s", strerror(errno));
            job_add_failure(job, 1, "");
            break;
        }
        launch.output = ends[1];
        launch.unused = ends[0];
        start_command(shell, command, &launch);
        close_if_open(input);
        close_if_open(ends[1]);
        input = ends[0];
    }
    close_if_open(input);
}

static void enter_background(struct shell *shell, struct job *job) {
    const struct process *last = &job->processes[job->n_processes - 1];

    job->background = 1;
    job->changed = job_state(job) == PROCESS_ENDED;
    shell->status = 0;
    shell->last_background = last->pid;
    if (shell->interactive) {
        struct text line = {0};

        text_append_format(&line, "[%u] %ld\n", job->number, (long)last->pid);
        stream_write(STDERR_FILENO, line.bytes, line.length);
        text_free(&line);
    }
}

static void run_in_background(struct shell *shell, const struct statement *statement) {
    struct job *job = jobs_add(&shell->jobs, statement->text);

    if (statement->pipelines->next == NULL) {
        start_pipeline(shell, statement->pipelines->commands, job, CONTROL_BACKGROUND);
    } else {
        struct launch launch = {
            .job = job,
            .place = CONTROL_BACKGROUND,
            .input = shell->job_control ? -1 : open_nothing(),
            .output = -1,
            .unused = -1,
        };

        launch_statement(statement, &launch, shell);
        close_if_open(launch.input);
    }
    enter_background(shell, job);
}

/* Runs a lone command: in the shell itself if it can be. */
static void run_alone(struct shell *shell, const struct pipeline *pipeline) {
    struct arena arena = {0};
    struct invocation invocation;

    if (launch_prepare(&invocation, shell, &arena, pipeline->commands) != 0) {
        shell->status = 1;
    } else if (invocation.builtin != NULL || invocation.arguments.n == 0) {
        executor_run_here(&invocation, shell, &arena);
    } else {
        struct job *job = jobs_add(&shell->jobs, pipeline->text);
        struct launch launch = {
            .job = job, .place = CONTROL_FOREGROUND, .input = -1, .output = -1, .unused = -1};

        launch_start(&invocation, &launch, shell, &arena);
        shell->status = control_wait(shell, job);
    }
    arena_free(&arena);
}

static void run_pipeline(struct shell *shell, const struct pipeline *pipeline) {
    const struct command *first = pipeline->commands;
    struct job *job = NULL;

    if (first->next == NULL && first->subshell == NULL) {
        run_alone(shell, pipeline);
        return;
    }
    job = jobs_add(&shell->jobs, pipeline->text);
    start_pipeline(shell, first, job, CONTROL_FOREGROUND);
    shell->status = control_wait(shell, job);
}

void executor_run_statement(struct shell *shell, const struct statement *statement) {
    for (const struct pipeline *pipeline = statement->pipelines; pipeline != NULL;
         pipeline = pipeline->next) {
        if (shell->exiting || shell_interrupted) {
            return;
        }
        if ((pipeline->connector == CONNECTOR_AND && shell->status != 0) ||
            (pipeline->connector == CONNECTOR_OR && shell->status == 0)) {
            continue;
        }
        run_pipeline(shell, pipeline);
    }
}

void executor_run_list(struct shell *shell, const struct list *list) {
    for (const struct statement *statement = list->statements;
         statement != NULL && !shell->exiting && !shell_interrupted; statement = statement->next) {
        if (statement->background) {
            run_in_background(shell, statement);
        } else {
            executor_run_statement(shell, statement);
        }
    }
}

/* SPDX-License-Identifier: MIT */
#include "programs/shell/builtins.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/number.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/shell/control.h"
#include "programs/shell/launch.h"
#include "programs/shell/parser.h"

int builtin_print(const char *name, const struct text *output) {
    if (stream_write(STDOUT_FILENO, text_string(output), output->length) != 0) {
        if (errno != EPIPE) {
            report("%s: write error: %s", name, strerror(errno));
        }
        return 1;
    }
    return 0;
}

/* A report about the use of a built-in command; returns the status for it. */
static int wrong_use(const char *name, const char *problem) {
    report("%s: %s (see: help)", name, problem);
    return STATUS_USAGE;
}

static int run_true(struct shell *shell, char **arguments, size_t n) {
    (void)shell;
    (void)arguments;
    (void)n;
    return 0;
}

static int run_false(struct shell *shell, char **arguments, size_t n) {
    (void)shell;
    (void)arguments;
    (void)n;
    return 1;
}

/* The working directory, in memory of its own, or null with errno. */
static char *current_directory(void) {
    char buffer[PATH_MAX];

    return getcwd(buffer, sizeof buffer) == NULL ? NULL : strdup(buffer);
}

static int run_cd(struct shell *shell, char **arguments, size_t n) {
    struct variables *variables = &shell->variables;
    const char *target = n > 1 ? arguments[1] : variables_get(variables, "HOME");
    char *before = NULL;
    char *after = NULL;
    int back = n > 1 && strcmp(arguments[1], "-") == 0;

    if (n > 2) {
        return wrong_use("cd", "too many arguments");
    }
    if (back) {
        target = variables_get(variables, "OLDPWD");
    }
    if (target == NULL || *target == '\0') {
        report("cd: %s is not set", back ? "OLDPWD" : "HOME");
        return 1;
    }
    before = current_directory();
    if (chdir(target) != 0) {
        report("cd: %s: %s", target, strerror(errno));
        free(before);
        return 1;
    }
    after = current_directory();
    if (back) {
        struct text line = {0};

        text_append_format(&line, "%s\n", after == NULL ? target : after);
        builtin_print("cd", &line);
        text_free(&line);
    }
    variables_set(variables, "OLDPWD", before == NULL ? "" : before);
    variables_set(variables, "PWD", after == NULL ? "" : after);
    variables_export(variables, "OLDPWD");
    variables_export(variables, "PWD");
    free(before);
    free(after);
    return 0;
}

static int run_pwd(struct shell *shell, char **arguments, size_t n) {
    struct text line = {0};
    char *directory = current_directory();
    int status = 1;

    (void)shell;
    (void)arguments;
    (void)n;
    if (directory == NULL) {
        report("pwd: %s", strerror(errno));
        return 1;
    }
    text_append_format(&line, "%s\n", directory);
    status = builtin_print("pwd", &line);
    text_free(&line);
    free(directory);
    return status;
}

static int run_exit(struct shell *shell, char **arguments, size_t n) {
    uint64_t status = (uint64_t)shell->status;

    if (n > 2 || (n == 2 && number_parse(arguments[1], 255, &status) != 0)) {
        return wrong_use("exit", "the status must be a number from 0 to 255");
    }
    for (struct job *job = shell->jobs.first; job != NULL && shell->interactive; job = job->next) {
        if (job_state(job) == PROCESS_STOPPED && !shell->warned) {
            report("there are stopped jobs; exit again to leave them");
            shell->warned = 2; /* for the line after this one */
            return 1;
        }
    }
    shell->exiting = 1;
    return (int)status;
}

/* What `export` without arguments prints: lines that the shell would read back. */
static int list_exported(const struct shell *shell) {
    struct text output = {0};
    int status = 0;

    for (size_t i = 0; i < shell->variables.n; i++) {
        const struct variable *variable = &shell->variables.items[i];

        if (!variable->exported || variable->value == NULL) {
            continue;
        }
        text_append_format(&output, "export %s='", variable->name);
        for (const char *c = variable->value; *c != '\0'; c++) {
            if (*c == '\'') {
                text_append_string(&output, "'\\''");
            } else {
                text_append_byte(&output, *c);
            }
        }
        text_append_string(&output, "'\n");
    }
    status = builtin_print("export", &output);
    text_free(&output);
    return status;
}

static int run_export(struct shell *shell, char **arguments, size_t n) {
    int status = 0;

    if (n == 1) {
        return list_exported(shell);
    }
    for (size_t i = 1; i < n; i++) {
        size_t length = parser_assignment_name(arguments[i]);

        if (length > 0) {
            arguments[i][length] = '\0';
            variables_set(&shell->variables, arguments[i], arguments[i] + length + 1);
        } else if (!parser_is_name(arguments[i], strlen(arguments[i]))) {
            report("export: %s: not a variable's name", arguments[i]);
            status = 1;
            continue;
        }
        variables_export(&shell->variables, arguments[i]);
    }
    return status;
}

static int run_unset(struct shell *shell, char **arguments, size_t n) {
    int status = 0;

    for (size_t i = 1; i < n; i++) {
        if (parser_is_name(arguments[i], strlen(arguments[i]))) {
            variables_unset(&shell->variables, arguments[i]);
        } else {
            report("unset: %s: not a variable's name", arguments[i]);
            status = 1;
        }
    }
    return status;
}

static int run_exec(struct shell *shell, char **arguments, size_t n) {
    int status = 0;

    if (n == 1) {
        return 0; /* its redirections are what was wanted */
    }
    status = launch_replace(shell, arguments + 1);
    shell->exiting = !shell->interactive;
    return status;
}

static int run_history(struct shell *shell, char **arguments, size_t n) {
    const struct history *history = &shell->history;
    struct text output = {0};
    uint64_t wanted = history->n;
    int status = 0;

    if (n > 2 || (n == 2 && number_parse(arguments[1], SIZE_MAX, &wanted) != 0)) {
        return wrong_use("history", "the number of lines must be a number");
    }
    for (size_t i = wanted < history->n ? history->n - wanted : 0; i < history->n; i++) {
        text_append_format(&output, "%5zu  %s\n", history->n_forgotten + i + 1, history->lines[i]);
    }
    status = builtin_print("history", &output);
    text_free(&output);
    return status;
}

static const char help_intro[] =
    "Words are separated by blanks; 'single' and \"double\" quotes and \\ protect what is "
    "special.\n"
    "\n"
    "  a; b   a, then b             a & b  a in the background\n"
    "  a && b b if a succeeded      a || b b if a failed\n"
    "  a | b  a's output into b     ( a )  in a copy of the shell\n"
    "  < file  > file  >> file  2> file  2>&1   input, output, append, errors, errors with output\n"
    "  $NAME ${NAME} $? $$ $!       variables, last status, own and last background process id\n"
    "  NAME=value                   set a variable;  # starts a comment\n"
    "  * ? [a-z]                    names of files that match;  ~ is $HOME\n"
    "\n"
    "Arrows, Home, End, Delete, Ctrl-A E K U W Y L and Alt-B F D edit the line; Up and Down bring\n"
    "back earlier ones; Tab completes names; Ctrl-C ends a program, Ctrl-D on an empty line the\n"
    "shell. Commands that are part of the shell (the others are programs in $PATH, see --help of\n"
    "each):\n"
    "\n";

static int run_help(struct shell *shell, char **arguments, size_t n) {
    struct text output = {0};
    int status = 0;

    (void)shell;
    if (n == 1) {
        text_append_string(&output, help_intro);
        for (const struct builtin *builtin = builtins_all; builtin->name != NULL; builtin++) {
            text_append_format(&output, "  %s %s\n", builtin->name, builtin->usage);
        }
    }
    for (size_t i = 1; i < n; i++) {
        const struct builtin *builtin = builtins_find(arguments[i]);

        if (builtin == NULL) {
            report("help: %s: not part of the shell; try %s --help", arguments[i], arguments[i]);
            status = 1;
        } else {
            text_append_format(&output, "%s %s\n", builtin->name, builtin->usage);
        }
    }
    status |= builtin_print("help", &output);
    text_free(&output);
    return status;
}

const struct builtin builtins_all[] = {
    {":", run_true, 0, "[ARGUMENT...]: does nothing, successfully"},
    {"bg", builtin_bg, 0, "[%JOB...]: lets stopped jobs go on in the background"},
    {"cd", run_cd, 0, "[DIRECTORY | -]: changes the working directory; to $HOME, or back"},
    {"exec", run_exec, BUILTIN_KEEPS_REDIRECTS,
     "[COMMAND [ARGUMENT...]]: becomes the command; or redirects the shell itself"},
    {"exit", run_exit, 0, "[STATUS]: ends the shell"},
    {"export", run_export, 0, "[NAME[=VALUE]...]: hands variables to programs; or lists those"},
    {"false", run_false, 0, ": does nothing, and fails"},
    {"fg", builtin_fg, 0, "[%JOB]: brings a job into the foreground"},
    {"help", run_help, 0, "[COMMAND...]: this"},
    {"history", run_history, 0, "[N]: the last lines typed"},
    {"jobs", builtin_jobs, 0, ": what runs in the background or is stopped"},
    {"kill", builtin_kill, 0, "[-SIGNAL] %JOB | PROCESS...: sends a signal; -l lists them"},
    {"pwd", run_pwd, 0, ": prints the working directory"},
    {"true", run_true, 0, ": does nothing, successfully"},
    {"unset", run_unset, 0, "NAME...: forgets variables"},
    {"wait", builtin_wait, 0, "[%JOB | PROCESS...]: waits for background jobs to end"},
    {NULL, NULL, 0, NULL},
};

const struct builtin *builtins_find(const char *name) {
    for (const struct builtin *builtin = builtins_all; builtin->name != NULL; builtin++) {
        if (strcmp(builtin->name, name) == 0) {
            return builtin;
        }
    }
    return NULL;
}

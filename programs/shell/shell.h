/* SPDX-License-Identifier: MIT */
/*
 * The state of the running shell, which the executor, the built-in commands and the prompt share.
 */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "programs/shell/expander.h"
#include "programs/shell/history.h"
#include "programs/shell/jobs.h"
#include "programs/shell/variables.h"

/* Exit statuses that POSIX gives a meaning. */
#define STATUS_SYNTAX         2
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_SIGNAL         128 /* + the signal's number */

/* Descriptors from here on are the shell's own; below it they are the user's (0 to 9). */
#define SHELL_FIRST_FD 10

struct shell {
    struct variables variables;
    struct jobs jobs;
    struct history history;
    const char *name;        /* $0 */
    char *const *parameters; /* $1 and so on */
    size_t n_parameters;
    pid_t pid;             /* $$: of the main shell, in its subshells too */
    pid_t last_background; /* $!, 0 if there is none */
    int status;            /* $? */
    int interactive;       /* it shows prompts */
    int job_control;       /* each job has a process group, and the terminal is handed around */
    int exiting;           /* the shell is to end with *status* */
    int warned;            /* `exit` has just said that there are stopped jobs */
    pid_t group;           /* the shell's own, and the terminal's when we came: both with */
    pid_t original_group;  /* job control only */
    struct termios modes;  /* the terminal's while the shell is at its prompt, if has_modes */
    int has_modes;
    char value[24]; /* where shell_expander's $?, $$, $# and $! are written */
};

/* Set by SIGINT, cleared at each prompt: what runs on behalf of a line should stop. */
extern volatile sig_atomic_t shell_interrupted;

/* The callbacks and parameters for expanding words in this shell. */
struct expander shell_expander(struct shell *shell);

/* Parses the whole text, then runs it; returns the status. A syntax error is reported, and nothing
 * is run. *origin* names the text in reports, or is null. */
int shell_run_text(struct shell *shell, const char *text, const char *origin);

/* Reads a file and runs it as shell_run_text does. Status 126 or 127 if it cannot be read. */
int shell_run_file(struct shell *shell, const char *path);

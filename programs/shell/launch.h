/* SPDX-License-Identifier: MIT */
/*
 * Starting the processes of a job. Programs are started with posix_spawn, which is much cheaper
 * here than a copy of the shell; only what the shell itself must do in a process of its own
 * (subshells, built-in commands in a pipeline) is forked.
 */
#pragma once

#include "programs/shell/arena.h"
#include "programs/shell/builtins.h"
#include "programs/shell/control.h"
#include "programs/shell/fields.h"
#include "programs/shell/parser.h"
#include "programs/shell/shell.h"

/* A command whose words are expanded. */
struct invocation {
    const struct command *command;
    struct fields arguments;       /* none for a subshell, or if there are only assignments */
    const struct builtin *builtin; /* null if it is not one */
};

/* What the neighbours in a pipeline and the job ask of a process. */
struct launch {
    struct job *job;
    enum control_place place;
    int input;  /* the descriptor to read from, -1 for the shell's own standard input */
    int output; /* likewise */
    int unused; /* the next process's end of the pipe, to be closed in a forked child, or -1 */
};

/* Expands a command's words. Returns 0, or -1 after a report. */
int launch_prepare(struct invocation *invocation, struct shell *shell, struct arena *arena,
                   const struct command *command);

/* Starts it as a process of launch->job. A failure is reported and becomes a process that has
 * ended with the status for it. */
void launch_start(const struct invocation *invocation, const struct launch *launch,
                  struct shell *shell, struct arena *arena);

/* Starts a child that runs a whole statement. */
void launch_statement(const struct statement *statement, const struct launch *launch,
                      struct shell *shell);

/* Puts the assignments in front of a command into effect, exported. launch_unassign takes them
 * back. Returns 0, or -1 after a report; take them back then, too. */
struct assigned {
    struct assigned *next;
    char *name;
    char *value; /* before, null if it was not set */
    int exported;
};

int launch_assign(struct assigned **assigned, struct shell *shell, struct arena *arena,
                  const struct word *assignments);
void launch_unassign(struct assigned *assigned, struct shell *shell);

/* Replaces the shell by a program; returns the status only if that fails, after a report. */
int launch_replace(struct shell *shell, char **arguments);

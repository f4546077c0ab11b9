/* SPDX-License-Identifier: MIT */
/*
 * The commands that the shell carries out itself.
 */
#pragma once

#include "programs/common/text.h"
#include "programs/shell/shell.h"

enum builtin_flags {
    BUILTIN_KEEPS_REDIRECTS = 1, /* its redirections stay in effect (exec) */
};

struct builtin {
    const char *name;
    /* Runs it; returns its status. arguments[0] is the name, arguments[n] is null. */
    int (*run)(struct shell *shell, char **arguments, size_t n);
    enum builtin_flags flags;
    const char *usage; /* arguments and a sentence, for `help` */
};

/* The command of that name, or null. */
const struct builtin *builtins_find(const char *name);

/* All of them, sorted by name, ended by one whose name is null. */
extern const struct builtin builtins_all[];

/* Those that are about jobs; in builtins_jobs.c. */
int builtin_bg(struct shell *shell, char **arguments, size_t n);
int builtin_fg(struct shell *shell, char **arguments, size_t n);
int builtin_jobs(struct shell *shell, char **arguments, size_t n);
int builtin_kill(struct shell *shell, char **arguments, size_t n);
int builtin_wait(struct shell *shell, char **arguments, size_t n);

/* Writes to standard output; returns 0, or 1 after a report. */
int builtin_print(const char *name, const struct text *output);

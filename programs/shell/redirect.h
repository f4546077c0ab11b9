/* SPDX-License-Identifier: MIT */
/*
 * Redirections, in two steps: a plan is made (files opened, targets checked), then carried out in
 * the shell, in a forked child, or by posix_spawn.
 *
 * Invariant: files that a plan opened have descriptors from SHELL_FIRST_FD on and close on exec,
 * so that the steps of a plan can be carried out one by one in any combination.
 */
#pragma once

#include <spawn.h>
#include <stddef.h>

#include "programs/shell/arena.h"
#include "programs/shell/parser.h"
#include "programs/shell/shell.h"

struct redirect_step {
    int source; /* -1: close the target */
    int target;
    int owned; /* close the source when the plan is released */
    int saved; /* what the target was before redirect_apply, -1 if closed */
};

struct redirect_plan {
    struct redirect_step *steps;
    size_t n;
    size_t n_applied; /* by redirect_apply */
    size_t capacity;
};

/* Adds a step that a pipe needs; *source* stays the caller's. */
void redirect_add(struct redirect_plan *plan, int source, int target);

/* Adds steps for the redirections of a command. Returns 0, or -1 after a report. Opening a FIFO may
 * block. Release the plan in either case. */
int redirect_prepare(struct redirect_plan *plan, struct shell *shell, struct arena *arena,
                     const struct redirect *redirects);

/* Carries it out in this process and remembers what was there. 0, or -1 after a report. */
int redirect_apply(struct redirect_plan *plan);

/* Takes back what redirect_apply did. */
void redirect_undo(struct redirect_plan *plan);

/* Makes what redirect_apply did permanent, as `exec` and children do. */
void redirect_keep(struct redirect_plan *plan);

/* Adds the steps to what posix_spawn is to do; returns an errno value or 0. */
int redirect_add_actions(const struct redirect_plan *plan, posix_spawn_file_actions_t *actions);

/* Closes what it opened. */
void redirect_release(struct redirect_plan *plan);

/* Moves a descriptor to SHELL_FIRST_FD or above, closing on exec, and closes the old one. Returns
 * the new one or -1 with errno. */
int redirect_move_up(int fd);

/* SPDX-License-Identifier: MIT */
/*
 * Walks the tree: lists, "&&" and "||", pipelines, and commands that run in the shell itself. Every
 * function leaves the result in shell->status.
 */
#pragma once

#include "programs/shell/launch.h"
#include "programs/shell/parser.h"
#include "programs/shell/shell.h"

/* Runs the statements until the end, `exit`, or an interrupt. */
void executor_run_list(struct shell *shell, const struct list *list);

/* Runs one statement in the foreground, whether or not it ends with "&". */
void executor_run_statement(struct shell *shell, const struct statement *statement);

/* Runs a built-in command, or assignments and redirections without a command, in this process. */
void executor_run_here(const struct invocation *invocation, struct shell *shell,
                       struct arena *arena);

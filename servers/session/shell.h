/* SPDX-License-Identifier: MIT */
/* Starting a shell as the leader of a session of its own, and learning how it ended. */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

/* Exit code of one that could not be started, as shells have it. */
enum { SHELL_NOT_STARTED = 127 };

/*
 * Starts the shell on an open terminal (of this kind: FILE_MODE_CHARACTER), with `-c command`
 * unless that is NULL. It and what it starts live in `budget`; HANDLE_NONE: in ours. *process is a
 * handle of it, the caller's to close.
 */
WARN_UNUSED status_t shell_start(handle_t terminal, uint32_t kind, char *command, handle_t budget,
                                 handle_t *process, uint32_t *pid);

/* Waits for its end; *code is its exit status, or 128 + the signal that ended it. */
WARN_UNUSED status_t shell_await(uint32_t pid, uint32_t *code);

/* Does the shell with this pid, which an earlier run of ours started, still run? If it does not it
 * is forgotten. While proc cannot say, it does. */
WARN_UNUSED bool shell_lives(uint32_t pid);

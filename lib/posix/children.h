/* SPDX-License-Identifier: MIT */
/*
 * A handle of each child until it is waited for: so that the kernel keeps what it knows of one that
 * has ended, even if proc, which is to tell us, is being restarted at that moment. With this handle
 * nothing can be done but look.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

/* Takes the handle over. Beyond CHILDREN_MAX the oldest is let go: only the guarantee is lost. */
void child_keep(uint32_t pid, handle_t process);

/* It has been waited for. */
void child_forget(uint32_t pid);

/*
 * proc's adopt, also across its end: whether the child began is then seen by the child itself.
 * (lib/posix/process.c)
 */
WARN_UNUSED status_t process_adopt(handle_t child, uint32_t flags, uint32_t group, uint64_t entry,
                                   uint64_t stack, uint32_t *pid);

/* Before exec: the parent of a vfork may go on. (lib/posix/process.c) */
void process_release_parent(void);

/* In the child of a fork, which has no children; the handles did not come along. */
void children_after_fork(void);

/* SPDX-License-Identifier: MIT */
#pragma once

#include "kernel/thread.h"

struct budget;

/* The budget behind a handle with these rights; 0 is the process's own, with MANAGE only. */
WARN_UNUSED status_t budget_find(struct thread *thread, uint64_t handle, uint32_t rights,
                                 struct budget **budget);

/* PROCESS_DISCARD of process_control: drops the private pages in [rdx, r10) of the own
 * space, in steps. */
WARN_UNUSED status_t process_discard(struct thread *thread);

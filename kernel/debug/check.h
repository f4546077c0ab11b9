/* SPDX-License-Identifier: MIT */
/* Checks of the invariants, for debug builds: each panics where one is broken. */
#pragma once

#include "kernel/types.h"

/* After every system call of a debug build: all that concerns the current thread and the run
 * queues, and a bounded part of everything else, the next part each time. */
void debug_check(void);

/* As a CPU leaves the kernel, if anything has changed about who runs. */
void debug_check_leave(void);

/* All that can be checked: every process, thread and handle. Slow. */
void debug_check_all(void);

/* Breaks invariant `which` (1 to 8) on purpose, to see that the checks notice. */
void debug_break(uint64_t which);

/* A free slot of a slab, behind the link at its beginning, holds the poison still. */
void debug_poison_check(const void *slot, uint32_t size, uint8_t poison);

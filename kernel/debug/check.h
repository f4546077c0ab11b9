/* SPDX-License-Identifier: MIT */
/* Checks of the invariants, for debug builds: each panics where one is broken. */
#pragma once

#include "kernel/types.h"

/* After every system call of a debug build: all that concerns the current thread and the run
 * queues, and a bounded part of everything else, the next part each time. */
void debug_check(void);

/* As a CPU leaves the kernel, if anything has changed about who runs. */
void debug_check_leave(void);

/* All that can be checked: every process, thread and handle. Slow; not inline, as tools/stretch
 * does not count it. */
NOINLINE void debug_check_all(void);

/* Breaks invariant `which` (1 to 8) on purpose, to see that the checks notice. */
void debug_break(uint64_t which);

/* Memory that nobody should have touched holds the same bytes still: poison, or zeros. */
void debug_fill_check(const void *memory, size_t size, uint8_t fill);

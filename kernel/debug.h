/* SPDX-License-Identifier: MIT */
/* Checks of the invariants, for debug builds: each panics where one is broken. */
#pragma once

/* Cheap ones, after every system call of a debug build: about the current thread. */
void debug_check(void);

/* All that can be checked: every process, thread and handle. Slow. */
void debug_check_all(void);

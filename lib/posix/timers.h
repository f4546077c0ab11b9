/* SPDX-License-Identifier: MIT */
/*
 * POSIX's timers (timer_create). A thread of the library waits for them: it is made with the first
 * timer, takes no signals, and is not among posix.threads. The timers of setitimer are proc's.
 */
#pragma once

#include "lib/base/types.h"

enum { TIMERS_MAX = 32 };
#define TIMER_OVERRUN_MAX 0x7fffffff

/* The signal of this timer was taken, with so many further expiries in it: timer_getoverrun. */
void timer_delivered(uint32_t timer, uint32_t overrun);

/* The wall clock was set: timers that wait for one of its times look again. */
void timers_clock_set(void);

/* The child of a fork has none. */
void timers_after_fork(void);

/* SPDX-License-Identifier: MIT */
/* The clocks of POSIX, in nanoseconds. */
#pragma once

#include <time.h>

#include "lib/base/types.h"

/* How often who waits for a time of the wall clock looks whether it was set. */
#define CLOCK_LOOK_NS NS_PER_S

/* What the clock (CLOCK_REALTIME ...) says. Minus an errno if there is none of this number. */
int clock_read(long clock, uint64_t *ns);

/* Does it count CPU time, of the process or of a thread? */
bool clock_is_cpu(long clock);

struct timespec timespec_of(uint64_t ns);
bool timespec_is_valid(const struct timespec *time);
/* UINT64_MAX if it is too far away. */
uint64_t timespec_ns(const struct timespec *time);

/* When `timeout` from now is over (NULL: never). -EINVAL if it is none, else 0. */
int timeout_deadline(const struct timespec *timeout, uint64_t *deadline);

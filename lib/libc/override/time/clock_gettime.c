/* SPDX-License-Identifier: MIT */
/* The two clocks that programs read all the time come from the kernel's info page, at once; the
 * others are a call of the library below. */
#include <time.h>

#include "lib/native/time.h"
#include "syscall.h"

int __clock_gettime(clockid_t clock, struct timespec *time) {
    uint64_t ns;

    if (clock == CLOCK_MONOTONIC) {
        ns = time_now_ns();
    } else if (clock == CLOCK_REALTIME) {
        ns = (uint64_t)time_wall_ns();
    } else {
        return (int)__syscall_ret((unsigned long)__syscall(SYS_clock_gettime, clock, time));
    }
    time->tv_sec = (time_t)(ns / NS_PER_S);
    time->tv_nsec = (long)(ns % NS_PER_S);
    return 0;
}

weak_alias(__clock_gettime, clock_gettime);

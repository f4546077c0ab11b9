/* SPDX-License-Identifier: MIT */
/*
 * Clocks from the info page; sleeping; the timers of setitimer, which are proc's.
 */
#include "lib/posix/clock.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "abi/kernel.h"
#include "abi/tag.h"
#include "lib/native/block.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/call.h"
#include "abi/generated/clock.h"
#include "lib/posix/calls.h"
#include "lib/posix/errno.h"
#include "lib/posix/proc.h"
#include "lib/posix/thread.h"
#include "lib/posix/timers.h"

struct timespec timespec_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static struct timeval timeval_of(uint64_t ns) {
    return (struct timeval){.tv_sec = (time_t)(ns / NS_PER_S),
                            .tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US)};
}

/* Linux's numbers of the clocks of clock_getcpuclockid and pthread_getcpuclockid: the complement of
 * the pid or thread number, and below it these bits. */
enum { CPU_CLOCK_SHIFT = 3, CPU_CLOCK_KIND = 7, CPU_CLOCK_PROCESS = 2, CPU_CLOCK_THREAD = 6 };

static uint64_t process_cpu_ns(void) {
    struct process_status own;
    status_t status =
        sys_process_info(HANDLE_NONE, PROCESS_INFO_STATUS, &own, sizeof own, 0, NULL, NULL);

    return status == OK ? own.cpu_ns : 0; /* it cannot fail */
}

/* The kernel counts by the process: a thread has had at most what its process has had, and at most
 * the time since it began. For a program of one thread that is exact. */
static uint64_t thread_cpu_ns(uint64_t start_ns) {
    return MIN(process_cpu_ns(), time_now_ns() - start_ns);
}

/* -EINVAL: no such thread; -ESRCH: no such process; -EPERM: a process that is not the caller. */
static int cpu_clock_read(long clock, uint64_t *ns) {
    uint32_t number = ~(uint32_t)((int32_t)clock >> CPU_CLOCK_SHIFT);
    const struct posix_thread *thread;
    uint64_t start_ns = 0;

    switch (clock & CPU_CLOCK_KIND) {
    case CPU_CLOCK_PROCESS:
        if (number != 0 && number != process_pid()) {
            const long arguments[6] = {(long)number, 0};

            return number <= TAG_PID_MAX && call_kill(arguments) != -ESRCH ? -EPERM : -ESRCH;
        }
        *ns = process_cpu_ns();
        return 0;
    case CPU_CLOCK_THREAD:
        critical_lock(&threads_lock);
        thread = number == 0 ? thread_self() : thread_find(number);
        start_ns = thread != NULL ? thread->start_ns : 0;
        critical_unlock(&threads_lock);
        if (thread == NULL) {
            return -EINVAL;
        }
        *ns = thread_cpu_ns(start_ns);
        return 0;
    default:
        return -EINVAL;
    }
}

int clock_read(long clock, uint64_t *ns) {
    if ((int32_t)clock < 0) {
        return cpu_clock_read((int32_t)clock, ns);
    }
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *ns = (uint64_t)time_wall_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *ns = time_now_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *ns = process_cpu_ns();
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = thread_cpu_ns(thread_self()->start_ns);
        return 0;
    default:
        return -EINVAL;
    }
}

bool clock_is_cpu(long clock) {
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ||
           (int32_t)clock < 0;
}

long call_clock_gettime(const long *a) {
    uint64_t ns;
    int error = clock_read(a[0], &ns);

    if (error == 0) {
        *(struct timespec *)a[1] = timespec_of(ns);
    }
    return error == -ESRCH ? -EINVAL : error;
}

/* ESRCH is for clock_getcpuclockid, which asks here. */
long call_clock_getres(const long *a) {
    uint64_t ns;
    int error = clock_read(a[0], &ns);

    if (error == 0 && a[1] != 0) {
        *(struct timespec *)a[1] = (struct timespec){.tv_nsec = 1};
    }
    return error;
}

/* Who has /dev/clock in its namespace may. CPU clocks cannot be set, as on Linux. */
long call_clock_settime(const long *a) {
    const struct timespec *time = (const struct timespec *)a[1];
    handle_t gate;
    uint64_t ns;

    if (a[0] != CLOCK_REALTIME) {
        return clock_is_cpu(a[0]) && clock_read(a[0], &ns) == 0 ? -EPERM : -EINVAL;
    }
    if (!timespec_is_valid(time) || timespec_ns(time) > CLOCK_WALL_MAX) {
        return -EINVAL;
    }
    if (namespace_root("/dev/clock", &gate) != OK) {
        return -EPERM;
    }
    status_t status = clock_set(gate, timespec_ns(time), DEADLINE_NEVER);

    handle_drop(gate);
    timers_clock_set();
    return errno_from_status(status);
}

long call_gettimeofday(const long *a) {
    if (a[0] != 0) {
        *(struct timeval *)a[0] = timeval_of((uint64_t)time_wall_ns());
    }
    return 0;
}

long call_time(const long *a) {
    long seconds = (long)(time_wall_ns() / (int64_t)NS_PER_S);

    if (a[0] != 0) {
        *(long *)a[0] = seconds;
    }
    return seconds;
}

/* ---- sleeping ---- */

/* Until the deadline of the monotonic clock, or a signal handler ran. POSIX has no restart here:
 * SA_RESTART goes on by itself. */
static int sleep_until(uint64_t deadline) {
    static const volatile uint32_t never;

    for (;;) {
        status_t status = posix_futex_wait(&never, 0, deadline, 0);

        if (status == ERROR_TIMEOUT) {
            return 0;
        }
        if (status == ERROR_INTERRUPTED) {
            return -EINTR;
        }
    }
}

bool timespec_is_valid(const struct timespec *time) {
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)NS_PER_S;
}

uint64_t timespec_ns(const struct timespec *time) {
    uint64_t ns;

    if (u64_mul_overflows((uint64_t)time->tv_sec, NS_PER_S, &ns) ||
        u64_add_overflows(ns, (uint64_t)time->tv_nsec, &ns)) {
        return UINT64_MAX;
    }
    return ns;
}

int timeout_deadline(const struct timespec *timeout, uint64_t *deadline) {
    *deadline = DEADLINE_NEVER;
    if (timeout != NULL && !timespec_is_valid(timeout)) {
        return -EINVAL;
    }
    if (timeout != NULL) {
        *deadline = time_deadline(timespec_ns(timeout));
    }
    return 0;
}

static int sleep_for(const struct timespec *time, struct timespec *left) {
    uint64_t deadline;
    int error = timeout_deadline(time, &deadline);

    if (error == 0) {
        error = sleep_until(deadline);
    }
    if (error == -EINTR && left != NULL) {
        uint64_t now = time_now_ns();

        *left = timespec_of(deadline > now ? deadline - now : 0);
    }
    return error;
}

long call_nanosleep(const long *a) {
    return sleep_for((const struct timespec *)a[0], (struct timespec *)a[1]);
}

/* Until the wall clock says `wall_ns`. The clock may be set meanwhile, which wakes nobody: so it is
 * looked at again every second. */
static int sleep_until_wall(uint64_t wall_ns) {
    for (;;) {
        int64_t left = (int64_t)MIN(wall_ns, (uint64_t)INT64_MAX) - time_wall_ns();

        if (left <= 0) {
            return 0;
        }
        int error = sleep_until(time_deadline(MIN((uint64_t)left, CLOCK_LOOK_NS)));

        if (error != 0) {
            return error;
        }
    }
}

long call_clock_nanosleep(const long *a) {
    const struct timespec *time = (const struct timespec *)a[2];

    if (a[0] != CLOCK_REALTIME && a[0] != CLOCK_MONOTONIC) {
        return clock_is_cpu(a[0]) ? -ENOTSUP : -EINVAL;
    }
    if ((a[1] & TIMER_ABSTIME) == 0) {
        return sleep_for(time, (struct timespec *)a[3]);
    }
    if (!timespec_is_valid(time)) {
        return -EINVAL;
    }
    return a[0] == CLOCK_REALTIME ? sleep_until_wall(timespec_ns(time))
                                  : sleep_until(timespec_ns(time));
}

/* ---- setitimer ---- */

_Static_assert(ITIMER_REAL == PROC_TIMER_REAL && ITIMER_VIRTUAL == PROC_TIMER_VIRTUAL &&
                   ITIMER_PROF == PROC_TIMER_PROFILE,
               "the same numbers");

static bool timeval_is_valid(const struct timeval *time) {
    return time->tv_sec >= 0 && time->tv_usec >= 0 && time->tv_usec < 1000000;
}

static uint64_t timeval_ns(const struct timeval *time) {
    const struct timespec same = {.tv_sec = time->tv_sec, .tv_nsec = time->tv_usec * 1000};

    return timespec_ns(&same);
}

/* What is left is rounded up: 0 would say that the timer is not set. */
static struct itimerval itimer_of(uint64_t left, uint64_t interval) {
    return (struct itimerval){
        .it_interval = timeval_of(interval),
        .it_value = timeval_of(left < UINT64_MAX - NS_PER_US ? left + NS_PER_US - 1 : left),
    };
}

long call_setitimer(const long *a) {
    const struct itimerval *new = (const struct itimerval *)a[1];
    uint64_t left, interval;

    if (a[0] < ITIMER_REAL || a[0] > ITIMER_PROF || new == NULL ||
        !timeval_is_valid(&new->it_value) || !timeval_is_valid(&new->it_interval)) {
        return -EINVAL;
    }
    if (proc_gate() == HANDLE_NONE) {
        return -ENOSYS;
    }
    status_t status =
        proc_set_timer(proc_gate(), (uint32_t)a[0], timeval_ns(&new->it_value),
                       timeval_ns(&new->it_interval), &left, &interval, DEADLINE_NEVER);

    if (status == OK && a[2] != 0) {
        *(struct itimerval *)a[2] = itimer_of(left, interval);
    }
    return errno_from_status(status);
}

long call_getitimer(const long *a) {
    uint64_t left, interval;

    if (a[0] < ITIMER_REAL || a[0] > ITIMER_PROF) {
        return -EINVAL;
    }
    if (proc_gate() == HANDLE_NONE) {
        return -ENOSYS;
    }
    status_t status = proc_get_timer(proc_gate(), (uint32_t)a[0], &left, &interval, DEADLINE_NEVER);

    if (status == OK) {
        *(struct itimerval *)a[1] = itimer_of(left, interval);
    }
    return errno_from_status(status);
}

long call_alarm(const long *a) {
    struct itimerval new = {.it_value.tv_sec = (time_t)(unsigned)a[0]}, old = {0};
    const long args[6] = {ITIMER_REAL, (long)&new, (long)&old};

    if (call_setitimer(args) != 0) {
        return 0;
    }
    return old.it_value.tv_sec + (old.it_value.tv_usec != 0 ? 1 : 0);
}

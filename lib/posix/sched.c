/* SPDX-License-Identifier: MIT */
/*
 * Scheduling policies and priorities of POSIX. They are kept for each thread and told to who asks,
 * but do not change when a thread runs: the kernel runs all threads of programs in turn, for
 * SLICE_NS each, and its higher priorities belong to servers and drivers. A program that could
 * raise itself over the others would be one that can stop them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "abi/kernel.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/calls.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"
#include "lib/posix/thread.h"

enum {
    PRIORITY_REAL_TIME_MIN = 1,
    PRIORITY_REAL_TIME_MAX = 99,
    SLICE_NS = 10 * 1000 * 1000, /* the kernel's */
};

static bool policy_exists(long policy) {
    return policy == SCHED_OTHER || policy == SCHED_FIFO || policy == SCHED_RR ||
           policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static bool policy_is_real_time(long policy) {
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool priority_is_valid(long policy, int priority) {
    return policy_is_real_time(policy)
               ? priority >= PRIORITY_REAL_TIME_MIN && priority <= PRIORITY_REAL_TIME_MAX
               : priority == 0;
}

/* A thread of this program by its number, 0: the caller. With threads_lock held if found. */
static struct posix_thread *thread_lock(long number) {
    critical_lock(&threads_lock);
    struct posix_thread *thread = number == 0 ? thread_self() : thread_find((uint32_t)number);

    if (thread == NULL) {
        critical_unlock(&threads_lock);
    }
    return thread;
}

/* For a number that is no thread of ours: is it a process? */
static bool process_exists(long number) {
    const long arguments[6] = {number, 0};

    return number > 0 && call_kill(arguments) != -ESRCH;
}

/* Policy -1: as it is. Only threads of the own program can be set. */
static long scheduling_set(long number, long policy, const struct sched_param *parameters) {
    long error = 0;

    if (number < 0 || parameters == NULL || (policy != -1 && !policy_exists(policy))) {
        return -EINVAL;
    }
    struct posix_thread *thread = thread_lock(number);

    if (thread == NULL) {
        return process_exists(number) ? -EPERM : -ESRCH;
    }
    if (policy == -1) {
        policy = thread->policy;
    }
    if (priority_is_valid(policy, parameters->sched_priority)) {
        thread->policy = (uint8_t)policy;
        thread->priority = (uint8_t)parameters->sched_priority;
    } else {
        error = -EINVAL;
    }
    critical_unlock(&threads_lock);
    return error;
}

/* Other processes have the policy that all begin with, as far as one can see. */
static long scheduling_get(long number, long *policy, int *priority) {
    *policy = SCHED_OTHER;
    *priority = 0;
    if (number < 0) {
        return -EINVAL;
    }
    const struct posix_thread *thread = thread_lock(number);

    if (thread == NULL) {
        return process_exists(number) ? 0 : -ESRCH;
    }
    *policy = thread->policy;
    *priority = thread->priority;
    critical_unlock(&threads_lock);
    return 0;
}

long call_sched_setscheduler(const long *a) {
    long policy = (int)a[1] & ~SCHED_RESET_ON_FORK;

    return scheduling_set((int)a[0], policy < 0 ? LONG_MAX : policy,
                          (const struct sched_param *)a[2]);
}

long call_sched_setparam(const long *a) {
    return scheduling_set((int)a[0], -1, (const struct sched_param *)a[1]);
}

long call_sched_getscheduler(const long *a) {
    long policy;
    int priority;
    long error = scheduling_get((int)a[0], &policy, &priority);

    return error != 0 ? error : policy;
}

long call_sched_getparam(const long *a) {
    struct sched_param *parameters = (struct sched_param *)a[1];
    long policy;
    int priority;

    if (parameters == NULL) {
        return -EINVAL;
    }
    long error = scheduling_get((int)a[0], &policy, &priority);

    if (error == 0) {
        parameters->sched_priority = priority;
    }
    return error;
}

long call_sched_get_priority_max(const long *a) {
    return !policy_exists((int)a[0])        ? -EINVAL
           : policy_is_real_time((int)a[0]) ? PRIORITY_REAL_TIME_MAX
                                            : 0;
}

long call_sched_get_priority_min(const long *a) {
    return !policy_exists((int)a[0])        ? -EINVAL
           : policy_is_real_time((int)a[0]) ? PRIORITY_REAL_TIME_MIN
                                            : 0;
}

/* A thread of SCHED_FIFO is said to have no slice; in truth all have the same. */
long call_sched_rr_get_interval(const long *a) {
    long policy;
    int priority;
    long error = scheduling_get((int)a[0], &policy, &priority);

    if (error == 0) {
        *(struct timespec *)a[1] = timespec_of(policy == SCHED_FIFO ? 0 : SLICE_NS);
    }
    return error;
}

/* ---- processors ---- */

static uint64_t processors(void) {
    uint32_t n = MIN(info_page()->n_cpus, 64u);

    return n >= 64 ? UINT64_MAX : (1ull << MAX(n, 1u)) - 1;
}

long call_sched_getaffinity(const long *a) {
    if ((size_t)a[1] < sizeof(uint64_t)) {
        return -EINVAL;
    }
    *(uint64_t *)a[2] = processors();
    return sizeof(uint64_t);
}

/* Which of them a thread runs on is the kernel's choice: a set that has one of them is accepted. */
long call_sched_setaffinity(const long *a) {
    if ((size_t)a[1] < sizeof(uint64_t)) {
        return -EINVAL;
    }
    return (*(const uint64_t *)a[2] & processors()) != 0 ? 0 : -EINVAL;
}

long call_sched_yield(const long *a) {
    (void)a;
    status_ignore(sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL));
    return 0;
}

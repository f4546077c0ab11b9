/* SPDX-License-Identifier: MIT */
/*
 * futex, as musl uses it (libc.md section 4). Words in private memory and in memory shared with
 * other processes are found by the kernel in two ways, and musl does not always know which it has,
 * so: without FUTEX_PRIVATE_FLAG the shared way, which is right for both.
 */
#include "lib/posix/calls.h"

#include <errno.h>
#include <time.h>

#include "abi/kernel.h"
#include "lib/native/syscall.h"
#include "lib/posix/call.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"

enum {
    LINUX_FUTEX_WAIT = 0,
    LINUX_FUTEX_WAKE = 1,
    LINUX_FUTEX_REQUEUE = 3,
    LINUX_FUTEX_CMP_REQUEUE = 4,
    LINUX_FUTEX_OPERATION = 0x7f,
    LINUX_FUTEX_PRIVATE = 0x80,
};

static long wait(const volatile uint32_t *word, uint32_t expected, const struct timespec *timeout,
                 uint32_t flags) {
    uint64_t deadline;
    int error = timeout_deadline(timeout, &deadline);

    return error != 0 ? error
                      : errno_from_status(posix_futex_wait(word, expected, deadline, flags));
}

long call_futex(const long *a) {
    const volatile uint32_t *word = (const volatile uint32_t *)a[0];
    const volatile uint32_t *other = (const volatile uint32_t *)a[4];
    uint32_t flags = (a[1] & LINUX_FUTEX_PRIVATE) != 0 ? 0 : FUTEX_SHARED;
    uint32_t n_wake = (uint32_t)MAX((int)a[2], 0);
    uint64_t n = 0;
    status_t status;

    switch (a[1] & LINUX_FUTEX_OPERATION) {
    case LINUX_FUTEX_WAIT:
        return wait(word, (uint32_t)a[2], (const struct timespec *)a[3], flags);
    case LINUX_FUTEX_WAKE:
        status = sys_futex_wake(word, n_wake, flags, &n);
        break;
    case LINUX_FUTEX_CMP_REQUEUE:
        if (*word != (uint32_t)a[5]) {
            return -EAGAIN;
        }
        /* fall through */
    case LINUX_FUTEX_REQUEUE:
        status = sys_futex_requeue(word, n_wake, other,
                                   (uint32_t)MIN((uint64_t)a[3], (uint64_t)INT32_MAX), flags, &n);
        break;
    default:
        return -ENOSYS;
    }
    return errno_or(status, (long)n);
}

/* SPDX-License-Identifier: MIT */
/*
 * What musl calls instead of Linux, in servers and drivers: memory, the clock, output to the log,
 * the end. All else is -ENOSYS. The definitions are weak: lib/posix has the full set, and is linked
 * before.
 *
 * These run before there is thread-local storage (set_tp and set_tid_address come first), so
 * nothing here touches errno or %fs.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <sys/uio.h>

#include "lib/native/block.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

/* Linux's numbers for x86-64, as musl uses them. <sys/syscall.h> would do, but these are all that
 * there are here. */
enum linux_call {
    LINUX_WRITE = 1,
    LINUX_MMAP = 9,
    LINUX_MPROTECT = 10,
    LINUX_MUNMAP = 11,
    LINUX_RT_SIGPROCMASK = 14,
    LINUX_IOCTL = 16,
    LINUX_WRITEV = 20,
    LINUX_MADVISE = 28,
    LINUX_GETPID = 39,
    LINUX_EXIT = 60,
    LINUX_GETTID = 186,
    LINUX_TKILL = 200,
    LINUX_FUTEX = 202,
    LINUX_SET_TID_ADDRESS = 218,
    LINUX_CLOCK_GETTIME = 228,
    LINUX_EXIT_GROUP = 231,
};

/* <sys/mman.h> has the names of abi/kernel.h, with other values. */
enum {
    LINUX_PROT_READ = 1,
    LINUX_PROT_WRITE = 2,
    LINUX_PROT_EXEC = 4,
    LINUX_MAP_FIXED = 16,
    LINUX_MAP_ANONYMOUS = 32
};

#define HOOK __attribute__((weak))

HOOK long __euralios_syscall(long number, long a, long b, long c, long d, long e, long f);
HOOK long __euralios_syscall_cp(volatile int *cancel, long number, long a, long b, long c, long d,
                                long e, long f);
HOOK int __euralios_set_tp(void *thread_block);
HOOK int __euralios_clone(int (*function)(void *), void *stack, int flags, void *argument,
                          int *parent_tid, void *tls, int *child_tid);
HOOK void __euralios_unmapself(void *base, size_t size);
HOOK void __euralios_sigreturn(void);
HOOK void __euralios_mask_add(unsigned long signals, unsigned long *old);
HOOK void __euralios_mask_restore(const unsigned long *old);
HOOK int __euralios_vfork(void);

/*
 * Memory that can be written is there when malloc gets it: a server whose budget ends hears so from
 * malloc, and tells its client; it must not end by a fault when it touches what it was given.
 */
static uint32_t protection_of(long protection) {
    uint32_t bits = (uint32_t)protection & MAP_PROTECTION;

    return (bits & MAP_WRITE) != 0 ? bits | MAP_POPULATE : bits;
}

static long hook_mmap(uint64_t address, uint64_t length, long protection, long flags) {
    uint64_t mapped;
    uint32_t how = protection_of(protection);

    if ((flags & LINUX_MAP_ANONYMOUS) == 0 || length == 0 || length > USER_TOP) {
        return -EINVAL;
    }
    how |= (flags & LINUX_MAP_FIXED) != 0 ? MAP_FIXED | MAP_REPLACE : 0;
    status_t status =
        sys_map(HANDLE_NONE, HANDLE_NONE, address, ALIGN_UP(length, PAGE_SIZE), 0, how, &mapped);
    return status == OK ? (long)mapped : -ENOMEM;
}

/* Only malloc asks, for pages that it had reserved and not used: new ones can take their place. */
static long hook_mprotect(uint64_t address, uint64_t length, long protection) {
    uint64_t mapped;
    status_t status = sys_map(HANDLE_NONE, HANDLE_NONE, address, ALIGN_UP(length, PAGE_SIZE), 0,
                              protection_of(protection) | MAP_FIXED | MAP_REPLACE, &mapped);

    return status == OK ? 0 : -ENOMEM;
}

_Static_assert((int)LINUX_PROT_READ == (int)MAP_READ && (int)LINUX_PROT_WRITE == (int)MAP_WRITE &&
                   (int)LINUX_PROT_EXEC == (int)MAP_EXECUTE,
               "protection bits are the same, so they need no translation");

static long hook_writev(long fd, const struct iovec *parts, long n) {
    long total = 0;

    if (fd != 1 && fd != 2) {
        return -EBADF;
    }
    for (long i = 0; i < n; i++) {
        log_text(fd == 1 ? LOG_INFO : LOG_ERROR, parts[i].iov_base, parts[i].iov_len);
        total += (long)parts[i].iov_len;
    }
    return total;
}

static long hook_clock(long clock, struct timespec *time) {
    uint64_t now = clock == CLOCK_REALTIME ? (uint64_t)time_wall_ns() : time_now_ns();

    time->tv_sec = (time_t)(now / NS_PER_S);
    time->tv_nsec = (long)(now % NS_PER_S);
    return 0;
}

/* FUTEX_WAIT and FUTEX_WAKE, for the locks inside musl (which one thread alone never needs). */
static long hook_futex(const volatile uint32_t *address, long operation, uint32_t value) {
    uint64_t n = 0;
    status_t status;

    switch (operation & 0x7f) {
    case 0:
        status = sys_futex_wait(address, value, DEADLINE_NEVER, 0);
        return status == OK ? 0 : status == ERROR_INTERRUPTED ? -EINTR : -EAGAIN;
    case 1:
        status = sys_futex_wake(address, value, 0, &n);
        return status == OK ? (long)n : -EFAULT;
    default:
        return -ENOSYS;
    }
}

long __euralios_syscall(long number, long a, long b, long c, long d, long e, long f) {
    (void)e;
    (void)f;
    switch ((enum linux_call)number) {
    case LINUX_WRITE:
        return hook_writev(a, &(struct iovec){(void *)b, (size_t)c}, 1);
    case LINUX_WRITEV:
        return hook_writev(a, (const struct iovec *)b, c);
    case LINUX_MMAP:
        return hook_mmap((uint64_t)a, (uint64_t)b, c, d);
    case LINUX_MPROTECT:
        return hook_mprotect((uint64_t)a, (uint64_t)b, c);
    case LINUX_MUNMAP:
        return sys_unmap(HANDLE_NONE, (uint64_t)a, ALIGN_UP((uint64_t)b, PAGE_SIZE)) == OK
                   ? 0
                   : -EINVAL;
    case LINUX_CLOCK_GETTIME:
        return hook_clock(a, (struct timespec *)b);
    case LINUX_FUTEX:
        return hook_futex((const volatile uint32_t *)a, b, (uint32_t)c);
    case LINUX_IOCTL:
        return -ENOTTY;
    case LINUX_MADVISE:
    case LINUX_RT_SIGPROCMASK:
        return 0;
    case LINUX_GETPID:
    case LINUX_GETTID:
    case LINUX_SET_TID_ADDRESS:
        return 1; /* must be positive; nothing here tells threads apart */
    case LINUX_TKILL:
        __builtin_trap(); /* abort(): end with a death record that shows where */
    case LINUX_EXIT:
    case LINUX_EXIT_GROUP:
        sys_process_exit((int32_t)a);
    default:
        return -ENOSYS;
    }
}

long __euralios_syscall_cp(volatile int *cancel, long number, long a, long b, long c, long d,
                           long e, long f) {
    (void)cancel;
    return __euralios_syscall(number, a, b, c, d, e, f);
}

int __euralios_set_tp(void *thread_block) {
    return sys_thread_control(HANDLE_NONE, THREAD_SET_FS_BASE, (uint64_t)thread_block, NULL) == OK
               ? 0
               : -EINVAL;
}

int __euralios_clone(int (*function)(void *), void *stack, int flags, void *argument,
                     int *parent_tid, void *tls, int *child_tid) {
    (void)function, (void)stack, (void)flags, (void)argument, (void)parent_tid, (void)tls,
        (void)child_tid;
    return -ENOSYS;
}

void __euralios_unmapself(void *base, size_t size) {
    sys_thread_exit(NULL, (uint64_t)base, size);
}

void __euralios_sigreturn(void) {
    __builtin_trap(); /* no signals here */
}

void __euralios_mask_add(unsigned long signals, unsigned long *old) {
    (void)signals; /* nor a mask for them */
    if (old != NULL) {
        *old = 0;
    }
}

void __euralios_mask_restore(const unsigned long *old) {
    (void)old;
}

int __euralios_vfork(void) {
    return -ENOSYS;
}

/* SPDX-License-Identifier: MIT */
/*
 * The system calls of Linux that this library stands in for, as lib/posix/syscall_table.c calls
 * them: `a` holds the six arguments, the result is a value or minus an errno. What each takes and
 * does is in Linux's manual; what differs is said where it is defined.
 */
#pragma once

#include "abi/kernel.h"
#include "abi/tag.h"
#include "lib/base/types.h"

/* Once, before main: start block, signals, file descriptors. */
void posix_start(void);

/* The pid and the parent's (0: unknown, there is no proc), from the process page: no system call.
 */
static inline uint32_t process_pid(void) {
    uint32_t pid = tag_pid(((const struct process_page *)PROCESS_PAGE_ADDRESS)->tag);

    return pid != 0 ? pid : 1; /* a program without proc: musl needs a positive number */
}

static inline uint32_t process_parent(void) {
    return (uint32_t)((const struct process_page *)PROCESS_PAGE_ADDRESS)->word;
}

/* clang-format off */
#define POSIX_CALLS(X)                                                                             \
    X(accept) X(accept4) X(access) X(alarm) X(arch_prctl) X(bind) X(brk) X(chdir) X(chmod)         \
    X(chown) X(clock_getres) X(clock_gettime) X(clock_nanosleep) X(clock_settime) X(close)         \
    X(connect) X(copy_file_range) X(dup) X(dup2) X(dup3) X(execve) X(exit_group) X(exit_thread)    \
    X(faccessat) X(faccessat2) X(fallocate) X(fchdir) X(fchmod) X(fchmodat) X(fchown) X(fchownat)  \
    X(fcntl) X(flock) X(fork) X(fstat) X(fstatfs) X(fsync) X(ftruncate) X(futex) X(get_ids)        \
    X(getcwd) X(getdents64) X(getgroups) X(getitimer) X(getpeername) X(getpgid) X(getpgrp)         \
    X(getpid) X(getppid) X(getpriority) X(getrandom) X(getrlimit) X(getrusage) X(getsid)           \
    X(getsockname) X(getsockopt) X(gettid) X(gettimeofday) X(ioctl) X(kill) X(lchown) X(link)      \
    X(linkat) X(listen) X(lseek) X(lstat) X(madvise) X(mkdir) X(mkdirat) X(mknod) X(mknodat)       \
    X(mlock) X(mlock2) X(mlockall) X(mmap) X(mprotect) X(mremap) X(msync) X(munlock) X(munmap)     \
    X(nanosleep) X(newfstatat) X(no_attributes) X(open) X(openat) X(pause) X(pipe) X(pipe2)        \
    X(poll) X(ppoll) X(prctl) X(pread64) X(preadv) X(prlimit64) X(pselect6) X(pwrite64) X(pwritev) \
    X(read) X(readlink) X(readlinkat) X(readv) X(recvfrom) X(recvmsg) X(rename) X(renameat)        \
    X(rmdir) X(sched_get_priority_max) X(sched_get_priority_min) X(sched_getaffinity)              \
    X(sched_getparam) X(sched_getscheduler) X(sched_rr_get_interval) X(sched_setaffinity)          \
    X(sched_setparam) X(sched_setscheduler) X(sched_yield) X(select) X(sendfile) X(sendmsg)        \
    X(sendto) X(set_id) X(set_id_pair) X(set_ids) X(set_tid_address) X(setgroups) X(setitimer)     \
    X(setpgid) X(setsid) X(setsockopt) X(shutdown) X(sigaction) X(sigaltstack) X(sigpending)       \
    X(sigprocmask) X(sigqueueinfo) X(sigsuspend) X(sigtimedwait) X(socket) X(socketpair) X(stat)   \
    X(statfs) X(success) X(symlink) X(symlinkat) X(sync) X(sysinfo) X(tgkill) X(time)              \
    X(timer_create) X(timer_delete) X(timer_getoverrun) X(timer_gettime) X(timer_settime) X(times) \
    X(tkill) X(truncate) X(umask) X(uname) X(unlink) X(unlinkat) X(user_id) X(utimensat) X(vfork)  \
    X(wait4) X(waitid) X(write) X(writev)
/* clang-format on */

#define POSIX_CALL_DECLARE(name) long call_##name(const long *a);
POSIX_CALLS(POSIX_CALL_DECLARE)
#undef POSIX_CALL_DECLARE

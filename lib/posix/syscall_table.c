/* SPDX-License-Identifier: MIT */
/*
 * Where musl's system calls arrive.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "lib/libc/hooks.h"
#include "lib/native/log.h"
#include "lib/posix/calls.h"
#include "lib/posix/thread.h"

struct call_row {
    long (*call)(const long *a);
    enum call_patience patience;
};

#define FAST(name)                                                                                 \
    { call_##name, CALL_FAST }
#define RESTARTS(name)                                                                             \
    { call_##name, CALL_RESTARTS }
#define INTERRUPTS(name)                                                                           \
    { call_##name, CALL_INTERRUPTS }

static const struct call_row rows[] = {
    [SYS_read] = RESTARTS(read),
    [SYS_write] = RESTARTS(write),
    [SYS_open] = RESTARTS(open),
    [SYS_close] = FAST(close),
    [SYS_stat] = FAST(stat),
    [SYS_fstat] = FAST(fstat),
    [SYS_lstat] = FAST(lstat),
    [SYS_poll] = INTERRUPTS(poll),
    [SYS_lseek] = FAST(lseek),
    [SYS_mmap] = FAST(mmap),
    [SYS_mprotect] = FAST(mprotect),
    [SYS_munmap] = FAST(munmap),
    [SYS_brk] = FAST(brk),
    [SYS_rt_sigaction] = FAST(sigaction),
    [SYS_rt_sigprocmask] = FAST(sigprocmask),
    [SYS_ioctl] = RESTARTS(ioctl),
    [SYS_pread64] = RESTARTS(pread64),
    [SYS_pwrite64] = RESTARTS(pwrite64),
    [SYS_readv] = RESTARTS(readv),
    [SYS_writev] = RESTARTS(writev),
    [SYS_access] = FAST(access),
    [SYS_pipe] = FAST(pipe),
    [SYS_select] = INTERRUPTS(select),
    [SYS_sched_yield] = FAST(sched_yield),
    [SYS_msync] = FAST(msync),
    [SYS_madvise] = FAST(madvise),
    [SYS_dup] = FAST(dup),
    [SYS_dup2] = FAST(dup2),
    [SYS_pause] = INTERRUPTS(pause),
    [SYS_nanosleep] = INTERRUPTS(nanosleep),
    [SYS_getitimer] = FAST(getitimer),
    [SYS_alarm] = FAST(alarm),
    [SYS_setitimer] = FAST(setitimer),
    [SYS_getpid] = FAST(getpid),
    [SYS_socket] = FAST(socket),
    [SYS_connect] = RESTARTS(connect),
    [SYS_accept] = RESTARTS(accept),
    [SYS_sendto] = RESTARTS(sendto),
    [SYS_recvfrom] = RESTARTS(recvfrom),
    [SYS_sendmsg] = RESTARTS(sendmsg),
    [SYS_recvmsg] = RESTARTS(recvmsg),
    [SYS_shutdown] = FAST(shutdown),
    [SYS_bind] = FAST(bind),
    [SYS_listen] = FAST(listen),
    [SYS_getsockname] = FAST(getsockname),
    [SYS_getpeername] = FAST(getpeername),
    [SYS_socketpair] = FAST(socketpair),
    [SYS_setsockopt] = FAST(setsockopt),
    [SYS_getsockopt] = FAST(getsockopt),
    [SYS_fork] = FAST(fork),
    [SYS_vfork] = FAST(vfork),
    [SYS_execve] = FAST(execve),
    [SYS_exit] = FAST(exit_thread),
    [SYS_wait4] = RESTARTS(wait4),
    [SYS_kill] = FAST(kill),
    [SYS_uname] = FAST(uname),
    [SYS_fcntl] = RESTARTS(fcntl),
    [SYS_flock] = RESTARTS(flock),
    [SYS_fsync] = FAST(fsync),
    [SYS_fdatasync] = FAST(fsync),
    [SYS_truncate] = FAST(truncate),
    [SYS_ftruncate] = FAST(ftruncate),
    [SYS_getcwd] = FAST(getcwd),
    [SYS_chdir] = FAST(chdir),
    [SYS_fchdir] = FAST(fchdir),
    [SYS_rename] = FAST(rename),
    [SYS_mkdir] = FAST(mkdir),
    [SYS_rmdir] = FAST(rmdir),
    [SYS_link] = FAST(link),
    [SYS_unlink] = FAST(unlink),
    [SYS_symlink] = FAST(symlink),
    [SYS_readlink] = FAST(readlink),
    [SYS_chmod] = FAST(chmod),
    [SYS_fchmod] = FAST(fchmod),
    [SYS_chown] = FAST(chown),
    [SYS_fchown] = FAST(fchown),
    [SYS_lchown] = FAST(lchown),
    [SYS_umask] = FAST(umask),
    [SYS_gettimeofday] = FAST(gettimeofday),
    [SYS_getrlimit] = FAST(getrlimit),
    [SYS_getrusage] = FAST(getrusage),
    [SYS_sysinfo] = FAST(sysinfo),
    [SYS_times] = FAST(times),
    [SYS_getuid] = FAST(user_id),
    [SYS_getgid] = FAST(user_id),
    [SYS_setuid] = FAST(set_id),
    [SYS_setgid] = FAST(set_id),
    [SYS_geteuid] = FAST(user_id),
    [SYS_getegid] = FAST(user_id),
    [SYS_setpgid] = FAST(setpgid),
    [SYS_getppid] = FAST(getppid),
    [SYS_getpgrp] = FAST(getpgrp),
    [SYS_setsid] = FAST(setsid),
    [SYS_setreuid] = FAST(set_id_pair),
    [SYS_setregid] = FAST(set_id_pair),
    [SYS_getgroups] = FAST(getgroups),
    [SYS_setgroups] = FAST(setgroups),
    [SYS_setresuid] = FAST(set_ids),
    [SYS_getresuid] = FAST(get_ids),
    [SYS_setresgid] = FAST(set_ids),
    [SYS_getresgid] = FAST(get_ids),
    [SYS_getpgid] = FAST(getpgid),
    [SYS_getsid] = FAST(getsid),
    [SYS_rt_sigpending] = FAST(sigpending),
    [SYS_rt_sigqueueinfo] = FAST(sigqueueinfo),
    [SYS_timer_create] = FAST(timer_create),
    [SYS_timer_delete] = FAST(timer_delete),
    [SYS_timer_getoverrun] = FAST(timer_getoverrun),
    [SYS_timer_gettime] = FAST(timer_gettime),
    [SYS_timer_settime] = FAST(timer_settime),
    [SYS_rt_sigtimedwait] = INTERRUPTS(sigtimedwait),
    [SYS_rt_sigsuspend] = INTERRUPTS(sigsuspend),
    [SYS_sigaltstack] = FAST(sigaltstack),
    [SYS_mknod] = FAST(mknod),
    [SYS_statfs] = FAST(statfs),
    [SYS_fstatfs] = FAST(fstatfs),
    [SYS_getpriority] = FAST(getpriority),
    [SYS_setpriority] = FAST(success),
    [SYS_sync] = FAST(sync),
    [SYS_arch_prctl] = FAST(arch_prctl),
    [SYS_prctl] = FAST(prctl),
    [SYS_setxattr... SYS_fremovexattr] = FAST(no_attributes),
    [SYS_syncfs] = FAST(fsync),
    [SYS_gettid] = FAST(gettid),
    [SYS_tkill] = FAST(tkill),
    [SYS_time] = FAST(time),
    [SYS_futex] = RESTARTS(futex),
    [SYS_sched_setparam] = FAST(sched_setparam),
    [SYS_sched_getparam] = FAST(sched_getparam),
    [SYS_sched_setscheduler] = FAST(sched_setscheduler),
    [SYS_sched_getscheduler] = FAST(sched_getscheduler),
    [SYS_sched_get_priority_max] = FAST(sched_get_priority_max),
    [SYS_sched_get_priority_min] = FAST(sched_get_priority_min),
    [SYS_sched_rr_get_interval] = FAST(sched_rr_get_interval),
    [SYS_sched_setaffinity] = FAST(sched_setaffinity),
    [SYS_sched_getaffinity] = FAST(sched_getaffinity),
    [SYS_getdents64] = FAST(getdents64),
    [SYS_set_tid_address] = FAST(set_tid_address),
    [SYS_fadvise64] = FAST(success),
    [SYS_clock_settime] = FAST(clock_settime),
    [SYS_clock_gettime] = FAST(clock_gettime),
    [SYS_clock_getres] = FAST(clock_getres),
    [SYS_clock_nanosleep] = INTERRUPTS(clock_nanosleep),
    [SYS_exit_group] = FAST(exit_group),
    [SYS_tgkill] = FAST(tgkill),
    [SYS_waitid] = RESTARTS(waitid),
    [SYS_openat] = RESTARTS(openat),
    [SYS_mkdirat] = FAST(mkdirat),
    [SYS_mknodat] = FAST(mknodat),
    [SYS_fchownat] = FAST(fchownat),
    [SYS_newfstatat] = FAST(newfstatat),
    [SYS_unlinkat] = FAST(unlinkat),
    [SYS_renameat] = FAST(renameat),
    [SYS_linkat] = FAST(linkat),
    [SYS_symlinkat] = FAST(symlinkat),
    [SYS_readlinkat] = FAST(readlinkat),
    [SYS_fchmodat] = FAST(fchmodat),
    [SYS_faccessat] = FAST(faccessat),
    [SYS_pselect6] = INTERRUPTS(pselect6),
    [SYS_ppoll] = INTERRUPTS(ppoll),
    [SYS_utimensat] = FAST(utimensat),
    [SYS_accept4] = RESTARTS(accept4),
    [SYS_dup3] = FAST(dup3),
    [SYS_pipe2] = FAST(pipe2),
    [SYS_preadv] = RESTARTS(preadv),
    [SYS_pwritev] = RESTARTS(pwritev),
    [SYS_prlimit64] = FAST(prlimit64),
    [SYS_getrandom] = FAST(getrandom),
    [SYS_mremap] = FAST(mremap),
    [SYS_mlock] = FAST(mlock),
    [SYS_mlock2] = FAST(mlock2),
    [SYS_munlock] = FAST(munlock),
    [SYS_mlockall] = FAST(mlockall),
    [SYS_munlockall] = FAST(success),
    [SYS_sendfile] = RESTARTS(sendfile),
    [SYS_copy_file_range] = RESTARTS(copy_file_range),
    [SYS_fallocate] = FAST(fallocate),
    [SYS_faccessat2] = FAST(faccessat2),
};

/* Says once per number that a program asked for what there is not. */
static void log_missing(long number) {
    static uint64_t said[8];
    uint64_t n = (uint64_t)number;

    if (n < ARRAY_SIZE(said) * 64) {
        uint64_t bit = 1ull << (n % 64);

        if ((__atomic_fetch_or(&said[n / 64], bit, __ATOMIC_RELAXED) & bit) != 0) {
            return;
        }
    }
    if (DEBUG) {
        log_write(LOG_DEBUG, "posix: pid %u: no system call %ld", process_pid(), number);
    }
}

/* [book:posix-dispatch] */
static long dispatch(struct posix_thread *self, long number, const long *a) {
    if ((unsigned long)number >= ARRAY_SIZE(rows) || rows[number].call == NULL) {
        log_missing(number);
        return -ENOSYS;
    }
    self->slow = rows[number].patience;
    interrupt_begin(self);
    long result = rows[number].call(a);

    self->slow = CALL_FAST;
    return result;
}

long __euralios_syscall(long number, long a, long b, long c, long d, long e, long f) {
    const long arguments[6] = {a, b, c, d, e, f};

    return dispatch(thread_self(), number, arguments);
}
/* [/book] */

/*
 * Deferred cancellation: the canceller sets *cancel and sends signal 33, whose delivery sets
 * self->interrupt as long as self->cancel stands. So a cancellation after the last look at *cancel
 * (interrupt_begin) ends the call at its block, and one before it is seen there.
 */
long __euralios_syscall_cp(volatile void *cancel, long number, long a, long b, long c, long d,
                           long e, long f) {
    const long arguments[6] = {a, b, c, d, e, f};
    struct posix_thread *self = thread_self();
    volatile int *word = cancel;

    self->cancel = word;
    long result = -EINTR;

    if (*word == 0) {
        result = dispatch(self, number, arguments);
    }
    self->cancel = NULL;
    return result;
}

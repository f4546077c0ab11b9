/* SPDX-License-Identifier: MIT */
/*
 * Processes: fork, wait, ids, groups, sessions, kill, exit. Who exists is the proc server's
 * business (abi/protocols/proc.idl).
 */
#include "lib/posix/calls.h"
#include "lib/posix/children.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>

#include "abi/kernel.h"
#include "abi/startup.h"
#include "abi/tag.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/errno.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/proc.h"
#include "lib/posix/signal.h"
#include "lib/posix/terminal.h"

/* ---- fork ---- */

/* The handle of this process that the parent had is, in the child, the parent: nothing that a child
 * should hold. */
static void forget_parent(void) {
    const struct startup_entry *self = startup_next(NULL, STARTUP_SELF);

    if (self != NULL && self->handle != HANDLE_NONE) {
        handle_drop(self->handle);
        ((struct startup_entry *)self)->handle = HANDLE_NONE;
    }
}

static void become_child(void) {
    thread_after_fork();
    children_after_fork();
    terminal_after_fork();
    locks_after_fork();
    forget_parent();
}

/* proc ended with the adoption in its hands: did the child begin? Its pid then, else 0. */
static uint32_t adopted_pid(handle_t child) {
    struct process_status info;
    bool is_adopted =
        sys_process_info(child, PROCESS_INFO_STATUS, &info, sizeof info, 0, NULL, NULL) == OK &&
        info.tag != 0 && info.state != PROCESS_NEW;

    return is_adopted ? tag_pid(info.tag) : 0;
}

status_t process_adopt(handle_t child, uint32_t flags, uint32_t group, uint64_t entry,
                       uint64_t stack, uint32_t *pid) {
    status_t status =
        proc_adopt(proc_gate(), flags, group, entry, stack, 0, child, pid, DEADLINE_NEVER);

    if (status == ERROR_CLOSED) {
        *pid = adopted_pid(child);
        status = *pid != 0 ? OK
                           : proc_adopt(proc_gate(), flags, group, entry, stack, 0, child, pid,
                                        DEADLINE_NEVER);
    }
    return status;
}

/* vfork: until the child has become another program, or ended. */
static void await_release(uint32_t pid) {
    uint32_t found, wait_status;
    uint64_t cpu_ns;

    status_ignore(proc_wait(proc_gate(), (int32_t)pid, PROC_WAIT_RELEASED, &found, &wait_status,
                            &cpu_ns, DEADLINE_NEVER)); /* no such child: it has ended */
}

static long fork_parent(handle_t child, uint32_t flags) {
    uint32_t pid = 0;
    status_t status =
        proc_gate() == HANDLE_NONE ? ERROR_NO_SERVICE : process_adopt(child, flags, 0, 0, 0, &pid);

    if (status == OK) {
        child_keep(pid, child);
    } else {
        handle_drop(child); /* not adopted: this was the last handle, and ends it */
    }
    if (status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY) {
        return -ENOMEM;
    }
    if (status == OK && (flags & PROC_ADOPT_VFORK) != 0) {
        await_release(pid);
    }
    return status == OK ? (long)pid : -EAGAIN;
}

/* In the child of a vfork, until it becomes another program. */
static bool holds_parent;

/* [book:fork-library] */
static long fork_with(uint32_t flags) {
    handle_t child = HANDLE_NONE;

    (void)proc_gate(); /* found before, so that the child has it too */
    critical_enter();
    locks_take_all();
    status_t status = signals_fork(&child);

    if (status == OK && child == HANDLE_NONE) {
        become_child();
        holds_parent = (flags & PROC_ADOPT_VFORK) != 0;
        locks_give_all();
        critical_leave();
        return 0;
    }
    locks_give_all();
    critical_leave();
    if (status != OK) {
        return status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY ? -ENOMEM : -EAGAIN;
    }
    return fork_parent(child, flags);
}
/* [/book] */

long call_fork(const long *a) {
    (void)a;
    return fork_with(PROC_ADOPT_FORKED);
}

/* The child has memory of its own: more than vfork promises. The parent waits until it has gone its
 * own way, so what programs build on that order holds. */
long call_vfork(const long *a) {
    (void)a;
    return fork_with(PROC_ADOPT_FORKED | PROC_ADOPT_VFORK);
}

void process_release_parent(void) {
    status_t status = OK;

    if (!holds_parent || proc_gate() == HANDLE_NONE) {
        return;
    }
    holds_parent = false;
    do {
        status = proc_released(proc_gate(), DEADLINE_NEVER);
    } while (status == ERROR_INTERRUPTED); /* by a signal; else our end releases it */
}

/* ---- the end ---- */

long call_exit_group(const long *a) {
    sys_process_exit((int32_t)(a[0] & 0xff));
}

/* ---- wait ---- */

_Static_assert(WNOHANG == PROC_WAIT_NOHANG && WUNTRACED == PROC_WAIT_STOPPED &&
                   WEXITED == PROC_WAIT_EXITED && WCONTINUED == PROC_WAIT_CONTINUED &&
                   WNOWAIT == PROC_WAIT_KEEP,
               "the same numbers");

static void usage_fill(struct rusage *usage, uint64_t cpu_ns) {
    *usage = (struct rusage){
        .ru_utime = {.tv_sec = (time_t)(cpu_ns / NS_PER_S),
                     .tv_usec = (suseconds_t)(cpu_ns % NS_PER_S / NS_PER_US)},
    };
}

static long wait_for(int selector, uint32_t options, uint32_t *wait_status, struct rusage *usage) {
    uint32_t pid = 0;
    uint64_t cpu_ns = 0;

    if (proc_gate() == HANDLE_NONE) {
        return -ECHILD;
    }
    /* proc may end while we wait: its next run knows the children too. */
    status_t status =
        proc_wait(proc_gate(), selector, options, &pid, wait_status, &cpu_ns, DEADLINE_NEVER);

    if (status == OK && usage != NULL) {
        usage_fill(usage, cpu_ns);
    }
    bool has_ended = WIFEXITED(*wait_status) || WIFSIGNALED(*wait_status);

    if (status == OK && pid != 0 && has_ended && (options & PROC_WAIT_KEEP) == 0) {
        child_forget(pid);
    }
    return errno_or(status, (long)pid);
}

long call_wait4(const long *a) {
    const long known = WNOHANG | WUNTRACED | WCONTINUED;
    const long linux_only = 0xe0000000; /* __WALL and the like: all children are of one kind here */
    uint32_t wait_status = 0;

    if (((uint32_t)a[2] & ~(known | linux_only)) != 0 || (int)a[0] == INT32_MIN) {
        return -EINVAL;
    }
    long pid = wait_for((int)a[0], (uint32_t)(a[2] & known) | WEXITED, &wait_status,
                        (struct rusage *)a[3]);

    if (pid > 0 && a[1] != 0) {
        *(int *)a[1] = (int)wait_status;
    }
    return pid;
}

static siginfo_t wait_information(long pid, uint32_t status) {
    siginfo_t information = {.si_signo = SIGCHLD, .si_pid = (pid_t)pid};

    if (WIFEXITED(status)) {
        information.si_code = CLD_EXITED;
        information.si_status = WEXITSTATUS(status);
    } else if (WIFSTOPPED(status)) {
        information.si_code = CLD_STOPPED;
        information.si_status = WSTOPSIG(status);
    } else if (WIFCONTINUED(status)) {
        information.si_code = CLD_CONTINUED;
        information.si_status = SIGCONT;
    } else {
        information.si_code = CLD_KILLED;
        information.si_status = WTERMSIG(status);
    }
    return information;
}

long call_waitid(const long *a) {
    const long known = WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT;
    uint32_t wait_status = 0;
    int selector;

    if ((a[3] & ~known) != 0 || (a[3] & (WSTOPPED | WEXITED | WCONTINUED)) == 0) {
        return -EINVAL;
    }
    if ((a[0] == P_PID && (int)a[1] <= 0) || (a[0] == P_PGID && (int)a[1] < 0)) {
        return -EINVAL;
    }
    switch (a[0]) {
    case P_ALL:
        selector = -1;
        break;
    case P_PID:
        selector = (int)a[1];
        break;
    case P_PGID:
        selector = -(int)a[1];
        break;
    default:
        return -EINVAL;
    }
    long pid = wait_for(selector, (uint32_t)a[3], &wait_status, (struct rusage *)a[4]);

    if (pid < 0) {
        return pid;
    }
    if (a[2] != 0) {
        *(siginfo_t *)a[2] = pid > 0 ? wait_information(pid, wait_status) : (siginfo_t){0};
    }
    return 0;
}

/* ---- ids ---- */

struct ids {
    uint32_t parent, group, session, has_terminal;
};

static int ids_of(uint32_t pid, struct ids *ids) {
    *ids = (struct ids){.parent = 0, .group = process_pid(), .session = process_pid()};
    if (proc_gate() == HANDLE_NONE) {
        return pid == 0 || pid == process_pid() ? 0 : -ESRCH;
    }
    return errno_from_status(proc_get_ids(proc_gate(), pid, &ids->parent, &ids->group,
                                          &ids->session, &ids->has_terminal, DEADLINE_NEVER));
}

long call_getpid(const long *a) {
    (void)a;
    return (long)process_pid();
}

long call_getppid(const long *a) {
    (void)a;
    return (long)process_parent();
}

long call_getpgid(const long *a) {
    struct ids ids;
    int error = a[0] < 0 ? -ESRCH : ids_of((uint32_t)a[0], &ids);

    return error != 0 ? error : (long)ids.group;
}

long call_getpgrp(const long *a) {
    static const long own[6];

    (void)a;
    return call_getpgid(own);
}

long call_getsid(const long *a) {
    struct ids ids;
    int error = a[0] < 0 ? -ESRCH : ids_of((uint32_t)a[0], &ids);

    return error != 0 ? error : (long)ids.session;
}

long call_setpgid(const long *a) {
    if ((int)a[0] < 0 || (int)a[1] < 0) {
        return -EINVAL;
    }
    if (proc_gate() == HANDLE_NONE) {
        return -EPERM;
    }
    status_t status = proc_set_group(proc_gate(), (uint32_t)a[0], (uint32_t)a[1], DEADLINE_NEVER);

    return status == ERROR_DENIED ? -EPERM : errno_from_status(status);
}

long call_setsid(const long *a) {
    uint32_t session = 0;

    (void)a;
    if (proc_gate() == HANDLE_NONE) {
        return -EPERM;
    }
    status_t status = proc_new_session(proc_gate(), &session, DEADLINE_NEVER);

    return status == ERROR_DENIED ? -EPERM : errno_or(status, (long)session);
}

/* ---- kill ---- */

long call_kill(const long *a) {
    int selector = (int)a[0], signal = (int)a[1];

    if (signal < 0 || signal > SIGNAL_LAST || selector == INT32_MIN) {
        return -EINVAL;
    }
    /* To itself: delivered before kill returns, as POSIX wants, and without a message. What stops
     * and continues is proc's, which keeps the order of these. */
    if (selector == (int)process_pid() && signal != SIGKILL && signal != SIGCONT &&
        !(signal >= SIGSTOP && signal <= SIGTTOU)) {
        if (signal != 0) {
            signal_raise(signal);
        }
        return 0;
    }
    if (proc_gate() == HANDLE_NONE) {
        return -ESRCH;
    }
    status_t status =
        proc_kill(proc_gate(), selector, (uint32_t)signal, SI_USER, 0, DEADLINE_NEVER);

    return status == ERROR_DENIED ? -EPERM : errno_from_status(status);
}

/* ---- time used ---- */

static int cpu_times(uint64_t *own, uint64_t *children) {
    *own = *children = 0;
    return proc_gate() == HANDLE_NONE
               ? -ENOSYS
               : errno_from_status(proc_get_times(proc_gate(), own, children, DEADLINE_NEVER));
}

long call_getrusage(const long *a) {
    uint64_t own, children;
    int who = (int)a[0];

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) {
        return -EINVAL;
    }
    int error = cpu_times(&own, &children);

    if (error == 0) {
        usage_fill((struct rusage *)a[1], (int)a[0] == RUSAGE_CHILDREN ? children : own);
    }
    return error;
}

enum { TICKS_PER_S = 100 };

long call_times(const long *a) {
    struct tms *times = (struct tms *)a[0];
    const uint64_t tick_ns = NS_PER_S / TICKS_PER_S;
    uint64_t own, children;

    if (times != NULL) {
        (void)cpu_times(&own, &children);
        *times = (struct tms){.tms_utime = (clock_t)(own / tick_ns),
                              .tms_cutime = (clock_t)(children / tick_ns)};
    }
    return (long)(time_now_ns() / tick_ns);
}

int __euralios_vfork(void);
int __euralios_vfork(void) {
    static const long none[6];
    long pid = call_vfork(none);

    if (pid < 0) {
        errno = (int)-pid;
        return -1;
    }
    return (int)pid;
}

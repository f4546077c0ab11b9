/* SPDX-License-Identifier: MIT */
#include "lib/posix/signal.h"

#include <errno.h>
#include <signal.h>

#include "lib/libc/hooks.h"
#include "lib/native/block.h"
#include "lib/native/syscall.h"
#include "lib/posix/calls.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/proc.h"

volatile uint64_t signals_process_pending;

static struct signal_action actions[SIGNAL_LAST + 1] LARGE_TABLE;
static uint64_t touched; /* signals whose action was ever set: that of the others is the default */
static uint64_t wanted;  /* what proc was told by signals_want */
struct lock signal_lock;

/* Neither can be blocked, handled or ignored. */
#define UNSTOPPABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define HARMLESS                                                                                   \
    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))

/* Those of SIGCHLD that proc is told. */
#define CHILD_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT)

static void told_set_add(uint64_t *handled, uint64_t *ignored) {
    for (uint64_t left = touched; left != 0; left &= left - 1) {
        int signal = SIGNAL_FIRST + __builtin_ctzll(left);

        if (actions[signal].handler == SIGNAL_IGNORE) {
            *ignored |= SIGNAL_BIT(signal);
        } else if (actions[signal].handler != SIGNAL_DEFAULT) {
            *handled |= SIGNAL_BIT(signal);
        }
    }
}

void signals_tell(void) {
    uint64_t handled = 0, ignored = 0, wants;
    uint32_t child_flags = 0;

    critical_lock(&signal_lock);
    told_set_add(&handled, &ignored);
    wants = wanted;
    if ((actions[SIGCHLD].flags & SA_NOCLDSTOP) != 0) {
        child_flags |= PROC_CHILD_NO_STOP;
    }
    if ((actions[SIGCHLD].flags & SA_NOCLDWAIT) != 0) {
        child_flags |= PROC_CHILD_NO_WAIT;
    }
    critical_unlock(&signal_lock);
    status_ignore(proc_call_set_handled(handled, ignored, wants, child_flags));
}

void signals_want(uint64_t signals) {
    uint64_t more = signals & HARMLESS;

    if (signals != 0) {
        (void)proc_gate(); /* found before one comes, so that proc can be told that it is held */
    }
    if ((more & ~wanted) == 0) {
        return;
    }
    critical_lock(&signal_lock);
    wanted |= more;
    critical_unlock(&signal_lock);
    signals_tell();
}

enum signal_effect signal_default_effect(int signal) {
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
        return SIGNAL_DOES_NOTHING;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return SIGNAL_STOPS;
    default:
        return SIGNAL_TERMINATES;
    }
}

struct signal_action signal_action_of(int signal) {
    critical_lock(&signal_lock);
    struct signal_action action = actions[signal];

    critical_unlock(&signal_lock);
    return action;
}

uintptr_t signal_handler_of(int signal) {
    return __atomic_load_n(&actions[signal].handler, __ATOMIC_RELAXED);
}

/* Kinds that proc distinguishes. */
static int kind_of(uintptr_t handler) {
    return handler == SIGNAL_DEFAULT ? 0 : handler == SIGNAL_IGNORE ? 1 : 2;
}

static void action_set(int signal, const struct signal_action *action) {
    critical_lock(&signal_lock);
    bool changed =
        kind_of(actions[signal].handler) != kind_of(action->handler) ||
        (signal == SIGCHLD && ((actions[signal].flags ^ action->flags) & CHILD_FLAGS) != 0);
    actions[signal] = *action;
    touched |= SIGNAL_BIT(signal);
    critical_unlock(&signal_lock);
    if (changed) {
        signals_tell();
    }
}

void signal_reset(int signal) {
    action_set(signal, &(struct signal_action){.handler = SIGNAL_DEFAULT});
}

void signals_reset_handled(void) {
    bool changed = false;

    critical_lock(&signal_lock);
    for (int signal = SIGNAL_FIRST; signal <= SIGNAL_LAST; signal++) {
        bool is_handled = kind_of(actions[signal].handler) == 2;

        if (is_handled || (signal == SIGCHLD && (actions[signal].flags & CHILD_FLAGS) != 0)) {
            actions[signal] = (struct signal_action){
                .handler = is_handled ? SIGNAL_DEFAULT : actions[signal].handler};
            changed = true;
        }
    }
    critical_unlock(&signal_lock);
    if (changed) {
        signals_tell();
    }
}

uint64_t signals_ignored(void) {
    uint64_t handled = 0, ignored = 0;

    critical_lock(&signal_lock);
    told_set_add(&handled, &ignored);
    critical_unlock(&signal_lock);
    return ignored;
}

uint64_t signals_pending(void) {
    struct posix_thread *self = thread_self();
    uint64_t own = self->pending | self->directed, process = signals_process_pending;

    return (own | process) == 0 ? 0 : queue_holds(self, own, process);
}

void signals_inherit(uint64_t blocked, uint64_t ignored, uint64_t pending) {
    thread_self()->mask = blocked & ~UNSTOPPABLE;
    touched |= ignored & ~UNSTOPPABLE;
    for (uint64_t left = ignored & ~UNSTOPPABLE; left != 0; left &= left - 1) {
        actions[SIGNAL_FIRST + __builtin_ctzll(left)].handler = SIGNAL_IGNORE;
    }
    signals_process_pending = pending;
    queue_inherit(pending);
    if (ignored != 0) {
        signals_tell();
    }
    signals_want(blocked);
}

uint64_t signals_due(const struct posix_thread *self) {
    return (self->pending | signals_process_pending) & ~self->mask & ~self->waited_for;
}

/* Delivers what a changed mask let through. */
static void deliver_due(struct posix_thread *self) {
    /* What is due is looked at when the new mask is in its place: an upcall in between uses it. */
    __asm__ volatile("" ::: "memory");
    if (self->depth == 0 && signals_due(self) != 0) {
        signals_deliver(self, NULL);
    }
}

long call_sigaction(const long *a) {
    int signal = (int)a[0];
    const struct signal_action *action = (const struct signal_action *)a[1];
    struct signal_action *old = (struct signal_action *)a[2];

    if (signal < SIGNAL_FIRST || signal > SIGNAL_LAST || a[3] != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (action != NULL && (SIGNAL_BIT(signal) & UNSTOPPABLE) != 0) {
        return -EINVAL;
    }
    if (old != NULL) {
        *old = signal_action_of(signal);
    }
    if (action != NULL) {
        struct signal_action set = *action;

        set.mask &= ~UNSTOPPABLE;
        action_set(signal, &set);
        bool dropped =
            set.handler == SIGNAL_IGNORE ||
            (set.handler == SIGNAL_DEFAULT && signal_default_effect(signal) == SIGNAL_DOES_NOTHING);
        if (dropped) {
            __atomic_and_fetch(&signals_process_pending, ~SIGNAL_BIT(signal), __ATOMIC_RELAXED);
            __atomic_and_fetch(&thread_self()->pending, ~SIGNAL_BIT(signal), __ATOMIC_RELAXED);
            queue_drop(SIGNAL_BIT(signal));
            deliver_due(thread_self());
        }
    }
    return 0;
}

long call_sigprocmask(const long *a) {
    struct posix_thread *self = thread_self();
    const uint64_t *set = (const uint64_t *)a[1];
    uint64_t old = self->mask;

    if (a[3] != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (set != NULL) {
        uint64_t mask;

        switch (a[0]) {
        case SIG_BLOCK:
            mask = old | *set;
            break;
        case SIG_UNBLOCK:
            mask = old & ~*set;
            break;
        case SIG_SETMASK:
            mask = *set;
            break;
        default:
            return -EINVAL;
        }
        signals_want(mask);
        self->mask = mask & ~UNSTOPPABLE;
    }
    if (a[2] != 0) {
        *(uint64_t *)a[2] = old;
    }
    deliver_due(self);
    return 0;
}

void __euralios_mask_add(unsigned long signals, unsigned long *old) {
    struct posix_thread *self = thread_self();

    if (old != NULL) {
        *old = self->mask;
    }
    self->mask |= signals & ~UNSTOPPABLE;
}

void __euralios_mask_restore(const unsigned long *old) {
    struct posix_thread *self = thread_self();

    self->mask = *old;
    deliver_due(self);
}

long call_sigpending(const long *a) {
    *(uint64_t *)a[0] = signals_pending() & thread_self()->mask;
    return 0;
}

long signals_with_mask(const uint64_t *mask, long (*wait)(void *context), void *context) {
    struct posix_thread *self = thread_self();
    uint64_t during = *mask & ~UNSTOPPABLE;
    long result = -EINTR;

    (void)proc_gate(); /* as signals_want */

    /* A handler that ran among these would put back a mask that is not replaced yet. */
    critical_enter();
    self->saved_mask = self->mask;
    self->restore_mask = true;
    interrupt_begin(self);
    self->mask = during;
    critical_leave();
    deliver_due(self);
    if (self->interrupt == 0) {
        result = wait(context);
    }
    if (self->restore_mask) {
        self->restore_mask = false;
        self->mask = self->saved_mask;
        deliver_due(self);
    }
    return result;
}

/* Waits for nothing but a handler. The look at `interrupt` and the wait are one step for upcalls:
 * both are in the block range. */
static long wait_for_handler(void *context) {
    struct posix_thread *self = context;
    static const volatile uint32_t never;

    while (self->interrupt == 0) {
        status_ignore(native_futex_wait(&never, 0, DEADLINE_NEVER, 0, &self->interrupt));
    }
    return -EINTR;
}

long call_sigsuspend(const long *a) {
    return signals_with_mask((const uint64_t *)a[0], wait_for_handler, thread_self());
}

long call_pause(const long *a) {
    struct posix_thread *self = thread_self();
    uint64_t mask = self->mask;

    (void)a;
    return signals_with_mask(&mask, wait_for_handler, self);
}

/* Takes one noted signal of `set`, 0 if there is none. */
static int take_noted(struct posix_thread *self, uint64_t set,
                      struct signal_information *information) {
    for (;;) {
        uint64_t mine = self->pending & set;
        volatile uint64_t *where = mine != 0 ? &self->pending : &signals_process_pending;
        uint64_t there = *where & set;

        if (there == 0) {
            return 0;
        }
        int signal = __builtin_ctzll(there) + 1;
        uint64_t before = __atomic_fetch_and(where, ~SIGNAL_BIT(signal), __ATOMIC_ACQ_REL);

        if ((before & SIGNAL_BIT(signal)) != 0 &&
            queue_take(self, where, signal, true, information)) {
            return signal;
        }
    }
}

/* Until one of the signals is there: its number, or minus an errno. */
static int wait_for_signal(struct posix_thread *self, uint64_t set, uint64_t deadline,
                           struct signal_information *information) {
    static const volatile uint32_t never;

    for (;;) {
        interrupt_begin(self);
        int signal = take_noted(self, set, information);

        if (signal != 0) {
            return signal;
        }
        status_t status = native_futex_wait(&never, 0, deadline, 0, &self->interrupt);

        if (status == ERROR_TIMEOUT) {
            signal = take_noted(self, set, information);
            return signal != 0 ? signal : -EAGAIN;
        }
        if (self->interrupt != 0 && ((self->pending | signals_process_pending) & set) == 0) {
            return -EINTR;
        }
    }
}

long call_sigtimedwait(const long *a) {
    struct posix_thread *self = thread_self();
    uint64_t set = *(const uint64_t *)a[0] & ~UNSTOPPABLE;
    const struct timespec *timeout = (const struct timespec *)a[2];
    struct signal_information information;
    uint64_t deadline;
    int error = timeout_deadline(timeout, &deadline);

    if (error != 0) {
        return error;
    }
    signals_want(set);
    self->waited_for = set;
    int signal = wait_for_signal(self, set, deadline, &information);

    self->waited_for = 0;
    if (signal > 0 && a[1] != 0) {
        *(siginfo_t *)a[1] = queue_siginfo(signal, &information);
    }
    deliver_due(self);
    return signal;
}

/* ---- sending ---- */

void signal_post(struct posix_thread *thread, int signal) {
    uint64_t bit = SIGNAL_BIT(signal);

    if (thread == NULL) {
        __atomic_or_fetch(&signals_process_pending, bit, __ATOMIC_ACQ_REL);
        signals_pass_on(bit);
    } else if (thread == thread_self()) {
        __atomic_or_fetch(&thread->pending, bit, __ATOMIC_ACQ_REL);
    } else if (thread_open_handle(thread)) {
        __atomic_or_fetch(&thread->directed, bit, __ATOMIC_ACQ_REL);
        status_ignore(sys_thread_upcall(thread->handle, SIGNAL_LOOK)); /* it can only have ended */
    }
}

status_t signal_raise_with(int signal, const struct signal_information *information) {
    struct posix_thread *self = thread_self();
    uint64_t bit = SIGNAL_BIT(signal);

    if (!queue_put(NULL, signal, information)) {
        return ERROR_TOO_MANY;
    }
    __atomic_or_fetch(&signals_process_pending, bit, __ATOMIC_ACQ_REL);
    if ((self->mask & bit) != 0) {
        signals_pass_on(bit);
    }
    deliver_due(self);
    return OK;
}

void signal_raise(int signal) {
    const struct signal_information information = {.code = SI_USER, .pid = process_pid()};

    status_ignore(
        signal_raise_with(signal, &information)); /* as kill: without what comes with it */
}

status_t signal_raise_in(struct posix_thread *thread, int signal,
                         const struct signal_information *information) {
    if ((thread != thread_self() && !thread_open_handle(thread)) ||
        !queue_put(thread, signal, information)) {
        return ERROR_TOO_MANY;
    }
    signal_post(thread, signal);
    return OK;
}

void signal_raise_here(int signal) {
    struct posix_thread *self = thread_self();
    const struct signal_information information = {.code = SI_USER, .pid = process_pid()};

    status_ignore(signal_raise_in(self, signal, &information)); /* not one that queues */
    deliver_due(self);
}

static long signal_thread(uint32_t tid, int signal, const struct signal_information *information) {
    long result = 0;

    if (signal < 0 || signal > SIGNAL_LAST) {
        return -EINVAL;
    }
    critical_lock(&threads_lock);
    struct posix_thread *thread = thread_find(tid);

    if (thread == NULL) {
        result = -ESRCH;
    } else if (signal != 0) {
        result = errno_from_status(signal_raise_in(thread, signal, information));
    }
    critical_unlock(&threads_lock);
    deliver_due(thread_self());
    return result;
}

long call_tkill(const long *a) {
    const struct signal_information information = {.code = SI_TKILL, .pid = process_pid()};

    return signal_thread((uint32_t)a[0], (int)a[1], &information);
}

long call_tgkill(const long *a) {
    const struct signal_information information = {.code = SI_TKILL, .pid = process_pid()};

    return (uint32_t)a[0] == process_pid() ? signal_thread((uint32_t)a[1], (int)a[2], &information)
                                           : -ESRCH;
}

/* sigqueue: (pid, signal, siginfo). The sender's pid is not what it says, but its own. */
long call_sigqueueinfo(const long *a) {
    const siginfo_t *info = (const siginfo_t *)a[2];
    int pid = (int)a[0], signal = (int)a[1];
    const struct signal_information information = {
        .code = info->si_code,
        .pid = process_pid(),
        .value = (uint64_t)(uintptr_t)info->si_value.sival_ptr,
    };

    if (signal < 0 || signal > SIGNAL_LAST) {
        return -EINVAL;
    }
    if (pid <= 0) {
        return -ESRCH;
    }
    if (pid == (int)process_pid() && signal != SIGKILL && signal != SIGSTOP) {
        return signal == 0 ? 0 : errno_from_status(signal_raise_with(signal, &information));
    }
    if (info->si_code >= 0 || info->si_code == SI_TKILL) {
        return -EPERM; /* that is for the system to say */
    }
    if (proc_gate() == HANDLE_NONE) {
        return -ESRCH;
    }
    status_t status = proc_kill(proc_gate(), pid, (uint32_t)signal, information.code,
                                information.value, DEADLINE_NEVER);

    return status == ERROR_DENIED ? -EPERM : errno_from_status(status);
}

long call_sigaltstack(const long *a) {
    struct posix_thread *self = thread_self();
    const stack_t *new = (const stack_t *)a[0];
    stack_t *old = (stack_t *)a[1];
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    bool in_use = here - self->alternate_base < self->alternate_size;

    if (old != NULL) {
        *old = (stack_t){.ss_sp = (void *)self->alternate_base,
                         .ss_flags = in_use                      ? SS_ONSTACK
                                     : self->alternate_size == 0 ? SS_DISABLE
                                                                 : 0,
                         .ss_size = self->alternate_size};
    }
    if (new == NULL) {
        return 0;
    }
    if (in_use) {
        return -EPERM;
    }
    if (new->ss_flags != 0 && new->ss_flags != SS_ONSTACK &&new->ss_flags != SS_DISABLE) {
        return -EINVAL;
    }
    if (new->ss_flags == SS_DISABLE) {
        self->alternate_base = 0;
        self->alternate_size = 0;
    } else if (new->ss_size < MINSIGSTKSZ) {
        return -ENOMEM;
    } else {
        self->alternate_base = (uintptr_t) new->ss_sp;
        self->alternate_size = new->ss_size;
    }
    /* The kernel's frame goes there too when the usual stack cannot take it: that is what makes a
     * stack overflow catchable. */
    return errno_from_status(sys_thread_control(HANDLE_NONE, THREAD_SET_UPCALL_STACK,
                                                self->alternate_base + self->alternate_size, NULL));
}

/* ---- fork ---- */

status_t signals_fork(handle_t *child) {
    struct posix_thread *self = thread_self();
    status_t status;

    do {
        self->noted = 0;
        self->arrived = 0;
        status = native_process_fork(child, &self->noted);
    } while (status == ERROR_INTERRUPTED);
    /* Before the last try one may have been noted: the critical section's end looks. */
    self->noted = 1;
    return status;
}

void signals_after_fork(void) {
    struct posix_thread *self = thread_self();
    uint64_t arrived;

    self->pending = self->directed = 0;
    do {
        arrived = self->arrived;
        signals_process_pending = arrived;
        queue_after_fork(arrived);
    } while (self->arrived != arrived);
}

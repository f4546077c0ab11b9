/* SPDX-License-Identifier: MIT */
#include "lib/posix/queue.h"

#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/proc.h"
#include "lib/posix/signal.h"
#include "lib/posix/timers.h"

enum {
    /* What a process can send to itself, and an entry for each timer besides. */
    ENTRIES_MAX = PROC_QUEUE_MAX + TIMERS_MAX,
};

struct entry {
    int signal;
    const struct posix_thread *thread; /* NULL: for the process */
    struct signal_information information;
};

/* In the order in which they came. */
static struct entry entries[ENTRIES_MAX] LARGE_TABLE;
static size_t n_entries;
struct lock queue_lock;

/* Signals of which proc may know something. */
static volatile uint64_t remote;

/* Signals below SIGNAL_QUEUED that wait for the process without an entry; a thread's are in its
 * record. Under queue_lock. */
static uint64_t process_bare;

static uint64_t *bare_of(struct posix_thread *thread) {
    return thread != NULL ? &thread->bare : &process_bare;
}

static bool is_timer(const struct entry *entry) {
    return entry->information.code == SI_TIMER;
}

static size_t find(const struct posix_thread *thread, int signal, size_t from) {
    while (from < n_entries && (entries[from].signal != signal || entries[from].thread != thread)) {
        from++;
    }
    return from;
}

static void entry_remove(size_t at) {
    n_entries--;
    for (; at < n_entries; at++) {
        entries[at] = entries[at + 1];
    }
}

bool queue_put(struct posix_thread *thread, int signal,
               const struct signal_information *information) {
    critical_lock(&queue_lock);
    size_t n_timers = 0;
    bool is_known = signal < SIGNAL_QUEUED && find(thread, signal, 0) < n_entries;

    for (size_t i = 0; i < n_entries; i++) {
        n_timers += is_timer(&entries[i]);
    }
    bool is_kept = is_known || n_entries - n_timers < PROC_QUEUE_MAX;

    if (is_kept && !is_known) {
        entries[n_entries++] = (struct entry){signal, thread, *information};
    } else if (!is_kept && signal < SIGNAL_QUEUED) {
        *bare_of(thread) |= SIGNAL_BIT(signal);
        is_kept = true;
    }
    critical_unlock(&queue_lock);
    return is_kept;
}

bool queue_put_timer(const struct posix_thread *thread, int signal,
                     const struct signal_information *information) {
    size_t at = 0;

    critical_lock(&queue_lock);
    while (at < n_entries &&
           (!is_timer(&entries[at]) || entries[at].information.pid != information->pid)) {
        at++;
    }
    bool is_new = at == n_entries;

    if (is_new && n_entries < ENTRIES_MAX) {
        entries[n_entries++] = (struct entry){signal, thread, *information};
    } else if (!is_new) {
        uint32_t *overrun = &entries[at].information.overrun;

        *overrun = MIN(*overrun + information->overrun + 1, (uint32_t)TIMER_OVERRUN_MAX);
    }
    critical_unlock(&queue_lock);
    return is_new;
}

void queue_drop(uint64_t signals) {
    __atomic_and_fetch(&remote, ~signals, __ATOMIC_ACQ_REL);
    critical_lock(&queue_lock);
    process_bare &= ~signals;
    thread_self()->bare &= ~signals;
    for (size_t i = n_entries; i-- > 0;) {
        if ((SIGNAL_BIT(entries[i].signal) & signals) != 0) {
            entry_remove(i);
        }
    }
    critical_unlock(&queue_lock);
}

void queue_drop_thread(const struct posix_thread *thread) {
    critical_lock(&queue_lock);
    for (size_t i = n_entries; i-- > 0;) {
        if (entries[i].thread == thread) {
            entry_remove(i);
        }
    }
    critical_unlock(&queue_lock);
}

void queue_note_remote(uint64_t signals) {
    __atomic_or_fetch(&remote, signals, __ATOMIC_ACQ_REL);
}

void queue_inherit(uint64_t signals) {
    remote = signals;
    process_bare = signals & (SIGNAL_BIT(SIGNAL_QUEUED) - 1);
}

uint64_t queue_holds(struct posix_thread *self, uint64_t own, uint64_t process) {
    uint64_t held[2] = {process_bare, self->bare}, queued = UINT64_MAX;

    critical_lock(&queue_lock);
    for (size_t i = 0; i < n_entries; i++) {
        bool is_own = entries[i].thread == self;

        held[is_own] |= is_own || entries[i].thread == NULL ? SIGNAL_BIT(entries[i].signal) : 0;
    }
    critical_unlock(&queue_lock);
    uint64_t asked = process & remote & ~held[0];

    if (asked != 0 && proc_gate() != HANDLE_NONE) {
        status_ignore(proc_get_queued(proc_gate(), &queued, DEADLINE_NEVER)); /* all, then */
    }
    return (own & held[1]) | (process & held[0]) | (asked & queued);
}

void queue_after_fork(uint64_t signals) {
    n_entries = 0;
    remote = signals;
    process_bare = 0;
    thread_self()->bare = 0;
}

/* ---- taking ---- */

/* From our own queue. `bare`: it waited without an entry. */
static bool take_local(struct posix_thread *thread, int signal,
                       struct signal_information *information, bool *more, bool *bare) {
    critical_lock(&queue_lock);
    size_t at = find(thread, signal, 0);
    bool is_there = at < n_entries;

    if (is_there) {
        *information = entries[at].information;
        entry_remove(at);
        *more = find(thread, signal, at) < n_entries;
    }
    *bare = (*bare_of(thread) & SIGNAL_BIT(signal)) != 0;
    *bare_of(thread) &= ~SIGNAL_BIT(signal);
    critical_unlock(&queue_lock);
    return is_there;
}

/* From proc. A call like this one is made between two steps of whatever the thread was doing, and
 * must neither be ended by what ends that, nor end it. */
static status_t take_remote(struct posix_thread *self, int signal,
                            struct signal_information *information, bool *more) {
    uint8_t slow = self->slow;
    volatile int *cancel = self->cancel;
    uint32_t has_more = 0;
    status_t status = ERROR_NO_SERVICE;

    self->slow = CALL_FAST;
    self->cancel = NULL;
    if (proc_gate() != HANDLE_NONE) {
        status = proc_take(proc_gate(), (uint32_t)signal, &information->code, &information->pid,
                           &information->value, &has_more, DEADLINE_NEVER);
    }
    self->slow = slow;
    self->cancel = cancel;
    *more = has_more != 0;
    return status;
}

bool queue_take(struct posix_thread *self, volatile uint64_t *where, int signal, bool wants_all,
                struct signal_information *information) {
    struct posix_thread *thread = where == &self->pending ? self : NULL;
    uint64_t bit = SIGNAL_BIT(signal);
    bool is_queued = signal >= SIGNAL_QUEUED, more = false, is_bare;

    *information = (struct signal_information){.code = SI_USER};
    if (take_local(thread, signal, information, &more, &is_bare)) {
        if (more || (is_queued && thread == NULL && (remote & bit) != 0)) {
            __atomic_or_fetch(where, bit, __ATOMIC_ACQ_REL);
        }
        if (information->code == SI_TIMER) {
            timer_delivered(information->pid, information->overrun);
        }
        return true;
    }
    /* Cleared before proc is asked: what comes from now on sets it again. */
    if (thread != NULL || (__atomic_fetch_and(&remote, ~bit, __ATOMIC_ACQ_REL) & bit) == 0) {
        return is_bare;
    }
    if (!is_queued && !wants_all) {
        return true;
    }
    status_t status = take_remote(self, signal, information, &more);

    if (more) {
        __atomic_or_fetch(&remote, bit, __ATOMIC_ACQ_REL);
        __atomic_or_fetch(where, bit, __ATOMIC_ACQ_REL);
    }
    return status == OK || is_bare || (!is_queued && status != ERROR_NOT_FOUND);
}

siginfo_t queue_siginfo(int signal, const struct signal_information *information) {
    siginfo_t result = {.si_signo = signal, .si_code = information->code};

    if (information->code == SI_TIMER) {
        result.si_timerid = (int)information->pid;
        result.si_overrun = (int)information->overrun;
        result.si_value.sival_ptr = (void *)(uintptr_t)information->value;
    } else {
        result.si_pid = (pid_t)information->pid;
        if (signal == SIGCHLD && information->code > 0) {
            result.si_status = (int)information->value;
        } else {
            result.si_value.sival_ptr = (void *)(uintptr_t)information->value;
        }
    }
    return result;
}

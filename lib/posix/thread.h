/* SPDX-License-Identifier: MIT */
/*
 * The threads of a POSIX program, as this library sees them, and the critical sections of the
 * library.
 *
 * Signals come as upcalls, at any instruction. Inside a critical section (depth > 0) they are only
 * noted; the end of the outermost one delivers them. Everywhere else a handler may run at once, on
 * top of whatever the library is doing, and may call the library again: so nothing but a critical
 * section may leave shared data half changed, and none that holds a lock waits for a server. (While
 * a signal is taken proc may be asked, without a lock: a handler in between would overtake it.)
 *
 * Invariant: a thread's record is found through %fs:32, a word of musl's thread structure that its
 * x86-64 port does not use
 * (`sysinfo` of i386). It is copied from parent to child until clone sets it.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/list.h"
#include "lib/native/lock.h"

struct upcall_frame;

/* What a signal handler does to a system call that waits. */
enum call_patience {
    CALL_FAST = 0,       /* nothing: it goes on */
    CALL_RESTARTS = 1,   /* ends it with EINTR, unless it has SA_RESTART */
    CALL_INTERRUPTS = 2, /* always ends it */
};

struct posix_thread {
    struct list_node node;       /* in posix.threads, under posix.threads_lock */
    handle_t handle;             /* HANDLE_NONE until somebody wants to signal it */
    uint32_t id, tid;            /* the kernel's number, and ours; both 0 in the first thread */
    volatile uint32_t depth;     /* critical sections entered */
    volatile uint32_t interrupt; /* calls that block look at it in the block range: if not 0, they
                                    are interrupted */
    volatile uint32_t noted;     /* a signal came in a critical section */
    volatile uint8_t slow;       /* enum call_patience of the present system call */
    bool restore_mask;           /* once signals are delivered, the mask is saved_mask */
    bool exiting;
    uint64_t mask; /* bit (signal - 1): blocked */
    uint64_t saved_mask;
    volatile uint64_t pending;     /* sent to this thread */
    volatile uint64_t directed;    /* sent to this thread by another, and not seen yet */
    volatile uint64_t arrived;     /* sent to the process, and seen by this thread since it began to
                                      fork */
    uint64_t bare;                 /* queue.c: pending without an entry */
    uint64_t waited_for;           /* sigtimedwait takes these instead of a handler */
    volatile int *volatile cancel; /* musl's cancel word while in a cancellation point, else NULL */
    uint32_t *clear_tid;           /* cleared and woken when the thread is off its stack */
    uintptr_t alternate_base;      /* sigaltstack; size 0: none */
    size_t alternate_size;
    uint64_t start_ns;        /* when it began; 0 for the first */
    char name[16];            /* prctl; empty: the program's */
    uint8_t policy, priority; /* SCHED_OTHER ... and its number, as Linux has them: sched.c */
    int (*start)(void *argument);
    void *argument;
    uintptr_t tls;          /* of a thread that starts */
    handle_t poll_endpoint; /* where watches of this thread notify; made when first needed */
    uint32_t poll_round;    /* tells the watches of this poll from those of earlier ones */
};

/* What is one per program. */
struct posix {
    bool has_tls; /* %fs may be used */
    struct posix_thread first;
    struct list threads;
    volatile uint32_t n_threads;
};
extern struct posix posix;

static inline struct posix_thread *thread_self(void) {
    struct posix_thread *self = &posix.first;

    if (LIKELY(posix.has_tls)) {
        __asm__("mov %%fs:32, %0" : "=r"(self));
    }
    return self;
}

/*
 * A call begins that signals may end: what came before does not. But a cancellation that is there
 * already does, for it is not sent again; one that comes behind this look sets `interrupt` by its
 * signal.
 */
static inline void interrupt_begin(struct posix_thread *self) {
    volatile int *cancel = self->cancel;

    self->interrupt = 0;
    if (cancel != NULL && *cancel != 0) {
        self->interrupt = 1;
    }
}

/* Runs the handlers of signals that came meanwhile, if any is due; from the end of critical
 * sections only. */
void signals_deliver_noted(struct posix_thread *self);

static inline void critical_enter(void) {
    thread_self()->depth++;
    __asm__ volatile("" ::: "memory");
}

static inline void critical_leave(void) {
    struct posix_thread *self = thread_self();

    __asm__ volatile("" ::: "memory");
    if (--self->depth == 0 && self->noted) {
        signals_deliver_noted(self);
    }
}

/*
 * Mutual exclusion among the threads of the program, for a few instructions: a critical section.
 * Not recursive.
 */
static inline void critical_lock(struct lock *lock) {
    critical_enter();
    lock_take(lock);
}

static inline void critical_unlock(struct lock *lock) {
    lock_give(lock);
    critical_leave();
}

/* Guards posix.threads. */
extern struct lock threads_lock;

/* The calls behind the hooks of musl (lib/libc/hooks.h), with their arguments. */
long thread_clone(int (*start)(void *), void *stack, int flags, void *argument, int *parent_tid,
                  void *tls, int *child_tid);
NORETURN void thread_end(uintptr_t unmap_base, size_t unmap_length);

/* The record of a thread by its number, NULL if there is none. The caller holds threads_lock. */
struct posix_thread *thread_find(uint32_t tid);

/* Its number as Linux would give it: the pid for the first thread. */
uint32_t thread_number(const struct posix_thread *self);

/* There is a handle of the thread, by which others signal it: of one that is made, when that is
 * first wanted (under threads_lock); of the first, which nobody else can open, as soon as it makes
 * another. False: no room. */
bool thread_open_handle(struct posix_thread *thread);

/* In the child of a fork: this thread is the only one. */
void thread_after_fork(void);

/* Before there is anything else: the first thread's record. */
void thread_start_first(void);

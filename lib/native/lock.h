/* SPDX-License-Identifier: MIT */
/*
 * A mutual exclusion lock between the threads of a process, on a futex. Not recursive. Zero is
 * unlocked. Blocks: lock_take, if another thread holds it.
 */
#pragma once

#include "lib/base/types.h"

enum { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_CONTENDED = 2 /* held, and somebody waits */ };

struct lock {
    volatile uint32_t state;
};

#define LOCK_INITIALIZER                                                                           \
    { 0 }

/* The rest of lock_take and lock_give where there is a second thread. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

/*
 * lock_take and lock_give for what a handler of a signal may want too. With lib/posix, which has
 * definitions that replace these, no handler runs in between: it would wait for what it interrupts.
 */
void lock_take_critical(struct lock *lock);
void lock_give_critical(struct lock *lock);

static inline void lock_take(struct lock *lock) {
    uint32_t expected = LOCK_FREE;

    if (UNLIKELY(!__atomic_compare_exchange_n(&lock->state, &expected, LOCK_HELD, false,
                                              __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
        lock_wait(lock);
    }
}

static inline void lock_give(struct lock *lock) {
    if (UNLIKELY(__atomic_exchange_n(&lock->state, LOCK_FREE, __ATOMIC_RELEASE) ==
                 LOCK_CONTENDED)) {
        lock_wake(lock);
    }
}

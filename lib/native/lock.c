/* SPDX-License-Identifier: MIT */
#include "lib/native/lock.h"

#include "lib/native/syscall.h"

enum { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_CONTENDED = 2 };

void lock_take(struct lock *lock) {
    uint32_t expected = LOCK_FREE;

    if (LIKELY(__atomic_compare_exchange_n(&lock->state, &expected, LOCK_HELD, false,
                                           __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
        return;
    }
    /* From here on it is marked contended, also when we get it: somebody else may wait too. */
    while (__atomic_exchange_n(&lock->state, LOCK_CONTENDED, __ATOMIC_ACQUIRE) != LOCK_FREE) {
        status_t status = sys_futex_wait(&lock->state, LOCK_CONTENDED, DEADLINE_NEVER, 0);
        (void)status; /* woken, changed or interrupted: try again in any case */
    }
}

void lock_give(struct lock *lock) {
    if (UNLIKELY(__atomic_exchange_n(&lock->state, LOCK_FREE, __ATOMIC_RELEASE) ==
                 LOCK_CONTENDED)) {
        status_t status = sys_futex_wake(&lock->state, 1, 0, NULL);
        (void)status; /* fails for a bad address only */
    }
}

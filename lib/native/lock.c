/* SPDX-License-Identifier: MIT */
#include "lib/native/lock.h"

#include "lib/native/syscall.h"

void lock_wait(struct lock *lock) {
    /* From here on it is marked contended, also when we get it: somebody else may wait too. */
    while (__atomic_exchange_n(&lock->state, LOCK_CONTENDED, __ATOMIC_ACQUIRE) != LOCK_FREE) {
        status_t status = sys_futex_wait(&lock->state, LOCK_CONTENDED, DEADLINE_NEVER, 0);
        (void)status; /* woken, changed or interrupted: try again in any case */
    }
}

void lock_wake(struct lock *lock) {
    status_t status = sys_futex_wake(&lock->state, 1, 0, NULL);
    (void)status; /* fails for a bad address only */
}

__attribute__((weak)) void lock_take_critical(struct lock *lock) {
    lock_take(lock);
}

__attribute__((weak)) void lock_give_critical(struct lock *lock) {
    lock_give(lock);
}

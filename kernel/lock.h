/* SPDX-License-Identifier: MIT */
/*
 * The kernel lock: one fair (ticket) lock, taken at every entry and released at every exit,
 * interrupts off in between.
 *
 * Invariant: all kernel data is touched only by the CPU that holds the lock, but for what its own
 * field says otherwise. Order: there is no other lock.
 */
#pragma once

#include "kernel/types.h"

struct kernel_lock {
    uint32_t next;    /* ticket that the next CPU to come draws */
    uint32_t serving; /* ticket that may enter */
};

extern struct kernel_lock kernel_lock;
extern uint64_t kernel_lock_ticks; /* that all CPUs together have waited for it */

void kernel_lock_wait(uint32_t ticket);

/*
 * Takes the lock (system calls: entry.S does it); interrupts are off. A CPU that waits calls
 * arch_poll_mailbox, so that a holder which waits for its TLB-shootdown acknowledgement goes on.
 */
/* [book:kernel-lock] */
static inline void kernel_lock_take(void) {
    uint32_t ticket = __atomic_fetch_add(&kernel_lock.next, 1, __ATOMIC_RELAXED);

    if (UNLIKELY(__atomic_load_n(&kernel_lock.serving, __ATOMIC_ACQUIRE) != ticket)) {
        kernel_lock_wait(ticket);
    }
}

static inline void kernel_lock_release(void) {
    __atomic_store_n(&kernel_lock.serving, kernel_lock.serving + 1, __ATOMIC_RELEASE);
}
/* [/book] */

/* SPDX-License-Identifier: MIT */
#include "kernel/lock.h"

#include "kernel/arch/x86_64/cpu.h"

struct kernel_lock kernel_lock;
uint64_t kernel_lock_ticks;

/* [book:kernel-lock-wait] */
void kernel_lock_wait(uint32_t ticket) {
    uint64_t start = tsc_read();

    while (__atomic_load_n(&kernel_lock.serving, __ATOMIC_ACQUIRE) != ticket) {
        arch_poll_mailbox();
        arch_relax();
    }
    kernel_lock_ticks += tsc_read() - start;
}
/* [/book] */

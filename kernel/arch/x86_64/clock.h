/* SPDX-License-Identifier: MIT */
/*
 * Time: the monotonic clock (TSC), and the one-shot timer (local APIC).
 */
#pragma once

#include "abi/kernel.h"
#include "kernel/types.h"

/* x * factor, a 32.32 fixed point number; saturates. */
static inline uint64_t multiply_32(uint64_t x, uint64_t factor) {
    unsigned __int128 product = (unsigned __int128)x * factor >> 32;

    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

/* What a timer with that many ticks per nanosecond (32.32 fixed point) is armed with: one more, so
 * that the clock shows the deadline when the interrupt comes. Never 0, and no more than can be
 * added to the TSC; 0 would be at once, for ever. */
static inline uint64_t timer_ticks(uint64_t delta_ns, uint64_t ticks_per_ns_32) {
    return MIN(multiply_32(delta_ns, ticks_per_ns_32), UINT64_MAX >> 2) + 1;
}

/* Measures the TSC and the APIC timer; monotonic time starts near 0 here. Takes at most about 10
 * ms. Panics if the machine has no way to measure time. entry_tsc: boot_info.entry_tsc. */
void arch_clock_init(uint64_t entry_tsc);

/* The timer of another CPU, on that one. All count alike: their TSCs are taken to be in step, as
 * firmware leaves them (SDM 3, 17.17.4). */
void arch_clock_init_cpu(void);

/* Nanoseconds of the monotonic clock: since the kernel was entered. */
uint64_t clock_now_ns(void);

/* A span of TSC ticks in nanoseconds. */
uint64_t arch_clock_ticks_to_ns(uint64_t ticks);

/* One timer_enter when the clock reaches deadline_ns: at once if it has, earlier if it is farther
 * than the hardware counts (then arm again). Replaces what was armed before. */
void arch_timer_arm(uint64_t deadline_ns);

/* Fills the info page, once. */
void arch_clock_fill(struct info_page *page);

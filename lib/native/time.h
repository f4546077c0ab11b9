/* SPDX-License-Identifier: MIT */
/*
 * The clock: nanoseconds, read from the info page without a system call.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/base/types.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* 128 bits, which ISO C does not know. */
__extension__ typedef unsigned __int128 time_product_t;

static inline const struct info_page *info_page(void) {
    return (const struct info_page *)INFO_PAGE_ADDRESS;
}

static ALWAYS_INLINE uint64_t time_read_tsc(void) {
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Monotonic time. Retries while the kernel changes the page (the sequence is odd or moves). */
static ALWAYS_INLINE uint64_t time_now_ns(void) {
    const struct info_page *page = info_page();
    uint32_t sequence;
    uint64_t now;

    do {
        sequence = page->sequence & ~1u;
        __asm__ volatile("" ::: "memory");
        uint64_t ticks = time_read_tsc() - page->base_tsc;

        now = page->base_ns + (uint64_t)(((time_product_t)ticks * page->ns_per_tick_32) >> 32);
        __asm__ volatile("" ::: "memory");
    } while (UNLIKELY(page->sequence != sequence));
    return now;
}

/* Wall time since 1970-01-01 00:00 UTC; the monotonic time if the machine has no clock. */
static inline int64_t time_wall_ns(void) {
    return (int64_t)time_now_ns() + info_page()->wall_offset_ns;
}

/* now + ns, DEADLINE_NEVER if that is beyond the end of time. */
static inline uint64_t time_deadline(uint64_t ns) {
    uint64_t now = time_now_ns();

    return ns > UINT64_MAX - now ? DEADLINE_NEVER : now + ns;
}

/* Sleeps until the deadline. Ends early only if the process has an upcall handler and an upcall
 * comes. */
void time_sleep_until(uint64_t deadline);

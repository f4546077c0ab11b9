/* SPDX-License-Identifier: MIT */
/*
 * Counting guest instructions, the same way on EuraliOS and on Linux.
 *
 * The emulator runs with -icount shift=0: the TSC then advances by one per guest instruction, so a
 * difference of two readings is an exact count, whatever the host does meanwhile. What is left to
 * chance is the guest's own timer interrupt; MEASURE takes the smallest of several batches.
 *
 * A row is the line `bench NAME TICKS`, which tools/bench reads.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

static inline uint64_t ticks_now(void) {
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Does nothing but tell tools/profile where a batch begins and ends. */
static inline void batch_mark(void) {
    __asm__ volatile("xchg %%bx, %%bx" ::: "memory");
}

enum { MEASURE_BATCHES = 10 };

/* [book:bench-measure] */
/* Ticks per execution of `statement`, from batches of `n`, the first batch being the warm-up. */
#define MEASURE(n, statement)                                                                      \
    ({                                                                                             \
        uint64_t best_ = UINT64_MAX;                                                               \
        for (int batch_ = 0; batch_ <= MEASURE_BATCHES; batch_++) {                                \
            batch_mark();                                                                          \
            uint64_t start_ = ticks_now();                                                         \
            for (int i_ = 0; i_ < (n); i_++) {                                                     \
                statement;                                                                         \
            }                                                                                      \
            uint64_t took_ = ticks_now() - start_;                                                 \
            batch_mark();                                                                          \
            if (batch_ > 0 && took_ < best_) {                                                     \
                best_ = took_;                                                                     \
            }                                                                                      \
        }                                                                                          \
        best_ / (uint64_t)(n);                                                                     \
    })
/* [/book] */

static inline void bench_row(const char *name, uint64_t ticks) {
    printf("bench %s %llu\n", name, (unsigned long long)ticks);
}

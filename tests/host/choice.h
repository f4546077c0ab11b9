/* SPDX-License-Identifier: MIT */
/*
 * What decides in a test that tries things at random: numbers from a seed (unit tests), or the
 * bytes of an input (fuzz targets), whose end is the end of the test. And how such a test fails.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/types.h"

struct choice {
    const uint8_t *bytes; /* NULL: from the seed */
    size_t n;             /* bytes, or steps, left */
    uint64_t seed;        /* not 0 */
};

/* One more step? */
static inline bool choice_more(struct choice *choice) {
    if (choice->n == 0) {
        return false;
    }
    choice->n -= choice->bytes == NULL;
    return true;
}

/* A number below `limit`, which is at most 2^32. */
static inline uint64_t choose(struct choice *choice, uint64_t limit) {
    uint64_t value = 0;

    if (choice->bytes == NULL) {
        choice->seed ^= choice->seed << 13;
        choice->seed ^= choice->seed >> 7;
        choice->seed ^= choice->seed << 17;
        return (choice->seed >> 20) % limit;
    }
    for (uint64_t rest = limit - 1; rest != 0 && choice->n > 0; rest >>= 8) {
        value = value << 8 | *choice->bytes++;
        choice->n--;
    }
    return value % limit;
}

static inline bool choose_one_in(struct choice *choice, uint64_t n) {
    return choose(choice, n) == n - 1;
}

#define SAME(a, b)                                                                                 \
    do {                                                                                           \
        uint64_t same_a_ = (uint64_t)(a), same_b_ = (uint64_t)(b);                                 \
                                                                                                   \
        if (same_a_ != same_b_) {                                                                  \
            fprintf(stderr, "%s:%d: %s is %#llx, %s is %#llx\n", __FILE__, __LINE__, #a,           \
                    (unsigned long long)same_a_, #b, (unsigned long long)same_b_);                 \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define HOLDS(condition) SAME(condition, true)

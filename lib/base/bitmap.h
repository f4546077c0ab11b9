/* SPDX-License-Identifier: MIT */
/*
 * Bit arrays of 64-bit words. Bit i is bit i % 64 of word i / 64. Callers check indices; the
 * functions take the number of bits where they loop, and never look at bits at or above it.
 * BITMAP_NONE is "there is no such bit".
 */
#pragma once

#include "lib/base/types.h"

#define BITMAP_WORD_BITS     64
#define BITMAP_N_WORDS(bits) (((bits) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)
#define BITMAP_NONE          SIZE_MAX

static inline bool bitmap_test(const uint64_t *words, size_t bit) {
    return (words[bit / BITMAP_WORD_BITS] >> (bit % BITMAP_WORD_BITS)) & 1;
}

static inline void bitmap_set(uint64_t *words, size_t bit) {
    words[bit / BITMAP_WORD_BITS] |= 1ull << (bit % BITMAP_WORD_BITS);
}

static inline void bitmap_clear(uint64_t *words, size_t bit) {
    words[bit / BITMAP_WORD_BITS] &= ~(1ull << (bit % BITMAP_WORD_BITS));
}

/* A word with `count` bits set from bit `first` on. first + count <= 64. */
static inline uint64_t bitmap_mask(unsigned first, unsigned count) {
    return count == 0 ? 0 : (UINT64_MAX >> (BITMAP_WORD_BITS - count)) << first;
}

/* Sets, or with value false clears, the bits [first, first + count). */
static inline void bitmap_fill(uint64_t *words, size_t first, size_t count, bool value) {
    while (count > 0) {
        size_t offset = first % BITMAP_WORD_BITS;
        size_t step = MIN(count, BITMAP_WORD_BITS - offset);
        uint64_t mask = bitmap_mask((unsigned)offset, (unsigned)step);
        uint64_t *word = &words[first / BITMAP_WORD_BITS];

        *word = value ? *word | mask : *word & ~mask;
        first += step;
        count -= step;
    }
}

/* Lowest bit in [from, n_bits) that equals `value`, else BITMAP_NONE. */
static inline size_t bitmap_find(const uint64_t *words, size_t n_bits, size_t from, bool value) {
    uint64_t invert = value ? 0 : UINT64_MAX;

    while (from < n_bits) {
        uint64_t word = (words[from / BITMAP_WORD_BITS] ^ invert) >> (from % BITMAP_WORD_BITS);

        if (word != 0) {
            size_t bit = from + (size_t)__builtin_ctzll(word);
            return bit < n_bits ? bit : BITMAP_NONE;
        }
        from = (from / BITMAP_WORD_BITS + 1) * BITMAP_WORD_BITS;
    }
    return BITMAP_NONE;
}

static inline size_t bitmap_find_set(const uint64_t *words, size_t n_bits, size_t from) {
    return bitmap_find(words, n_bits, from, true);
}

static inline size_t bitmap_find_clear(const uint64_t *words, size_t n_bits, size_t from) {
    return bitmap_find(words, n_bits, from, false);
}

/* How many bits of `word` are set. (The compiler's builtin would need the popcnt instruction, which
 * our baseline lacks, or a library.) */
static inline size_t bitmap_count_word(uint64_t word) {
    word -= (word >> 1) & 0x5555555555555555ull;
    word = (word & 0x3333333333333333ull) + ((word >> 2) & 0x3333333333333333ull);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (word * 0x0101010101010101ull) >> 56;
}

/* How many of the bits [0, n_bits) are set. */
static inline size_t bitmap_count(const uint64_t *words, size_t n_bits) {
    size_t count = 0;

    for (size_t i = 0; i < n_bits / BITMAP_WORD_BITS; i++) {
        count += bitmap_count_word(words[i]);
    }
    if (n_bits % BITMAP_WORD_BITS != 0) {
        count += bitmap_count_word(words[n_bits / BITMAP_WORD_BITS] &
                                   bitmap_mask(0, n_bits % BITMAP_WORD_BITS));
    }
    return count;
}

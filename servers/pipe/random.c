/* SPDX-License-Identifier: MIT */
#include "servers/pipe/random.h"

#include <cpuid.h>

#include "lib/base/string.h"
#include "lib/native/time.h"

enum { WORDS = 16, KEY_WORDS = 8, BLOCK_BYTES = 64, KEY_BYTES = 32, JITTER_ROUNDS = 2048 };

static uint32_t key[KEY_WORDS];

/* ---- ChaCha20 (RFC 8439, section 2.3) ---- */

static uint32_t rotate(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d) {
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

static void block(uint32_t *out, uint32_t counter) {
    const uint32_t in[WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1],
                                key[2],     key[3],     key[4],     key[5],     key[6], key[7],
                                counter,    0,          0,          0};

    memcpy(out, in, sizeof in);
    for (unsigned i = 0; i < 10; i++) {
        quarter_round(out, 0, 4, 8, 12);
        quarter_round(out, 1, 5, 9, 13);
        quarter_round(out, 2, 6, 10, 14);
        quarter_round(out, 3, 7, 11, 15);
        quarter_round(out, 0, 5, 10, 15);
        quarter_round(out, 1, 6, 11, 12);
        quarter_round(out, 2, 7, 8, 13);
        quarter_round(out, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < WORDS; i++) {
        out[i] += in[i];
    }
}

/* The first half of block 0 is the next key; the rest, and the blocks after it, are output. */
static void next_key(const uint32_t *block_0) {
    memcpy(key, block_0, sizeof key);
}

void random_fill(void *bytes, size_t n) {
    uint8_t *to = bytes;
    uint32_t first[WORDS], out[WORDS];

    block(first, 0);
    for (uint32_t counter = 1; n > 0; counter++) {
        size_t part = MIN(n, (size_t)BLOCK_BYTES);

        block(out, counter);
        memcpy(to, out, part);
        to += part;
        n -= part;
    }
    next_key(first);
    memset(out, 0, sizeof out);
    memset(first, 0, sizeof first);
    __asm__ volatile("" : : "r"(out), "r"(first) : "memory"); /* the clearing stays */
}

void random_mix(const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    uint32_t out[WORDS];

    while (n > 0) {
        size_t part = MIN(n, (size_t)KEY_BYTES);

        for (size_t i = 0; i < part; i++) {
            ((uint8_t *)key)[i] ^= from[i];
        }
        block(out, 0);
        next_key(out);
        from += part;
        n -= part;
    }
}

/* ---- seeding ---- */

static bool has_rdrand(void) {
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_RDRND) != 0;
}

static bool rdrand(uint64_t *value) {
    for (unsigned tries = 0; tries < 10; tries++) {
        bool ok;

        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(*value), "=qm"(ok) : : "cc");
        if (ok) {
            return true;
        }
    }
    return false;
}

void random_start(void) {
    bool has_instruction = has_rdrand();
    uint64_t sample[4];

    for (unsigned i = 0; i < JITTER_ROUNDS; i++) {
        sample[0] = time_read_tsc();
        sample[1] = (uint64_t)time_wall_ns();
        sample[2] = sample[3] = 0;
        if (has_instruction && i % 64 == 0 && !rdrand(&sample[2])) {
            has_instruction = false;
        }
        random_mix(sample, sizeof sample); /* how long this takes is in the next sample */
    }
}

/* SPDX-License-Identifier: MIT */
#include "servers/pipe/random.h"

#include <bearssl.h>
#include <cpuid.h>

#include "lib/native/time.h"

enum {
    SEED_ROUNDS = 1024,
    SEED_ROUNDS_MORE = 16,
    MORE_AFTER_BYTES = 64 * 1024,  /* taken since the last time */
    REQUEST_BYTES_MAX = 64 * 1024, /* SP 800-90A, table 2: 2^19 bits */
    RDRAND_EACH = 64,
};

static br_hmac_drbg_context generator;
static size_t n_taken; /* since more seed came */

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

/* A hash of so many samples. How long it takes to hash one is part of the next. */
static void seed_collect(uint8_t seed[br_sha256_SIZE], unsigned n_rounds) {
    bool has_instruction = has_rdrand();
    br_sha256_context hash;

    br_sha256_init(&hash);
    for (unsigned i = 0; i < n_rounds; i++) {
        uint64_t sample[2] = {time_read_tsc()};

        if (has_instruction && i % RDRAND_EACH == 0 && !rdrand(&sample[1])) {
            has_instruction = false;
        }
        br_sha256_update(&hash, sample, sizeof sample);
    }
    /* Not the same after each boot, even where the counter does not jitter. */
    int64_t wall_ns = time_wall_ns();

    br_sha256_update(&hash, &wall_ns, sizeof wall_ns);
    br_sha256_out(&hash, seed);
}

void random_start(void) {
    uint8_t seed[br_sha256_SIZE];

    seed_collect(seed, SEED_ROUNDS);
    br_hmac_drbg_init(&generator, &br_sha256_vtable, seed, sizeof seed);
}

void random_mix(const void *bytes, size_t n) {
    br_hmac_drbg_update(&generator, bytes, n);
}

void random_fill(void *bytes, size_t n) {
    uint8_t *to = bytes;

    while (n > 0) {
        size_t part = MIN(n, (size_t)REQUEST_BYTES_MAX);

        if (n_taken > MORE_AFTER_BYTES) {
            uint8_t seed[br_sha256_SIZE];

            seed_collect(seed, SEED_ROUNDS_MORE);
            random_mix(seed, sizeof seed);
            n_taken = 0;
        }
        br_hmac_drbg_generate(&generator, to, part);
        to += part;
        n -= part;
        n_taken += part;
    }
}

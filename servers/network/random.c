/* SPDX-License-Identifier: MIT */
/* Random numbers for ports, sequence numbers and transactions: SipHash-2-4 (Aumasson and Bernstein,
 * 2012) of a counter and the clock, keyed by the 16 random bytes that every program is started
 * with. Without the key the next number cannot be told from those before. */
#include <sys/auxv.h>

#include "arch/cc.h"
#include "lib/base/bytes.h"
#include "lib/native/time.h"

static uint64_t rotate(uint64_t value, unsigned n) {
    return value << n | value >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned n) {
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Of 16 bytes: a counter, so that no input comes twice, and the clock. */
uint32_t net_random(void) {
    static uint64_t counter;
    static uint64_t key[2];
    const uint64_t input[] = {++counter, time_read_tsc(), 16ull << 56};

    if (counter == 1) {
        const uint8_t *bytes = (const uint8_t *)getauxval(AT_RANDOM);

        if (bytes != NULL) {
            key[0] = bytes_get_le64(bytes);
            key[1] = bytes_get_le64(bytes + 8);
        }
    }
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};

    for (unsigned i = 0; i < 3; i++) {
        v[3] ^= input[i];
        rounds(v, 2);
        v[0] ^= input[i];
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

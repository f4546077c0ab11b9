/* SPDX-License-Identifier: MIT */
/*
 * Keys: the same keys come out whether the bytes come one by one or all at once.
 *
 * Sources: programs/gopher/keys.c
 */
#include "tests/fuzz/fuzz.h"

#include "programs/gopher/keys.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    size_t at = 0;
    while (at < size) {
        int whole;
        int part = KEY_NONE;
        size_t n = key_decode(bytes + at, size - at, false, &whole);
        size_t n_part = 0;
        for (size_t i = 1; n_part == 0 && i <= size - at; i++) {
            n_part = key_decode(bytes + at, i, false, &part);
        }
        FUZZ_ASSERT(n == n_part && (n == 0 || whole == part));
        if (n == 0) {
            n = key_decode(bytes + at, size - at, true, &whole);
        }
        FUZZ_ASSERT(n > 0 && n <= size - at && whole >= KEY_NONE && whole <= KEY_HELP);
        at += n;
    }
}

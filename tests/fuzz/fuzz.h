/* SPDX-License-Identifier: MIT */
/*
 * What fuzz targets share. A target is one file tests/fuzz/NAME_fuzz.c with a function fuzz_one;
 * see mk/fuzz.mk for how it is built and run.
 *
 * Formats with magic numbers need something good to start from: fuzz_edit turns an input into a
 * list of changes to an example, so that a target finds its way without seed files.
 */
#pragma once

#include <stdlib.h>

#include "lib/base/string.h"

/* Whatever must hold for any input. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : abort())

/* One input. The sanitizer sees every access beyond the `size` bytes. */
static void fuzz_one(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size);
    return 0;
}

/*
 * Changes `example` of `*size` bytes as the input says: if its first byte is 255, the second one is
 * how many are cut off the end; each three after that are an offset (16 bits) and what goes there.
 */
static inline void fuzz_edit(uint8_t *example, size_t *size, const uint8_t *data, size_t n) {
    for (size_t i = 2; i + 3 <= n; i += 3) {
        size_t at = data[i] | (size_t)data[i + 1] << 8;

        if (at < *size) {
            example[at] = data[i + 2];
        }
    }
    if (n >= 2 && data[0] == 0xff) {
        *size -= MIN(*size, data[1]);
    }
}

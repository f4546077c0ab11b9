/* SPDX-License-Identifier: MIT */
/*
 * lib/base/tar.c: any bytes as an archive. Checksums would stop nearly every change, so they are
 * made right first, except if the first byte of the input is odd.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "lib/base/tar.h"

#define BLOCK 512

static void mend_checksums(uint8_t *bytes, size_t size) {
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
        uint8_t *header = bytes + at;
        unsigned sum = 0;

        if (memcmp(header + 257, "ustar", 5) != 0) {
            continue;
        }
        memset(header + 148, ' ', 8);
        for (size_t i = 0; i < BLOCK; i++) {
            sum += header[i];
        }
        snprintf((char *)header + 148, 8, "%06o", sum);
    }
}

static volatile uint8_t byte_sink; /* makes the reads below happen */

static void fuzz_one(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + (size == 0));
    struct tar_reader reader;
    struct tar_entry entry;
    enum tar_result result;
    uint8_t sum = 0;

    memcpy(copy, data, size);
    if (size > 0 && data[0] % 2 == 0) {
        mend_checksums(copy, size);
    }
    tar_open(&reader, copy, size);
    while ((result = tar_next(&reader, &entry)) == TAR_OK) {
        FUZZ_ASSERT(entry.name[0] != '\0' && strlen(entry.name) <= TAR_NAME_MAX);
        FUZZ_ASSERT(strlen(entry.link) <= TAR_LINK_MAX && entry.mode <= 07777);
        FUZZ_ASSERT((entry.data == NULL) == (entry.size == 0));
        for (size_t i = 0; i < entry.size; i++) {
            sum ^= entry.data[i];
        }
    }
    FUZZ_ASSERT(tar_next(&reader, &entry) == result);
    byte_sink = sum;
    free(copy);
}

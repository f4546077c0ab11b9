/* SPDX-License-Identifier: MIT */
/*
 * lib/base/tar.c: any bytes as an archive, and any changes to a good one. Checksums would stop
 * nearly every change, so they are made right first.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/base/tar.h"
#include "tests/unit/tar_example.h"

static volatile uint8_t byte_sink; /* makes the reads below happen */

static void read_all(const uint8_t *bytes, size_t size) {
    struct tar_reader reader;
    struct tar_entry entry;
    enum tar_result result;
    uint8_t sum = 0;

    tar_open(&reader, bytes, size);
    while ((result = tar_next(&reader, &entry)) == TAR_OK) {
        FUZZ_ASSERT(entry.name[0] != '\0' && strlen(entry.name) <= TAR_NAME_MAX);
        FUZZ_ASSERT(strlen(entry.link) <= TAR_LINK_MAX && entry.mode <= 07777);
        FUZZ_ASSERT((entry.data == NULL) == (entry.size == 0));
        for (size_t i = 0; i < entry.size; i++) {
            sum ^= entry.data[i];
        }
    }
    byte_sink = sum;
    FUZZ_ASSERT(tar_next(&reader, &entry) == result);
}

static void fuzz_one(const uint8_t *data, size_t size) {
    static struct tar_example archive;
    size_t archive_size = tar_example_make(&archive);
    uint8_t *copy;

    read_all(data, size);
    fuzz_edit(archive.bytes, &archive_size, data, size);
    for (size_t at = 0; at + TAR_BLOCK <= archive_size; at += TAR_BLOCK) {
        if (memcmp(archive.bytes + at + 257, "ustar", 5) == 0) {
            tar_example_checksum(archive.bytes + at);
        }
    }
    copy = malloc(archive_size);
    memcpy(copy, archive.bytes, archive_size);
    read_all(copy, archive_size);
    free(copy);
}

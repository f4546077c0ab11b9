/* SPDX-License-Identifier: MIT */
/* Makes ustar archives, for the tests of the tar reader. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAR_BLOCK 512

/* An archive under construction. */
struct tar_example {
    uint8_t bytes[64 * TAR_BLOCK];
    size_t size;
};

static inline void tar_example_checksum(uint8_t *header) {
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK; i++) {
        sum += header[i];
    }
    sprintf((char *)header + 148, "%06o", sum);
}

/* Appends an entry; returns its header. */
static inline uint8_t *tar_example_add(struct tar_example *archive, const char *prefix,
                                       const char *name, char type, const char *data) {
    uint8_t *header = archive->bytes + archive->size;

    memset(header, 0, TAR_BLOCK);
    memcpy(header, name, strnlen(name, 100));
    strcpy((char *)header + 100, "0100755");
    sprintf((char *)header + 124, "%011zo", strlen(data));
    strcpy((char *)header + 136, "14000000000");
    header[156] = (uint8_t)type;
    memcpy(header + 157, "target", 6);
    memcpy(header + 257, "ustar\00000", 8);
    memcpy(header + 345, prefix, strnlen(prefix, 155));
    tar_example_checksum(header);
    archive->size += TAR_BLOCK;
    memset(archive->bytes + archive->size, 0,
           (strlen(data) + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
    memcpy(archive->bytes + archive->size, data, strlen(data));
    archive->size += (strlen(data) + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return header;
}

static inline void tar_example_finish(struct tar_example *archive) {
    memset(archive->bytes + archive->size, 0, 2 * TAR_BLOCK);
    archive->size += 2 * TAR_BLOCK;
}

/* Some entries of different kinds; returns the size of the archive. */
static inline size_t tar_example_make(struct tar_example *archive) {
    archive->size = 0;
    tar_example_add(archive, "", "a/", '5', "");
    tar_example_add(archive, "", "a/b", '0', "some text");
    tar_example_add(archive, "", "comment", 'g', "x");
    tar_example_add(archive, "long", "c", '0', "");
    tar_example_finish(archive);
    return archive->size;
}

/* SPDX-License-Identifier: MIT */
/*
 * The boot archive as init uses it: files by path, in place.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

struct archive {
    const uint8_t *bytes;
    size_t size;
};

struct archive_file {
    const uint8_t *data;
    size_t size;
    uint64_t offset; /* of data in the archive */
};

/* Maps the archive's memory object. */
WARN_UNUSED status_t archive_open(struct archive *archive, handle_t memory);

/* The file with this normal path; false if there is none. */
WARN_UNUSED bool archive_find(const struct archive *archive, const char *path,
                              struct archive_file *file);

/* Calls `each` for every file directly in the folder (a normal path), by its name there. */
void archive_list(const struct archive *archive, const char *folder,
                  void (*each)(void *context, const char *name, const struct archive_file *file),
                  void *context);

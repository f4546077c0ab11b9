/* SPDX-License-Identifier: MIT */
/*
 * Reader for ustar archives in memory (POSIX.1-2017, pax, "ustar Interchange Format"): the boot
 * archive. Trusts nothing: every header's checksum, magic and numbers are checked, and no byte
 * outside of the archive is read.
 *
 *     struct tar_reader reader;
 *     struct tar_entry entry;
 *     enum tar_result result;
 *
 *     tar_open(&reader, archive, size);
 *     while ((result = tar_next(&reader, &entry)) == TAR_OK) { ... }
 *     if (result != TAR_END) { ... tar_result_text(result) ... }
 *
 * Names are handed on as they are ("./bin/ls", "etc/", even "../x"): path_normalize makes them
 * safe. Extensions that rename the next entry (pax 'x', GNU 'L' and 'K') are an error, since
 * ignoring them would silently give wrong names; a global pax header 'g', a comment in practice, is
 * skipped.
 */
#pragma once

#include "lib/base/types.h"

#define TAR_NAME_MAX 256 /* prefix, a slash, name */
#define TAR_LINK_MAX 100

enum tar_result {
    TAR_OK,
    TAR_END,          /* the end mark: no more entries */
    TAR_TRUNCATED,    /* the archive ends before its end mark, or inside an entry */
    TAR_BAD_MAGIC,    /* not a ustar header */
    TAR_BAD_CHECKSUM, /* a damaged header */
    TAR_BAD_NUMBER,   /* a number that is not octal, or too large */
    TAR_BAD_NAME,     /* an empty name */
    TAR_BAD_TYPE,     /* an extension that we do not know */
};

enum tar_type {
    TAR_TYPE_FILE,
    TAR_TYPE_HARD_LINK,
    TAR_TYPE_SYMBOLIC_LINK,
    TAR_TYPE_DIRECTORY,
    TAR_TYPE_OTHER, /* devices, FIFOs */
};

struct tar_reader {
    const uint8_t *bytes;
    size_t size;
    size_t next; /* where the next header is; a multiple of 512 */
};

struct tar_entry {
    char name[TAR_NAME_MAX + 1];
    char link[TAR_LINK_MAX + 1]; /* target, of links */
    enum tar_type type;
    unsigned mode;       /* permission bits, 0 to 07777 */
    uint64_t mtime_s;    /* last change, seconds since 1970 */
    const uint8_t *data; /* in the archive; NULL if size is 0 */
    size_t size;         /* bytes; 0 for all but files */
};

/* The archive stays the caller's and must not change while it is read. */
void tar_open(struct tar_reader *reader, const void *archive, size_t size);

/* Reads the next entry. After TAR_END or an error the same result comes again. */
WARN_UNUSED enum tar_result tar_next(struct tar_reader *reader, struct tar_entry *entry);

/* A result in words. */
const char *tar_result_text(enum tar_result result);

/* SPDX-License-Identifier: MIT */
/*
 * Open read-only files whose content is a text made when they are opened: how servers show what
 * they know (/pci/00:03.0, /etc/resolv.conf). Speaks protocol file.
 */
#pragma once

#include "abi/generated/file.h"
#include "lib/native/server.h"

/* Times and numbers of such a file, for `stat`. */
struct text_file_stat {
    uint64_t device; /* the server's number */
    uint64_t id;
    uint64_t size;
};

/*
 * Makes an open file with a copy of the text, charged to the request's client, and answers it as
 * protocol file's `open` wants: *kind and *file. READ_ONLY if `flags` ask for more than reading,
 * NOT_DIRECTORY for a directory, NO_MEMORY, TOO_MANY.
 */
WARN_UNUSED status_t text_file_open(struct request *request, uint32_t flags, const char *text,
                                    size_t length, const struct text_file_stat *stat,
                                    uint32_t *kind, handle_t *file);

/* Answers `stat` with a regular read-only file. */
WARN_UNUSED status_t text_file_stat(struct request *request, const struct text_file_stat *stat,
                                    uint32_t stat_length);

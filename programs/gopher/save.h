/* SPDX-License-Identifier: MIT */
/*
 * Saving documents. The bytes go to NAME.part, which becomes NAME when the document is complete: a
 * transfer that fails leaves neither, and an older NAME as it was. The size is limited by the disk
 * only.
 *
 * Texts are saved as they were before the server prepared them for the journey (body.h: dots
 * undone, CR LF back to LF); everything else byte for byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/buffer.h"
#include "programs/gopher/fetch.h"

#define SAVE_NAME_MAX 1024

struct save_outcome {
    enum fetch_status status; /* FETCH_NOT_STORED for all troubles with the file */
    uint64_t size;            /* bytes in the file */
    char message[256];        /* one sentence; plain ASCII but for the file's name */
};

/*
 * Fetches an item into a file. `request` needs no receive, receive_context and limit. A server's
 * error answer (menu_is_error) is reported as FETCH_ERROR_ITEM with its text, and not saved.
 */
void save_item(const struct fetch_request *request, const char *name, struct save_outcome *outcome);

/* Writes bytes that are here already. */
void save_bytes(struct slice bytes, const char *name, struct save_outcome *outcome);

/* Writes all bytes to a file descriptor; false with errno. Blocks: as write does. */
bool write_all(int fd, const char *data, size_t size) __attribute__((warn_unused_result));

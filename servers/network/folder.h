/* SPDX-License-Identifier: MIT */
/*
 * Directories of a few fixed names (or none that can be listed), for what this server serves.
 */
#pragma once

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "lib/native/server.h"

struct folder {
    const char *const *names; /* ends with NULL */
    /* Opens what is not the folder itself; as protocol file's `open`, the path already read. */
    status_t (*open)(struct request *request, uint32_t flags, const char *path, uint32_t *kind,
                     handle_t *file);
    /* The mode of a path, 0: NOT_FOUND. */
    uint32_t (*mode)(const char *path);
    /* A client gave an `open` up that was saved with this cookie. May be NULL. */
    void (*cancelled)(uint64_t cookie);
};

/* Exports the folder (which stays) as a root of the server. */
void folder_export(struct server *server, unsigned root, const struct folder *folder);

/* SPDX-License-Identifier: MIT */
/*
 * What the handlers of protocols file and directory share.
 */
#pragma once

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "lib/base/path.h"
#include "lib/native/server.h"
#include "servers/ramfs/node.h"

struct end;

/* An open file, directory or FIFO. */
struct open_file {
    struct node *node;
    uint64_t offset; /* file: bytes; directory: cookie of the last entry listed */
    uint32_t flags;
    struct lock_owner lock_owner; /* of its locks of the whole file */
    struct end *end;              /* FIFO that is open for reading or writing; else NULL */
};

extern struct file_system file_system;
extern const struct server_class open_file_class;
extern const struct file_handlers file_handlers;
extern const struct directory_handlers directory_handlers;

/* A path of a request, and where it leads. */
struct request_path {
    char text[PATH_LENGTH_MAX];
    struct lookup lookup;
};

/*
 * Reads the path (`length` bytes of what the request lent, from `offset`) and walks it. At a
 * symbolic link writes its target to the request's writable memory, sets *matched and
 * *target_length, and returns REDIRECT.
 */
WARN_UNUSED status_t request_walk(const struct open_file *from, struct request *request,
                                  uint64_t offset, uint32_t length, enum lookup_last last,
                                  struct request_path *path, uint32_t *matched,
                                  uint32_t *target_length);

/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/file.idl: change that, not this.
 *
 * Files, and everything that can be read and written like one: ramdisk files, pipes, terminals,
 * connections. A gate of this protocol is one open file description, or a place from which paths lead on
 * (a directory, the root of a server): open works on the latter.
 */
/* clang-format off */
#pragma once

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { FILE_PROTOCOL = 1 };

enum file_label {
    FILE_OPEN = FILE_PROTOCOL << 16 | 1,
};

/* open flags; the access mode is a set, not a number */
#define FILE_OPEN_READ 1
#define FILE_OPEN_WRITE 2
#define FILE_OPEN_CREATE 4
#define FILE_OPEN_EXCLUSIVE 8
#define FILE_OPEN_TRUNCATE 16
#define FILE_OPEN_APPEND 32
#define FILE_OPEN_DIRECTORY 64
#define FILE_OPEN_NO_FOLLOW 128
#define FILE_OPEN_NON_BLOCKING 256

/*
 * Opens what `path` (relative to this object, not 0-terminated, no `.` or `..`, "" is the object itself)
 * names. status OK: `file` is the open file. status REDIRECT: go on at gate `file` with the rest of the
 * path, of which the first `matched` bytes are used up; with `symlink` instead of a gate (file is none):
 * see read_link. The client follows at most 40.
 * request: lend_read path, w0.low flags, w0.high mode
 * answer: w0.low matched, handle file
 */
WARN_UNUSED static inline status_t file_open(handle_t server, const void *path,
                                             uint32_t path_length, uint32_t flags, uint32_t mode,
                                             uint32_t *matched, handle_t *file, uint64_t deadline) {
    struct message message_ = {.gate = server, .label = FILE_OPEN, .deadline = deadline};

    message_.words[0] = (uint64_t)(uint32_t)flags | (uint64_t)(uint32_t)mode << 32;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.control |= MESSAGE_SEGMENTS(1) | MESSAGE_ACCEPT(1);
    status_t status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *file = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct file_handlers {
    status_t (*open)(void *context, struct request *request, uint32_t path_length, uint32_t flags,
                     uint32_t mode, uint32_t *matched, handle_t *file);
};

static inline status_t file_dispatch_open(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t matched = 0;
    handle_t file = HANDLE_NONE;

    if (handlers->open == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->open(context, request, request->readable,
                                      (uint32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32), &matched, &file);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched;
    answer_add_handle(&request->answer, file, ANSWER_MOVE);
    return status_;
}

/* Answers a saved request; the handle is used up, whatever becomes of the client. */
static inline void file_answer_open(handle_t saved, status_t status, uint32_t matched,
                                    handle_t file) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched;
    answer_add_handle(&answer_, file, ANSWER_MOVE);
    answer_send(saved, status, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t file_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case FILE_OPEN:
        return file_dispatch_open(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define FILE_SERVE(handlers) {FILE_PROTOCOL, file_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *file_label_name(uint32_t label) {
    switch (label) {
    case FILE_OPEN:
        return "file.open";
    default:
        return NULL;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/names.idl: change that, not this.
 *
 * The shared namespace: a tree of names under which servers are mounted. Goes to the root gate of the names server, which also
 * is a directory (protocol file): open answers REDIRECT with the gate of the longest mounted prefix; names on the way to a
 * mount point are listed as directories.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { NAMES_PROTOCOL = 7 };

enum names_label {
    NAMES_MOUNT = NAMES_PROTOCOL << 16 | 1,
    NAMES_UNMOUNT = NAMES_PROTOCOL << 16 | 2,
};

/*
 * Mounts the server behind `root` at `path` (as in protocol file). EXISTS if something is mounted there, or another's
 * mount lies above or below: any program may add names, but none replaces those of others. The mount is the caller's: only who
 * mounted one takes it away, or its server's end does. What services serve nobody takes away.
 * request: lend_read path, handle root
 */
WARN_UNUSED static inline status_t names_mount(handle_t server, const void *path,
                                               uint32_t path_length, handle_t root,
                                               uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NAMES_MOUNT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.handles[0] = root;
    message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.control |= MESSAGE_SEGMENTS(1);
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * NOT_FOUND if nothing is mounted there, DENIED if it is another's.
 * request: lend_read path
 */
WARN_UNUSED static inline status_t names_unmount(handle_t server, const void *path,
                                                 uint32_t path_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NAMES_UNMOUNT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct names_handlers {
    status_t (*mount)(void *context, struct request *request, uint32_t path_length, handle_t root);
    status_t (*unmount)(void *context, struct request *request, uint32_t path_length);
};

static inline status_t names_dispatch_mount(const struct names_handlers *handlers, void *context,
                                            struct request *request) {
    if (handlers->mount == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is(request, 0, OBJECT_GATE)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->mount(context, request, request->readable, request->handles[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t names_answer_mount(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t names_dispatch_unmount(const struct names_handlers *handlers, void *context,
                                              struct request *request) {
    if (handlers->unmount == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->unmount(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t names_answer_unmount(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t names_dispatch(const void *handlers, void *context,
                                      struct request *request) {
    switch (request->label) {
    case NAMES_MOUNT:
        return names_dispatch_mount(handlers, context, request);
    case NAMES_UNMOUNT:
        return names_dispatch_unmount(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define NAMES_SERVE(handlers) {NAMES_PROTOCOL, names_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *names_label_name(uint32_t label) {
    switch (label) {
    case NAMES_MOUNT:
        return "names.mount";
    case NAMES_UNMOUNT:
        return "names.unmount";
    default:
        return NULL;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/pipe.idl: change that, not this.
 *
 * Pipes and pairs. The gate of the pipe server (namespace entry /dev/pipe) understands these; what comes back are open
 * files (protocol file): write ends of at most PIPE_BUF bytes are never split among writers.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { PIPE_PROTOCOL = 3 };

enum pipe_label {
    PIPE_CREATE = PIPE_PROTOCOL << 16 | 1,
    PIPE_CREATE_PAIR = PIPE_PROTOCOL << 16 | 2,
};

/* A write of up to so many bytes is one piece. */
#define PIPE_ATOMIC_BYTES 4096
#define PIPE_CAPACITY_BYTES 65536

/*
 * `flags`: file open_nonblock, for both ends.
 * request: w0.low flags
 * answer: handle reader, handle writer
 */
WARN_UNUSED static inline status_t pipe_create(handle_t server, uint32_t flags, handle_t *reader,
                                               handle_t *writer, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PIPE_CREATE;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(2);
    message_.words[0] = (uint64_t)(uint32_t)flags;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *reader = message_handle(&message_, status_, 0);
    *writer = message_handle(&message_, status_, 1);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Two ends, each read and written (socketpair of type SOCK_STREAM).
 * request: w0.low flags
 * answer: handle one, handle other
 */
WARN_UNUSED static inline status_t pipe_create_pair(handle_t server, uint32_t flags, handle_t *one,
                                                    handle_t *other, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PIPE_CREATE_PAIR;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(2);
    message_.words[0] = (uint64_t)(uint32_t)flags;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *one = message_handle(&message_, status_, 0);
    *other = message_handle(&message_, status_, 1);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct pipe_handlers {
    status_t (*create)(void *context, struct request *request, uint32_t flags, handle_t *reader,
                       handle_t *writer);
    status_t (*create_pair)(void *context, struct request *request, uint32_t flags, handle_t *one,
                            handle_t *other);
};

static inline status_t pipe_dispatch_create(const struct pipe_handlers *handlers, void *context,
                                            struct request *request) {
    handle_t reader = HANDLE_NONE;
    handle_t writer = HANDLE_NONE;

    if (handlers->create == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->create(context, request, (uint32_t)request->words[0], &reader,
                                        &writer);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    answer_add_handle(&request->answer, reader, request->answer_flag);
    answer_add_handle(&request->answer, writer, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pipe_answer_create(handle_t saved, status_t outcome, handle_t reader,
                                          handle_t writer) {
    struct answer answer_ = {.control = 0};

    answer_add_handle(&answer_, reader, ANSWER_MOVE);
    answer_add_handle(&answer_, writer, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pipe_dispatch_create_pair(const struct pipe_handlers *handlers,
                                                 void *context, struct request *request) {
    handle_t one = HANDLE_NONE;
    handle_t other = HANDLE_NONE;

    if (handlers->create_pair == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->create_pair(context, request, (uint32_t)request->words[0], &one,
                                             &other);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    answer_add_handle(&request->answer, one, request->answer_flag);
    answer_add_handle(&request->answer, other, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pipe_answer_create_pair(handle_t saved, status_t outcome, handle_t one,
                                               handle_t other) {
    struct answer answer_ = {.control = 0};

    answer_add_handle(&answer_, one, ANSWER_MOVE);
    answer_add_handle(&answer_, other, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t pipe_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case PIPE_CREATE:
        return pipe_dispatch_create(handlers, context, request);
    case PIPE_CREATE_PAIR:
        return pipe_dispatch_create_pair(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define PIPE_SERVE(handlers) {PIPE_PROTOCOL, pipe_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *pipe_label_name(uint32_t label) {
    switch (label) {
    case PIPE_CREATE:
        return "pipe.create";
    case PIPE_CREATE_PAIR:
        return "pipe.create_pair";
    default:
        return NULL;
    }
}

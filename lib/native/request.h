/* SPDX-License-Identifier: MIT */
/*
 * A request as a server's handler sees it, and the answer to it. The generated dispatch functions
 * (abi/generated) unpack the one and pack the other; the server loop (lib/native/server.h) receives
 * and sends.
 */
#pragma once

#include "abi/message.h"
#include "lib/base/types.h"

/* What a handler returns that saved the reply and will answer later; never an answer. */
#define REQUEST_DEFERRED ((status_t)1)

enum answer_flags { ANSWER_MOVE = 0, ANSWER_COPY = 1, ANSWER_LEND = 2 };

/* What a client may do by a gate of which the server keeps the handle: it cannot give away
 * another's end, nor see the badge. */
#define GATE_LENT (RIGHT_SEND | RIGHT_NOTIFY | RIGHT_COPY)

/* What goes back besides the status. control counts the handles. */
struct answer {
    uint64_t words[MESSAGE_WORDS];
    uint64_t control;
    handle_t handles[MESSAGE_HANDLES_MAX];
};

struct server;

struct request {
    struct server *server;
    uint64_t badge; /* of the gate it came through */
    uint32_t label;
    uint32_t tag; /* who asks (abi/tag.h) */
    uint64_t words[MESSAGE_WORDS];
    uint32_t readable; /* bytes that the client lent to be read, to be written */
    uint32_t writable;
    bool is_brief; /* what is to be read is in words 1 to 3: lib/native/message.h */
    bool is_call;  /* somebody waits for the answer */
    bool has_own_badge;
    uint64_t own_badge; /* of a gate of this server that came with the request */
    uint32_t n_handles;
    handle_t handles[MESSAGE_HANDLES_MAX]; /* closed after the handler, but for those kept */
    uint64_t result;                       /* MESSAGE_RESULT_ word: kinds of the handles */
    handle_t saved; /* the saved reply, HANDLE_NONE as long as it is the current one */
    enum answer_flags
        answer_flag; /* set ANSWER_COPY in the handler: handles of the answer stay the server's */
    struct answer answer;
};

/*
 * Copies from (to) the memory that the client lent; `offset` counts from the start of the readable
 * (writable) range. All or an error: PEER_FAULT if the client's memory is not there, BAD_ARGUMENT
 * outside the range. May be called as often as needed until the request is answered, also when it
 * is saved. Never blocks.
 */
WARN_UNUSED status_t request_read(const struct request *request, uint64_t offset, void *to,
                                  size_t n);
WARN_UNUSED status_t request_write(const struct request *request, uint64_t offset, const void *from,
                                   size_t n);

/* The same for a request that was saved earlier. */
WARN_UNUSED status_t saved_read(handle_t saved, uint64_t offset, void *to, size_t n);
WARN_UNUSED status_t saved_write(handle_t saved, uint64_t offset, const void *from, size_t n);

/* The first `length` lent bytes as a string with terminator. NAME_TOO_LONG if size is too small,
 * BAD_ARGUMENT for a NUL inside. */
WARN_UNUSED status_t request_read_string(const struct request *request, uint64_t offset,
                                         uint32_t length, char *to, size_t size);

/*
 * The same for a path: BAD_ARGUMENT unless it is "" or components with single slashes between them,
 * none "." or "..".
 */
WARN_UNUSED status_t request_read_path(const struct request *request, uint64_t offset,
                                       uint32_t length, char *to, size_t size);

/*
 * Makes the reply a handle in *saved, so that others can be served before it is answered (with a
 * generated PROTOCOL_answer_VERB, exactly once). The handler then returns REQUEST_DEFERRED.
 * `cookie` comes back in the server's cancelled callback if the client's deadline passes or it is
 * interrupted: then answer soon (INTERRUPTED or what there is). TOO_MANY if this tag has as many
 * saved replies as the server allows; NO_REPLY if the client is gone (return DEFERRED too).
 */
WARN_UNUSED status_t request_save(struct request *request, uint64_t cookie, handle_t *saved);

/* Takes a handle out of the request: from now on the server's own. */
handle_t request_keep(struct request *request, handle_t handle);

/* Is handle i there, and of this kind (OBJECT_NONE: any)? */
static inline bool request_handle_is(const struct request *request, unsigned i,
                                     enum object_type type) {
    return i < request->n_handles &&
           (type == OBJECT_NONE || MESSAGE_RESULT_TYPE(request->result, i) == type);
}

static inline bool request_handle_is_or_none(const struct request *request, unsigned i,
                                             enum object_type type) {
    return i >= request->n_handles || request_handle_is(request, i, type);
}

/* Adds a handle to an answer; HANDLE_NONE adds none. A moved one is closed if the answer cannot be
 * delivered. */
static inline void answer_add_handle(struct answer *answer, handle_t handle,
                                     enum answer_flags flag) {
    unsigned i = (unsigned)(answer->control & 7);

    if (handle == HANDLE_NONE) {
        return;
    }
    answer->handles[i] = handle;
    answer->control += MESSAGE_SEND_HANDLES(1);
    if (flag != ANSWER_MOVE) {
        answer->control |= MESSAGE_COPY(i, flag == ANSWER_COPY ? RIGHTS_ALL : GATE_LENT);
    }
}

/* Answers a saved request with this status. Uses up `saved`; moved handles are closed if nobody
 * waits any more. */
status_t answer_send(handle_t saved, status_t status, const struct answer *answer);

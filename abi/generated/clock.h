/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/clock.idl: change that, not this.
 *
 * The wall clock (/dev/clock). Everybody reads it from the info page; who has this name may set it.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { CLOCK_PROTOCOL = 17 };

enum clock_label {
    CLOCK_SET = CLOCK_PROTOCOL << 16 | 1,
};

/*
 * Now it is `wall_ns` nanoseconds after 1970-01-01 00:00:00 UTC. BAD_ARGUMENT: more than wall_max.
 */
#define CLOCK_WALL_MAX 0x7fffffffffffffffull

/* request: w0 wall_ns */
WARN_UNUSED static inline status_t clock_set(handle_t server, uint64_t wall_ns, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = CLOCK_SET;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = wall_ns;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct clock_handlers {
    status_t (*set)(void *context, struct request *request, uint64_t wall_ns);
};

static inline status_t clock_dispatch_set(const struct clock_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->set == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set(context, request, request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t clock_answer_set(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t clock_dispatch(const void *handlers, void *context,
                                      struct request *request) {
    switch (request->label) {
    case CLOCK_SET:
        return clock_dispatch_set(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define CLOCK_SERVE(handlers) {CLOCK_PROTOCOL, clock_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *clock_label_name(uint32_t label) {
    switch (label) {
    case CLOCK_SET:
        return "clock.set";
    default:
        return NULL;
    }
}

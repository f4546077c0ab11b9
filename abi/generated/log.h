/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/log.idl: change that, not this.
 *
 * The system log. Every program that is to log has a gate of the log service (start block: gate "log"). Lines are sent, not
 * called, and only if the service waits for one: nobody ever waits for the log. The lines are read as a file: /log (protocol
 * file), where a read at the end waits for more.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { LOG_PROTOCOL = 8 };

enum log_label {
    LOG_PIECE = LOG_PROTOCOL << 16 | 1,
};

/* Bits of the first byte of a piece. */
#define LOG_PIECE_LEVEL 7
/* Forget what came before from this sender. */
#define LOG_PIECE_FIRST 8
/* The line is complete. */
#define LOG_PIECE_LAST 16
#define LOG_PIECE_BYTES 29

/*
 * A piece of a line: byte 0 is piece_level | piece_first | piece_last, bytes 1 and 2 tell senders apart whose tag is the same (the
 * kernel's number of the process), the others are text, filled up with zeros.
 * request: w0 a, w1 b, w2 c, w3 d
 */
WARN_UNUSED static inline status_t log_piece(handle_t server, uint64_t a, uint64_t b, uint64_t c,
                                             uint64_t d, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = LOG_PIECE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = a;
    message_.words[1] = b;
    message_.words[2] = c;
    message_.words[3] = d;
    return MESSAGE_SEND(&message_);
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct log_handlers {
    status_t (*piece)(void *context, struct request *request, uint64_t a, uint64_t b, uint64_t c,
                      uint64_t d);
};

static inline status_t log_dispatch_piece(const struct log_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->piece == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->piece(context, request, request->words[0], request->words[1],
                                       request->words[2], request->words[3]);
    return status_;
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t log_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case LOG_PIECE:
        return log_dispatch_piece(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define LOG_SERVE(handlers) {LOG_PROTOCOL, log_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *log_label_name(uint32_t label) {
    switch (label) {
    case LOG_PIECE:
        return "log.piece";
    default:
        return NULL;
    }
}

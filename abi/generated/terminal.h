/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/terminal.idl: change that, not this.
 *
 * What an open file that is a terminal understands besides protocol file: line discipline, size, and whom to tell of
 * Ctrl-C. The line discipline (editing, echo, signal characters, newline translation) is in the terminal's server. Any
 * other file answers BAD_MESSAGE or NOT_TERMINAL, which is what isatty tests.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { TERMINAL_PROTOCOL = 4 };

enum terminal_label {
    TERMINAL_GET_ATTRIBUTES = TERMINAL_PROTOCOL << 16 | 1,
    TERMINAL_SET_ATTRIBUTES = TERMINAL_PROTOCOL << 16 | 2,
    TERMINAL_GET_SIZE = TERMINAL_PROTOCOL << 16 | 3,
    TERMINAL_SET_SIZE = TERMINAL_PROTOCOL << 16 | 4,
    TERMINAL_FLUSH = TERMINAL_PROTOCOL << 16 | 5,
    TERMINAL_DRAIN = TERMINAL_PROTOCOL << 16 | 6,
    TERMINAL_GET_QUEUED = TERMINAL_PROTOCOL << 16 | 7,
    TERMINAL_SET_SESSION = TERMINAL_PROTOCOL << 16 | 8,
    TERMINAL_GET_SESSION = TERMINAL_PROTOCOL << 16 | 9,
};

/* When: at once, when all output is out, or that and input dropped too. */
#define TERMINAL_WHEN_NOW 0
#define TERMINAL_WHEN_DRAINED 1
#define TERMINAL_WHEN_FLUSHED 2
#define TERMINAL_FLUSH_INPUT 1
#define TERMINAL_FLUSH_OUTPUT 2
/*
 * Job control is a matter between the client and proc (proc background), which the terminal only asks for: reading a
 * terminal that has a session, and writing it with TOSTOP, is answered BACKGROUND unless the offset is offset_asked.
 */
#define TERMINAL_OFFSET_ASKED 0xfffffffffffffffeull
#define TERMINAL_NOTIFY_INTERRUPT (1ull << 0)
#define TERMINAL_NOTIFY_QUIT (1ull << 1)
#define TERMINAL_NOTIFY_SUSPEND (1ull << 2)
#define TERMINAL_NOTIFY_RESIZED (1ull << 3)
#define TERMINAL_NOTIFY_HANGUP (1ull << 4)

/* The numbers of musl's <termios.h>, which are Linux's. */
struct terminal_attributes {
    uint32_t input_flags;
    uint32_t output_flags;
    uint32_t control_flags;
    uint32_t local_flags;
    uint8_t line;
    uint8_t characters[32];
    uint8_t reserved[3];
    uint32_t input_speed;
    uint32_t output_speed;
};

/* request: lend_write attributes */
WARN_UNUSED static inline status_t terminal_get_attributes(handle_t server, void *attributes,
                                                           uint32_t attributes_length,
                                                           uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_GET_ATTRIBUTES;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(attributes, attributes_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low when, lend_read attributes */
WARN_UNUSED static inline status_t terminal_set_attributes(handle_t server, uint32_t when,
                                                           const void *attributes,
                                                           uint32_t attributes_length,
                                                           uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_SET_ATTRIBUTES;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)when;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(attributes, attributes_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* answer: w0.low rows, w0.high columns */
WARN_UNUSED static inline status_t terminal_get_size(handle_t server, uint32_t *rows,
                                                     uint32_t *columns, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_GET_SIZE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *rows = (uint32_t)message_.words[0];
    *columns = (uint32_t)(message_.words[0] >> 32);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Notifies `resized` if it is a change.
 * request: w0.low rows, w0.high columns
 */
WARN_UNUSED static inline status_t terminal_set_size(handle_t server, uint32_t rows,
                                                     uint32_t columns, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_SET_SIZE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)rows | (uint64_t)(uint32_t)columns << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low queues */
WARN_UNUSED static inline status_t terminal_flush(handle_t server, uint32_t queues,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_FLUSH;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)queues;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* Returns when all output is on its way. */
WARN_UNUSED static inline status_t terminal_drain(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_DRAIN;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Bytes that a read would give now, and that are not yet sent.
 * answer: w0 input, w1 output
 */
WARN_UNUSED static inline status_t terminal_get_queued(handle_t server, uint64_t *input,
                                                       uint64_t *output, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_GET_QUEUED;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *input = message_.words[0];
    *output = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * From now on `session` is notified with the bits below: it is the proc server's gate for the session whose terminal
 * this is, `number` its number. It replaces the one before, which gets `hangup`.
 * request: w0.low number, handle session
 */
WARN_UNUSED static inline status_t terminal_set_session(handle_t server, uint32_t number,
                                                        handle_t session, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_SET_SESSION;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)number;
    message_.handles[0] = session;
    message_.control += MESSAGE_SEND_HANDLES(1);
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The number of the session whose terminal this is, 0: none.
 * answer: w0.low number
 */
WARN_UNUSED static inline status_t terminal_get_session(handle_t server, uint32_t *number,
                                                        uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = TERMINAL_GET_SESSION;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *number = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct terminal_handlers {
    status_t (*get_attributes)(void *context, struct request *request, uint32_t attributes_length);
    status_t (*set_attributes)(void *context, struct request *request, uint32_t when,
                               uint32_t attributes_length);
    status_t (*get_size)(void *context, struct request *request, uint32_t *rows, uint32_t *columns);
    status_t (*set_size)(void *context, struct request *request, uint32_t rows, uint32_t columns);
    status_t (*flush)(void *context, struct request *request, uint32_t queues);
    status_t (*drain)(void *context, struct request *request);
    status_t (*get_queued)(void *context, struct request *request, uint64_t *input,
                           uint64_t *output);
    status_t (*set_session)(void *context, struct request *request, uint32_t number,
                            handle_t session);
    status_t (*get_session)(void *context, struct request *request, uint32_t *number);
};

static inline status_t terminal_dispatch_get_attributes(const struct terminal_handlers *handlers,
                                                        void *context, struct request *request) {
    if (handlers->get_attributes == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_attributes(context, request, request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_get_attributes(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_set_attributes(const struct terminal_handlers *handlers,
                                                        void *context, struct request *request) {
    if (handlers->set_attributes == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_attributes(context, request, (uint32_t)request->words[0],
                                                request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_set_attributes(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_get_size(const struct terminal_handlers *handlers,
                                                  void *context, struct request *request) {
    uint32_t rows = 0;
    uint32_t columns = 0;

    if (handlers->get_size == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_size(context, request, &rows, &columns);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)rows | (uint64_t)(uint32_t)columns << 32;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_get_size(handle_t saved, status_t outcome, uint32_t rows,
                                                uint32_t columns) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)rows | (uint64_t)(uint32_t)columns << 32;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_set_size(const struct terminal_handlers *handlers,
                                                  void *context, struct request *request) {
    if (handlers->set_size == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_size(context, request, (uint32_t)request->words[0],
                                          (uint32_t)(request->words[0] >> 32));
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_set_size(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_flush(const struct terminal_handlers *handlers,
                                               void *context, struct request *request) {
    if (handlers->flush == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->flush(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_flush(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_drain(const struct terminal_handlers *handlers,
                                               void *context, struct request *request) {
    if (handlers->drain == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->drain(context, request);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_drain(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_get_queued(const struct terminal_handlers *handlers,
                                                    void *context, struct request *request) {
    uint64_t input = 0;
    uint64_t output = 0;

    if (handlers->get_queued == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_queued(context, request, &input, &output);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = input;
    request->answer.words[1] = output;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_get_queued(handle_t saved, status_t outcome, uint64_t input,
                                                  uint64_t output) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = input;
    answer_.words[1] = output;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_set_session(const struct terminal_handlers *handlers,
                                                     void *context, struct request *request) {
    if (handlers->set_session == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is(request, 0, OBJECT_GATE)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->set_session(context, request, (uint32_t)request->words[0],
                                             request->handles[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_set_session(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t terminal_dispatch_get_session(const struct terminal_handlers *handlers,
                                                     void *context, struct request *request) {
    uint32_t number = 0;

    if (handlers->get_session == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_session(context, request, &number);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)number;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t terminal_answer_get_session(handle_t saved, status_t outcome,
                                                   uint32_t number) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)number;
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t terminal_dispatch(const void *handlers, void *context,
                                         struct request *request) {
    switch (request->label) {
    case TERMINAL_GET_ATTRIBUTES:
        return terminal_dispatch_get_attributes(handlers, context, request);
    case TERMINAL_SET_ATTRIBUTES:
        return terminal_dispatch_set_attributes(handlers, context, request);
    case TERMINAL_GET_SIZE:
        return terminal_dispatch_get_size(handlers, context, request);
    case TERMINAL_SET_SIZE:
        return terminal_dispatch_set_size(handlers, context, request);
    case TERMINAL_FLUSH:
        return terminal_dispatch_flush(handlers, context, request);
    case TERMINAL_DRAIN:
        return terminal_dispatch_drain(handlers, context, request);
    case TERMINAL_GET_QUEUED:
        return terminal_dispatch_get_queued(handlers, context, request);
    case TERMINAL_SET_SESSION:
        return terminal_dispatch_set_session(handlers, context, request);
    case TERMINAL_GET_SESSION:
        return terminal_dispatch_get_session(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define TERMINAL_SERVE(handlers) {TERMINAL_PROTOCOL, terminal_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *terminal_label_name(uint32_t label) {
    switch (label) {
    case TERMINAL_GET_ATTRIBUTES:
        return "terminal.get_attributes";
    case TERMINAL_SET_ATTRIBUTES:
        return "terminal.set_attributes";
    case TERMINAL_GET_SIZE:
        return "terminal.get_size";
    case TERMINAL_SET_SIZE:
        return "terminal.set_size";
    case TERMINAL_FLUSH:
        return "terminal.flush";
    case TERMINAL_DRAIN:
        return "terminal.drain";
    case TERMINAL_GET_QUEUED:
        return "terminal.get_queued";
    case TERMINAL_SET_SESSION:
        return "terminal.set_session";
    case TERMINAL_GET_SESSION:
        return "terminal.get_session";
    default:
        return NULL;
    }
}

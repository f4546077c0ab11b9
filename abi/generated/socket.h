/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/socket.idl: change that, not this.
 *
 * Sockets. A socket is made by opening `tcp` or `udp` below the socket directory of the net server (namespace entry
 * /dev/socket: so /dev/socket/tcp), with file open_nonblock if wanted; `tcp6` and `udp6` for IPv6. It is then an open
 * file (protocol file: read, write, watch, set_flags, close) that also understands these. Addresses are three words:
 * `place` is the family (low 16 bits: 2 for IPv4, 10 for IPv6, 0 for none) | port << 16 | scope << 32; `high` and `low`
 * hold the address as big-endian numbers, for IPv4 in the low 32 bits of `low`. The ends of a pair (protocol pipe)
 * understand these messages too; their family is 1, and there is no address.
 *
 * /etc/resolv.conf is a file of the net server (`resolv.conf` at its root): musl's own resolver asks the name server
 * there over UDP.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { SOCKET_PROTOCOL = 6 };

enum socket_label {
    SOCKET_BIND = SOCKET_PROTOCOL << 16 | 1,
    SOCKET_CONNECT = SOCKET_PROTOCOL << 16 | 2,
    SOCKET_LISTEN = SOCKET_PROTOCOL << 16 | 3,
    SOCKET_ACCEPT = SOCKET_PROTOCOL << 16 | 4,
    SOCKET_SEND_TO = SOCKET_PROTOCOL << 16 | 5,
    SOCKET_RECEIVE_FROM = SOCKET_PROTOCOL << 16 | 6,
    SOCKET_SHUTDOWN = SOCKET_PROTOCOL << 16 | 7,
    SOCKET_GET_NAME = SOCKET_PROTOCOL << 16 | 8,
    SOCKET_GET_OPTION = SOCKET_PROTOCOL << 16 | 9,
    SOCKET_SET_OPTION = SOCKET_PROTOCOL << 16 | 10,
};

#define SOCKET_FAMILY_LOCAL 1
#define SOCKET_FAMILY_IPV4 2
#define SOCKET_FAMILY_IPV6 10
#define SOCKET_MESSAGE_PEEK 1
#define SOCKET_MESSAGE_NONBLOCK 2
/* Wait until all is there. */
#define SOCKET_MESSAGE_ALL 4
#define SOCKET_MESSAGE_OUT_OF_BAND 8
/* Of a datagram `n` is how long it was, not how much of it there was room for. */
#define SOCKET_MESSAGE_LENGTH 16
/* In an answer: the datagram was longer, the rest is lost. */
#define SOCKET_MESSAGE_CUT 0x80000000u
#define SOCKET_SHUTDOWN_READ 0
#define SOCKET_SHUTDOWN_WRITE 1
#define SOCKET_SHUTDOWN_BOTH 2
#define SOCKET_NAME_OWN 0
#define SOCKET_NAME_PEER 1
/* The pending error as status_t, negated; reading it clears it. */
#define SOCKET_OPTION_ERROR 1
#define SOCKET_OPTION_REUSE_ADDRESS 2
#define SOCKET_OPTION_BROADCAST 3
#define SOCKET_OPTION_KEEP_ALIVE 4
#define SOCKET_OPTION_NO_DELAY 5
#define SOCKET_OPTION_RECEIVE_TIMEOUT_NS 6
#define SOCKET_OPTION_SEND_TIMEOUT_NS 7
#define SOCKET_OPTION_RECEIVE_BYTES 8
#define SOCKET_OPTION_SEND_BYTES 9
#define SOCKET_OPTION_LINGER_SECONDS 10
/* type_... */
#define SOCKET_OPTION_TYPE 11
#define SOCKET_TYPE_STREAM 1
#define SOCKET_TYPE_DATAGRAM 2
#define SOCKET_OPTION_LISTENING 12
#define SOCKET_OPTION_TIME_TO_LIVE 13
/* Of an IPv6 socket: takes no IPv4 peers. Always 1 here. */
#define SOCKET_OPTION_IPV6_ONLY 14
/* The byte of the IP header: DSCP and ECN (RFC 2474, RFC 3168); of IPv6, the traffic class. */
#define SOCKET_OPTION_TYPE_OF_SERVICE 15
/*
 * Of a connection, with option_keep_alive: the silence before the first probe, and from one to the next, 1 to 32767; the
 * probes without an answer that end it, 1 to 127.
 */
#define SOCKET_OPTION_KEEP_IDLE_SECONDS 16
#define SOCKET_OPTION_KEEP_INTERVAL_SECONDS 17
#define SOCKET_OPTION_KEEP_COUNT 18
/* family_... */
#define SOCKET_OPTION_FAMILY 19

/* request: w0 place, w1 high, w2 low */
WARN_UNUSED static inline status_t socket_bind(handle_t server, uint64_t place, uint64_t high,
                                               uint64_t low, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_BIND;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = place;
    message_.words[1] = high;
    message_.words[2] = low;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * IN_PROGRESS if nonblock; then event_write tells the end, and option_error how it went.
 * request: w0 place, w1 high, w2 low
 */
WARN_UNUSED static inline status_t socket_connect(handle_t server, uint64_t place, uint64_t high,
                                                  uint64_t low, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_CONNECT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = place;
    message_.words[1] = high;
    message_.words[2] = low;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low backlog */
WARN_UNUSED static inline status_t socket_listen(handle_t server, uint32_t backlog,
                                                 uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_LISTEN;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)backlog;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low flags
 * answer: w0 place, w1 high, w2 low, handle connection
 */
WARN_UNUSED static inline status_t socket_accept(handle_t server, uint32_t flags, uint64_t *place,
                                                 uint64_t *high, uint64_t *low,
                                                 handle_t *connection, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_ACCEPT;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)flags;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *place = message_.words[0];
    *high = message_.words[1];
    *low = message_.words[2];
    *connection = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * To an address, or with place 0 to where the socket is connected.
 * request: w0 place, w1 high, w2 low, w3.low flags, lend_read data
 * answer: w0 n
 */
WARN_UNUSED static inline status_t socket_send_to(handle_t server, uint64_t place, uint64_t high,
                                                  uint64_t low, uint32_t flags, const void *data,
                                                  uint32_t data_length, uint64_t *n,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_SEND_TO;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = place;
    message_.words[1] = high;
    message_.words[2] = low;
    message_.words[3] = (uint64_t)(uint32_t)flags;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * n in the low 32 bits of `got`, flags (message_cut) in the high ones.
 * request: w0.low flags, lend_write data
 * answer: w0 got, w1 place, w2 high, w3 low
 */
WARN_UNUSED static inline status_t socket_receive_from(handle_t server, uint32_t flags, void *data,
                                                       uint32_t data_length, uint64_t *got,
                                                       uint64_t *place, uint64_t *high,
                                                       uint64_t *low, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_RECEIVE_FROM;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)flags;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *got = message_.words[0];
    *place = message_.words[1];
    *high = message_.words[2];
    *low = message_.words[3];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low how */
WARN_UNUSED static inline status_t socket_shutdown(handle_t server, uint32_t how,
                                                   uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_SHUTDOWN;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)how;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low which
 * answer: w0 place, w1 high, w2 low
 */
WARN_UNUSED static inline status_t socket_get_name(handle_t server, uint32_t which, uint64_t *place,
                                                   uint64_t *high, uint64_t *low,
                                                   uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_GET_NAME;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)which;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *place = message_.words[0];
    *high = message_.words[1];
    *low = message_.words[2];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low option
 * answer: w0 value
 */
WARN_UNUSED static inline status_t socket_get_option(handle_t server, uint32_t option,
                                                     uint64_t *value, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_GET_OPTION;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)option;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *value = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low option, w1 value */
WARN_UNUSED static inline status_t socket_set_option(handle_t server, uint32_t option,
                                                     uint64_t value, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SOCKET_SET_OPTION;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)option;
    message_.words[1] = value;
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
struct socket_handlers {
    status_t (*bind)(void *context, struct request *request, uint64_t place, uint64_t high,
                     uint64_t low);
    status_t (*connect)(void *context, struct request *request, uint64_t place, uint64_t high,
                        uint64_t low);
    status_t (*listen)(void *context, struct request *request, uint32_t backlog);
    status_t (*accept)(void *context, struct request *request, uint32_t flags, uint64_t *place,
                       uint64_t *high, uint64_t *low, handle_t *connection);
    status_t (*send_to)(void *context, struct request *request, uint64_t place, uint64_t high,
                        uint64_t low, uint32_t flags, uint32_t data_length, uint64_t *n);
    status_t (*receive_from)(void *context, struct request *request, uint32_t flags,
                             uint32_t data_length, uint64_t *got, uint64_t *place, uint64_t *high,
                             uint64_t *low);
    status_t (*shutdown)(void *context, struct request *request, uint32_t how);
    status_t (*get_name)(void *context, struct request *request, uint32_t which, uint64_t *place,
                         uint64_t *high, uint64_t *low);
    status_t (*get_option)(void *context, struct request *request, uint32_t option,
                           uint64_t *value);
    status_t (*set_option)(void *context, struct request *request, uint32_t option, uint64_t value);
};

static inline status_t socket_dispatch_bind(const struct socket_handlers *handlers, void *context,
                                            struct request *request) {
    if (handlers->bind == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->bind(context, request, request->words[0], request->words[1],
                                      request->words[2]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_bind(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_connect(const struct socket_handlers *handlers,
                                               void *context, struct request *request) {
    if (handlers->connect == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->connect(context, request, request->words[0], request->words[1],
                                         request->words[2]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_connect(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_listen(const struct socket_handlers *handlers, void *context,
                                              struct request *request) {
    if (handlers->listen == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->listen(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_listen(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_accept(const struct socket_handlers *handlers, void *context,
                                              struct request *request) {
    uint64_t place = 0;
    uint64_t high = 0;
    uint64_t low = 0;
    handle_t connection = HANDLE_NONE;

    if (handlers->accept == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->accept(context, request, (uint32_t)request->words[0], &place,
                                        &high, &low, &connection);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = place;
    request->answer.words[1] = high;
    request->answer.words[2] = low;
    answer_add_handle(&request->answer, connection, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_accept(handle_t saved, status_t outcome, uint64_t place,
                                            uint64_t high, uint64_t low, handle_t connection) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = place;
    answer_.words[1] = high;
    answer_.words[2] = low;
    answer_add_handle(&answer_, connection, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_send_to(const struct socket_handlers *handlers,
                                               void *context, struct request *request) {
    uint64_t n = 0;

    if (handlers->send_to == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->send_to(context, request, request->words[0], request->words[1],
                                         request->words[2], (uint32_t)request->words[3],
                                         request->readable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_send_to(handle_t saved, status_t outcome, uint64_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_receive_from(const struct socket_handlers *handlers,
                                                    void *context, struct request *request) {
    uint64_t got = 0;
    uint64_t place = 0;
    uint64_t high = 0;
    uint64_t low = 0;

    if (handlers->receive_from == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->receive_from(context, request, (uint32_t)request->words[0],
                                              request->writable, &got, &place, &high, &low);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = got;
    request->answer.words[1] = place;
    request->answer.words[2] = high;
    request->answer.words[3] = low;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_receive_from(handle_t saved, status_t outcome, uint64_t got,
                                                  uint64_t place, uint64_t high, uint64_t low) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = got;
    answer_.words[1] = place;
    answer_.words[2] = high;
    answer_.words[3] = low;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_shutdown(const struct socket_handlers *handlers,
                                                void *context, struct request *request) {
    if (handlers->shutdown == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->shutdown(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_shutdown(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_get_name(const struct socket_handlers *handlers,
                                                void *context, struct request *request) {
    uint64_t place = 0;
    uint64_t high = 0;
    uint64_t low = 0;

    if (handlers->get_name == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_name(context, request, (uint32_t)request->words[0], &place,
                                          &high, &low);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = place;
    request->answer.words[1] = high;
    request->answer.words[2] = low;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_get_name(handle_t saved, status_t outcome, uint64_t place,
                                              uint64_t high, uint64_t low) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = place;
    answer_.words[1] = high;
    answer_.words[2] = low;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_get_option(const struct socket_handlers *handlers,
                                                  void *context, struct request *request) {
    uint64_t value = 0;

    if (handlers->get_option == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_option(context, request, (uint32_t)request->words[0], &value);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = value;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_get_option(handle_t saved, status_t outcome, uint64_t value) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = value;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t socket_dispatch_set_option(const struct socket_handlers *handlers,
                                                  void *context, struct request *request) {
    if (handlers->set_option == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_option(context, request, (uint32_t)request->words[0],
                                            request->words[1]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t socket_answer_set_option(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t socket_dispatch(const void *handlers, void *context,
                                       struct request *request) {
    switch (request->label) {
    case SOCKET_BIND:
        return socket_dispatch_bind(handlers, context, request);
    case SOCKET_CONNECT:
        return socket_dispatch_connect(handlers, context, request);
    case SOCKET_LISTEN:
        return socket_dispatch_listen(handlers, context, request);
    case SOCKET_ACCEPT:
        return socket_dispatch_accept(handlers, context, request);
    case SOCKET_SEND_TO:
        return socket_dispatch_send_to(handlers, context, request);
    case SOCKET_RECEIVE_FROM:
        return socket_dispatch_receive_from(handlers, context, request);
    case SOCKET_SHUTDOWN:
        return socket_dispatch_shutdown(handlers, context, request);
    case SOCKET_GET_NAME:
        return socket_dispatch_get_name(handlers, context, request);
    case SOCKET_GET_OPTION:
        return socket_dispatch_get_option(handlers, context, request);
    case SOCKET_SET_OPTION:
        return socket_dispatch_set_option(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define SOCKET_SERVE(handlers) {SOCKET_PROTOCOL, socket_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *socket_label_name(uint32_t label) {
    switch (label) {
    case SOCKET_BIND:
        return "socket.bind";
    case SOCKET_CONNECT:
        return "socket.connect";
    case SOCKET_LISTEN:
        return "socket.listen";
    case SOCKET_ACCEPT:
        return "socket.accept";
    case SOCKET_SEND_TO:
        return "socket.send_to";
    case SOCKET_RECEIVE_FROM:
        return "socket.receive_from";
    case SOCKET_SHUTDOWN:
        return "socket.shutdown";
    case SOCKET_GET_NAME:
        return "socket.get_name";
    case SOCKET_GET_OPTION:
        return "socket.get_option";
    case SOCKET_SET_OPTION:
        return "socket.set_option";
    default:
        return NULL;
    }
}

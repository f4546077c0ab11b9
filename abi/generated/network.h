/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/network.idl: change that, not this.
 *
 * The network as a whole: what the programs net, ping, arp and host ask the net server (file /dev/net). Addresses of IPv4 are
 * numbers (127.0.0.1 is 0x7f000001), 0: none.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { NETWORK_PROTOCOL = 13 };

enum network_label {
    NETWORK_GET_STATE = NETWORK_PROTOCOL << 16 | 1,
    NETWORK_GET_COUNTERS = NETWORK_PROTOCOL << 16 | 2,
    NETWORK_LIST_NEIGHBOURS = NETWORK_PROTOCOL << 16 | 3,
    NETWORK_LIST_CONNECTIONS = NETWORK_PROTOCOL << 16 | 4,
    NETWORK_ECHO = NETWORK_PROTOCOL << 16 | 5,
};

#define NETWORK_DHCP_OFF 0
/* No answer yet. */
#define NETWORK_DHCP_ASKING 1
#define NETWORK_DHCP_BOUND 2
/* The lease is being prolonged. */
#define NETWORK_DHCP_RENEWING 3
/* Counters of one layer. */
#define NETWORK_LAYER_ARP 0
#define NETWORK_LAYER_IP 1
#define NETWORK_LAYER_ICMP 2
#define NETWORK_LAYER_UDP 3
#define NETWORK_LAYER_TCP 4
#define NETWORK_N_LAYERS 5
/*
 * Sends an ICMP echo request with this many bytes (echo_bytes_max at most) of content and waits for the answer, until the
 * timeout. TIMEOUT: none came. HOST_UNREACHABLE: a router, or our own link, says that there is no way.
 */
#define NETWORK_ECHO_BYTES_MAX 1472

/* The first 24 bytes are text, 0-terminated. */
struct network_state {
    char driver[24]; /* "" if there is no card, or its driver does not answer */
    uint8_t hardware[6];
    uint8_t link; /* 1: up */
    uint8_t dhcp; /* dhcp_... */
    uint32_t megabits;
    uint32_t address;
    uint32_t mask;
    uint32_t gateway;
    uint32_t name_servers[2];
    uint32_t dhcp_server;
    uint32_t lease_seconds; /* as granted */
    uint32_t renew_in_seconds;
    uint32_t expires_in_seconds;
    uint32_t reattached; /* times that the driver was found dead and taken up again */
    uint64_t link_local_high; /* IPv6 */
    uint64_t link_local_low;
    uint64_t received;
    uint64_t received_bytes;
    uint64_t receive_errors;
    uint64_t receive_dropped;
    uint64_t sent;
    uint64_t sent_bytes;
    uint64_t send_errors;
    uint64_t resets;
};

struct network_counters {
    uint64_t sent;
    uint64_t received;
    uint64_t dropped;
    uint64_t bad_checksum;
    uint64_t bad_length;
    uint64_t no_memory;
    uint64_t no_route;
    uint64_t bad_protocol;
    uint64_t other_errors;
};

struct network_neighbour {
    uint32_t address;
    uint8_t hardware[6];
    uint8_t reserved[2];
};

struct network_connection {
    uint32_t own_address;
    uint32_t peer_address;
    uint16_t own_port;
    uint16_t peer_port;
    uint8_t kind; /* 1 TCP, 2 UDP */
    uint8_t state; /* TCP: as RFC 9293 has them, 0 closed, 1 listen, ... 10 time-wait */
    uint16_t reserved;
    uint32_t unsent; /* bytes */
    uint32_t unread;
};

/* request: lend_write state */
WARN_UNUSED static inline status_t network_get_state(handle_t server, void *state,
                                                     uint32_t state_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NETWORK_GET_STATE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(state, state_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Writes as many struct network_counters as fit, from layer `first` on.
 * request: w0.low first, lend_write counters
 * answer: w0.low n
 */
WARN_UNUSED static inline status_t network_get_counters(handle_t server, uint32_t first,
                                                        void *counters, uint32_t counters_length,
                                                        uint32_t *n, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NETWORK_GET_COUNTERS;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)first;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(counters, counters_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Writes as many struct network_neighbour (ARP) as fit, from number `first` on; `n` 0: no more.
 * request: w0.low first, lend_write neighbours
 * answer: w0.low n
 */
WARN_UNUSED static inline status_t network_list_neighbours(handle_t server, uint32_t first,
                                                           void *neighbours,
                                                           uint32_t neighbours_length, uint32_t *n,
                                                           uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NETWORK_LIST_NEIGHBOURS;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)first;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(neighbours, neighbours_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low first, lend_write connections
 * answer: w0.low n
 */
WARN_UNUSED static inline status_t network_list_connections(handle_t server, uint32_t first,
                                                            void *connections,
                                                            uint32_t connections_length,
                                                            uint32_t *n, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NETWORK_LIST_CONNECTIONS;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)first;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(connections, connections_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low address, w0.high bytes, w1 timeout_ns
 * answer: w0 round_trip_ns, w1.low time_to_live
 */
WARN_UNUSED static inline status_t network_echo(handle_t server, uint32_t address, uint32_t bytes,
                                                uint64_t timeout_ns, uint64_t *round_trip_ns,
                                                uint32_t *time_to_live, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NETWORK_ECHO;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)address | (uint64_t)(uint32_t)bytes << 32;
    message_.words[1] = timeout_ns;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *round_trip_ns = message_.words[0];
    *time_to_live = (uint32_t)message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct network_handlers {
    status_t (*get_state)(void *context, struct request *request, uint32_t state_length);
    status_t (*get_counters)(void *context, struct request *request, uint32_t first,
                             uint32_t counters_length, uint32_t *n);
    status_t (*list_neighbours)(void *context, struct request *request, uint32_t first,
                                uint32_t neighbours_length, uint32_t *n);
    status_t (*list_connections)(void *context, struct request *request, uint32_t first,
                                 uint32_t connections_length, uint32_t *n);
    status_t (*echo)(void *context, struct request *request, uint32_t address, uint32_t bytes,
                     uint64_t timeout_ns, uint64_t *round_trip_ns, uint32_t *time_to_live);
};

static inline status_t network_dispatch_get_state(const struct network_handlers *handlers,
                                                  void *context, struct request *request) {
    if (handlers->get_state == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_state(context, request, request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t network_answer_get_state(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t network_dispatch_get_counters(const struct network_handlers *handlers,
                                                     void *context, struct request *request) {
    uint32_t n = 0;

    if (handlers->get_counters == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_counters(context, request, (uint32_t)request->words[0],
                                              request->writable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t network_answer_get_counters(handle_t saved, status_t outcome, uint32_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t network_dispatch_list_neighbours(const struct network_handlers *handlers,
                                                        void *context, struct request *request) {
    uint32_t n = 0;

    if (handlers->list_neighbours == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->list_neighbours(context, request, (uint32_t)request->words[0],
                                                 request->writable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t network_answer_list_neighbours(handle_t saved, status_t outcome,
                                                      uint32_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t network_dispatch_list_connections(const struct network_handlers *handlers,
                                                         void *context, struct request *request) {
    uint32_t n = 0;

    if (handlers->list_connections == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->list_connections(context, request, (uint32_t)request->words[0],
                                                  request->writable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t network_answer_list_connections(handle_t saved, status_t outcome,
                                                       uint32_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t network_dispatch_echo(const struct network_handlers *handlers, void *context,
                                             struct request *request) {
    uint64_t round_trip_ns = 0;
    uint32_t time_to_live = 0;

    if (handlers->echo == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->echo(context, request, (uint32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32), request->words[1],
                                      &round_trip_ns, &time_to_live);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = round_trip_ns;
    request->answer.words[1] = (uint64_t)(uint32_t)time_to_live;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t network_answer_echo(handle_t saved, status_t outcome, uint64_t round_trip_ns,
                                           uint32_t time_to_live) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = round_trip_ns;
    answer_.words[1] = (uint64_t)(uint32_t)time_to_live;
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t network_dispatch(const void *handlers, void *context,
                                        struct request *request) {
    switch (request->label) {
    case NETWORK_GET_STATE:
        return network_dispatch_get_state(handlers, context, request);
    case NETWORK_GET_COUNTERS:
        return network_dispatch_get_counters(handlers, context, request);
    case NETWORK_LIST_NEIGHBOURS:
        return network_dispatch_list_neighbours(handlers, context, request);
    case NETWORK_LIST_CONNECTIONS:
        return network_dispatch_list_connections(handlers, context, request);
    case NETWORK_ECHO:
        return network_dispatch_echo(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define NETWORK_SERVE(handlers) {NETWORK_PROTOCOL, network_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *network_label_name(uint32_t label) {
    switch (label) {
    case NETWORK_GET_STATE:
        return "network.get_state";
    case NETWORK_GET_COUNTERS:
        return "network.get_counters";
    case NETWORK_LIST_NEIGHBOURS:
        return "network.list_neighbours";
    case NETWORK_LIST_CONNECTIONS:
        return "network.list_connections";
    case NETWORK_ECHO:
        return "network.echo";
    default:
        return NULL;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/nic.idl: change that, not this.
 *
 * A network card. Frames cross in two rings in one memory object that the driver makes and the client maps; the protocol itself
 * only sets up. Who puts something into a ring notifies the other side only if that one sleeps (lib/base/ring.h), so that a busy
 * stream costs no message per frame.
 *
 * The memory: struct nic_shared at its start; then, from slots_offset on, n_slots slots for received frames and n_slots for
 * frames to send, struct nic_slot each, slot_bytes apart. Each ring has one producer and one consumer. Neither side trusts the
 * other: a counter that cannot be, or a length beyond frame_bytes_max, is a broken ring, and the client attaches anew.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { NIC_PROTOCOL = 11 };

enum nic_label {
    NIC_ATTACH = NIC_PROTOCOL << 16 | 1,
    NIC_SET_FILTER = NIC_PROTOCOL << 16 | 2,
};

/* A power of two. */
#define NIC_N_SLOTS 128
#define NIC_SLOT_BYTES 2048
#define NIC_SLOTS_OFFSET 4096
#define NIC_MEMORY_PAGES 129
/* Ethernet: header and 1500 bytes, without the check sequence. */
#define NIC_FRAME_BYTES_MAX 1514
#define NIC_FRAME_BYTES_MIN 14
/*
 * Receives all multicast frames too (1), everything (2), or only the card's own and broadcast (0).
 */
#define NIC_FILTER_OWN 0
#define NIC_FILTER_MULTICAST 1
#define NIC_FILTER_ALL 2
/* On the client's gate: frames have come; the link changed; there is room to send. */
#define NIC_NOTIFY_RECEIVED (1ull << 0)
#define NIC_NOTIFY_LINK (1ull << 1)
#define NIC_NOTIFY_ROOM (1ull << 2)
/* On the driver's own gate: frames are to be sent; there is room to receive. */
#define NIC_NOTIFY_TO_SEND (1ull << 0)
#define NIC_NOTIFY_TO_RECEIVE (1ull << 1)

/* As lib/base/ring.h has them (struct ring_shared). */
struct nic_ring {
    uint32_t produced;
    uint32_t produced_waits;
    uint32_t pad_a[14];
    uint32_t consumed;
    uint32_t consumed_waits;
    uint32_t pad_b[14];
};

/* What the driver writes and the client only reads, word by word: no call is needed to look. */
struct nic_figures {
    uint64_t received;
    uint64_t received_bytes;
    uint64_t receive_errors;
    uint64_t receive_dropped; /* no room in the ring */
    uint64_t sent;
    uint64_t sent_bytes;
    uint64_t send_errors;
    uint64_t resets; /* of the card, after an error */
    uint64_t interrupts;
    uint32_t link; /* 1: up */
    uint32_t megabits; /* 0: unknown */
    char driver[24];
};

struct nic_shared {
    uint8_t receive[128]; /* a struct ring each */
    uint8_t transmit[128];
    uint8_t figures[128];
};

struct nic_slot {
    uint32_t length;
    uint32_t reserved[3];
    uint8_t frame[2032];
};

/*
 * Becomes the card's one client (the one before is cut off): the rings' memory, and the card's address in the low 48 bits (first
 * byte lowest). The driver notifies `client`, which moves: when the driver dies, that gate is told CLOSED. The client notifies
 * `driver`; closing it gives the card up.
 * request: handle client
 * answer: w0 address, handle rings, handle driver
 */
WARN_UNUSED static inline status_t nic_attach(handle_t server, handle_t client, uint64_t *address,
                                              handle_t *rings, handle_t *driver,
                                              uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NIC_ATTACH;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(2);
    message_.handles[0] = client;
    message_.control += MESSAGE_SEND_HANDLES(1);
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *address = message_.words[0];
    *rings = message_handle(&message_, status_, 0);
    *driver = message_handle(&message_, status_, 1);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low mode */
WARN_UNUSED static inline status_t nic_set_filter(handle_t server, uint32_t mode,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = NIC_SET_FILTER;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)mode;
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
struct nic_handlers {
    status_t (*attach)(void *context, struct request *request, handle_t client, uint64_t *address,
                       handle_t *rings, handle_t *driver);
    status_t (*set_filter)(void *context, struct request *request, uint32_t mode);
};

static inline status_t nic_dispatch_attach(const struct nic_handlers *handlers, void *context,
                                           struct request *request) {
    uint64_t address = 0;
    handle_t rings = HANDLE_NONE;
    handle_t driver = HANDLE_NONE;

    if (handlers->attach == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is(request, 0, OBJECT_GATE)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->attach(context, request, request->handles[0], &address, &rings,
                                        &driver);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = address;
    answer_add_handle(&request->answer, rings, request->answer_flag);
    answer_add_handle(&request->answer, driver, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t nic_answer_attach(handle_t saved, status_t outcome, uint64_t address,
                                         handle_t rings, handle_t driver) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = address;
    answer_add_handle(&answer_, rings, ANSWER_MOVE);
    answer_add_handle(&answer_, driver, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t nic_dispatch_set_filter(const struct nic_handlers *handlers, void *context,
                                               struct request *request) {
    if (handlers->set_filter == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_filter(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t nic_answer_set_filter(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t nic_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case NIC_ATTACH:
        return nic_dispatch_attach(handlers, context, request);
    case NIC_SET_FILTER:
        return nic_dispatch_set_filter(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define NIC_SERVE(handlers) {NIC_PROTOCOL, nic_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *nic_label_name(uint32_t label) {
    switch (label) {
    case NIC_ATTACH:
        return "nic.attach";
    case NIC_SET_FILTER:
        return "nic.set_filter";
    default:
        return NULL;
    }
}

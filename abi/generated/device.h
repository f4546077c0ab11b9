/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/device.idl: change that, not this.
 *
 * What every driver of the class libraries answers besides its own protocol: who it is.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { DEVICE_PROTOCOL = 16 };

enum device_label {
    DEVICE_DESCRIBE = DEVICE_PROTOCOL << 16 | 1,
};

struct device_description {
    char driver[24];
    char model[64];
    uint64_t interrupts;
    uint64_t errors;
};

/* request: lend_write description */
WARN_UNUSED static inline status_t device_describe(handle_t server, void *description,
                                                   uint32_t description_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DEVICE_DESCRIBE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(description, description_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct device_handlers {
    status_t (*describe)(void *context, struct request *request, uint32_t description_length);
};

static inline status_t device_dispatch_describe(const struct device_handlers *handlers,
                                                void *context, struct request *request) {
    if (handlers->describe == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->describe(context, request, request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t device_answer_describe(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t device_dispatch(const void *handlers, void *context,
                                       struct request *request) {
    switch (request->label) {
    case DEVICE_DESCRIBE:
        return device_dispatch_describe(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define DEVICE_SERVE(handlers) {DEVICE_PROTOCOL, device_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *device_label_name(uint32_t label) {
    switch (label) {
    case DEVICE_DESCRIBE:
        return "device.describe";
    default:
        return NULL;
    }
}

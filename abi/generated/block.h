/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/block.idl: change that, not this.
 *
 * A block device. Small transfers lend the data; large ones name a memory object that was attached once.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { BLOCK_PROTOCOL = 12 };

enum block_label {
    BLOCK_GET_GEOMETRY = BLOCK_PROTOCOL << 16 | 1,
    BLOCK_READ = BLOCK_PROTOCOL << 16 | 2,
    BLOCK_WRITE = BLOCK_PROTOCOL << 16 | 3,
    BLOCK_FLUSH = BLOCK_PROTOCOL << 16 | 4,
    BLOCK_ATTACH = BLOCK_PROTOCOL << 16 | 5,
    BLOCK_READ_AT = BLOCK_PROTOCOL << 16 | 6,
    BLOCK_WRITE_AT = BLOCK_PROTOCOL << 16 | 7,
};

#define BLOCK_SECTOR_BYTES 512

struct block_geometry {
    uint64_t n_sectors;
    uint32_t sector_bytes;
    uint32_t transfer_sectors_max;
    uint32_t read_only;
    uint32_t reserved;
    char driver[24];
};

/* request: lend_write geometry */
WARN_UNUSED static inline status_t block_get_geometry(handle_t server, void *geometry,
                                                      uint32_t geometry_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_GET_GEOMETRY;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(geometry, geometry_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Whole sectors; BAD_ARGUMENT beyond the end. Answers when the device has done it.
 * request: w0 sector, lend_write data
 */
WARN_UNUSED static inline status_t block_read(handle_t server, uint64_t sector, void *data,
                                              uint32_t data_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_READ;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = sector;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0 sector, lend_read data */
WARN_UNUSED static inline status_t block_write(handle_t server, uint64_t sector, const void *data,
                                               uint32_t data_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_WRITE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = sector;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* Everything written is on the medium. */
WARN_UNUSED static inline status_t block_flush(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_FLUSH;
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
 * From now on read_at and write_at use this memory; it replaces the one before.
 * request: handle buffer
 */
WARN_UNUSED static inline status_t block_attach(handle_t server, handle_t buffer,
                                                uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_ATTACH;
    message_.deadline = deadline;
    message_.control = 0;
    message_.handles[0] = buffer;
    message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0 sector, w1 offset, w2 n_sectors */
WARN_UNUSED static inline status_t block_read_at(handle_t server, uint64_t sector, uint64_t offset,
                                                 uint64_t n_sectors, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_READ_AT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = sector;
    message_.words[1] = offset;
    message_.words[2] = n_sectors;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0 sector, w1 offset, w2 n_sectors */
WARN_UNUSED static inline status_t block_write_at(handle_t server, uint64_t sector, uint64_t offset,
                                                  uint64_t n_sectors, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = BLOCK_WRITE_AT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = sector;
    message_.words[1] = offset;
    message_.words[2] = n_sectors;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct block_handlers {
    status_t (*get_geometry)(void *context, struct request *request, uint32_t geometry_length);
    status_t (*read)(void *context, struct request *request, uint64_t sector, uint32_t data_length);
    status_t (*write)(void *context, struct request *request, uint64_t sector,
                      uint32_t data_length);
    status_t (*flush)(void *context, struct request *request);
    status_t (*attach)(void *context, struct request *request, handle_t buffer);
    status_t (*read_at)(void *context, struct request *request, uint64_t sector, uint64_t offset,
                        uint64_t n_sectors);
    status_t (*write_at)(void *context, struct request *request, uint64_t sector, uint64_t offset,
                         uint64_t n_sectors);
};

static inline status_t block_dispatch_get_geometry(const struct block_handlers *handlers,
                                                   void *context, struct request *request) {
    if (handlers->get_geometry == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_geometry(context, request, request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_get_geometry(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_read(const struct block_handlers *handlers, void *context,
                                           struct request *request) {
    if (handlers->read == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read(context, request, request->words[0], request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_read(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_write(const struct block_handlers *handlers, void *context,
                                            struct request *request) {
    if (handlers->write == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->write(context, request, request->words[0], request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_write(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_flush(const struct block_handlers *handlers, void *context,
                                            struct request *request) {
    if (handlers->flush == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->flush(context, request);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_flush(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_attach(const struct block_handlers *handlers, void *context,
                                             struct request *request) {
    if (handlers->attach == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is(request, 0, OBJECT_MEMORY)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->attach(context, request, request->handles[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_attach(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_read_at(const struct block_handlers *handlers, void *context,
                                              struct request *request) {
    if (handlers->read_at == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read_at(context, request, request->words[0], request->words[1],
                                         request->words[2]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_read_at(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t block_dispatch_write_at(const struct block_handlers *handlers, void *context,
                                               struct request *request) {
    if (handlers->write_at == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->write_at(context, request, request->words[0], request->words[1],
                                          request->words[2]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t block_answer_write_at(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t block_dispatch(const void *handlers, void *context,
                                      struct request *request) {
    switch (request->label) {
    case BLOCK_GET_GEOMETRY:
        return block_dispatch_get_geometry(handlers, context, request);
    case BLOCK_READ:
        return block_dispatch_read(handlers, context, request);
    case BLOCK_WRITE:
        return block_dispatch_write(handlers, context, request);
    case BLOCK_FLUSH:
        return block_dispatch_flush(handlers, context, request);
    case BLOCK_ATTACH:
        return block_dispatch_attach(handlers, context, request);
    case BLOCK_READ_AT:
        return block_dispatch_read_at(handlers, context, request);
    case BLOCK_WRITE_AT:
        return block_dispatch_write_at(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define BLOCK_SERVE(handlers) {BLOCK_PROTOCOL, block_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *block_label_name(uint32_t label) {
    switch (label) {
    case BLOCK_GET_GEOMETRY:
        return "block.get_geometry";
    case BLOCK_READ:
        return "block.read";
    case BLOCK_WRITE:
        return "block.write";
    case BLOCK_FLUSH:
        return "block.flush";
    case BLOCK_ATTACH:
        return "block.attach";
    case BLOCK_READ_AT:
        return "block.read_at";
    case BLOCK_WRITE_AT:
        return "block.write_at";
    default:
        return NULL;
    }
}

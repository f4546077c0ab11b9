/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/directory.idl: change that, not this.
 *
 * Changing and listing directories. Goes to the same gates as protocol file, whose rules for paths and redirects hold
 * here. Servers that only offer fixed names answer BAD_MESSAGE to all but `read`.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { DIRECTORY_PROTOCOL = 2 };

enum directory_label {
    DIRECTORY_READ = DIRECTORY_PROTOCOL << 16 | 1,
    DIRECTORY_MAKE = DIRECTORY_PROTOCOL << 16 | 2,
    DIRECTORY_UNLINK = DIRECTORY_PROTOCOL << 16 | 3,
    DIRECTORY_RENAME = DIRECTORY_PROTOCOL << 16 | 4,
    DIRECTORY_LINK = DIRECTORY_PROTOCOL << 16 | 5,
    DIRECTORY_SYMLINK = DIRECTORY_PROTOCOL << 16 | 6,
    DIRECTORY_READ_LINK = DIRECTORY_PROTOCOL << 16 | 7,
    DIRECTORY_MAKE_NODE = DIRECTORY_PROTOCOL << 16 | 8,
};

/*
 * Takes the name away; the file lives on while it is open. With remove_directory only an empty directory, else anything
 * but a directory.
 */
#define DIRECTORY_REMOVE_DIRECTORY 1

/*
 * One entry that `read` writes; `length` to the next one, a multiple of 8. The name follows, 0-terminated. This is also
 * what getdents64 gives.
 */
struct directory_entry {
    uint64_t id;
    uint64_t next; /* cookie of the entry after this one */
    uint16_t length;
    uint8_t kind; /* mode kind >> 12 */
    char name[1];
};

/*
 * Writes as many whole entries (struct directory_entry) as fit, from the one that `cookie` names (0: the first;
 * file_offset_current: where the description is, which then moves on). `bytes` 0: no more. BAD_ARGUMENT if not even one
 * fits. `.` and `..` are not listed.
 * request: w0 cookie, lend_write entries
 * answer: w0 bytes, w1 next
 */
WARN_UNUSED static inline status_t directory_read(handle_t server, uint64_t cookie, void *entries,
                                                  uint32_t entries_length, uint64_t *bytes,
                                                  uint64_t *next, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DIRECTORY_READ;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = cookie;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(entries, entries_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *bytes = message_.words[0];
    *next = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low mode, lend_read path, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t directory_make(handle_t server, uint32_t mode, const void *path,
                                                  uint32_t path_length, void *target,
                                                  uint32_t target_length, uint32_t *matched,
                                                  uint32_t *length, handle_t *next,
                                                  uint64_t deadline) {
    struct message message_;
    status_t status_;
    bool is_brief_ = path_length <= MESSAGE_BRIEF_BYTES;

    for (;;) {
        message_.gate = server;
        message_.label = DIRECTORY_MAKE;
        message_.deadline = deadline;
        message_.control = MESSAGE_ACCEPT(1);
        message_.words[0] = (uint64_t)(uint32_t)mode;
        if (is_brief_) {
            message_set_brief(&message_, path, path_length);
        } else {
            message_.words[1] = 0;
            message_.words[2] = 0;
            message_.words[3] = 0;
            message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
            message_.segments[1] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
            message_.control |= MESSAGE_SEGMENTS(2);
        }
        status_ = MESSAGE_CALL(&message_);
        *matched = (uint32_t)message_.words[0];
        *length = (uint32_t)(message_.words[0] >> 32);
        *next = message_handle(&message_, status_, 0);
        if (!is_brief_ || !message_asks_again(&message_, status_, *next)) {
            return status_ != OK ? status_ : (status_t)message_.label;
        }
        is_brief_ = false;
    }
}

/*
 * request: w0.low flags, lend_read path, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t directory_unlink(handle_t server, uint32_t flags,
                                                    const void *path, uint32_t path_length,
                                                    void *target, uint32_t target_length,
                                                    uint32_t *matched, uint32_t *length,
                                                    handle_t *next, uint64_t deadline) {
    struct message message_;
    status_t status_;
    bool is_brief_ = path_length <= MESSAGE_BRIEF_BYTES;

    for (;;) {
        message_.gate = server;
        message_.label = DIRECTORY_UNLINK;
        message_.deadline = deadline;
        message_.control = MESSAGE_ACCEPT(1);
        message_.words[0] = (uint64_t)(uint32_t)flags;
        if (is_brief_) {
            message_set_brief(&message_, path, path_length);
        } else {
            message_.words[1] = 0;
            message_.words[2] = 0;
            message_.words[3] = 0;
            message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
            message_.segments[1] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
            message_.control |= MESSAGE_SEGMENTS(2);
        }
        status_ = MESSAGE_CALL(&message_);
        *matched = (uint32_t)message_.words[0];
        *length = (uint32_t)(message_.words[0] >> 32);
        *next = message_handle(&message_, status_, 0);
        if (!is_brief_ || !message_asks_again(&message_, status_, *next)) {
            return status_ != OK ? status_ : (status_t)message_.label;
        }
        is_brief_ = false;
    }
}

/*
 * The parent of a name that is to change may be behind a redirect too. `which` in the answer of rename and link is the
 * path that is redirected: 0 or 1. `to` is a gate of this same server (else CROSS_DEVICE); without it both paths are
 * relative to the gate that is called. An existing target is replaced in one step, if both are directories (then the
 * target must be empty) or both are not.
 * request: own gate to, lend_read path, w0.low path_length, lend_read new_path, lend_write target
 * answer: w0.low matched, w0.high length, w1.low which, handle next
 */
WARN_UNUSED static inline status_t directory_rename(handle_t server, handle_t to, const void *path,
                                                    uint32_t path_length, const void *new_path,
                                                    uint32_t new_path_length, void *target,
                                                    uint32_t target_length, uint32_t *matched,
                                                    uint32_t *length, uint32_t *which,
                                                    handle_t *next, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DIRECTORY_RENAME;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)path_length;
    message_.handles[0] = to;
    if (to != HANDLE_NONE) {
        message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    }
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.segments[1] = MESSAGE_LEND(new_path, new_path_length, LENT_READABLE);
    message_.segments[2] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
    message_.control |= MESSAGE_SEGMENTS(3);
    status_t status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *length = (uint32_t)(message_.words[0] >> 32);
    *which = (uint32_t)message_.words[1];
    *next = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Makes `new_path` (relative to the gate `to`) another name of the file at `path`. Not for directories.
 * request: own gate to, lend_read path, w0.low path_length, lend_read new_path, lend_write target
 * answer: w0.low matched, w0.high length, w1.low which, handle next
 */
WARN_UNUSED static inline status_t directory_link(handle_t server, handle_t to, const void *path,
                                                  uint32_t path_length, const void *new_path,
                                                  uint32_t new_path_length, void *target,
                                                  uint32_t target_length, uint32_t *matched,
                                                  uint32_t *length, uint32_t *which, handle_t *next,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DIRECTORY_LINK;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)path_length;
    message_.handles[0] = to;
    if (to != HANDLE_NONE) {
        message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    }
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.segments[1] = MESSAGE_LEND(new_path, new_path_length, LENT_READABLE);
    message_.segments[2] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
    message_.control |= MESSAGE_SEGMENTS(3);
    status_t status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *length = (uint32_t)(message_.words[0] >> 32);
    *which = (uint32_t)message_.words[1];
    *next = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Makes a symbolic link at `path`; the content is not looked at.
 * request: lend_read path, w0.low path_length, lend_read content, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t directory_symlink(handle_t server, const void *path,
                                                     uint32_t path_length, const void *content,
                                                     uint32_t content_length, void *target,
                                                     uint32_t target_length, uint32_t *matched,
                                                     uint32_t *length, handle_t *next,
                                                     uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DIRECTORY_SYMLINK;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)path_length;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.segments[1] = MESSAGE_LEND(content, content_length, LENT_READABLE);
    message_.segments[2] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
    message_.control |= MESSAGE_SEGMENTS(3);
    status_t status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *length = (uint32_t)(message_.words[0] >> 32);
    *next = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Answers OK with the link's content in `target` and its length, cut to what was lent. BAD_ARGUMENT: not a symbolic
 * link.
 * request: lend_read path, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t directory_read_link(handle_t server, const void *path,
                                                       uint32_t path_length, void *target,
                                                       uint32_t target_length, uint32_t *matched,
                                                       uint32_t *length, handle_t *next,
                                                       uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = DIRECTORY_READ_LINK;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
    message_.segments[1] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
    message_.control |= MESSAGE_SEGMENTS(2);
    status_t status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *length = (uint32_t)(message_.words[0] >> 32);
    *next = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Makes a FIFO or an empty file (kind mode_pipe or mode_regular of protocol file) at `path`.
 * request: w0.low mode, lend_read path, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t directory_make_node(handle_t server, uint32_t mode,
                                                       const void *path, uint32_t path_length,
                                                       void *target, uint32_t target_length,
                                                       uint32_t *matched, uint32_t *length,
                                                       handle_t *next, uint64_t deadline) {
    struct message message_;
    status_t status_;
    bool is_brief_ = path_length <= MESSAGE_BRIEF_BYTES;

    for (;;) {
        message_.gate = server;
        message_.label = DIRECTORY_MAKE_NODE;
        message_.deadline = deadline;
        message_.control = MESSAGE_ACCEPT(1);
        message_.words[0] = (uint64_t)(uint32_t)mode;
        if (is_brief_) {
            message_set_brief(&message_, path, path_length);
        } else {
            message_.words[1] = 0;
            message_.words[2] = 0;
            message_.words[3] = 0;
            message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
            message_.segments[1] = MESSAGE_LEND(target, target_length, LENT_WRITABLE);
            message_.control |= MESSAGE_SEGMENTS(2);
        }
        status_ = MESSAGE_CALL(&message_);
        *matched = (uint32_t)message_.words[0];
        *length = (uint32_t)(message_.words[0] >> 32);
        *next = message_handle(&message_, status_, 0);
        if (!is_brief_ || !message_asks_again(&message_, status_, *next)) {
            return status_ != OK ? status_ : (status_t)message_.label;
        }
        is_brief_ = false;
    }
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct directory_handlers {
    status_t (*read)(void *context, struct request *request, uint64_t cookie,
                     uint32_t entries_length, uint64_t *bytes, uint64_t *next);
    status_t (*make)(void *context, struct request *request, uint32_t mode, uint32_t path_length,
                     uint32_t target_length, uint32_t *matched, uint32_t *length, handle_t *next);
    status_t (*unlink)(void *context, struct request *request, uint32_t flags, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length, handle_t *next);
    status_t (*rename)(void *context, struct request *request, uint64_t to_badge,
                       uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                       uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next);
    status_t (*link)(void *context, struct request *request, uint64_t to_badge,
                     uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                     uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next);
    status_t (*symlink)(void *context, struct request *request, uint32_t path_length,
                        uint32_t content_length, uint32_t target_length, uint32_t *matched,
                        uint32_t *length, handle_t *next);
    status_t (*read_link)(void *context, struct request *request, uint32_t path_length,
                          uint32_t target_length, uint32_t *matched, uint32_t *length,
                          handle_t *next);
    status_t (*make_node)(void *context, struct request *request, uint32_t mode,
                          uint32_t path_length, uint32_t target_length, uint32_t *matched,
                          uint32_t *length, handle_t *next);
};

static inline status_t directory_dispatch_read(const struct directory_handlers *handlers,
                                               void *context, struct request *request) {
    uint64_t bytes = 0;
    uint64_t next = 0;

    if (handlers->read == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read(context, request, request->words[0], request->writable,
                                      &bytes, &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = bytes;
    request->answer.words[1] = next;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_read(handle_t saved, status_t outcome, uint64_t bytes,
                                             uint64_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = bytes;
    answer_.words[1] = next;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_make(const struct directory_handlers *handlers,
                                               void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->make == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->make(context, request, (uint32_t)request->words[0],
                                      request->readable, request->writable, &matched, &length,
                                      &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_make(handle_t saved, status_t outcome, uint32_t matched,
                                             uint32_t length, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_unlink(const struct directory_handlers *handlers,
                                                 void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->unlink == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->unlink(context, request, (uint32_t)request->words[0],
                                        request->readable, request->writable, &matched, &length,
                                        &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_unlink(handle_t saved, status_t outcome, uint32_t matched,
                                               uint32_t length, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_rename(const struct directory_handlers *handlers,
                                                 void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    uint32_t which = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->rename == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if ((uint64_t)(uint32_t)request->words[0] > request->readable) {
        return ERROR_BAD_ARGUMENT;
    }
    if (!request->has_own_badge && request->n_handles > 0) {
        return ERROR_CROSS_DEVICE;
    }
    status_t status_ = handlers->rename(context, request, request->own_badge,
                                        (uint32_t)request->words[0],
                                        request->readable - (uint32_t)request->words[0],
                                        request->writable, &matched, &length, &which, &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    request->answer.words[1] = (uint64_t)(uint32_t)which;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_rename(handle_t saved, status_t outcome, uint32_t matched,
                                               uint32_t length, uint32_t which, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_.words[1] = (uint64_t)(uint32_t)which;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_link(const struct directory_handlers *handlers,
                                               void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    uint32_t which = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->link == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if ((uint64_t)(uint32_t)request->words[0] > request->readable) {
        return ERROR_BAD_ARGUMENT;
    }
    if (!request->has_own_badge && request->n_handles > 0) {
        return ERROR_CROSS_DEVICE;
    }
    status_t status_ = handlers->link(context, request, request->own_badge,
                                      (uint32_t)request->words[0],
                                      request->readable - (uint32_t)request->words[0],
                                      request->writable, &matched, &length, &which, &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    request->answer.words[1] = (uint64_t)(uint32_t)which;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_link(handle_t saved, status_t outcome, uint32_t matched,
                                             uint32_t length, uint32_t which, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_.words[1] = (uint64_t)(uint32_t)which;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_symlink(const struct directory_handlers *handlers,
                                                  void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->symlink == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if ((uint64_t)(uint32_t)request->words[0] > request->readable) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->symlink(context, request, (uint32_t)request->words[0],
                                         request->readable - (uint32_t)request->words[0],
                                         request->writable, &matched, &length, &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_symlink(handle_t saved, status_t outcome, uint32_t matched,
                                                uint32_t length, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_read_link(const struct directory_handlers *handlers,
                                                    void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->read_link == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read_link(context, request, request->readable, request->writable,
                                           &matched, &length, &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_read_link(handle_t saved, status_t outcome,
                                                  uint32_t matched, uint32_t length,
                                                  handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t directory_dispatch_make_node(const struct directory_handlers *handlers,
                                                    void *context, struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->make_node == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->make_node(context, request, (uint32_t)request->words[0],
                                           request->readable, request->writable, &matched, &length,
                                           &next);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&request->answer, next, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t directory_answer_make_node(handle_t saved, status_t outcome,
                                                  uint32_t matched, uint32_t length,
                                                  handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t directory_dispatch(const void *handlers, void *context,
                                          struct request *request) {
    switch (request->label) {
    case DIRECTORY_READ:
        return directory_dispatch_read(handlers, context, request);
    case DIRECTORY_MAKE:
        return directory_dispatch_make(handlers, context, request);
    case DIRECTORY_UNLINK:
        return directory_dispatch_unlink(handlers, context, request);
    case DIRECTORY_RENAME:
        return directory_dispatch_rename(handlers, context, request);
    case DIRECTORY_LINK:
        return directory_dispatch_link(handlers, context, request);
    case DIRECTORY_SYMLINK:
        return directory_dispatch_symlink(handlers, context, request);
    case DIRECTORY_READ_LINK:
        return directory_dispatch_read_link(handlers, context, request);
    case DIRECTORY_MAKE_NODE:
        return directory_dispatch_make_node(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define DIRECTORY_SERVE(handlers) {DIRECTORY_PROTOCOL, directory_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *directory_label_name(uint32_t label) {
    switch (label) {
    case DIRECTORY_READ:
        return "directory.read";
    case DIRECTORY_MAKE:
        return "directory.make";
    case DIRECTORY_UNLINK:
        return "directory.unlink";
    case DIRECTORY_RENAME:
        return "directory.rename";
    case DIRECTORY_LINK:
        return "directory.link";
    case DIRECTORY_SYMLINK:
        return "directory.symlink";
    case DIRECTORY_READ_LINK:
        return "directory.read_link";
    case DIRECTORY_MAKE_NODE:
        return "directory.make_node";
    default:
        return NULL;
    }
}

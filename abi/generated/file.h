/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/file.idl: change that, not this.
 *
 * Open files and what is reached through them.
 *
 * An open file description is one gate: its offset and its flags live in the server, dup and fork add references to the
 * gate, and the notification CLOSED is the last close. The gates that a namespace holds are such gates too, opened on a
 * directory; a path in a request is always relative to the gate that the request goes to.
 *
 * Paths: bytes, not terminated, without a leading or trailing slash, without empty components, `.` or `..`, which the
 * client has resolved lexically; a server answers BAD_ARGUMENT to any other. The empty path is the gate's own file.
 * PATH_MAX_BYTES at most, each component at most NAME_MAX_BYTES.
 *
 * Redirect: a request with a path may be answered REDIRECT. Then `matched` is the number of bytes of the path that were
 * used up. With a gate in the answer, the same request goes to that gate with what follows them (a slash left out).
 * Without one, the path up to there names a symbolic link: its target is in the bytes lent as `target`, and `length` is
 * the target's length; the client resolves it from the directory that holds the link. At most 40 redirects, else the
 * client's answer is LOOP. (A short path travels in the message, and `target` is lent only when that is answered so:
 * README.md, brief and late.)
 *
 * Offsets and sizes are in bytes, times in nanoseconds since 1970-01-01 00:00 UTC.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { FILE_PROTOCOL = 1 };

enum file_label {
    FILE_OPEN = FILE_PROTOCOL << 16 | 1,
    FILE_READ = FILE_PROTOCOL << 16 | 2,
    FILE_WRITE = FILE_PROTOCOL << 16 | 3,
    FILE_READ_SHORT = FILE_PROTOCOL << 16 | 4,
    FILE_WRITE_SHORT = FILE_PROTOCOL << 16 | 5,
    FILE_MEET = FILE_PROTOCOL << 16 | 6,
    FILE_SEEK = FILE_PROTOCOL << 16 | 7,
    FILE_STAT = FILE_PROTOCOL << 16 | 8,
    FILE_SET = FILE_PROTOCOL << 16 | 9,
    FILE_SET_FLAGS = FILE_PROTOCOL << 16 | 10,
    FILE_SYNC = FILE_PROTOCOL << 16 | 11,
    FILE_MAP = FILE_PROTOCOL << 16 | 12,
    FILE_WATCH = FILE_PROTOCOL << 16 | 13,
    FILE_LOCK = FILE_PROTOCOL << 16 | 14,
    FILE_SPACE = FILE_PROTOCOL << 16 | 15,
};

#define FILE_PATH_MAX_BYTES 4095
#define FILE_NAME_MAX_BYTES 255
/* `offset` in read, write and so on: the description's own, which then moves on. */
#define FILE_OFFSET_CURRENT 0xffffffffffffffffull
/* Most bytes that one read or write moves; of longer requests only so much is done. */
#define FILE_TRANSFER_MAX_BYTES 65536
/* Flags of open, and of a description (`set_flags` changes append and nonblock only). */
#define FILE_OPEN_READ 1
#define FILE_OPEN_WRITE 2
#define FILE_OPEN_CREATE 4
/* With create: EXISTS if it does. */
#define FILE_OPEN_EXCLUSIVE 8
#define FILE_OPEN_TRUNCATE 16
/* NOT_DIRECTORY if it is something else. */
#define FILE_OPEN_DIRECTORY 32
/* A symbolic link as the last component is LOOP instead of being followed. */
#define FILE_OPEN_NO_FOLLOW 64
#define FILE_OPEN_APPEND 128
/* What would wait is answered WOULD_BLOCK. */
#define FILE_OPEN_NONBLOCK 256
/*
 * The path names a directory; opened is a new file in it that has no name, and is gone with its last close.
 */
#define FILE_OPEN_TEMPORARY 512
/*
 * Kinds of files: `mode` in struct file_stat is kind | permission bits, with the values that POSIX systems use.
 */
#define FILE_MODE_KIND 0xf000
#define FILE_MODE_PIPE 0x1000
#define FILE_MODE_CHARACTER 0x2000
#define FILE_MODE_DIRECTORY 0x4000
#define FILE_MODE_BLOCK 0x6000
#define FILE_MODE_REGULAR 0x8000
#define FILE_MODE_LINK 0xa000
#define FILE_MODE_SOCKET 0xc000
#define FILE_MODE_PERMISSIONS 0xfff
/*
 * A `kind` of open only, in place of mode_character: no transfer ever waits, so that no signal is to end one.
 */
#define FILE_KIND_PROMPT 0x3000
/*
 * Read and write, at the description's own offset, of at most short_max_bytes, which are in the message itself: bytes 0 to
 * 7 in `a`, the lowest byte first, and so on. Pipes and FIFOs do this. NOT_SUPPORTED or BAD_MESSAGE: use read and write.
 */
#define FILE_SHORT_MAX_BYTES 24
#define FILE_SEEK_SET 0
#define FILE_SEEK_CURRENT 1
#define FILE_SEEK_END 2
/*
 * From the offset on the next byte that is, or is not, in a hole (the end is one). NOT_FOUND: there is none.
 */
#define FILE_SEEK_DATA 3
#define FILE_SEEK_HOLE 4
#define FILE_SET_SIZE 1
#define FILE_SET_MODE 2
#define FILE_SET_ACCESSED 4
#define FILE_SET_MODIFIED 8
/* With set_accessed or set_modified: the server's own clock instead of the time given. */
#define FILE_SET_NOW 16
/* `value`: owner in the low, group in the high 32 bits, each 0xffffffff to keep it. */
#define FILE_SET_OWNER 32
/*
 * Changes what the bits of `what` say; `value` is the size, the mode or the owner, so at most one of these. `what` is in the low
 * 16 bits, open flags (open_no_follow) << 16.
 * None of them (set_all) changes nothing: whether something could be changed is the answer, READ_ONLY where not.
 */
#define FILE_SET_ALL 0xffff
/*
 * Memory with the content of the file from `offset` (a multiple of the page size), for `length` bytes or up to the end.
 * `skip` is the place of that content in the memory object, in bytes. With map_shared the object is the file's own, so
 * that stores are seen by read and the other way round; else the object may be it, but the client maps it private (copy
 * on write). NOT_SUPPORTED: read it instead.
 */
#define FILE_MAP_SHARED 1
#define FILE_MAP_WRITE 2
/*
 * What poll is made of. Answers which of `events` hold now. If none does and a gate came with it, the server notifies
 * that gate with the events, once, when one comes true; asking again arms again. A second watch of the same caller with
 * the same key replaces the first; without a gate it only takes it away. Error and hang-up are reported though not
 * asked for. Of services (callers without a tag) servers hold 32 watches per description; the oldest goes when there are
 * more, and is notified with event_again. TOO_MANY: there are more of the caller's login than its share.
 */
#define FILE_EVENT_READ 1
#define FILE_EVENT_PRIORITY 2
#define FILE_EVENT_WRITE 4
#define FILE_EVENT_ERROR 8
#define FILE_EVENT_HANGUP 16
/* Nothing is known: ask again. */
#define FILE_EVENT_AGAIN 0x20000000
/*
 * Record locks, whose owner is the caller's tag. A lock that somebody's stands in the way of is WOULD_BLOCK unless
 * lock_wait; DEADLOCK if waiting would never end. `length` 0: to the end of all files. lock_test answers whom it would
 * wait for: kind lock_none if nobody. With its first lock at this server a process gets the gate `life`, which it cannot
 * pass on: when it closes that, or ends, all its record locks here end. They also end with the last close of the open
 * file they were set through; that others of the process are closed is for the client to say (lock_none).
 *
 * lock_description: the owner is the open file instead, whoever shares it; such locks do not see the others, and are
 * given up before waiting for the other kind. (flock; offset and length 0.)
 */
#define FILE_LOCK_NONE 0
#define FILE_LOCK_SHARED 1
#define FILE_LOCK_EXCLUSIVE 2
#define FILE_LOCK_TEST 16
#define FILE_LOCK_WAIT 32
#define FILE_LOCK_DESCRIPTION 64

struct file_stat {
    uint64_t device; /* one number per server */
    uint64_t id; /* of the file, unique in its server */
    uint64_t size; /* of a pipe or socket: bytes that can be read now */
    uint64_t used; /* bytes of memory or disk that its content takes */
    uint32_t mode;
    uint32_t n_links;
    uint32_t block_bytes; /* good size of a transfer */
    uint32_t rdev; /* of a device: its own number */
    int64_t accessed_ns;
    int64_t modified_ns;
    int64_t changed_ns;
    uint32_t owner; /* user and group; servers that know none say 0 */
    uint32_t group;
};

/*
 * Opens what the path names. `mode`: permissions of a file that this creates. The answer's gate is the new description;
 * `kind` is one of mode_pipe to mode_socket or kind_prompt, with its permissions if the file may be run. A FIFO that nobody
 * reads cannot be opened for writing only with nonblock: NO_SERVICE; without, the client is to `meet` before it uses it.
 * request: w0.low flags, w0.high mode, lend_read path, lend_write target
 * answer: w0.low kind, w0.high matched, w1.low length, handle file
 */
WARN_UNUSED static inline status_t file_open(handle_t server, uint32_t flags, uint32_t mode,
                                             const void *path, uint32_t path_length, void *target,
                                             uint32_t target_length, uint32_t *kind,
                                             uint32_t *matched, uint32_t *length, handle_t *file,
                                             uint64_t deadline) {
    struct message message_;
    status_t status_;
    bool is_brief_ = path_length <= MESSAGE_BRIEF_BYTES;

    for (;;) {
        message_.gate = server;
        message_.label = FILE_OPEN;
        message_.deadline = deadline;
        message_.control = MESSAGE_ACCEPT(1);
        message_.words[0] = (uint64_t)(uint32_t)flags | (uint64_t)(uint32_t)mode << 32;
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
        *kind = (uint32_t)message_.words[0];
        *matched = (uint32_t)(message_.words[0] >> 32);
        *length = (uint32_t)message_.words[1];
        *file = message_handle(&message_, status_, 0);
        if (!is_brief_ || !message_asks_again(&message_, status_, *file)) {
            return status_ != OK ? status_ : (status_t)message_.label;
        }
        is_brief_ = false;
    }
}

/*
 * Reads up to the lent length. `n` 0: the end. Waits for at least one byte unless nonblock. A pipe or terminal has no
 * offsets: NOT_SEEKABLE if one is given.
 * request: w0 offset, lend_write data
 * answer: w0 n
 */
WARN_UNUSED static inline status_t file_read(handle_t server, uint64_t offset, void *data,
                                             uint32_t data_length, uint64_t *n, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_READ;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = offset;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Writes all of it, or, when interrupted or nonblock, as much as is possible and at least a byte. With append always at
 * the end, in one piece. Out of space: a server of files writes all of one transfer or nothing, NO_SPACE. BROKEN_PIPE:
 * nobody will ever read it.
 * request: w0 offset, lend_read data
 * answer: w0 n
 */
WARN_UNUSED static inline status_t file_write(handle_t server, uint64_t offset, const void *data,
                                              uint32_t data_length, uint64_t *n,
                                              uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_WRITE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = offset;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(data, data_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low length
 * answer: w0 n, w1 a, w2 b, w3 c
 */
WARN_UNUSED static inline status_t file_read_short(handle_t server, uint32_t length, uint64_t *n,
                                                   uint64_t *a, uint64_t *b, uint64_t *c,
                                                   uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_READ_SHORT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)length;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *n = message_.words[0];
    *a = message_.words[1];
    *b = message_.words[2];
    *c = message_.words[3];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low length, w1 a, w2 b, w3 c
 * answer: w0 n
 */
WARN_UNUSED static inline status_t file_write_short(handle_t server, uint32_t length, uint64_t a,
                                                    uint64_t b, uint64_t c, uint64_t *n,
                                                    uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_WRITE_SHORT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)length;
    message_.words[1] = a;
    message_.words[2] = b;
    message_.words[3] = c;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *n = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Of a FIFO: waits until an end of the other kind has been opened too since this one was. (open itself does not wait: who
 * is killed meanwhile has closed its end.) OK at once for all else that has no other end.
 */
WARN_UNUSED static inline status_t file_meet(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_MEET;
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
 * request: w0 offset, w1.low whence
 * answer: w0 position
 */
WARN_UNUSED static inline status_t file_seek(handle_t server, int64_t offset, uint32_t whence,
                                             uint64_t *position, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_SEEK;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)offset;
    message_.words[1] = (uint64_t)(uint32_t)whence;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *position = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Of the file that the path names (a symbolic link itself with open_no_follow in flags).
 * request: w0.low flags, lend_read path, lend_write stat_or_target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t file_stat(handle_t server, uint32_t flags, const void *path,
                                             uint32_t path_length, void *stat_or_target,
                                             uint32_t stat_or_target_length, uint32_t *matched,
                                             uint32_t *length, handle_t *next, uint64_t deadline) {
    struct message message_;
    status_t status_;
    bool is_brief_ = path_length <= MESSAGE_BRIEF_BYTES;

    message_.gate = server;
    message_.label = FILE_STAT;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)flags;
    if (is_brief_) {
        message_set_brief(&message_, path, path_length);
        message_.lent = MESSAGE_LEND(stat_or_target, stat_or_target_length, LENT_WRITABLE);
        message_.control |= MESSAGE_LENDS;
    } else {
        message_.words[1] = 0;
        message_.words[2] = 0;
        message_.words[3] = 0;
        message_.segments[0] = MESSAGE_LEND(path, path_length, LENT_READABLE);
        message_.segments[1] = MESSAGE_LEND(stat_or_target, stat_or_target_length, LENT_WRITABLE);
        message_.control |= MESSAGE_SEGMENTS(2);
    }
    status_ = MESSAGE_CALL(&message_);
    *matched = (uint32_t)message_.words[0];
    *length = (uint32_t)(message_.words[0] >> 32);
    *next = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0 what, w1 value, w2 accessed_ns, w3 modified_ns, lend_read path, lend_write target
 * answer: w0.low matched, w0.high length, handle next
 */
WARN_UNUSED static inline status_t file_set(handle_t server, uint64_t what, uint64_t value,
                                            int64_t accessed_ns, int64_t modified_ns,
                                            const void *path, uint32_t path_length, void *target,
                                            uint32_t target_length, uint32_t *matched,
                                            uint32_t *length, handle_t *next, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_SET;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = what;
    message_.words[1] = value;
    message_.words[2] = (uint64_t)accessed_ns;
    message_.words[3] = (uint64_t)modified_ns;
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
 * Changes the flags under `mask` (append and nonblock) to those of `value`; answers all flags of the description.
 * request: w0.low mask, w0.high value
 * answer: w0.low flags
 */
WARN_UNUSED static inline status_t file_set_flags(handle_t server, uint32_t mask, uint32_t value,
                                                  uint32_t *flags, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_SET_FLAGS;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)mask | (uint64_t)(uint32_t)value << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *flags = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* When it returns, everything written is where it survives. */
WARN_UNUSED static inline status_t file_sync(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_SYNC;
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
 * request: w0 offset, w1 length, w2.low flags
 * answer: w0 skip, w1 bytes, handle content
 */
WARN_UNUSED static inline status_t file_map(handle_t server, uint64_t offset, uint64_t length,
                                            uint32_t flags, uint64_t *skip, uint64_t *bytes,
                                            handle_t *content, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_MAP;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = offset;
    message_.words[1] = length;
    message_.words[2] = (uint64_t)(uint32_t)flags;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *skip = message_.words[0];
    *bytes = message_.words[1];
    *content = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low events, w0.high key, handle notify
 * answer: w0.low ready
 */
WARN_UNUSED static inline status_t file_watch(handle_t server, uint32_t events, uint32_t key,
                                              handle_t notify, uint32_t *ready, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_WATCH;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)events | (uint64_t)(uint32_t)key << 32;
    message_.handles[0] = notify;
    if (notify != HANDLE_NONE) {
        message_.control += MESSAGE_SEND_HANDLES(1);
    }
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *ready = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low kind, w1 offset, w2 length
 * answer: w0.low kind_held, w0.high owner, w1 from, w2 held_length, handle life
 */
WARN_UNUSED static inline status_t file_lock(handle_t server, uint32_t kind, uint64_t offset,
                                             uint64_t length, uint32_t *kind_held, uint32_t *owner,
                                             uint64_t *from, uint64_t *held_length, handle_t *life,
                                             uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_LOCK;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)kind;
    message_.words[1] = offset;
    message_.words[2] = length;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *kind_held = (uint32_t)message_.words[0];
    *owner = (uint32_t)(message_.words[0] >> 32);
    *from = message_.words[1];
    *held_length = message_.words[2];
    *life = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Figures of the file system that holds the file.
 * answer: w0 block_bytes, w1 n_blocks, w2 n_free, w3 n_files
 */
WARN_UNUSED static inline status_t file_space(handle_t server, uint64_t *block_bytes,
                                              uint64_t *n_blocks, uint64_t *n_free,
                                              uint64_t *n_files, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = FILE_SPACE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *block_bytes = message_.words[0];
    *n_blocks = message_.words[1];
    *n_free = message_.words[2];
    *n_files = message_.words[3];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct file_handlers {
    status_t (*open)(void *context, struct request *request, uint32_t flags, uint32_t mode,
                     uint32_t path_length, uint32_t target_length, uint32_t *kind,
                     uint32_t *matched, uint32_t *length, handle_t *file);
    status_t (*read)(void *context, struct request *request, uint64_t offset, uint32_t data_length,
                     uint64_t *n);
    status_t (*write)(void *context, struct request *request, uint64_t offset, uint32_t data_length,
                      uint64_t *n);
    status_t (*read_short)(void *context, struct request *request, uint32_t length, uint64_t *n,
                           uint64_t *a, uint64_t *b, uint64_t *c);
    status_t (*write_short)(void *context, struct request *request, uint32_t length, uint64_t a,
                            uint64_t b, uint64_t c, uint64_t *n);
    status_t (*meet)(void *context, struct request *request);
    status_t (*seek)(void *context, struct request *request, int64_t offset, uint32_t whence,
                     uint64_t *position);
    status_t (*stat)(void *context, struct request *request, uint32_t flags, uint32_t path_length,
                     uint32_t stat_or_target_length, uint32_t *matched, uint32_t *length,
                     handle_t *next);
    status_t (*set)(void *context, struct request *request, uint64_t what, uint64_t value,
                    int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                    uint32_t target_length, uint32_t *matched, uint32_t *length, handle_t *next);
    status_t (*set_flags)(void *context, struct request *request, uint32_t mask, uint32_t value,
                          uint32_t *flags);
    status_t (*sync)(void *context, struct request *request);
    status_t (*map)(void *context, struct request *request, uint64_t offset, uint64_t length,
                    uint32_t flags, uint64_t *skip, uint64_t *bytes, handle_t *content);
    status_t (*watch)(void *context, struct request *request, uint32_t events, uint32_t key,
                      handle_t notify, uint32_t *ready);
    status_t (*lock)(void *context, struct request *request, uint32_t kind, uint64_t offset,
                     uint64_t length, uint32_t *kind_held, uint32_t *owner, uint64_t *from,
                     uint64_t *held_length, handle_t *life);
    status_t (*space)(void *context, struct request *request, uint64_t *block_bytes,
                      uint64_t *n_blocks, uint64_t *n_free, uint64_t *n_files);
};

static inline status_t file_dispatch_open(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t kind = 0;
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t file = HANDLE_NONE;

    if (handlers->open == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->open(context, request, (uint32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32), request->readable,
                                      request->writable, &kind, &matched, &length, &file);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)kind | (uint64_t)(uint32_t)matched << 32;
    request->answer.words[1] = (uint64_t)(uint32_t)length;
    answer_add_handle(&request->answer, file, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_open(handle_t saved, status_t outcome, uint32_t kind,
                                        uint32_t matched, uint32_t length, handle_t file) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)kind | (uint64_t)(uint32_t)matched << 32;
    answer_.words[1] = (uint64_t)(uint32_t)length;
    answer_add_handle(&answer_, file, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_read(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint64_t n = 0;

    if (handlers->read == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read(context, request, request->words[0], request->writable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_read(handle_t saved, status_t outcome, uint64_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_write(const struct file_handlers *handlers, void *context,
                                           struct request *request) {
    uint64_t n = 0;

    if (handlers->write == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->write(context, request, request->words[0], request->readable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_write(handle_t saved, status_t outcome, uint64_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_read_short(const struct file_handlers *handlers, void *context,
                                                struct request *request) {
    uint64_t n = 0;
    uint64_t a = 0;
    uint64_t b = 0;
    uint64_t c = 0;

    if (handlers->read_short == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read_short(context, request, (uint32_t)request->words[0], &n, &a,
                                            &b, &c);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = n;
    request->answer.words[1] = a;
    request->answer.words[2] = b;
    request->answer.words[3] = c;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_read_short(handle_t saved, status_t outcome, uint64_t n,
                                              uint64_t a, uint64_t b, uint64_t c) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = n;
    answer_.words[1] = a;
    answer_.words[2] = b;
    answer_.words[3] = c;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_write_short(const struct file_handlers *handlers,
                                                 void *context, struct request *request) {
    uint64_t n = 0;

    if (handlers->write_short == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->write_short(context, request, (uint32_t)request->words[0],
                                             request->words[1], request->words[2],
                                             request->words[3], &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_write_short(handle_t saved, status_t outcome, uint64_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_meet(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->meet == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->meet(context, request);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_meet(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_seek(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint64_t position = 0;

    if (handlers->seek == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->seek(context, request, (int64_t)request->words[0],
                                      (uint32_t)request->words[1], &position);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = position;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_seek(handle_t saved, status_t outcome, uint64_t position) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = position;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_stat(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->stat == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->stat(context, request, (uint32_t)request->words[0],
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
static inline status_t file_answer_stat(handle_t saved, status_t outcome, uint32_t matched,
                                        uint32_t length, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_set(const struct file_handlers *handlers, void *context,
                                         struct request *request) {
    uint32_t matched = 0;
    uint32_t length = 0;
    handle_t next = HANDLE_NONE;

    if (handlers->set == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set(context, request, request->words[0], request->words[1],
                                     (int64_t)request->words[2], (int64_t)request->words[3],
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
static inline status_t file_answer_set(handle_t saved, status_t outcome, uint32_t matched,
                                       uint32_t length, handle_t next) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)matched | (uint64_t)(uint32_t)length << 32;
    answer_add_handle(&answer_, next, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_set_flags(const struct file_handlers *handlers, void *context,
                                               struct request *request) {
    uint32_t flags = 0;

    if (handlers->set_flags == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_flags(context, request, (uint32_t)request->words[0],
                                           (uint32_t)(request->words[0] >> 32), &flags);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)flags;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_set_flags(handle_t saved, status_t outcome, uint32_t flags) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)flags;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_sync(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->sync == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->sync(context, request);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_sync(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_map(const struct file_handlers *handlers, void *context,
                                         struct request *request) {
    uint64_t skip = 0;
    uint64_t bytes = 0;
    handle_t content = HANDLE_NONE;

    if (handlers->map == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->map(context, request, request->words[0], request->words[1],
                                     (uint32_t)request->words[2], &skip, &bytes, &content);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = skip;
    request->answer.words[1] = bytes;
    answer_add_handle(&request->answer, content, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_map(handle_t saved, status_t outcome, uint64_t skip,
                                       uint64_t bytes, handle_t content) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = skip;
    answer_.words[1] = bytes;
    answer_add_handle(&answer_, content, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_watch(const struct file_handlers *handlers, void *context,
                                           struct request *request) {
    uint32_t ready = 0;

    if (handlers->watch == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is_or_none(request, 0, OBJECT_GATE)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->watch(context, request, (uint32_t)request->words[0],
                                       (uint32_t)(request->words[0] >> 32), request->handles[0],
                                       &ready);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)ready;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_watch(handle_t saved, status_t outcome, uint32_t ready) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)ready;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_lock(const struct file_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t kind_held = 0;
    uint32_t owner = 0;
    uint64_t from = 0;
    uint64_t held_length = 0;
    handle_t life = HANDLE_NONE;

    if (handlers->lock == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->lock(context, request, (uint32_t)request->words[0],
                                      request->words[1], request->words[2], &kind_held, &owner,
                                      &from, &held_length, &life);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)kind_held | (uint64_t)(uint32_t)owner << 32;
    request->answer.words[1] = from;
    request->answer.words[2] = held_length;
    answer_add_handle(&request->answer, life, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_lock(handle_t saved, status_t outcome, uint32_t kind_held,
                                        uint32_t owner, uint64_t from, uint64_t held_length,
                                        handle_t life) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)kind_held | (uint64_t)(uint32_t)owner << 32;
    answer_.words[1] = from;
    answer_.words[2] = held_length;
    answer_add_handle(&answer_, life, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t file_dispatch_space(const struct file_handlers *handlers, void *context,
                                           struct request *request) {
    uint64_t block_bytes = 0;
    uint64_t n_blocks = 0;
    uint64_t n_free = 0;
    uint64_t n_files = 0;

    if (handlers->space == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->space(context, request, &block_bytes, &n_blocks, &n_free,
                                       &n_files);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = block_bytes;
    request->answer.words[1] = n_blocks;
    request->answer.words[2] = n_free;
    request->answer.words[3] = n_files;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t file_answer_space(handle_t saved, status_t outcome, uint64_t block_bytes,
                                         uint64_t n_blocks, uint64_t n_free, uint64_t n_files) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = block_bytes;
    answer_.words[1] = n_blocks;
    answer_.words[2] = n_free;
    answer_.words[3] = n_files;
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t file_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case FILE_OPEN:
        return file_dispatch_open(handlers, context, request);
    case FILE_READ:
        return file_dispatch_read(handlers, context, request);
    case FILE_WRITE:
        return file_dispatch_write(handlers, context, request);
    case FILE_READ_SHORT:
        return file_dispatch_read_short(handlers, context, request);
    case FILE_WRITE_SHORT:
        return file_dispatch_write_short(handlers, context, request);
    case FILE_MEET:
        return file_dispatch_meet(handlers, context, request);
    case FILE_SEEK:
        return file_dispatch_seek(handlers, context, request);
    case FILE_STAT:
        return file_dispatch_stat(handlers, context, request);
    case FILE_SET:
        return file_dispatch_set(handlers, context, request);
    case FILE_SET_FLAGS:
        return file_dispatch_set_flags(handlers, context, request);
    case FILE_SYNC:
        return file_dispatch_sync(handlers, context, request);
    case FILE_MAP:
        return file_dispatch_map(handlers, context, request);
    case FILE_WATCH:
        return file_dispatch_watch(handlers, context, request);
    case FILE_LOCK:
        return file_dispatch_lock(handlers, context, request);
    case FILE_SPACE:
        return file_dispatch_space(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define FILE_SERVE(handlers) {FILE_PROTOCOL, file_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *file_label_name(uint32_t label) {
    switch (label) {
    case FILE_OPEN:
        return "file.open";
    case FILE_READ:
        return "file.read";
    case FILE_WRITE:
        return "file.write";
    case FILE_READ_SHORT:
        return "file.read_short";
    case FILE_WRITE_SHORT:
        return "file.write_short";
    case FILE_MEET:
        return "file.meet";
    case FILE_SEEK:
        return "file.seek";
    case FILE_STAT:
        return "file.stat";
    case FILE_SET:
        return "file.set";
    case FILE_SET_FLAGS:
        return "file.set_flags";
    case FILE_SYNC:
        return "file.sync";
    case FILE_MAP:
        return "file.map";
    case FILE_WATCH:
        return "file.watch";
    case FILE_LOCK:
        return "file.lock";
    case FILE_SPACE:
        return "file.space";
    default:
        return NULL;
    }
}

/* SPDX-License-Identifier: MIT */
#include "servers/pipe/channel.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/recycle.h"
#include "lib/native/server_state.h"

/* The bytes of a short read or write. */
struct short_bytes {
    uint64_t words[FILE_SHORT_MAX_BYTES / sizeof(uint64_t)];
};

enum waiting_kind { WAITING_READ, WAITING_RECEIVE, WAITING_WRITE, WAITING_SEND, WAITING_MEET };

/* A request that is answered later. */
struct waiting {
    struct list_node node;
    const struct end *end;
    enum waiting_kind kind;
    uint32_t flags; /* SOCKET_MESSAGE_ of one that receives */
    handle_t saved;
    uint64_t cookie;
    uint64_t length;          /* bytes lent, or of a short one */
    uint64_t done;            /* of them, in or from the channel */
    bool is_short;            /* the bytes are in the message, nothing is lent */
    struct short_bytes bytes; /* of a short write */
};

static uint64_t last_cookie;

/* ---- the ring ---- */

static size_t room(const struct channel *channel) {
    return PIPE_CAPACITY_BYTES - channel->count;
}

/* Can more come through? Else who reads finds the end, and who writes that it is broken. */
static bool is_open(const struct channel *channel) {
    return !list_is_empty(&channel->readers) && !list_is_empty(&channel->writers);
}

/*
 * The ring as up to two runs: the part of [position, position + n) that lies together at its start.
 */
static size_t run_length(size_t position, size_t n) {
    return MIN(n, (size_t)PIPE_CAPACITY_BYTES - position % PIPE_CAPACITY_BYTES);
}

static void consume(struct channel *channel, size_t n) {
    channel->head = (channel->head + n) % PIPE_CAPACITY_BYTES;
    channel->count -= n;
}

/* Copies n bytes (there are so many) to the client's memory, to `offset` of what it lent. */
static status_t peek(const struct channel *channel, handle_t saved, const struct request *request,
                     uint64_t offset, size_t n) {
    for (size_t done = 0; done < n;) {
        size_t at = (channel->head + done) % PIPE_CAPACITY_BYTES;
        size_t part = run_length(at, n - done);
        status_t status =
            request != NULL ? request_write(request, offset + done, channel->ring.bytes + at, part)
                            : saved_write(saved, offset + done, channel->ring.bytes + at, part);

        if (status != OK) {
            return status;
        }
        done += part;
    }
    return OK;
}

/* The same, and they are gone, if all arrived and the flags (SOCKET_MESSAGE_) let them. */
static status_t take(struct channel *channel, handle_t saved, const struct request *request,
                     uint64_t offset, size_t n, uint32_t flags) {
    status_t status = peek(channel, saved, request, offset, n);

    if (status == OK && (flags & SOCKET_MESSAGE_PEEK) == 0) {
        consume(channel, n);
    }
    return status;
}

/* Is one that receives to wait on, with so much of what it wants? */
static bool wants_more(const struct channel *channel, uint32_t flags, uint64_t done,
                       uint64_t length) {
    return (flags & (SOCKET_MESSAGE_ALL | SOCKET_MESSAGE_PEEK)) == SOCKET_MESSAGE_ALL &&
           done < length && is_open(channel);
}

/* The same for a few bytes to and from a message; those to it are still to be consumed. */
static struct short_bytes peek_short(const struct channel *channel, size_t n) {
    struct short_bytes bytes = {{0}};
    uint8_t *to = (uint8_t *)bytes.words;

    for (size_t i = 0; i < n; i++) {
        to[i] = channel->ring.bytes[(channel->head + i) % PIPE_CAPACITY_BYTES];
    }
    return bytes;
}

static status_t put_short(struct channel *channel, const struct short_bytes *bytes, size_t n) {
    const uint8_t *from = (const uint8_t *)bytes->words;

    if (!ring_ready(&channel->ring, channel->head + channel->count, n)) {
        return ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        channel->ring.bytes[(channel->head + channel->count + i) % PIPE_CAPACITY_BYTES] = from[i];
    }
    channel->count += n;
    return OK;
}

/* Moves n bytes (there is room) from the client's memory, from `offset` of what it lent. */
static status_t put(struct channel *channel, handle_t saved, const struct request *request,
                    uint64_t offset, size_t n) {
    for (size_t done = 0; done < n;) {
        size_t at = (channel->head + channel->count + done) % PIPE_CAPACITY_BYTES;
        size_t part = run_length(at, n - done);
        status_t status = !ring_may_fill(&channel->ring, at, part) ? ERROR_NO_MEMORY
                          : request != NULL
                              ? request_read(request, offset + done, channel->ring.bytes + at, part)
                              : saved_read(saved, offset + done, channel->ring.bytes + at, part);

        if (status != OK) {
            return status;
        }
        ring_filled(&channel->ring, at, part);
        done += part;
    }
    channel->count += n;
    return OK;
}

/* How much of a write of `left` bytes (in all `length`) may go in now: small ones whole or not at
 * all. */
static size_t writable(const struct channel *channel, uint64_t length, uint64_t left) {
    if (length <= PIPE_ATOMIC_BYTES) {
        return room(channel) >= left ? left : 0;
    }
    return MIN(room(channel), left);
}

/* ---- events ---- */

/* Of a pair. A direction that has ended is ready, for the end or the error that is to be had there;
 * when both have it is hung up. */
static uint32_t socket_events(const struct end *end) {
    bool is_read = !is_open(end->in), is_written = !is_open(end->out);

    return (end->in->count != 0 || is_read ? FILE_EVENT_READ : 0) |
           (room(end->out) >= PIPE_ATOMIC_BYTES || is_written ? FILE_EVENT_WRITE : 0) |
           (is_read && is_written ? FILE_EVENT_HANGUP : 0);
}

uint32_t end_events(const struct end *end) {
    const struct channel *in = end->in, *out = end->out;
    uint32_t events = 0;

    if (end->is_socket) {
        return socket_events(end);
    }
    if (in != NULL) {
        events |= in->count != 0 ? FILE_EVENT_READ : 0;
        /* Of a FIFO nobody has written to yet nobody has hung up either. */
        events |= list_is_empty(&in->writers) && in->n_writers_ever != end->writers_seen
                      ? FILE_EVENT_HANGUP
                      : 0;
    }
    if (out != NULL) {
        events |= room(out) >= PIPE_ATOMIC_BYTES ? FILE_EVENT_WRITE : 0;
        events |= list_is_empty(&out->readers) ? FILE_EVENT_ERROR : 0;
    }
    return events;
}

static void tell_watchers(struct channel *channel) {
    struct end *end;

    LIST_FOR_EACH(end, &channel->readers, as_reader) {
        watch_changed(&end->watches, end_events(end));
    }
    LIST_FOR_EACH(end, &channel->writers, as_writer) {
        watch_changed(&end->watches, end_events(end));
    }
}

/* ---- those who wait ---- */

static void waiting_end(struct waiting *waiting, status_t status, uint64_t n) {
    enum waiting_kind kind = waiting->kind;
    handle_t saved = waiting->saved;

    list_remove(&waiting->node);
    recycle_free(waiting, sizeof *waiting);
    switch (kind) {
    case WAITING_READ:
        file_answer_read(saved, status, n);
        break;
    case WAITING_RECEIVE:
        socket_answer_receive_from(saved, status, n, SOCKET_FAMILY_LOCAL, 0, 0);
        break;
    case WAITING_WRITE:
        file_answer_write(saved, status, n);
        break;
    case WAITING_SEND:
        socket_answer_send_to(saved, status, n);
        break;
    case WAITING_MEET:
        file_answer_meet(saved, status);
        break;
    }
}

/* Ends the short read with the first n of these bytes. False: its client was killed and has not got
 * them, which another may. */
static bool waiting_end_short(struct waiting *waiting, const struct short_bytes *bytes, size_t n) {
    handle_t saved = waiting->saved;

    list_remove(&waiting->node);
    recycle_free(waiting, sizeof *waiting);
    return file_answer_read_short(saved, OK, n, bytes->words[0], bytes->words[1],
                                  bytes->words[2]) == OK;
}

/*
 * A short write may find a short read that waits and takes all of it: then the bytes need not go
 * through the ring. That is empty (else nobody waited to read) and stays so, and no event comes or
 * goes: nobody else is to be served or told. False: nothing happened.
 */
static bool hand_over(struct channel *channel, const struct short_bytes *bytes, size_t n) {
    for (;;) {
        struct waiting *waiting = LIST_FIRST(&channel->reads, struct waiting, node);

        if (waiting == NULL || !waiting->is_short || waiting->length < n) {
            return false;
        }
        if (LIKELY(waiting_end_short(waiting, bytes, n))) {
            return true;
        }
    }
}

/* Serves the oldest read. False: it must go on waiting. */
static bool serve_read(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->reads, struct waiting, node);

    if (waiting == NULL || (channel->count == 0 && is_open(channel))) {
        return false;
    }
    uint64_t n = MIN((uint64_t)channel->count, waiting->length - waiting->done);

    if (waiting->is_short) {
        struct short_bytes bytes = peek_short(channel, n);

        if (waiting_end_short(waiting, &bytes, n)) {
            consume(channel, n);
        }
        return true;
    }
    status_t status = take(channel, waiting->saved, NULL, waiting->done, n, waiting->flags);

    waiting->done += status == OK ? n : 0;
    if (status != OK || !wants_more(channel, waiting->flags, waiting->done, waiting->length)) {
        waiting_end(waiting, waiting->done != 0 ? OK : status, waiting->done);
    }
    return true;
}

/* Serves the oldest write as far as there is room. False: nothing happened. */
static bool serve_write(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->writes, struct waiting, node);

    if (waiting == NULL) {
        return false;
    }
    if (!is_open(channel)) {
        waiting_end(waiting, waiting->done != 0 ? OK : ERROR_BROKEN_PIPE, waiting->done);
        return true;
    }
    size_t n = writable(channel, waiting->length, waiting->length - waiting->done);

    if (n == 0) {
        return false;
    }
    status_t status = OK;

    if (waiting->is_short) {
        status = put_short(channel, &waiting->bytes, n); /* it is atomic: all of it */
    } else {
        status = put(channel, waiting->saved, NULL, waiting->done, n);
    }
    waiting->done += status == OK ? n : 0;
    if (status != OK || waiting->done == waiting->length) {
        waiting_end(waiting, waiting->done != 0 ? OK : status, waiting->done);
    }
    return true;
}

/* Has the other kind of end been there since this one came? */
static bool has_met(const struct end *end) {
    const struct channel *in = end->in, *out = end->out;

    if (in != NULL && list_is_empty(&in->writers) && in->n_writers_ever == end->writers_seen) {
        return false;
    }
    return out == NULL || !list_is_empty(&out->readers) || out->n_readers_ever != end->readers_seen;
}

void channel_meet(struct channel *channel) {
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, &channel->meets, node) {
        if (has_met(waiting->end)) {
            waiting_end(waiting, OK, 0);
        }
    }
}

void channel_run(struct channel *channel) {
    bool went_on = true;

    while (went_on) {
        went_on = serve_read(channel);
        went_on = serve_write(channel) || went_on;
    }
    tell_watchers(channel);
}

/* One that is to wait (wait_in). NULL: no memory. */
static struct waiting *waiting_make(enum waiting_kind kind, const struct end *end,
                                    uint64_t length) {
    struct waiting *waiting = recycle_allocate(sizeof *waiting);

    if (waiting != NULL) {
        waiting->kind = kind;
        waiting->end = end;
        waiting->length = length;
    }
    return waiting;
}

/* With bytes, in the message: those of a short write; any for a short read. */
static struct waiting *waiting_make_short(enum waiting_kind kind, const struct end *end,
                                          uint64_t length, const struct short_bytes *bytes) {
    struct waiting *waiting = waiting_make(kind, end, length);

    if (waiting != NULL) {
        waiting->is_short = true;
        waiting->bytes = *bytes;
    }
    return waiting;
}

/* The request waits in `list`, as what was made of it. */
static status_t wait_in(struct list *list, struct request *request, struct waiting *waiting) {
    if (waiting == NULL) {
        return ERROR_NO_MEMORY;
    }
    waiting->cookie = ++last_cookie;
    status_t status = request_save(request, waiting->cookie, &waiting->saved);

    if (status != OK) {
        recycle_free(waiting, sizeof *waiting);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(list, &waiting->node);
    return REQUEST_DEFERRED;
}

static bool cancel_in(struct list *list, uint64_t cookie) {
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, list, node) {
        if (waiting->cookie == cookie) {
            uint64_t done = waiting->done;

            waiting_end(waiting, done != 0 ? OK : ERROR_INTERRUPTED, done);
            return true;
        }
    }
    return false;
}

void end_cancelled(struct end *end, uint64_t cookie) {
    struct channel *in = end->in, *out = end->out;

    if (in != NULL && (cancel_in(&in->reads, cookie) || cancel_in(&in->meets, cookie))) {
        return;
    }
    if (out != NULL && !cancel_in(&out->meets, cookie) && cancel_in(&out->writes, cookie)) {
        channel_run(out); /* the next in the line may fit */
    }
}

/* ---- requests ---- */

/* May this request wait? Flags are SOCKET_MESSAGE_ ones. */
static bool may_wait(const struct end *end, uint32_t flags) {
    return (end->flags & FILE_OPEN_NONBLOCK) == 0 && (flags & SOCKET_MESSAGE_NONBLOCK) == 0;
}

/* `done` of the bytes have been moved. */
static status_t wait_to_read(struct end *end, struct request *request, enum waiting_kind kind,
                             uint32_t flags, uint32_t length, uint64_t done) {
    struct waiting *waiting = waiting_make(kind, end, length);

    if (waiting != NULL) {
        waiting->flags = flags;
        waiting->done = done;
    }
    return wait_in(&end->in->reads, request, waiting);
}

static status_t read_data(struct end *end, struct request *request, enum waiting_kind kind,
                          uint32_t flags, uint32_t length, uint64_t *n) {
    struct channel *channel = end->in;

    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (channel->count == 0 && is_open(channel) && length != 0) {
        return may_wait(end, flags) ? wait_to_read(end, request, kind, flags, length, 0)
                                    : ERROR_WOULD_BLOCK;
    }
    *n = MIN(channel->count, (size_t)length);
    status_t status = take(channel, HANDLE_NONE, request, 0, *n, flags);

    if (status != OK || *n == 0) {
        return status;
    }
    if (wants_more(channel, flags, *n, length) && may_wait(end, flags) &&
        wait_to_read(end, request, kind, flags, length, *n) == REQUEST_DEFERRED) {
        status = REQUEST_DEFERRED;
    }
    channel_run(channel);
    return status;
}

static status_t write_data(struct end *end, struct request *request, enum waiting_kind kind,
                           uint32_t flags, uint32_t length, uint64_t *n) {
    struct channel *channel = end->out;

    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (!is_open(channel)) {
        return ERROR_BROKEN_PIPE;
    }
    if (length == 0) {
        return OK;
    }
    size_t now = list_is_empty(&channel->writes) ? writable(channel, length, length) : 0;
    status_t status = now != 0 ? put(channel, HANDLE_NONE, request, 0, now) : OK;

    if (status != OK) {
        return status;
    }
    *n = now;
    if (now != length && may_wait(end, flags)) {
        struct waiting *waiting = waiting_make(kind, end, length);

        if (waiting != NULL) {
            waiting->done = now;
        }
        status = wait_in(&channel->writes, request, waiting);
    } else if (now == 0) {
        return ERROR_WOULD_BLOCK;
    }
    if (now != 0) {
        channel_run(channel);
    }
    return status == REQUEST_DEFERRED || now == 0 ? status : OK;
}

status_t end_read(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                  uint64_t *n) {
    return offset == FILE_OFFSET_CURRENT ? read_data(end, request, WAITING_READ, 0, data_length, n)
                                         : ERROR_NOT_SEEKABLE;
}

status_t end_write(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                   uint64_t *n) {
    return offset == FILE_OFFSET_CURRENT
               ? write_data(end, request, WAITING_WRITE, 0, data_length, n)
               : ERROR_NOT_SEEKABLE;
}

status_t end_receive(struct end *end, struct request *request, uint32_t flags, uint32_t data_length,
                     uint64_t *n) {
    return read_data(end, request, WAITING_RECEIVE, flags, data_length, n);
}

status_t end_send(struct end *end, struct request *request, uint32_t flags, uint32_t data_length,
                  uint64_t *n) {
    return write_data(end, request, WAITING_SEND, flags, data_length, n);
}

status_t end_read_short(struct end *end, struct request *request, uint32_t length, uint64_t *n,
                        uint64_t *a, uint64_t *b, uint64_t *c) {
    struct channel *channel = end->in;
    const struct short_bytes none = {{0}};

    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (length > FILE_SHORT_MAX_BYTES) {
        return ERROR_BAD_ARGUMENT;
    }
    if (channel->count == 0 && is_open(channel) && length != 0) {
        return may_wait(end, 0) ? wait_in(&channel->reads, request,
                                          waiting_make_short(WAITING_READ, end, length, &none))
                                : ERROR_WOULD_BLOCK;
    }
    *n = MIN(channel->count, (size_t)length);
    struct short_bytes bytes = peek_short(channel, *n);

    consume(channel, *n);
    *a = bytes.words[0];
    *b = bytes.words[1];
    *c = bytes.words[2];
    if (*n != 0) {
        channel_run(channel);
    }
    return OK;
}

status_t end_write_short(struct end *end, struct request *request, uint32_t length, uint64_t a,
                         uint64_t b, uint64_t c, uint64_t *n) {
    struct channel *channel = end->out;
    const struct short_bytes bytes = {{a, b, c}};

    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (length > FILE_SHORT_MAX_BYTES) {
        return ERROR_BAD_ARGUMENT;
    }
    if (!is_open(channel)) {
        return ERROR_BROKEN_PIPE;
    }
    if (length == 0) {
        return OK;
    }
    if (!list_is_empty(&channel->writes) || room(channel) < length) {
        return may_wait(end, 0) ? wait_in(&channel->writes, request,
                                          waiting_make_short(WAITING_WRITE, end, length, &bytes))
                                : ERROR_WOULD_BLOCK;
    }
    if (hand_over(channel, &bytes, length)) {
        *n = length;
        return OK;
    }
    status_t status = put_short(channel, &bytes, length);

    if (status == OK) {
        *n = length;
        channel_run(channel);
    }
    return status;
}

status_t end_meet(struct end *end, struct request *request) {
    return has_met(end) ? OK
                        : wait_in(&(end->in != NULL ? end->in : end->out)->meets, request,
                                  waiting_make(WAITING_MEET, end, 0));
}

status_t end_watch(struct end *end, struct request *request, uint32_t events, uint32_t key,
                   handle_t notify, uint32_t *ready) {
    return watch_arm(&end->watches, request, events, key, notify, end_events(end), ready);
}

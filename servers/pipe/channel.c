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

/* A request that is answered later. */
struct waiting {
    struct list_node node;
    const struct end *end;
    handle_t saved;
    uint64_t cookie;
    uint64_t length;          /* bytes lent, or of a short one */
    uint64_t done;            /* write: that are in the channel */
    bool is_short;            /* the bytes are in the message, nothing is lent */
    struct short_bytes bytes; /* of a short write */
};

static uint64_t last_cookie;

/* ---- the ring ---- */

static size_t room(const struct channel *channel) {
    return PIPE_CAPACITY_BYTES - channel->count;
}

/*
 * The ring as up to two runs: the part of [position, position + n) that lies together at its start.
 */
static size_t run_length(size_t position, size_t n) {
    return MIN(n, (size_t)PIPE_CAPACITY_BYTES - position % PIPE_CAPACITY_BYTES);
}

/* Moves n bytes (there are so many) to the client's memory. They are gone only if all arrived. */
static status_t take(struct channel *channel, handle_t saved, const struct request *request,
                     size_t n) {
    for (size_t done = 0; done < n;) {
        size_t at = (channel->head + done) % PIPE_CAPACITY_BYTES;
        size_t part = run_length(at, n - done);
        status_t status = request != NULL
                              ? request_write(request, done, channel->ring.bytes + at, part)
                              : saved_write(saved, done, channel->ring.bytes + at, part);

        if (status != OK) {
            return status;
        }
        done += part;
    }
    channel->head = (channel->head + n) % PIPE_CAPACITY_BYTES;
    channel->count -= n;
    return OK;
}

/* The same for a few bytes to and from a message. */
static struct short_bytes take_short(struct channel *channel, size_t n) {
    struct short_bytes bytes = {{0}};
    uint8_t *to = (uint8_t *)bytes.words;

    for (size_t i = 0; i < n; i++) {
        to[i] = channel->ring.bytes[(channel->head + i) % PIPE_CAPACITY_BYTES];
    }
    channel->head = (channel->head + n) % PIPE_CAPACITY_BYTES;
    channel->count -= n;
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

static uint32_t events_now(const struct end *end) {
    const struct channel *in = end->in, *out = end->out;
    uint32_t events = 0;

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
        watch_changed(&end->watches, events_now(end));
    }
    LIST_FOR_EACH(end, &channel->writers, as_writer) {
        watch_changed(&end->watches, events_now(end));
    }
}

/* ---- those who wait ---- */

enum waiting_kind { WAITING_READ, WAITING_WRITE, WAITING_MEET };

static void waiting_end(struct waiting *waiting, status_t status, uint64_t n,
                        enum waiting_kind kind) {
    handle_t saved = waiting->saved;

    list_remove(&waiting->node);
    recycle_free(waiting, sizeof *waiting);
    switch (kind) {
    case WAITING_READ:
        file_answer_read(saved, status, n);
        break;
    case WAITING_WRITE:
        file_answer_write(saved, status, n);
        break;
    case WAITING_MEET:
        file_answer_meet(saved, status);
        break;
    }
}

/* Ends the short read with the first n of these bytes. */
static void waiting_end_short(struct waiting *waiting, const struct short_bytes *bytes, size_t n) {
    handle_t saved = waiting->saved;

    list_remove(&waiting->node);
    recycle_free(waiting, sizeof *waiting);
    file_answer_read_short(saved, OK, n, bytes->words[0], bytes->words[1], bytes->words[2]);
}

/*
 * A short write may find a short read that waits and takes all of it: then the bytes need not go
 * through the ring. That is empty (else nobody waited to read) and stays so, and no event comes or
 * goes: nobody else is to be served or told. False: nothing happened.
 */
static bool hand_over(struct channel *channel, const struct short_bytes *bytes, size_t n) {
    struct waiting *waiting = LIST_FIRST(&channel->reads, struct waiting, node);

    if (waiting == NULL || !waiting->is_short || waiting->length < n) {
        return false;
    }
    waiting_end_short(waiting, bytes, n);
    return true;
}

/* Serves the oldest read. False: it must go on waiting. */
static bool serve_read(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->reads, struct waiting, node);

    if (waiting == NULL || (channel->count == 0 && !list_is_empty(&channel->writers))) {
        return false;
    }
    uint64_t n = MIN((uint64_t)channel->count, waiting->length);

    if (waiting->is_short) {
        struct short_bytes bytes = take_short(channel, n);

        waiting_end_short(waiting, &bytes, n);
        return true;
    }
    status_t status = take(channel, waiting->saved, NULL, n);

    waiting_end(waiting, status, n, WAITING_READ);
    return true;
}

/* Serves the oldest write as far as there is room. False: nothing happened. */
static bool serve_write(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->writes, struct waiting, node);

    if (waiting == NULL) {
        return false;
    }
    if (list_is_empty(&channel->readers)) {
        bool has_some = waiting->done != 0;

        waiting_end(waiting, has_some ? OK : ERROR_BROKEN_PIPE, waiting->done, WAITING_WRITE);
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
        waiting_end(waiting, waiting->done != 0 ? OK : status, waiting->done, WAITING_WRITE);
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

static void serve_meets(struct channel *channel) {
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, &channel->meets, node) {
        if (has_met(waiting->end)) {
            waiting_end(waiting, OK, 0, WAITING_MEET);
        }
    }
}

/* Something changed: serves whom it can, then tells the watchers. */
static void channel_run(struct channel *channel) {
    bool went_on = true;

    while (went_on) {
        went_on = serve_read(channel);
        went_on = serve_write(channel) || went_on;
    }
    tell_watchers(channel);
}

/* The request waits in `list`. `bytes`: of a short write; any for a short read; else NULL. */
static status_t wait_in(struct list *list, struct request *request, const struct end *end,
                        uint64_t length, uint64_t done, const struct short_bytes *bytes) {
    struct waiting *waiting = recycle_allocate(sizeof *waiting);

    if (waiting == NULL) {
        return ERROR_NO_MEMORY;
    }
    waiting->end = end;
    waiting->cookie = ++last_cookie;
    waiting->length = length;
    waiting->done = done;
    if (bytes != NULL) {
        waiting->is_short = true;
        waiting->bytes = *bytes;
    }
    status_t status = request_save(request, waiting->cookie, &waiting->saved);

    if (status != OK) {
        recycle_free(waiting, sizeof *waiting);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(list, &waiting->node);
    return REQUEST_DEFERRED;
}

static bool cancel_in(struct list *list, uint64_t cookie, enum waiting_kind kind) {
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, list, node) {
        if (waiting->cookie == cookie) {
            uint64_t done = waiting->done;

            waiting_end(waiting, done != 0 ? OK : ERROR_INTERRUPTED, done, kind);
            return true;
        }
    }
    return false;
}

void end_cancelled(struct end *end, uint64_t cookie) {
    struct channel *in = end->in, *out = end->out;

    if (in != NULL && (cancel_in(&in->reads, cookie, WAITING_READ) ||
                       cancel_in(&in->meets, cookie, WAITING_MEET))) {
        return;
    }
    if (out != NULL && !cancel_in(&out->meets, cookie, WAITING_MEET) &&
        cancel_in(&out->writes, cookie, WAITING_WRITE)) {
        channel_run(out); /* the next in the line may fit */
    }
}

/* ---- requests ---- */

status_t end_read(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                  uint64_t *n) {
    struct channel *channel = end->in;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (channel->count == 0 && !list_is_empty(&channel->writers) && data_length != 0) {
        return (end->flags & FILE_OPEN_NONBLOCK) != 0
                   ? ERROR_WOULD_BLOCK
                   : wait_in(&channel->reads, request, end, data_length, 0, NULL);
    }
    *n = MIN(channel->count, (size_t)data_length);
    status_t status = take(channel, HANDLE_NONE, request, *n);

    if (status == OK && *n != 0) {
        channel_run(channel);
    }
    return status;
}

status_t end_write(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                   uint64_t *n) {
    struct channel *channel = end->out;
    bool waits = (end->flags & FILE_OPEN_NONBLOCK) == 0;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (list_is_empty(&channel->readers)) {
        return ERROR_BROKEN_PIPE;
    }
    if (data_length == 0) {
        return OK;
    }
    size_t now = list_is_empty(&channel->writes) ? writable(channel, data_length, data_length) : 0;
    status_t status = now != 0 ? put(channel, HANDLE_NONE, request, 0, now) : OK;

    if (status != OK) {
        return status;
    }
    *n = now;
    if (now != data_length && waits) {
        status = wait_in(&channel->writes, request, end, data_length, now, NULL);
    } else if (now == 0) {
        return ERROR_WOULD_BLOCK;
    }
    if (now != 0) {
        channel_run(channel);
    }
    return status == REQUEST_DEFERRED || now == 0 ? status : OK;
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
    if (channel->count == 0 && !list_is_empty(&channel->writers) && length != 0) {
        return (end->flags & FILE_OPEN_NONBLOCK) != 0
                   ? ERROR_WOULD_BLOCK
                   : wait_in(&channel->reads, request, end, length, 0, &none);
    }
    *n = MIN(channel->count, (size_t)length);
    struct short_bytes bytes = take_short(channel, *n);

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
    if (list_is_empty(&channel->readers)) {
        return ERROR_BROKEN_PIPE;
    }
    if (length == 0) {
        return OK;
    }
    if (!list_is_empty(&channel->writes) || room(channel) < length) {
        return (end->flags & FILE_OPEN_NONBLOCK) != 0
                   ? ERROR_WOULD_BLOCK
                   : wait_in(&channel->writes, request, end, length, 0, &bytes);
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
    return has_met(end)
               ? OK
               : wait_in(&(end->in != NULL ? end->in : end->out)->meets, request, end, 0, 0, NULL);
}

status_t end_watch(struct end *end, struct request *request, uint32_t events, uint32_t key,
                   handle_t notify, uint32_t *ready) {
    return watch_arm(&end->watches, request, events, key, notify, events_now(end), ready);
}

/* ---- ends and channels ---- */

struct channel *channel_make(uint32_t login) {
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL) {
        return NULL;
    }
    list_init(&channel->readers);
    list_init(&channel->writers);
    list_init(&channel->reads);
    list_init(&channel->writes);
    list_init(&channel->meets);
    if (!ring_allocate(&channel->ring, login)) {
        free(channel);
        return NULL;
    }
    return channel;
}

void channel_free(struct channel *channel) {
    ring_free(&channel->ring);
    free(channel);
}

bool channel_is_unused(const struct channel *channel) {
    return list_is_empty(&channel->readers) && list_is_empty(&channel->writers);
}

struct end *end_make(struct channel *in, struct channel *out, uint32_t flags) {
    struct end *end = calloc(1, sizeof *end);

    if (end == NULL) {
        return NULL;
    }
    end->in = in;
    end->out = out;
    end->flags = (flags & FILE_OPEN_NONBLOCK) | (in != NULL ? FILE_OPEN_READ : 0) |
                 (out != NULL ? FILE_OPEN_WRITE : 0);
    watch_init(&end->watches);
    if (in != NULL) {
        end->writers_seen = in->n_writers_ever - (list_is_empty(&in->writers) ? 0 : 1);
        in->n_readers_ever++;
        list_push_back(&in->readers, &end->as_reader);
    }
    if (out != NULL) {
        end->readers_seen = out->n_readers_ever - (list_is_empty(&out->readers) ? 0 : 1);
        out->n_writers_ever++;
        list_push_back(&out->writers, &end->as_writer);
    }
    if (in != NULL) {
        serve_meets(in);
    }
    if (out != NULL && out != in) {
        serve_meets(out);
    }
    return end;
}

void end_close(struct end *end) {
    struct channel *in = end->in, *out = end->out;

    watch_clear(&end->watches);
    if (in != NULL) {
        list_remove(&end->as_reader);
    }
    if (out != NULL) {
        list_remove(&end->as_writer);
    }
    free(end);
    if (in != NULL) {
        channel_run(in);
    }
    if (out != NULL && out != in) {
        channel_run(out);
    }
}

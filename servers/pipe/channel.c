/* SPDX-License-Identifier: MIT */
#include "servers/pipe/channel.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/recycle.h"
#include "lib/native/server_state.h"
#include "lib/native/time.h"

/* A request that is answered later. */
struct waiting {
    struct list_node node;
    handle_t saved;
    uint64_t cookie;
    uint64_t length; /* bytes lent */
    uint64_t done;   /* write: that are in the channel */
};

static uint64_t last_cookie;
static uint32_t last_id;

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
        status_t status = request != NULL ? request_write(request, done, channel->bytes + at, part)
                                          : saved_write(saved, done, channel->bytes + at, part);

        if (status != OK) {
            return status;
        }
        done += part;
    }
    channel->head = (channel->head + n) % PIPE_CAPACITY_BYTES;
    channel->count -= n;
    return OK;
}

/* Moves n bytes (there is room) from the client's memory, from `offset` of what it lent. */
static status_t put(struct channel *channel, handle_t saved, const struct request *request,
                    uint64_t offset, size_t n) {
    for (size_t done = 0; done < n;) {
        size_t at = (channel->head + channel->count + done) % PIPE_CAPACITY_BYTES;
        size_t part = run_length(at, n - done);
        status_t status = request != NULL
                              ? request_read(request, offset + done, channel->bytes + at, part)
                              : saved_read(saved, offset + done, channel->bytes + at, part);

        if (status != OK) {
            return status;
        }
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
    uint32_t events = 0;

    if (end->in != NULL) {
        events |= end->in->count != 0 ? FILE_EVENT_READ : 0;
        events |= end->in->writer == NULL ? FILE_EVENT_HANGUP : 0;
    }
    if (end->out != NULL) {
        events |= room(end->out) >= PIPE_ATOMIC_BYTES ? FILE_EVENT_WRITE : 0;
        events |= end->out->reader == NULL ? FILE_EVENT_ERROR : 0;
    }
    return events;
}

static void tell_watchers(const struct channel *channel) {
    if (channel->reader != NULL) {
        watch_changed(&channel->reader->watches, events_now(channel->reader));
    }
    if (channel->writer != NULL) {
        watch_changed(&channel->writer->watches, events_now(channel->writer));
    }
}

/* ---- those who wait ---- */

static void waiting_end(struct waiting *waiting, status_t status, uint64_t n, bool is_read) {
    handle_t saved = waiting->saved;

    list_remove(&waiting->node);
    recycle_free(waiting, sizeof *waiting);
    if (is_read) {
        file_answer_read(saved, status, n);
    } else {
        file_answer_write(saved, status, n);
    }
}

/* Serves the oldest read. False: it must go on waiting. */
static bool serve_read(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->reads, struct waiting, node);

    if (waiting == NULL || (channel->count == 0 && channel->writer != NULL)) {
        return false;
    }
    uint64_t n = MIN((uint64_t)channel->count, waiting->length);
    status_t status = take(channel, waiting->saved, NULL, n);

    waiting_end(waiting, status, n, true);
    return true;
}

/* Serves the oldest write as far as there is room. False: nothing happened. */
static bool serve_write(struct channel *channel) {
    struct waiting *waiting = LIST_FIRST(&channel->writes, struct waiting, node);

    if (waiting == NULL) {
        return false;
    }
    if (channel->reader == NULL) {
        bool has_some = waiting->done != 0;

        waiting_end(waiting, has_some ? OK : ERROR_BROKEN_PIPE, waiting->done, false);
        return true;
    }
    size_t n = writable(channel, waiting->length, waiting->length - waiting->done);

    if (n == 0) {
        return false;
    }
    status_t status = put(channel, waiting->saved, NULL, waiting->done, n);

    waiting->done += status == OK ? n : 0;
    if (status != OK || waiting->done == waiting->length) {
        waiting_end(waiting, waiting->done != 0 ? OK : status, waiting->done, false);
    }
    return true;
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

/* The request waits in `list`. */
static status_t wait_in(struct list *list, struct request *request, uint64_t length,
                        uint64_t done) {
    struct waiting *waiting = recycle_allocate(sizeof *waiting);

    if (waiting == NULL) {
        return ERROR_NO_MEMORY;
    }
    waiting->cookie = ++last_cookie;
    waiting->length = length;
    waiting->done = done;
    status_t status = request_save(request, waiting->cookie, &waiting->saved);

    if (status != OK) {
        recycle_free(waiting, sizeof *waiting);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(list, &waiting->node);
    return REQUEST_DEFERRED;
}

static bool cancel_in(struct list *list, uint64_t cookie, bool is_read) {
    struct waiting *waiting;

    LIST_FOR_EACH_SAFE(waiting, list, node) {
        if (waiting->cookie == cookie) {
            uint64_t done = waiting->done;

            waiting_end(waiting, done != 0 ? OK : ERROR_INTERRUPTED, done, is_read);
            return true;
        }
    }
    return false;
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    struct end *end = object;

    (void)server;
    if (end->in != NULL && cancel_in(&end->in->reads, cookie, true)) {
        return;
    }
    if (end->out != NULL && cancel_in(&end->out->writes, cookie, false)) {
        channel_run(end->out); /* the next in the line may fit */
    }
}

/* ---- requests ---- */

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct end *end = context;
    struct channel *channel = end->in;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (channel->count == 0 && channel->writer != NULL && data_length != 0) {
        return (end->flags & FILE_OPEN_NONBLOCK) != 0
                   ? ERROR_WOULD_BLOCK
                   : wait_in(&channel->reads, request, data_length, 0);
    }
    *n = MIN(channel->count, (size_t)data_length);
    status_t status = take(channel, HANDLE_NONE, request, *n);

    if (status == OK && *n != 0) {
        channel_run(channel);
    }
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    struct end *end = context;
    struct channel *channel = end->out;
    bool waits = (end->flags & FILE_OPEN_NONBLOCK) == 0;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (channel == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (channel->reader == NULL) {
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
        status = wait_in(&channel->writes, request, data_length, now);
    } else if (now == 0) {
        return ERROR_WOULD_BLOCK;
    }
    if (now != 0) {
        channel_run(channel);
    }
    return status == REQUEST_DEFERRED || now == 0 ? status : OK;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request, (void)offset, (void)whence, (void)position;
    return ERROR_NOT_SEEKABLE;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct end *end = context;
    bool is_pair = end->in != NULL && end->out != NULL;
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_PIPE,
        .id = end->id,
        .size = end->in != NULL ? end->in->count : 0,
        .mode = (is_pair ? FILE_MODE_SOCKET : FILE_MODE_PIPE) | 0600,
        .n_links = 1,
        .block_bytes = PIPE_ATOMIC_BYTES,
        .accessed_ns = time_wall_ns(),
        .modified_ns = time_wall_ns(),
        .changed_ns = time_wall_ns(),
    };

    (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct end *end = context;

    (void)request;
    mask &= FILE_OPEN_NONBLOCK;
    end->flags = (end->flags & ~mask) | (value & mask);
    *flags = end->flags;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    struct end *end = context;

    return watch_arm(&end->watches, request, events, key, notify, events_now(end), ready);
}

/* ---- ends and channels ---- */

static void channel_free(struct channel *channel) {
    free(channel->bytes);
    free(channel);
}

static void channel_leave(struct channel *channel) {
    if (channel->reader == NULL && channel->writer == NULL) {
        channel_free(channel);
    } else {
        channel_run(channel);
    }
}

static void on_closed(struct server *server, void *object) {
    struct end *end = object;
    struct channel *in = end->in, *out = end->out;

    (void)server;
    watch_clear(&end->watches);
    if (in != NULL) {
        in->reader = NULL;
        channel_leave(in);
    }
    if (out != NULL) {
        out->writer = NULL;
        channel_leave(out);
    }
    free(end);
}

static const struct file_handlers file_handlers = {
    .read = on_read,
    .write = on_write,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};
static const struct server_protocol end_protocols[] = {FILE_SERVE(file_handlers), {0}};
static const struct server_class end_class = {
    .protocols = end_protocols, .closed = on_closed, .cancelled = on_cancelled};

static struct channel *channel_make(void) {
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL) {
        return NULL;
    }
    list_init(&channel->reads);
    list_init(&channel->writes);
    channel->bytes = malloc(PIPE_CAPACITY_BYTES);
    if (channel->bytes == NULL) {
        free(channel);
        return NULL;
    }
    return channel;
}

static struct end *end_make(struct channel *in, struct channel *out, uint32_t flags) {
    struct end *end = calloc(1, sizeof *end);

    if (end == NULL) {
        return NULL;
    }
    end->in = in;
    end->out = out;
    end->id = ++last_id;
    end->flags = (flags & FILE_OPEN_NONBLOCK) | (in != NULL ? FILE_OPEN_READ : 0) |
                 (out != NULL ? FILE_OPEN_WRITE : 0);
    watch_init(&end->watches);
    if (in != NULL) {
        in->reader = end;
    }
    if (out != NULL) {
        out->writer = end;
    }
    return end;
}

/* Two ends as objects with gates. On an error the channels are freed too. `back` is NULL for a
 * pipe. */
static status_t ends_make(struct server *server, uint32_t tag, uint32_t flags,
                          struct channel *channel, struct channel *back, handle_t *reader,
                          handle_t *writer) {
    struct end *one = end_make(channel, back, flags), *other = NULL;
    uint64_t badge;
    status_t status = ERROR_NO_MEMORY;

    if (one != NULL) {
        other = end_make(back, channel, flags);
    }
    if (other != NULL) {
        status = server_object_create_badged(server, tag, &end_class, one, reader, &badge);
    }
    if (status != OK) {
        free(one);
        free(other);
        channel_free(channel);
        if (back != NULL) {
            channel_free(back);
        }
        return status;
    }
    status = server_object_create(server, tag, &end_class, other, writer);
    if (status != OK) {
        /* on_closed ends the first; what it leaves for the other's sake is ours. */
        channel->writer = NULL;
        if (back != NULL) {
            back->reader = NULL;
        }
        free(other);
        server_object_revoke(server, badge, *reader);
    }
    return status;
}

status_t pipe_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *reader,
                   handle_t *writer) {
    struct channel *channel = channel_make();

    return channel == NULL ? ERROR_NO_MEMORY
                           : ends_make(server, tag, flags, channel, NULL, reader, writer);
}

status_t pair_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *one,
                   handle_t *other) {
    struct channel *there = channel_make(), *back = channel_make();

    if (there == NULL || back == NULL) {
        if (there != NULL) {
            channel_free(there);
        }
        if (back != NULL) {
            channel_free(back);
        }
        return ERROR_NO_MEMORY;
    }
    return ends_make(server, tag, flags, there, back, one, other);
}

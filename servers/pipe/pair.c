/* SPDX-License-Identifier: MIT */
#include "servers/pipe/pair.h"

#include <stdlib.h>

#include "abi/tag.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/server_state.h"
#include "lib/native/time.h"

/* One end of a pipe or pair, an open file. */
struct pair_end {
    struct end *end;
    uint64_t id;
    int64_t made_ns;
};

static uint64_t last_id;

/* ---- requests ---- */

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    return end_read(((struct pair_end *)context)->end, request, offset, data_length, n);
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    return end_write(((struct pair_end *)context)->end, request, offset, data_length, n);
}

static status_t on_read_short(void *context, struct request *request, uint32_t length, uint64_t *n,
                              uint64_t *a, uint64_t *b, uint64_t *c) {
    return end_read_short(((struct pair_end *)context)->end, request, length, n, a, b, c);
}

static status_t on_write_short(void *context, struct request *request, uint32_t length, uint64_t a,
                               uint64_t b, uint64_t c, uint64_t *n) {
    return end_write_short(((struct pair_end *)context)->end, request, length, a, b, c, n);
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request, (void)offset, (void)whence, (void)position;
    return ERROR_NOT_SEEKABLE;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct pair_end *pair = context;
    const struct end *end = pair->end;
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_PIPE,
        .id = pair->id,
        .size = end->in != NULL ? end->in->count : end->out->count,
        .mode = (end->is_socket ? FILE_MODE_SOCKET : FILE_MODE_PIPE) | 0600,
        .n_links = 1,
        .block_bytes = PIPE_ATOMIC_BYTES,
        .accessed_ns = pair->made_ns,
        .modified_ns = pair->made_ns,
        .changed_ns = pair->made_ns,
    };

    (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct end *end = ((struct pair_end *)context)->end;

    (void)request;
    mask &= FILE_OPEN_NONBLOCK;
    end->flags = (end->flags & ~mask) | (value & mask);
    *flags = end->flags;
    return OK;
}

static status_t on_meet(void *context, struct request *request) {
    (void)context, (void)request;
    return OK; /* they were made together */
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    return end_watch(((struct pair_end *)context)->end, request, events, key, notify, ready);
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    (void)server;
    end_cancelled(((struct pair_end *)object)->end, cookie);
}

/* ---- protocol socket ---- */

static status_t on_send_to(void *context, struct request *request, uint64_t place, uint64_t high,
                           uint64_t low, uint32_t flags, uint32_t data_length, uint64_t *n) {
    (void)high, (void)low;
    if (place != 0) {
        return ERROR_IS_CONNECTED;
    }
    return (flags & SOCKET_MESSAGE_OUT_OF_BAND) != 0
               ? ERROR_NOT_SUPPORTED
               : end_send(((struct pair_end *)context)->end, request, flags, data_length, n);
}

static status_t on_receive_from(void *context, struct request *request, uint32_t flags,
                                uint32_t data_length, uint64_t *got, uint64_t *place,
                                uint64_t *high, uint64_t *low) {
    (void)high, (void)low;
    *place = SOCKET_FAMILY_LOCAL;
    return (flags & SOCKET_MESSAGE_OUT_OF_BAND) != 0
               ? ERROR_BAD_ARGUMENT /* there are none */
               : end_receive(((struct pair_end *)context)->end, request, flags, data_length, got);
}

static status_t on_shutdown(void *context, struct request *request, uint32_t how) {
    (void)request;
    if (how > SOCKET_SHUTDOWN_BOTH) {
        return ERROR_BAD_ARGUMENT;
    }
    end_shutdown(((struct pair_end *)context)->end, how != SOCKET_SHUTDOWN_WRITE,
                 how != SOCKET_SHUTDOWN_READ);
    return OK;
}

static status_t on_connect(void *context, struct request *request, uint64_t place, uint64_t high,
                           uint64_t low) {
    (void)context, (void)request, (void)place, (void)high, (void)low;
    return ERROR_IS_CONNECTED;
}

static status_t on_bind(void *context, struct request *request, uint64_t place, uint64_t high,
                        uint64_t low) {
    (void)context, (void)request, (void)place, (void)high, (void)low;
    return ERROR_BAD_ARGUMENT;
}

static status_t on_listen(void *context, struct request *request, uint32_t backlog) {
    (void)context, (void)request, (void)backlog;
    return ERROR_BAD_ARGUMENT;
}

static status_t on_accept(void *context, struct request *request, uint32_t flags, uint64_t *place,
                          uint64_t *high, uint64_t *low, handle_t *connection) {
    (void)context, (void)request, (void)flags, (void)place, (void)high, (void)low, (void)connection;
    return ERROR_BAD_ARGUMENT;
}

static status_t on_get_name(void *context, struct request *request, uint32_t which, uint64_t *place,
                            uint64_t *high, uint64_t *low) {
    (void)context, (void)request, (void)high, (void)low;
    *place = SOCKET_FAMILY_LOCAL;
    return which > SOCKET_NAME_PEER ? ERROR_BAD_ARGUMENT : OK;
}

/* What there is nothing to set of: it has the value that a socket begins with. */
static status_t on_get_option(void *context, struct request *request, uint32_t option,
                              uint64_t *value) {
    (void)context, (void)request;
    switch (option) {
    case SOCKET_OPTION_TYPE:
        *value = 1;
        return OK;
    case SOCKET_OPTION_RECEIVE_BYTES:
    case SOCKET_OPTION_SEND_BYTES:
        *value = PIPE_CAPACITY_BYTES;
        return OK;
    case SOCKET_OPTION_LINGER_SECONDS:
        *value = UINT64_MAX;
        return OK;
    case SOCKET_OPTION_ERROR:
    case SOCKET_OPTION_LISTENING:
    case SOCKET_OPTION_REUSE_ADDRESS:
    case SOCKET_OPTION_BROADCAST:
    case SOCKET_OPTION_KEEP_ALIVE:
    case SOCKET_OPTION_RECEIVE_TIMEOUT_NS:
    case SOCKET_OPTION_SEND_TIMEOUT_NS:
        *value = 0;
        return OK;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

static status_t on_set_option(void *context, struct request *request, uint32_t option,
                              uint64_t value) {
    (void)context, (void)request, (void)value;
    return option == SOCKET_OPTION_RECEIVE_BYTES || option == SOCKET_OPTION_SEND_BYTES
               ? OK /* advice */
               : ERROR_NOT_SUPPORTED;
}

/* ---- making and closing ---- */

static void drop_unused(struct channel *channel) {
    if (channel != NULL && channel_is_unused(channel)) {
        channel_free(channel);
    }
}

static void pair_end_free(struct pair_end *pair) {
    struct channel *in = pair->end->in, *out = pair->end->out;

    end_close(pair->end);
    free(pair);
    drop_unused(in);
    drop_unused(out);
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    pair_end_free(object);
}

static const struct file_handlers file_handlers = {
    .read = on_read,
    .write = on_write,
    .read_short = on_read_short,
    .write_short = on_write_short,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .meet = on_meet,
    .watch = on_watch,
};
static const struct socket_handlers socket_handlers = {
    .bind = on_bind,
    .connect = on_connect,
    .listen = on_listen,
    .accept = on_accept,
    .send_to = on_send_to,
    .receive_from = on_receive_from,
    .shutdown = on_shutdown,
    .get_name = on_get_name,
    .get_option = on_get_option,
    .set_option = on_set_option,
};
static const struct server_protocol pipe_protocols[] = {FILE_SERVE(file_handlers), {0}};
static const struct server_protocol pair_protocols[] = {
    FILE_SERVE(file_handlers), SOCKET_SERVE(socket_handlers), {0}};
static const struct server_class pipe_class = {
    .protocols = pipe_protocols, .closed = on_closed, .cancelled = on_cancelled};
static const struct server_class pair_class = {
    .protocols = pair_protocols, .closed = on_closed, .cancelled = on_cancelled};

static struct pair_end *pair_end_make(struct channel *in, struct channel *out, uint32_t flags) {
    struct pair_end *pair = calloc(1, sizeof *pair);

    if (pair != NULL) {
        *pair = (struct pair_end){
            .end = end_make(in, out, flags), .id = ++last_id, .made_ns = time_wall_ns()};
    }
    if (pair != NULL && pair->end == NULL) {
        free(pair);
        pair = NULL;
    }
    if (pair != NULL) {
        pair->end->is_socket = in != NULL && out != NULL;
    }
    return pair;
}

/* Two ends as objects with gates. `back` is NULL for a pipe. On an error all is freed, the channels
 * too. */
static status_t ends_make(struct server *server, uint32_t tag, uint32_t flags,
                          struct channel *channel, struct channel *back, handle_t *reader,
                          handle_t *writer) {
    const struct server_class *class = back != NULL ? &pair_class : &pipe_class;
    struct pair_end *one = pair_end_make(channel, back, flags), *other;
    uint64_t badge;

    if (one == NULL) {
        channel_free(channel);
        if (back != NULL) {
            channel_free(back);
        }
        return ERROR_TOO_MANY;
    }
    other = pair_end_make(back, channel, flags);
    if (other == NULL) {
        pair_end_free(one);
        return ERROR_NO_MEMORY;
    }
    status_t status = server_object_create_badged(server, tag, class, one, reader, &badge);

    if (status != OK) {
        pair_end_free(one);
        pair_end_free(other);
        return status;
    }
    status = server_object_create(server, tag, class, other, writer);
    if (status != OK) {
        pair_end_free(other);
        server_object_revoke(server, badge, *reader); /* on_closed */
    }
    return status;
}

status_t pipe_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *reader,
                   handle_t *writer) {
    struct channel *channel = channel_make(tag_login(tag));

    return channel == NULL ? ERROR_TOO_MANY
                           : ends_make(server, tag, flags, channel, NULL, reader, writer);
}

status_t pair_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *one,
                   handle_t *other) {
    struct channel *there = channel_make(tag_login(tag)), *back = channel_make(tag_login(tag));

    if (there == NULL || back == NULL) {
        if (there != NULL) {
            channel_free(there);
        }
        if (back != NULL) {
            channel_free(back);
        }
        return ERROR_TOO_MANY;
    }
    return ends_make(server, tag, flags, there, back, one, other);
}

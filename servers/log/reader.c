/* SPDX-License-Identifier: MIT */
#include "servers/log/reader.h"

#include <stdlib.h>

#include "lib/base/list.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/watch.h"

enum { COPY_BYTES = 4096 };

struct reader {
    struct list_node node; /* in `readers`, if it is open (not exported) */
    bool follows;
    uint64_t position;
    uint32_t flags;
    handle_t waiting; /* saved read, or HANDLE_NONE */
    uint32_t waiting_length;
    struct watch_list watches;
};

struct reader reader_to_end;
struct reader reader_follow = {.follows = true};

static struct list readers = LIST_INITIALIZER(readers);
static const struct kernel_log *the_ring;

size_t ring_read(const struct kernel_log *ring, uint64_t *position, char *to, size_t size) {
    uint64_t head = ring->head;
    size_t done = 0;

    if (*position < head && head - *position > ring->size) {
        *position = head - ring->size; /* what was there is overwritten */
    }
    while (done < size && *position < head) {
        uint64_t place = *position % ring->size;
        size_t n = MIN(MIN(head - *position, ring->size - place), (uint64_t)(size - done));

        memcpy(to + done, ring->data + place, n);
        done += n;
        *position += n;
    }
    return done;
}

/* The exported objects are only there to be opened: they have no place of their own. */
static bool is_open(const struct reader *reader) {
    return list_is_linked(&reader->node);
}

static bool has_more(const struct reader *reader) {
    return reader->position != the_ring->head;
}

/* Copies what there is from *position on to the client; *n bytes, by which *position moves. */
static status_t ring_copy(uint64_t *position, handle_t saved, uint32_t length, uint64_t *n) {
    char buffer[COPY_BYTES];
    uint64_t end = *position;
    size_t got = ring_read(the_ring, &end, buffer, MIN((size_t)length, sizeof buffer));
    status_t status = saved_write(saved, 0, buffer, got);

    if (status == OK) {
        *position = end;
        *n = got;
    }
    return status;
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct reader *reader = context;

    if (!is_open(reader)) {
        return ERROR_NOT_SUPPORTED;
    }
    if (offset != FILE_OFFSET_CURRENT) {
        return reader->follows ? ERROR_NOT_SEEKABLE
                               : ring_copy(&offset, HANDLE_NONE, data_length, n);
    }
    if (has_more(reader) || data_length == 0) {
        return ring_copy(&reader->position, HANDLE_NONE, data_length, n);
    }
    if (!reader->follows) {
        return OK;
    }
    if ((reader->flags & FILE_OPEN_NONBLOCK) != 0) {
        return ERROR_WOULD_BLOCK;
    }
    if (reader->waiting != HANDLE_NONE) {
        return ERROR_BUSY; /* one reader per open file is all that a log needs */
    }
    handle_t saved;
    status_t status = request_save(request, 0, &saved);
    if (status != OK) {
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    reader->waiting = saved;
    reader->waiting_length = data_length;
    return REQUEST_DEFERRED;
}

static void reader_answer(struct reader *reader, status_t status, uint64_t n) {
    handle_t saved = reader->waiting;

    reader->waiting = HANDLE_NONE;
    file_answer_read(saved, status, n);
}

void reader_ring_grew(void) {
    struct reader *reader;

    LIST_FOR_EACH(reader, &readers, node) {
        uint64_t n = 0;

        if (!has_more(reader)) {
            continue;
        }
        watch_changed(&reader->watches, FILE_EVENT_READ);
        if (reader->waiting != HANDLE_NONE) {
            status_t status =
                ring_copy(&reader->position, reader->waiting, reader->waiting_length, &n);
            reader_answer(reader, status, n);
        }
    }
}

static void on_closed(struct server *server, void *object) {
    struct reader *reader = object;

    (void)server;
    if (reader->waiting != HANDLE_NONE) {
        reader_answer(reader, ERROR_CLOSED, 0);
    }
    watch_clear(&reader->watches);
    list_remove(&reader->node);
    free(reader);
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    struct reader *reader = object;

    (void)server, (void)cookie;
    if (reader->waiting != HANDLE_NONE) {
        reader_answer(reader, ERROR_INTERRUPTED, 0);
    }
}

static const struct server_protocol reader_protocols[] = {READER_PROTOCOLS, {0, NULL, NULL}};
static const struct server_class reader_class = {
    .protocols = reader_protocols, .closed = on_closed, .cancelled = on_cancelled};

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    const struct reader *from = context;

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    if ((flags & FILE_OPEN_WRITE) != 0) {
        return ERROR_READ_ONLY;
    }
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return ERROR_NO_MEMORY;
    }
    reader->follows = from->follows;
    reader->flags = flags & (FILE_OPEN_READ | FILE_OPEN_NONBLOCK);
    watch_init(&reader->watches);
    *kind = reader->follows ? FILE_MODE_CHARACTER : FILE_MODE_REGULAR;
    status_t status =
        server_object_create(request->server, request->tag, &reader_class, reader, file);
    if (status != OK) {
        free(reader);
        return status;
    }
    list_push_back(&readers, &reader->node);
    return OK;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct reader *reader = context;
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_LOG,
        .id = reader->follows ? 2 : 1,
        .size = reader->follows ? 0 : the_ring->head,
        .mode = (reader->follows ? FILE_MODE_CHARACTER : FILE_MODE_REGULAR) | 0444,
        .n_links = 1,
        .block_bytes = PAGE_SIZE};

    (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct reader *reader = context;
    int64_t base = whence == FILE_SEEK_SET       ? 0
                   : whence == FILE_SEEK_CURRENT ? (int64_t)reader->position
                                                 : (int64_t)the_ring->head;
    int64_t sum;

    (void)request;
    if (reader->follows || !is_open(reader)) {
        return ERROR_NOT_SEEKABLE;
    }
    if (whence > FILE_SEEK_END || __builtin_add_overflow(base, offset, &sum) || sum < 0) {
        return ERROR_BAD_ARGUMENT;
    }
    reader->position = (uint64_t)sum;
    *position = reader->position;
    return OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct reader *reader = context;

    (void)request;
    mask &= FILE_OPEN_NONBLOCK;
    reader->flags = (reader->flags & ~mask) | (value & mask);
    *flags = reader->flags;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    struct reader *reader = context;
    uint32_t now = has_more(reader) || !reader->follows ? FILE_EVENT_READ : 0;

    if (!is_open(reader)) {
        return ERROR_NOT_SUPPORTED;
    }
    return watch_arm(&reader->watches, request, events, key, notify, now, ready);
}

const struct file_handlers reader_handlers = {
    .open = on_open,
    .read = on_read,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};

void reader_start(const struct kernel_log *ring) {
    the_ring = ring;
}

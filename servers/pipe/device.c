/* SPDX-License-Identifier: MIT */
#include "servers/pipe/device.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/time.h"
#include "servers/pipe/channel.h"
#include "servers/pipe/random.h"

enum { CHUNK_BYTES = 4096 };

/* An open one, or (with flags 0) what clients open from. */
struct device {
    enum device_kind kind;
    uint32_t flags;
};

static const struct server_class device_class;

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    const struct device *from = context;

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    if ((flags & FILE_OPEN_CREATE) != 0 && (flags & FILE_OPEN_EXCLUSIVE) != 0) {
        return ERROR_EXISTS;
    }
    struct device *device = malloc(sizeof *device);

    if (device == NULL) {
        return ERROR_NO_MEMORY;
    }
    *device = (struct device){.kind = from->kind,
                              .flags = flags & (FILE_OPEN_READ | FILE_OPEN_WRITE |
                                                FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK)};
    *kind = FILE_KIND_PROMPT;
    status_t status =
        server_object_create(request->server, request->tag, &device_class, device, gate);

    if (status != OK) {
        free(device);
    }
    return status;
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    const struct device *device = context;
    static uint8_t chunk[CHUNK_BYTES]; /* one thread */
    status_t status = OK;

    (void)offset;
    if ((device->flags & FILE_OPEN_READ) == 0) {
        return ERROR_BAD_HANDLE;
    }
    if (device->kind == DEVICE_NULL) {
        return OK;
    }
    uint64_t length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES);

    memset(chunk, 0, sizeof chunk);
    while (*n < length && status == OK) {
        size_t part = MIN(length - *n, (uint64_t)sizeof chunk);

        if (device->kind == DEVICE_RANDOM) {
            random_fill(chunk, part);
        }
        status = request_write(request, *n, chunk, part);
        *n += part;
    }
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    const struct device *device = context;
    uint8_t bytes[64];

    (void)offset;
    if ((device->flags & FILE_OPEN_WRITE) == 0) {
        return ERROR_BAD_HANDLE;
    }
    if (device->kind == DEVICE_FULL) {
        return ERROR_NO_SPACE;
    }
    *n = data_length;
    if (device->kind == DEVICE_RANDOM) {
        size_t part = MIN((size_t)data_length, sizeof bytes);
        status_t status = request_read(request, 0, bytes, part);

        if (status != OK) {
            return status;
        }
        random_mix(bytes, part);
    }
    return OK;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request, (void)offset, (void)whence;
    *position = 0;
    return OK;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct device *device = context;
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_PIPE,
        .id = (1ull << 32) + (uint64_t)device->kind,
        .mode = FILE_MODE_CHARACTER | 0666,
        .n_links = 1,
        .block_bytes = CHUNK_BYTES,
        .rdev = (uint32_t)device->kind + 1,
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

/* open with O_TRUNC and touch come here: accepted, without effect. */
static status_t on_set(void *context, struct request *request, uint64_t what, uint64_t value,
                       int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length,
                       handle_t *next) {
    (void)context, (void)request, (void)value, (void)accessed_ns, (void)modified_ns,
        (void)path_length, (void)target_length, (void)matched, (void)length, (void)next;
    return (what & FILE_SET_SIZE) != 0 ? ERROR_BAD_ARGUMENT : OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct device *device = context;

    (void)request;
    mask &= FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK;
    device->flags = (device->flags & ~mask) | (value & mask);
    *flags = device->flags;
    return OK;
}

/* Never waits. */
static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    (void)context, (void)request, (void)key, (void)notify;
    *ready = events & (FILE_EVENT_READ | FILE_EVENT_WRITE);
    return OK;
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .seek = on_seek,
    .stat = on_stat,
    .set = on_set,
    .set_flags = on_set_flags,
    .watch = on_watch,
};
static const struct server_protocol device_protocols[] = {FILE_SERVE(file_handlers), {0}};
static const struct server_class device_class = {.protocols = device_protocols,
                                                 .closed = on_closed};

void devices_export(struct server *server, unsigned first_root) {
    static struct device roots[DEVICE_KINDS];

    for (unsigned kind = 0; kind < DEVICE_KINDS; kind++) {
        roots[kind].kind = (enum device_kind)kind;
        server_export(server, first_root + kind, &device_class, &roots[kind]);
    }
}

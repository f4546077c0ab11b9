/* SPDX-License-Identifier: MIT */
#include "lib/native/text_file.h"

#include <stdlib.h>

#include "lib/base/string.h"

struct text_file {
    struct text_file_stat stat;
    uint64_t offset;
    uint32_t flags;
    char text[];
};

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct text_file *file = context;
    bool is_current = offset == FILE_OFFSET_CURRENT;
    uint64_t from = is_current ? file->offset : offset;

    if (from >= file->stat.size) {
        return OK;
    }
    *n = MIN(file->stat.size - from, (uint64_t)data_length);
    status_t status = request_write(request, 0, file->text + from, *n);
    if (status == OK && is_current) {
        file->offset += *n;
    }
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    (void)context, (void)request, (void)offset, (void)data_length, (void)n;
    return ERROR_READ_ONLY;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct text_file *file = context;
    int64_t base = whence == FILE_SEEK_SET       ? 0
                   : whence == FILE_SEEK_CURRENT ? (int64_t)file->offset
                                                 : (int64_t)file->stat.size;
    int64_t sum;

    (void)request;
    if (whence > FILE_SEEK_END || __builtin_add_overflow(base, offset, &sum) || sum < 0) {
        return ERROR_BAD_ARGUMENT;
    }
    file->offset = (uint64_t)sum;
    *position = file->offset;
    return OK;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    const struct text_file *from = context;

    (void)mode, (void)target_length, (void)matched, (void)length;
    return path_length != 0 ? ERROR_NOT_DIRECTORY
                            : text_file_open(request, flags, from->text, from->stat.size,
                                             &from->stat, kind, file);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct text_file *file = context;

    (void)flags, (void)matched, (void)length, (void)next;
    return path_length != 0 ? ERROR_NOT_DIRECTORY
                            : text_file_stat(request, &file->stat, stat_length);
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct text_file *file = context;

    (void)request;
    mask &= FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK;
    file->flags = (file->flags & ~mask) | (value & mask);
    *flags = file->flags;
    return OK;
}

/* Reading never waits here. */
static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    (void)context, (void)request, (void)key, (void)notify;
    *ready = events & (FILE_EVENT_READ | FILE_EVENT_WRITE);
    return OK;
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};

static const struct server_protocol protocols[] = {FILE_SERVE(file_handlers), {0, NULL, NULL}};
static const struct server_class text_file_class = {.protocols = protocols, .closed = on_closed};

status_t text_file_open(struct request *request, uint32_t flags, const char *text, size_t length,
                        const struct text_file_stat *stat, uint32_t *kind, handle_t *gate) {
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return ERROR_READ_ONLY;
    }
    if ((flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    struct text_file *file = malloc(sizeof *file + length);
    if (file == NULL) {
        return ERROR_NO_MEMORY;
    }
    file->stat = *stat;
    file->stat.size = length;
    file->offset = 0;
    file->flags = flags & (FILE_OPEN_READ | FILE_OPEN_NONBLOCK | FILE_OPEN_APPEND);
    memcpy(file->text, text, length);
    *kind = FILE_MODE_REGULAR;
    status_t status =
        server_object_create(request->server, request->tag, &text_file_class, file, gate);
    if (status != OK) {
        free(file);
    }
    return status;
}

status_t text_file_stat(struct request *request, const struct text_file_stat *stat,
                        uint32_t stat_length) {
    const struct file_stat answer = {
        .device = stat->device,
        .id = stat->id,
        .size = stat->size,
        .mode = FILE_MODE_REGULAR | 0444,
        .n_links = 1,
        .block_bytes = PAGE_SIZE,
    };

    return request_write(request, 0, &answer, MIN(stat_length, (uint32_t)sizeof answer));
}

/* SPDX-License-Identifier: MIT */
#include "servers/network/folder.h"

#include <stdlib.h>

#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"

/* An open folder, or an exported one. */
struct open_folder {
    const struct folder *folder;
    uint64_t next; /* the entry to list next */
};

static const struct server_class folder_class;

static status_t open_self(const struct folder *folder, struct request *request, uint32_t flags,
                          uint32_t *kind, handle_t *gate) {
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return ERROR_IS_DIRECTORY;
    }
    struct open_folder *open = calloc(1, sizeof *open);
    if (open == NULL) {
        return ERROR_NO_MEMORY;
    }
    open->folder = folder;
    *kind = FILE_MODE_DIRECTORY;
    status_t status =
        server_object_create(request->server, request->tag, &folder_class, open, gate);
    if (status != OK) {
        free(open);
    }
    return status;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    const struct open_folder *open = context;
    char path[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (status != OK) {
        return status;
    }
    if (*path == '\0') {
        return open_self(open->folder, request, flags, kind, file);
    }
    return open->folder->open(request, flags, path, kind, file);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct open_folder *open = context;
    char path[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);
    struct file_stat stat = {
        .device = DEVICE_NUMBER_NETWORK, .id = 5381, .n_links = 1, .block_bytes = PAGE_SIZE};

    (void)flags, (void)matched, (void)length, (void)next;
    if (status != OK) {
        return status;
    }
    stat.mode = *path == '\0' ? FILE_MODE_DIRECTORY | 0555 : open->folder->mode(path);
    if (stat.mode == 0) {
        return ERROR_NOT_FOUND;
    }
    for (const char *c = path; *c != '\0'; c++) {
        stat.id = stat.id * 33 + (uint8_t)*c;
    }
    stat.id = stat.id * 33 + (uint64_t)(uintptr_t)open->folder;
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    (void)context, (void)request, (void)offset, (void)data_length, (void)n;
    return ERROR_IS_DIRECTORY;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct open_folder *open = context;

    (void)request;
    if (offset < 0 || whence != FILE_SEEK_SET) {
        return ERROR_BAD_ARGUMENT;
    }
    open->next = (uint64_t)offset;
    *position = open->next;
    return OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    (void)context, (void)request, (void)mask, (void)value;
    *flags = FILE_OPEN_READ;
    return OK;
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
};

static const char *name_at(const struct folder *folder, uint64_t i) {
    for (const char *const *name = folder->names; *name != NULL; name++) {
        if (i-- == 0) {
            return *name;
        }
    }
    return NULL;
}

static status_t on_read_entries(void *context, struct request *request, uint64_t cookie,
                                uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct open_folder *open = context;
    bool is_current = cookie == FILE_OFFSET_CURRENT;
    status_t status = OK;
    const char *name;

    *next = is_current ? open->next : cookie;
    while (status == OK && (name = name_at(open->folder, *next)) != NULL) {
        struct {
            struct directory_entry entry;
            char name_rest[PATH_NAME_MAX + 1];
        } out = {.entry = {.id = *next + 1, .next = *next + 1}};
        size_t size =
            ALIGN_UP(offsetof(struct directory_entry, name) + strlen(name) + 1, (size_t)8);

        if (*bytes + size > entries_length) {
            status = *bytes == 0 ? ERROR_BAD_ARGUMENT : OK;
            break;
        }
        out.entry.length = (uint16_t)size;
        out.entry.kind = (uint8_t)((open->folder->mode(name) & FILE_MODE_KIND) >> 12);
        memcpy((char *)&out + offsetof(struct directory_entry, name), name, strlen(name) + 1);
        status = request_write(request, *bytes, &out, size);
        *bytes += size;
        *next += 1;
    }
    if (status == OK && is_current) {
        open->next = *next;
    }
    return status;
}

static const struct directory_handlers directory_handlers = {.read = on_read_entries};

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object); /* exported ones are never closed */
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    const struct open_folder *open = object;

    (void)server;
    if (open->folder->cancelled != NULL) {
        open->folder->cancelled(cookie);
    }
}

static const struct server_protocol protocols[] = {
    FILE_SERVE(file_handlers), DIRECTORY_SERVE(directory_handlers), {0, NULL, NULL}};
static const struct server_class folder_class = {
    .protocols = protocols, .closed = on_closed, .cancelled = on_cancelled};

void folder_export(struct server *server, unsigned root, const struct folder *folder) {
    static struct open_folder exported[SERVER_ROOTS_MAX];

    exported[root].folder = folder;
    server_export(server, root, &folder_class, &exported[root]);
}

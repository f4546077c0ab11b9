/* SPDX-License-Identifier: MIT */
/*
 * archive: the boot archive as a read-only file server. Each word of its argument vector is a
 * folder of the archive and becomes a root of the service, in order: the manifest says under which
 * names (`arguments bin etc`, `serves /bin:0`, `serves /etc:1`).
 *
 * Programs lie at page boundaries in the archive, so that MAP answers with the archive's own memory
 * and nothing is copied; other files get a copy of their own when they are first mapped.
 *
 * A restart loses nothing but the open files' gates: they answer STALE, and lib/posix opens the
 * file again.
 */

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/recycle.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "servers/archive/tree.h"

/* An open file or directory. */
struct open_file {
    const struct node *node;
    uint64_t offset; /* file: bytes; directory: number of the next entry */
    uint32_t flags;
};

static struct tree tree;
static handle_t archive_memory;

static const struct server_class file_class;

/* ---- paths ---- */

/* The node that the request's path names from the open directory. */
static status_t find(const struct open_file *file, const struct request *request,
                     uint32_t path_length, struct node **node) {
    char path[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    if (status != OK) {
        return status;
    }
    return tree_find(&tree, file->node, path, node);
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (status == ERROR_NOT_FOUND && (flags & FILE_OPEN_CREATE) != 0) {
        return ERROR_READ_ONLY;
    }
    if (status != OK) {
        return status;
    }
    if ((flags & FILE_OPEN_CREATE) != 0 && (flags & FILE_OPEN_EXCLUSIVE) != 0) {
        return ERROR_EXISTS;
    }
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return node_is_directory(node) ? ERROR_IS_DIRECTORY : ERROR_READ_ONLY;
    }
    if ((flags & FILE_OPEN_DIRECTORY) != 0 && !node_is_directory(node)) {
        return ERROR_NOT_DIRECTORY;
    }
    struct open_file *file = recycle_allocate(sizeof *file);
    if (file == NULL) {
        return ERROR_NO_MEMORY;
    }
    file->node = node;
    file->flags = flags & (FILE_OPEN_READ | FILE_OPEN_NONBLOCK | FILE_OPEN_APPEND);
    *kind = node->mode | (node_is_directory(node) ? FILE_MODE_DIRECTORY : FILE_MODE_REGULAR);
    status = server_object_answer(request, &file_class, file, gate);
    if (status != OK) {
        recycle_free(file, sizeof *file);
    }
    return status;
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    recycle_free(object, sizeof(struct open_file));
}

/* ---- content ---- */

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct open_file *file = context;
    bool is_current = offset == FILE_OFFSET_CURRENT;
    uint64_t from = is_current ? file->offset : offset;

    if (node_is_directory(file->node)) {
        return ERROR_IS_DIRECTORY;
    }
    if (from >= file->node->size) {
        return OK;
    }
    *n =
        MIN(MIN(file->node->size - from, (uint64_t)data_length), (uint64_t)FILE_TRANSFER_MAX_BYTES);
    status_t status = request_write(request, 0, file->node->data + from, *n);
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
    struct open_file *file = context;
    int64_t base = whence == FILE_SEEK_SET       ? 0
                   : whence == FILE_SEEK_CURRENT ? (int64_t)file->offset
                                                 : (int64_t)file->node->size;
    int64_t sum;

    (void)request;
    if (whence > FILE_SEEK_END || __builtin_add_overflow(base, offset, &sum) || sum < 0) {
        return ERROR_BAD_ARGUMENT;
    }
    file->offset = (uint64_t)sum;
    *position = file->offset;
    return OK;
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    (void)flags, (void)matched, (void)length, (void)next;
    if (status != OK) {
        return status;
    }
    struct file_stat stat = {
        .device = DEVICE_NUMBER_ARCHIVE,
        .id = tree_node_id(&tree, node),
        .size = node->size,
        .used = ALIGN_UP(node->size, (uint64_t)PAGE_SIZE),
        .mode = node->mode | (node_is_directory(node) ? FILE_MODE_DIRECTORY : FILE_MODE_REGULAR),
        .n_links = 1,
        .block_bytes = PAGE_SIZE,
        .accessed_ns = node->mtime_ns,
        .modified_ns = node->mtime_ns,
        .changed_ns = node->mtime_ns,
    };
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set(void *context, struct request *request, uint64_t what, uint64_t value,
                       int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length,
                       handle_t *next) {
    (void)context, (void)request, (void)what, (void)value, (void)accessed_ns, (void)modified_ns,
        (void)path_length;
    (void)target_length, (void)matched, (void)length, (void)next;
    return ERROR_READ_ONLY;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct open_file *file = context;

    (void)request;
    mask &= FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK;
    file->flags = (file->flags & ~mask) | (value & mask);
    *flags = file->flags;
    return OK;
}

static status_t on_sync(void *context, struct request *request) {
    (void)context, (void)request;
    return OK;
}

/* Reading never waits here. */
static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    (void)context, (void)request, (void)key, (void)notify;
    *ready = events & (FILE_EVENT_READ | FILE_EVENT_WRITE);
    return OK;
}

static status_t on_map(void *context, struct request *request, uint64_t offset, uint64_t length,
                       uint32_t flags, uint64_t *skip, uint64_t *bytes, handle_t *content) {
    const struct open_file *file = context;
    struct node *node = (struct node *)(uintptr_t)file->node; /* only its cached copy changes */

    (void)request;
    if (node_is_directory(node) || (flags & FILE_MAP_WRITE) != 0) {
        return node_is_directory(node) ? ERROR_IS_DIRECTORY : ERROR_READ_ONLY;
    }
    if (!IS_ALIGNED(offset, PAGE_SIZE) || offset >= node->size) {
        return ERROR_BAD_ARGUMENT;
    }
    *bytes = length == 0 ? node->size - offset : MIN(length, node->size - offset);
    *skip = node->offset + offset;
    handle_t memory = archive_memory;
    if (!IS_ALIGNED(node->offset, PAGE_SIZE)) {
        status_t status = tree_node_copy(node);
        if (status != OK) {
            return status;
        }
        memory = node->copy;
        *skip = offset;
    }
    request->answer_flag = ANSWER_COPY;
    *content = memory;
    return OK;
}

static status_t on_space(void *context, struct request *request, uint64_t *block_bytes,
                         uint64_t *n_blocks, uint64_t *n_free, uint64_t *n_files) {
    (void)context, (void)request;
    *block_bytes = PAGE_SIZE;
    *n_blocks = tree.archive_bytes / PAGE_SIZE;
    *n_free = 0;
    *n_files = tree.n_nodes;
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
    .sync = on_sync,
    .map = on_map,
    .watch = on_watch,
    .space = on_space,
};

/* ---- directories ---- */

static status_t on_read_entries(void *context, struct request *request, uint64_t cookie,
                                uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct open_file *file = context;
    bool is_current = cookie == FILE_OFFSET_CURRENT;
    status_t status = OK;

    if (!node_is_directory(file->node)) {
        return ERROR_NOT_DIRECTORY;
    }
    *next = is_current ? file->offset : cookie;
    for (const struct node *node = tree_child(&tree, file->node, *next);
         node != NULL && status == OK; node = tree_child(&tree, file->node, *next)) {
        struct {
            struct directory_entry entry;
            char name_rest[PATH_NAME_MAX + 1];
        } out = {.entry = {.id = tree_node_id(&tree, node), .next = *next + 1}};
        const char *name = node_name(node);
        size_t size =
            ALIGN_UP(offsetof(struct directory_entry, name) + strlen(name) + 1, (size_t)8);

        if (*bytes + size > entries_length) {
            status = *bytes == 0 ? ERROR_BAD_ARGUMENT : OK;
            break;
        }
        out.entry.length = (uint16_t)size;
        out.entry.kind =
            (uint8_t)((node_is_directory(node) ? FILE_MODE_DIRECTORY : FILE_MODE_REGULAR) >> 12);
        memcpy((char *)&out + offsetof(struct directory_entry, name), name, strlen(name) + 1);
        status = request_write(request, *bytes, &out, size);
        *bytes += size;
        *next += 1;
    }
    if (status == OK && is_current) {
        file->offset = *next;
    }
    return status;
}

static status_t read_only(void *context, struct request *request, uint32_t path_length) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    return status == OK ? ERROR_EXISTS : status == ERROR_NOT_FOUND ? ERROR_READ_ONLY : status;
}

static status_t on_make(void *context, struct request *request, uint32_t mode, uint32_t path_length,
                        uint32_t target_length, uint32_t *matched, uint32_t *length,
                        handle_t *next) {
    (void)mode, (void)target_length, (void)matched, (void)length, (void)next;
    return read_only(context, request, path_length);
}

static status_t on_unlink(void *context, struct request *request, uint32_t flags,
                          uint32_t path_length, uint32_t target_length, uint32_t *matched,
                          uint32_t *length, handle_t *next) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    (void)flags, (void)target_length, (void)matched, (void)length, (void)next;
    return status == OK ? ERROR_READ_ONLY : status;
}

static status_t on_rename(void *context, struct request *request, uint64_t to_badge,
                          uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                          uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    (void)to_badge, (void)new_path_length, (void)target_length, (void)matched, (void)length,
        (void)which, (void)next;
    return status == OK ? ERROR_READ_ONLY : status;
}

static status_t on_read_link(void *context, struct request *request, uint32_t path_length,
                             uint32_t target_length, uint32_t *matched, uint32_t *length,
                             handle_t *next) {
    struct node *node;
    status_t status = find(context, request, path_length, &node);

    (void)target_length, (void)matched, (void)length, (void)next;
    return status == OK ? ERROR_BAD_ARGUMENT : status; /* no symbolic links here */
}

static const struct directory_handlers directory_handlers = {
    .read = on_read_entries,
    .make = on_make,
    .unlink = on_unlink,
    .rename = on_rename,
    .link = on_rename,
    .read_link = on_read_link,
};

static const struct server_protocol file_protocols[] = {
    FILE_SERVE(file_handlers), DIRECTORY_SERVE(directory_handlers), {0, NULL, NULL}};
static const struct server_class file_class = {.protocols = file_protocols, .closed = on_closed};

/* ---- start ---- */

static status_t archive_map(const uint8_t **bytes, size_t *size) {
    uint64_t n_pages, address;
    status_t status = sys_memory_control(archive_memory, MEMORY_SIZE, 0, &n_pages);

    if (status == OK) {
        status =
            sys_map(HANDLE_NONE, archive_memory, 0, n_pages * PAGE_SIZE, 0, MAP_READ, &address);
    }
    if (status == OK) {
        *bytes = (const uint8_t *)address;
        *size = n_pages * PAGE_SIZE;
    }
    return status;
}

int main(int argc, char **argv) {
    static struct open_file roots[SERVER_ROOTS_MAX];
    struct server *server = server_start(&(struct server_options){.name = "archive", .gates = 32});
    const uint8_t *bytes;
    size_t size;

    archive_memory = startup_handle(STARTUP_MEMORY, "archive");
    status_t status = archive_map(&bytes, &size);
    if (status == OK) {
        status = tree_build(&tree, bytes, size);
    }
    if (status != OK) {
        log_write(LOG_ERROR, "no boot archive: %s", status_text(status));
        return 1;
    }
    for (int i = 1; i < argc && i <= SERVER_ROOTS_MAX; i++) {
        struct node *node;

        if (tree_find(&tree, &tree.nodes[0], argv[i], &node) != OK) {
            node = &tree.empty; /* an archive without tests, say */
        }
        roots[i - 1].node = node;
        server_export(server, (unsigned)(i - 1), &file_class, &roots[i - 1]);
    }
    server_run(server);
}

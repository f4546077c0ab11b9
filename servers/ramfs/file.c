/* SPDX-License-Identifier: MIT */
/*
 * Protocol file: opening, content, attributes.
 */

#include "abi/tag.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/recycle.h"
#include "lib/native/time.h"
#include "servers/pipe/channel.h"
#include "servers/ramfs/content.h"
#include "servers/ramfs/fifo.h"
#include "servers/ramfs/locking.h"
#include "servers/ramfs/open_file.h"

enum { SET_FLAGS_SHIFT = 16 };
enum { CHANGES = FILE_OPEN_CREATE | FILE_OPEN_TRUNCATE | FILE_OPEN_TEMPORARY };

static bool is_file(const struct node *node) {
    return (node->mode & FILE_MODE_KIND) == FILE_MODE_REGULAR;
}

/* ---- opening ---- */

/* Makes the file that open is to create. */
static status_t create_file(const struct lookup *lookup, uint32_t mode, struct node **node) {
    status_t status =
        node_create(&file_system, FILE_MODE_REGULAR | (mode & FILE_MODE_PERMISSIONS), NULL, node);

    if (status == OK) {
        status =
            entry_add(&file_system, lookup->directory, lookup->name, lookup->name_length, *node);
        if (status != OK) {
            node_release(&file_system, *node);
        }
    }
    return status;
}

static status_t create_nameless(const struct node *directory, uint32_t mode, struct node **node) {
    if (directory == NULL || !node_is_directory(directory)) {
        return directory == NULL ? ERROR_NOT_FOUND : ERROR_NOT_DIRECTORY;
    }
    return node_create(&file_system, FILE_MODE_REGULAR | (mode & FILE_MODE_PERMISSIONS), NULL,
                       node);
}

/* May what is there be opened so? */
static status_t check_open(const struct node *node, uint32_t flags) {
    if (node_is_link(node)) {
        return ERROR_LOOP; /* only with no_follow does one come so far */
    }
    if ((flags & FILE_OPEN_CREATE) != 0 && (flags & FILE_OPEN_EXCLUSIVE) != 0) {
        return ERROR_EXISTS;
    }
    if (node_is_directory(node)) {
        return (flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE | FILE_OPEN_CREATE)) != 0
                   ? ERROR_IS_DIRECTORY
                   : OK;
    }
    return (flags & FILE_OPEN_DIRECTORY) != 0 ? ERROR_NOT_DIRECTORY : OK;
}

static status_t truncate_file(struct node *node, uint64_t size) {
    status_t status;

    if (size > node->size) {
        status = content_reserve(&node->content, size);
    } else {
        status = content_cut(&node->content, node->size, size);
    }
    if (status == OK) {
        node->size = size;
        node->modified_ns = node->changed_ns = file_system.now_ns();
    }
    return status;
}

/* The node that open is about: found or made, and cut if asked. */
static status_t open_node(struct open_file *from, struct request *request, uint32_t flags,
                          uint32_t mode, uint32_t path_length, struct node **node,
                          uint32_t *matched, uint32_t *length) {
    struct request_path path;
    bool keeps_link = (flags & FILE_OPEN_NO_FOLLOW) != 0 ||
                      ((flags & FILE_OPEN_CREATE) != 0 && (flags & FILE_OPEN_EXCLUSIVE) != 0);
    status_t status =
        request_walk(from, request, 0, path_length, keeps_link ? LOOKUP_KEEP_LINK : LOOKUP_FOLLOW,
                     &path, matched, length);

    if (status != OK) {
        return status;
    }
    *node = path.lookup.node;
    if ((flags & FILE_OPEN_TEMPORARY) != 0) {
        return create_nameless(*node, mode, node);
    }
    if (*node == NULL) {
        return (flags & FILE_OPEN_CREATE) == 0      ? ERROR_NOT_FOUND
               : (flags & FILE_OPEN_DIRECTORY) != 0 ? ERROR_BAD_ARGUMENT
                                                    : create_file(&path.lookup, mode, node);
    }
    status = keeps_link && node_is_link(*node) && (flags & FILE_OPEN_EXCLUSIVE) != 0
                 ? ERROR_EXISTS
                 : check_open(*node, flags);
    if (status == OK && (flags & FILE_OPEN_TRUNCATE) != 0 && (flags & FILE_OPEN_WRITE) != 0) {
        status = truncate_file(*node, 0);
    }
    return status;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    struct node *node;

    (void)target_length;
    /* Before a file is made or cut. */
    if ((flags & CHANGES) != 0 && !server_object_is_left(request->server, request->tag)) {
        return ERROR_TOO_MANY;
    }
    status_t status = open_node(context, request, flags, mode, path_length, &node, matched, length);

    if (status != OK) {
        return status;
    }
    struct open_file *file = recycle_allocate(sizeof *file);

    status = file == NULL ? ERROR_NO_MEMORY : OK;
    if (status == OK && node_is_fifo(node)) {
        status = fifo_open(file, node, flags, tag_login(request->tag));
    }
    if (status == OK) {
        file->node = node;
        status = server_object_answer(request, &open_file_class, file, gate);
    }
    if (status != OK) {
        if (file != NULL) {
            fifo_close(file);
            recycle_free(file, sizeof *file);
        }
        node_release(&file_system, node); /* nothing happens if it has a name */
        return status;
    }
    lock_owner_init(&file->lock_owner, 0);
    file->flags =
        flags & (FILE_OPEN_READ | FILE_OPEN_WRITE | FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK);
    node->n_open++;
    *kind = node->mode;
    return OK;
}

/* ---- content ---- */

/* Neither a file nor a FIFO that is open for it. */
static status_t no_content(const struct node *node) {
    return node_is_directory(node) ? ERROR_IS_DIRECTORY : ERROR_BAD_HANDLE;
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct open_file *file = context;
    struct node *node = file->node;
    uint64_t from = offset == FILE_OFFSET_CURRENT ? file->offset : offset;

    if (!is_file(node)) {
        return file->end != NULL ? end_read(file->end, request, offset, data_length, n)
                                 : no_content(node);
    }
    if ((file->flags & FILE_OPEN_READ) == 0) {
        return ERROR_BAD_HANDLE;
    }
    if (from >= node->size) {
        return OK;
    }
    *n = MIN(MIN(node->size - from, (uint64_t)data_length), (uint64_t)FILE_TRANSFER_MAX_BYTES);
    status_t status = request_write(request, 0, node->content.bytes + from, *n);

    if (status == OK) {
        node->accessed_ns = file_system.now_ns();
        file->offset += offset == FILE_OFFSET_CURRENT ? *n : 0;
    }
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    struct open_file *file = context;
    struct node *node = file->node;
    bool is_current = offset == FILE_OFFSET_CURRENT;
    uint64_t at = is_current ? file->offset : offset, end;

    if (!is_file(node)) {
        return file->end != NULL ? end_write(file->end, request, offset, data_length, n)
                                 : no_content(node);
    }
    if ((file->flags & FILE_OPEN_WRITE) == 0) {
        return ERROR_BAD_HANDLE;
    }
    if ((file->flags & FILE_OPEN_APPEND) != 0) {
        at = node->size;
    }
    uint64_t length = MIN(data_length, (uint32_t)FILE_TRANSFER_MAX_BYTES);

    *n = length;
    if (length == 0) {
        return OK;
    }
    if (u64_add_overflows(at, length, &end)) {
        return ERROR_TOO_LARGE;
    }
    status_t status = content_reserve(&node->content, end);

    if (status == OK) {
        status = request_read(request, 0, node->content.bytes + at, length);
    }
    if (UNLIKELY(status != OK)) {
        if (end > node->size) {
            /* Part of it may have come, and must not show when the file grows. */
            status_t cut = content_cut(&node->content, end, node->size);

            (void)cut; /* it was the client's own writing */
        }
        return status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY ? ERROR_NO_SPACE : status;
    }
    node->size = MAX(node->size, end);
    node->modified_ns = node->changed_ns = file_system.now_ns();
    if (is_current) {
        file->offset = end;
    }
    return OK;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct open_file *file = context;
    int64_t size = (int64_t)file->node->size, sum;
    int64_t base = whence == FILE_SEEK_CURRENT ? (int64_t)file->offset
                   : whence == FILE_SEEK_END   ? size
                                               : 0;

    (void)request;
    if (node_is_fifo(file->node)) {
        return ERROR_NOT_SEEKABLE;
    }
    if (whence > FILE_SEEK_HOLE || __builtin_add_overflow(base, offset, &sum) || sum < 0) {
        return ERROR_BAD_ARGUMENT;
    }
    if (whence >= FILE_SEEK_DATA) {
        /* Pages that nobody wrote count as data: nobody is to rely on holes. */
        if (sum >= size) {
            return ERROR_NOT_FOUND;
        }
        sum = whence == FILE_SEEK_HOLE ? size : sum;
    }
    file->offset = *position = (uint64_t)sum;
    return OK;
}

static status_t on_map(void *context, struct request *request, uint64_t offset, uint64_t length,
                       uint32_t flags, uint64_t *skip, uint64_t *bytes, handle_t *content) {
    const struct open_file *file = context;
    struct node *node = file->node;

    (void)request;
    if (!is_file(node)) {
        return ERROR_NOT_SUPPORTED;
    }
    if ((file->flags & FILE_OPEN_READ) == 0 ||
        ((flags & FILE_MAP_WRITE) != 0 && (file->flags & FILE_OPEN_WRITE) == 0)) {
        return ERROR_DENIED;
    }
    if (!IS_ALIGNED(offset, PAGE_SIZE)) {
        return ERROR_BAD_ARGUMENT;
    }
    uint64_t rest = node->size - MIN(offset, node->size);

    *bytes = length == 0 ? rest : MIN(length, rest);
    *skip = offset;
    /* What may be written through the file may be written through the mapping, also after a
     * mprotect; nobody but us may change the length. */
    return content_share(&node->content, node->size,
                         RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY |
                             ((file->flags & FILE_OPEN_WRITE) != 0 ? RIGHT_WRITE : 0),
                         content);
}

/* ---- attributes ---- */

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    struct request_path path;
    bool keeps_link = (flags & FILE_OPEN_NO_FOLLOW) != 0;
    status_t status =
        request_walk(context, request, 0, path_length,
                     keeps_link ? LOOKUP_KEEP_LINK : LOOKUP_FOLLOW, &path, matched, length);

    (void)next;
    if (status != OK) {
        return status;
    }
    const struct node *node = path.lookup.node;

    if (node == NULL) {
        return ERROR_NOT_FOUND;
    }
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_RAMFS,
        .id = node->id,
        .size = node->channel != NULL ? node->channel->count : node->size,
        .used = MIN(content_used_pages(&node->content) * PAGE_SIZE,
                    ALIGN_UP(node->size, (uint64_t)PAGE_SIZE)),
        .mode = node->mode,
        .n_links = node_n_links(node),
        .owner = node->owner,
        .group = node->group,
        .block_bytes = PAGE_SIZE,
        .accessed_ns = node->accessed_ns,
        .modified_ns = node->modified_ns,
        .changed_ns = node->changed_ns,
    };

    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static void set_times(struct node *node, uint64_t what, int64_t accessed_ns, int64_t modified_ns) {
    int64_t now = file_system.now_ns();
    bool is_now = (what & FILE_SET_NOW) != 0;

    if ((what & FILE_SET_ACCESSED) != 0) {
        node->accessed_ns = is_now ? now : accessed_ns;
    }
    if ((what & FILE_SET_MODIFIED) != 0) {
        node->modified_ns = is_now ? now : modified_ns;
    }
    node->changed_ns = now;
}

static void set_owner(struct node *node, uint32_t owner, uint32_t group) {
    enum { SET_ID_BITS = 06000, KEEP = -1 };

    node->owner = owner != (uint32_t)KEEP ? owner : node->owner;
    node->group = group != (uint32_t)KEEP ? group : node->group;
    if (!node_is_directory(node)) {
        node->mode &= ~(uint32_t)SET_ID_BITS;
    }
}

static status_t on_set(void *context, struct request *request, uint64_t what, uint64_t value,
                       int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length,
                       handle_t *next) {
    const struct open_file *from = context;
    struct request_path path;
    bool keeps_link = (what >> SET_FLAGS_SHIFT & FILE_OPEN_NO_FOLLOW) != 0;
    status_t status =
        request_walk(context, request, 0, path_length,
                     keeps_link ? LOOKUP_KEEP_LINK : LOOKUP_FOLLOW, &path, matched, length);

    (void)target_length, (void)next;
    if (status != OK) {
        return status;
    }
    struct node *node = path.lookup.node;

    if (node == NULL) {
        return ERROR_NOT_FOUND;
    }
    if ((what & FILE_SET_ALL) == 0) {
        return OK; /* only asks */
    }
    if ((what & FILE_SET_SIZE) != 0) {
        if (!is_file(node)) {
            return node_is_directory(node) ? ERROR_IS_DIRECTORY : ERROR_BAD_ARGUMENT;
        }
        if (path_length == 0 && (from->flags & FILE_OPEN_WRITE) == 0) {
            return ERROR_BAD_ARGUMENT; /* ftruncate of what is not open for writing */
        }
        return truncate_file(node, value);
    }
    if ((what & FILE_SET_OWNER) != 0) {
        set_owner(node, (uint32_t)value, (uint32_t)(value >> 32));
    }
    if ((what & FILE_SET_MODE) != 0) {
        node->mode = (node->mode & FILE_MODE_KIND) | (uint32_t)(value & FILE_MODE_PERMISSIONS);
    }
    set_times(node, what, accessed_ns, modified_ns);
    return OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct open_file *file = context;

    (void)request;
    mask &= FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK;
    file->flags = (file->flags & ~mask) | (value & mask);
    if (file->end != NULL) {
        file->end->flags = file->flags;
    }
    *flags = file->flags;
    return OK;
}

/* It survives as long as this server anyway. */
static status_t on_sync(void *context, struct request *request) {
    (void)context, (void)request;
    return OK;
}

static status_t on_read_short(void *context, struct request *request, uint32_t length, uint64_t *n,
                              uint64_t *a, uint64_t *b, uint64_t *c) {
    struct open_file *file = context;

    return file->end != NULL ? end_read_short(file->end, request, length, n, a, b, c)
                             : ERROR_NOT_SUPPORTED;
}

static status_t on_write_short(void *context, struct request *request, uint32_t length, uint64_t a,
                               uint64_t b, uint64_t c, uint64_t *n) {
    struct open_file *file = context;

    return file->end != NULL ? end_write_short(file->end, request, length, a, b, c, n)
                             : ERROR_NOT_SUPPORTED;
}

static status_t on_meet(void *context, struct request *request) {
    const struct open_file *file = context;

    return file->end != NULL ? end_meet(file->end, request) : OK;
}

/* Reading and writing files never waits here. */
static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    const struct open_file *file = context;

    if (file->end != NULL) {
        return end_watch(file->end, request, events, key, notify, ready);
    }
    *ready = events & (FILE_EVENT_READ | FILE_EVENT_WRITE);
    return OK;
}

static status_t on_space(void *context, struct request *request, uint64_t *block_bytes,
                         uint64_t *n_blocks, uint64_t *n_free, uint64_t *n_files) {
    uint64_t used;

    (void)context, (void)request;
    *block_bytes = PAGE_SIZE;
    content_figures(n_blocks, &used);
    *n_free = *n_blocks - MIN(used, *n_blocks);
    *n_files = file_system.n_nodes;
    return OK;
}

const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .read_short = on_read_short,
    .write_short = on_write_short,
    .seek = on_seek,
    .stat = on_stat,
    .set = on_set,
    .set_flags = on_set_flags,
    .meet = on_meet,
    .sync = on_sync,
    .map = on_map,
    .watch = on_watch,
    .lock = locking_request,
    .space = on_space,
};

/* SPDX-License-Identifier: MIT */
/*
 * Protocol directory: listing and changing names.
 */
#include "lib/base/string.h"
#include "servers/ramfs/open_file.h"

/* ---- listing ---- */

static status_t entry_write(struct request *request, uint64_t offset, const struct entry *entry,
                            size_t size) {
    union {
        struct directory_entry entry;
        char bytes[ALIGN_UP(offsetof(struct directory_entry, name) + FILE_NAME_MAX_BYTES + 1, 8)];
    } out = {.entry = {.id = entry->node->id,
                       .next = entry->by_cookie.key,
                       .length = (uint16_t)size,
                       .kind = (uint8_t)((entry->node->mode & FILE_MODE_KIND) >> 12)}};

    memcpy(out.bytes + offsetof(struct directory_entry, name), entry->name,
           (size_t)entry->length + 1);
    return request_write(request, offset, &out, size);
}

static status_t on_read(void *context, struct request *request, uint64_t cookie,
                        uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct open_file *file = context;
    bool is_current = cookie == FILE_OFFSET_CURRENT;
    const struct entry *entry;

    if (!node_is_directory(file->node)) {
        return ERROR_NOT_DIRECTORY;
    }
    *next = is_current ? file->offset : cookie;
    while ((entry = entry_after(file->node, *next)) != NULL) {
        size_t size =
            ALIGN_UP(offsetof(struct directory_entry, name) + entry->length + 1, (size_t)8);

        if (*bytes + size > entries_length) {
            if (*bytes == 0) {
                return ERROR_BAD_ARGUMENT;
            }
            break;
        }
        status_t status = entry_write(request, *bytes, entry, size);

        if (status != OK) {
            return status;
        }
        *bytes += size;
        *next = entry->by_cookie.key;
    }
    if (is_current) {
        file->offset = *next;
    }
    return OK;
}

/* ---- making ---- */

/* A new node of this kind at the path, where nothing may be yet. */
static status_t make_node(struct open_file *from, struct request *request, uint32_t mode,
                          uint32_t path_length, const char *target, uint32_t *matched,
                          uint32_t *length) {
    struct request_path path;
    struct node *node;
    status_t status =
        request_walk(from, request, 0, path_length, LOOKUP_KEEP_LINK, &path, matched, length);

    if (status == OK && path.lookup.node != NULL) {
        status = ERROR_EXISTS;
    }
    if (status == OK) {
        status = node_create(&file_system, mode, target, &node);
    }
    if (status != OK) {
        return status;
    }
    status = entry_add(&file_system, path.lookup.directory, path.lookup.name,
                       path.lookup.name_length, node);
    if (status != OK) {
        node_release(&file_system, node);
    }
    return status;
}

static status_t on_make(void *context, struct request *request, uint32_t mode, uint32_t path_length,
                        uint32_t target_length, uint32_t *matched, uint32_t *length,
                        handle_t *next) {
    (void)target_length, (void)next;
    return make_node(context, request, FILE_MODE_DIRECTORY | (mode & FILE_MODE_PERMISSIONS),
                     path_length, NULL, matched, length);
}

static status_t on_symlink(void *context, struct request *request, uint32_t path_length,
                           uint32_t content_length, uint32_t target_length, uint32_t *matched,
                           uint32_t *length, handle_t *next) {
    char content[PATH_LENGTH_MAX];
    status_t status =
        request_read_string(request, path_length, content_length, content, sizeof content);

    (void)target_length, (void)next;
    return status == OK ? make_node(context, request, FILE_MODE_LINK | 0777, path_length, content,
                                    matched, length)
                        : status;
}

/* ---- removing ---- */

static status_t on_unlink(void *context, struct request *request, uint32_t flags,
                          uint32_t path_length, uint32_t target_length, uint32_t *matched,
                          uint32_t *length, handle_t *next) {
    struct request_path path;
    status_t status =
        request_walk(context, request, 0, path_length, LOOKUP_KEEP_LINK, &path, matched, length);

    (void)target_length, (void)next;
    if (status != OK) {
        return status;
    }
    const struct node *node = path.lookup.node;
    bool wants_directory = (flags & DIRECTORY_REMOVE_DIRECTORY) != 0;

    if (node == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (path.lookup.entry == NULL) {
        return ERROR_BUSY; /* the directory that is open itself */
    }
    if (wants_directory != node_is_directory(node)) {
        return wants_directory ? ERROR_NOT_DIRECTORY : ERROR_IS_DIRECTORY;
    }
    if (wants_directory && node->n_entries != 0) {
        return ERROR_NOT_EMPTY;
    }
    entry_remove(&file_system, path.lookup.entry);
    return OK;
}

/* ---- two paths ---- */

struct pair {
    struct request_path old, new;
};

/* Walks both paths; *which says which one was redirected. The link in a last component stays
 * itself. */
static status_t walk_pair(struct open_file *from, struct request *request, uint64_t to_badge,
                          uint32_t old_length, uint32_t new_length, struct pair *pair,
                          uint32_t *matched, uint32_t *length, uint32_t *which) {
    struct open_file *to = from;
    status_t status;

    if (request->has_own_badge) {
        to = server_object_find(request->server, to_badge, &open_file_class);
        if (to == NULL) {
            return ERROR_STALE;
        }
    }
    *which = 0;
    status =
        request_walk(from, request, 0, old_length, LOOKUP_KEEP_LINK, &pair->old, matched, length);
    if (status != OK) {
        return status;
    }
    *which = 1;
    status = request_walk(to, request, old_length, new_length, LOOKUP_KEEP_LINK, &pair->new,
                          matched, length);
    if (status != OK) {
        return status;
    }
    if (pair->old.lookup.node == NULL) {
        return ERROR_NOT_FOUND;
    }
    return pair->old.lookup.entry == NULL || pair->new.lookup.directory == NULL ? ERROR_BUSY : OK;
}

static status_t on_rename(void *context, struct request *request, uint64_t to_badge,
                          uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                          uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next) {
    struct pair pair;
    status_t status = walk_pair(context, request, to_badge, path_length, new_path_length, &pair,
                                matched, length, which);

    (void)target_length, (void)next;
    return status == OK
               ? entry_rename(&file_system, pair.old.lookup.entry, pair.new.lookup.directory,
                              pair.new.lookup.name, pair.new.lookup.name_length)
               : status;
}

static status_t on_link(void *context, struct request *request, uint64_t to_badge,
                        uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                        uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next) {
    struct pair pair;
    status_t status = walk_pair(context, request, to_badge, path_length, new_path_length, &pair,
                                matched, length, which);

    (void)target_length, (void)next;
    if (status != OK) {
        return status;
    }
    if (node_is_directory(pair.old.lookup.node)) {
        return ERROR_DENIED;
    }
    return entry_add(&file_system, pair.new.lookup.directory, pair.new.lookup.name,
                     pair.new.lookup.name_length, pair.old.lookup.node);
}

static status_t on_read_link(void *context, struct request *request, uint32_t path_length,
                             uint32_t target_length, uint32_t *matched, uint32_t *length,
                             handle_t *next) {
    struct request_path path;
    status_t status =
        request_walk(context, request, 0, path_length, LOOKUP_KEEP_LINK, &path, matched, length);

    (void)next;
    if (status != OK) {
        return status;
    }
    const struct node *node = path.lookup.node;

    if (node == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (!node_is_link(node)) {
        return ERROR_BAD_ARGUMENT;
    }
    *length = (uint32_t)node->size;
    return request_write(request, 0, node->target, MIN((uint64_t)target_length, node->size));
}

/* FIFOs, and plain files. */
static status_t on_make_node(void *context, struct request *request, uint32_t mode,
                             uint32_t path_length, uint32_t target_length, uint32_t *matched,
                             uint32_t *length, handle_t *next) {
    uint32_t kind = mode & FILE_MODE_KIND;

    (void)target_length, (void)next;
    if (kind != FILE_MODE_PIPE && kind != FILE_MODE_REGULAR) {
        return ERROR_NOT_SUPPORTED;
    }
    return make_node(context, request, kind | (mode & FILE_MODE_PERMISSIONS), path_length, NULL,
                     matched, length);
}

const struct directory_handlers directory_handlers = {
    .read = on_read,
    .make = on_make,
    .make_node = on_make_node,
    .unlink = on_unlink,
    .rename = on_rename,
    .link = on_link,
    .symlink = on_symlink,
    .read_link = on_read_link,
};

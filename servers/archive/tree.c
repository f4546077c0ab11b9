/* SPDX-License-Identifier: MIT */
#include "servers/archive/tree.h"

#include <stdlib.h>

#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/base/tar.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"

const char *node_name(const struct node *node) {
    const char *slash = strrchr(node->path, '/');

    return slash == NULL ? node->path : slash + 1;
}

/* ---- building ---- */

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static status_t add(struct tree *tree, const char *path, const struct node *node) {
    if ((tree->n_nodes & (tree->n_nodes - 1)) == 0) { /* full: sizes are powers of two */
        size_t n = tree->n_nodes == 0 ? 1 : tree->n_nodes * 2;
        struct node *grown = realloc(tree->nodes, n * sizeof *grown);

        if (grown == NULL) {
            return ERROR_NO_MEMORY;
        }
        tree->nodes = grown;
    }
    struct node *new_node = &tree->nodes[tree->n_nodes];
    *new_node = *node;
    new_node->path = malloc(strlen(path) + 1);
    if (new_node->path == NULL) {
        return ERROR_NO_MEMORY;
    }
    memcpy(new_node->path, path, strlen(path) + 1);
    tree->n_nodes++;
    return OK;
}

/* The folders that lead to `path`; those that are there twice are sorted out later. */
static status_t add_folders(struct tree *tree, const char *path) {
    const struct node folder = {.mode = 0555 | NODE_DIRECTORY};
    char parent[PATH_LENGTH_MAX];
    status_t status = OK;

    for (const char *slash = strchr(path, '/'); slash != NULL && status == OK;
         slash = strchr(slash + 1, '/')) {
        if (!string_copy_n(parent, sizeof parent, path, (size_t)(slash - path))) {
            return ERROR_NAME_TOO_LONG;
        }
        status = add(tree, parent, &folder);
    }
    return status;
}

static status_t add_entry(struct tree *tree, const uint8_t *bytes, const struct tar_entry *entry) {
    char path[PATH_LENGTH_MAX];
    struct node node = {
        .data = entry->data,
        .size = entry->size,
        .offset = entry->data == NULL ? 0 : (uint64_t)(entry->data - bytes),
        .mtime_ns = (int64_t)(entry->mtime_s % (1ull << 33)) * 1000000000,
        .mode = (entry->mode & 0555) |
                (entry->type == TAR_TYPE_DIRECTORY ? (uint32_t)NODE_DIRECTORY : 0),
    };

    if ((entry->type != TAR_TYPE_FILE && entry->type != TAR_TYPE_DIRECTORY) ||
        path_normalize(path, "/", entry->name) != PATH_OK || path[1] == '\0') {
        return OK; /* nothing else is in our archives */
    }
    status_t status = add_folders(tree, path + 1);
    return status != OK ? status : add(tree, path + 1, &node);
}

/* Sorts, and drops all but the first of several nodes of one path. */
static void sort(struct tree *tree) {
    size_t n = 1;

    qsort(tree->nodes, tree->n_nodes, sizeof *tree->nodes, compare_paths);
    for (size_t i = 1; i < tree->n_nodes; i++) {
        if (string_equal(tree->nodes[i].path, tree->nodes[n - 1].path)) {
            free(tree->nodes[i].path);
        } else {
            tree->nodes[n++] = tree->nodes[i];
        }
    }
    tree->n_nodes = n;
}

status_t tree_build(struct tree *tree, const uint8_t *bytes, size_t size) {
    const struct node root = {.mode = 0555 | NODE_DIRECTORY};
    struct tar_reader reader;
    struct tar_entry entry;
    enum tar_result result;
    static char no_such_path[] = "\x01";

    tree->archive_bytes = size;
    tree->empty = (struct node){.path = no_such_path, .mode = 0555 | NODE_DIRECTORY};
    status_t status = add(tree, "", &root);
    tar_open(&reader, bytes, size);
    while (status == OK && (result = tar_next(&reader, &entry)) == TAR_OK) {
        status = add_entry(tree, bytes, &entry);
    }
    if (status != OK) {
        return status;
    }
    if (result != TAR_END) {
        log_write(LOG_ERROR, "boot archive: %s", tar_result_text(result));
    }
    sort(tree);
    return OK;
}

/* ---- looking up ---- */

/* The node with exactly this path. */
static struct node *lookup(struct tree *tree, const char *path) {
    size_t low = 0, high = tree->n_nodes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, tree->nodes[middle].path);

        if (order == 0) {
            return &tree->nodes[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

status_t tree_find(struct tree *tree, const struct node *from, const char *path,
                   struct node **node) {
    char full[PATH_LENGTH_MAX];
    bool fits = string_copy(full, sizeof full, from->path);

    if (*path != '\0') {
        if (!node_is_directory(from)) {
            return ERROR_NOT_DIRECTORY;
        }
        fits = fits && (*full == '\0' || string_append(full, sizeof full, "/")) &&
               string_append(full, sizeof full, path);
    }
    if (!fits) {
        return ERROR_NAME_TOO_LONG;
    }
    *node = from == &tree->empty && *path == '\0' ? &tree->empty : lookup(tree, full);
    if (*node != NULL) {
        return OK;
    }
    /* Does a file stand in the way? */
    for (char *slash = strrchr(full, '/'); slash != NULL; slash = strrchr(full, '/')) {
        *slash = '\0';
        const struct node *parent = lookup(tree, full);
        if (parent != NULL) {
            return node_is_directory(parent) ? ERROR_NOT_FOUND : ERROR_NOT_DIRECTORY;
        }
    }
    return ERROR_NOT_FOUND;
}

/* Is `node` directly in the folder? */
static bool is_child(const struct node *folder, const struct node *node) {
    size_t length = strlen(folder->path);
    const char *rest = node->path + length;

    if (strncmp(node->path, folder->path, length) != 0 || (length > 0 && *rest++ != '/')) {
        return false;
    }
    return *rest != '\0' && strchr(rest, '/') == NULL;
}

const struct node *tree_child(const struct tree *tree, const struct node *folder, uint64_t i) {
    /* All that lies below a folder follows it in the array, mixed with what only begins with the
     * same letters. */
    for (size_t at = folder == &tree->empty ? tree->n_nodes : (size_t)(folder - tree->nodes) + 1;
         at < tree->n_nodes; at++) {
        if (strncmp(tree->nodes[at].path, folder->path, strlen(folder->path)) != 0) {
            break;
        }
        if (is_child(folder, &tree->nodes[at]) && i-- == 0) {
            return &tree->nodes[at];
        }
    }
    return NULL;
}

uint64_t tree_node_id(const struct tree *tree, const struct node *node) {
    return node == &tree->empty ? tree->n_nodes + 1 : (uint64_t)(node - tree->nodes) + 1;
}

status_t tree_node_copy(struct node *node) {
    uint64_t n_pages = DIV_ROUND_UP(node->size, PAGE_SIZE);
    uint64_t address;
    handle_t memory, shared;

    if (node->copy != HANDLE_NONE) {
        return OK;
    }
    status_t status = sys_memory_create(n_pages, 0, 0, HANDLE_NONE, &memory);
    if (status != OK) {
        return status;
    }
    status =
        sys_map(HANDLE_NONE, memory, 0, n_pages * PAGE_SIZE, 0, MAP_READ | MAP_WRITE, &address);
    if (status == OK) {
        memcpy((void *)address, node->data, node->size);
        status = sys_unmap(HANDLE_NONE, address, n_pages * PAGE_SIZE);
    }
    if (status == OK) {
        /* What clients get must not be writable by them. */
        status = sys_handle_copy(memory, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY, 0, &shared);
    }
    if (status == OK) {
        node->copy = shared;
    }
    status_t closed = sys_handle_close(memory);
    (void)closed;
    return status;
}

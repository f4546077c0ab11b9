/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/node.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/recycle.h"

bool node_is_directory(const struct node *node) {
    return (node->mode & FILE_MODE_KIND) == FILE_MODE_DIRECTORY;
}

bool node_is_link(const struct node *node) {
    return (node->mode & FILE_MODE_KIND) == FILE_MODE_LINK;
}

uint32_t node_n_links(const struct node *node) {
    if (!node_is_directory(node)) {
        return node->n_names;
    }
    return node->n_names == 0 ? 0 : (uint32_t)MIN(node->n_directories + 2, (uint64_t)UINT32_MAX);
}

/* ---- nodes ---- */

status_t node_create(struct file_system *fs, uint32_t mode, const char *target,
                     struct node **created) {
    if (fs->n_nodes >= fs->n_nodes_max) {
        return ERROR_NO_SPACE;
    }
    struct node *node = recycle_allocate(sizeof *node);

    if (node == NULL) {
        return ERROR_NO_MEMORY;
    }
    if (target != NULL) {
        node->size = strlen(target);
        node->target = malloc(node->size + 1);
        if (node->target == NULL) {
            recycle_free(node, sizeof *node);
            return ERROR_NO_MEMORY;
        }
        memcpy(node->target, target, node->size + 1);
    }
    node->id = ++fs->last_id;
    node->mode = mode;
    node->accessed_ns = node->modified_ns = node->changed_ns = fs->now_ns();
    fs->n_nodes++;
    *created = node;
    return OK;
}

void node_release(struct file_system *fs, struct node *node) {
    if (node->n_names != 0 || node->n_open != 0 || node == fs->root) {
        return;
    }
    fs->content_free(&node->content);
    free(node->target);
    recycle_free(node, sizeof *node);
    fs->n_nodes--;
}

status_t file_system_start(struct file_system *fs, uint64_t n_nodes_max) {
    fs->n_nodes = fs->last_id = 0;
    fs->n_nodes_max = n_nodes_max;
    fs->root = NULL;
    status_t status = node_create(fs, FILE_MODE_DIRECTORY | 0777, NULL, &fs->root);

    if (status == OK) {
        fs->root->n_names = 1;
    }
    return status;
}

/* ---- entries ---- */

/* The first n bytes (less than 8) as a number. */
static uint64_t tail_of(const char *bytes, size_t n) {
    uint64_t tail = 0;

    for (size_t i = 0; i < n; i++) {
        tail = tail << 8 | (uint8_t)bytes[i];
    }
    return tail;
}

static uint64_t word_of(const char *bytes) {
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

/*
 * Eight bytes at a time, for every request looks up a name: mixed by a multiplication (with the
 * golden ratio, as 64 bits), whose high half then reaches the low one. Names are the users':
 * collisions only cost time, of a list that is compared.
 */
static uint64_t hash(const char *name, size_t length) {
    const uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t value = length * factor;

    for (; length >= sizeof(uint64_t); name += sizeof(uint64_t), length -= sizeof(uint64_t)) {
        value = (value ^ word_of(name)) * factor;
        value ^= value >> 32;
    }
    value = (value ^ tail_of(name, length)) * factor;
    return value ^ value >> 32;
}

static bool is_same(const char *one, const char *other, size_t length) {
    for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t)) {
        if (word_of(one) != word_of(other)) {
            return false;
        }
        one += sizeof(uint64_t);
        other += sizeof(uint64_t);
    }
    return tail_of(one, length) == tail_of(other, length);
}

static struct entry *find_hashed(const struct node *directory, uint64_t key, const char *name,
                                 size_t length) {
    for (struct tree_node *at = tree_find(&directory->by_name, key); at != NULL && at->key == key;
         at = tree_next(at)) {
        struct entry *entry = CONTAINER_OF(at, struct entry, by_name);

        if (entry->length == length && is_same(entry->name, name, length)) {
            return entry;
        }
    }
    return NULL;
}

struct entry *entry_find(const struct node *directory, const char *name, size_t length) {
    return find_hashed(directory, hash(name, length), name, length);
}

struct entry *entry_after(const struct node *directory, uint64_t cookie) {
    struct tree_node *at =
        cookie == UINT64_MAX ? NULL : tree_find_ge(&directory->by_cookie, cookie + 1);

    return at != NULL ? CONTAINER_OF(at, struct entry, by_cookie) : NULL;
}

static struct entry *entry_make(uint64_t key, const char *name, size_t length) {
    struct entry *entry = recycle_allocate(sizeof *entry + length + 1);

    if (entry != NULL) {
        memcpy(entry->name, name, length);
        entry->length = (uint16_t)length;
        entry->by_name.key = key;
    }
    return entry;
}

/* Puts the entry into the directory, where the name is free. */
static void entry_insert(const struct file_system *fs, struct node *directory, struct entry *entry,
                         struct node *node) {
    entry->directory = directory;
    entry->node = node;
    tree_insert(&directory->by_name, &entry->by_name, entry->by_name.key);
    tree_insert(&directory->by_cookie, &entry->by_cookie, ++directory->last_cookie);
    directory->n_entries++;
    directory->n_directories += node_is_directory(node) ? 1 : 0;
    directory->modified_ns = directory->changed_ns = node->changed_ns = fs->now_ns();
    node->n_names++;
    if (node_is_directory(node)) {
        node->parent = directory;
    }
}

/* Takes the entry out and frees it; the node stays. */
static void entry_take_out(const struct file_system *fs, struct entry *entry) {
    struct node *directory = entry->directory;

    tree_remove(&directory->by_name, &entry->by_name);
    tree_remove(&directory->by_cookie, &entry->by_cookie);
    directory->n_entries--;
    directory->n_directories -= node_is_directory(entry->node) ? 1 : 0;
    directory->modified_ns = directory->changed_ns = fs->now_ns();
    entry->node->n_names--;
    entry->node->changed_ns = directory->changed_ns;
    recycle_free(entry, sizeof *entry + entry->length + 1);
}

/* Has it been removed while somebody had it open? */
static bool is_removed(const struct file_system *fs, const struct node *directory) {
    return directory != fs->root && directory->n_names == 0;
}

status_t entry_add(struct file_system *fs, struct node *directory, const char *name, size_t length,
                   struct node *node) {
    uint64_t key = hash(name, length);

    if (is_removed(fs, directory)) {
        return ERROR_NOT_FOUND;
    }
    if (find_hashed(directory, key, name, length) != NULL) {
        return ERROR_EXISTS;
    }
    if (node->n_names >= NODE_LINKS_MAX) {
        return ERROR_TOO_MANY;
    }
    struct entry *entry = entry_make(key, name, length);

    if (entry == NULL) {
        return ERROR_NO_MEMORY;
    }
    entry_insert(fs, directory, entry, node);
    return OK;
}

void entry_remove(struct file_system *fs, struct entry *entry) {
    struct node *node = entry->node;

    entry_take_out(fs, entry);
    if (node_is_directory(node)) {
        node->parent = NULL;
    }
    node_release(fs, node);
}

/* Is `node` the directory or above it? */
static bool is_above(const struct node *node, const struct node *directory) {
    for (; directory != NULL; directory = directory->parent) {
        if (directory == node) {
            return true;
        }
    }
    return false;
}

/* May `node` take the place of `old`? */
static status_t may_replace(const struct node *node, const struct node *old) {
    if (node_is_directory(node) != node_is_directory(old)) {
        return node_is_directory(old) ? ERROR_IS_DIRECTORY : ERROR_NOT_DIRECTORY;
    }
    return node_is_directory(old) && old->n_entries != 0 ? ERROR_NOT_EMPTY : OK;
}

status_t entry_rename(struct file_system *fs, struct entry *entry, struct node *directory,
                      const char *name, size_t length) {
    struct node *node = entry->node;
    uint64_t key = hash(name, length);
    struct entry *old = find_hashed(directory, key, name, length);

    if (is_removed(fs, directory)) {
        return ERROR_NOT_FOUND;
    }
    if (old != NULL && old->node == node) {
        return OK; /* two names of one file: POSIX wants nothing to happen */
    }
    if (node_is_directory(node) && is_above(node, directory)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = old != NULL ? may_replace(node, old->node) : OK;

    if (status != OK) {
        return status;
    }
    struct entry *new = entry_make(key, name, length);

    if (new == NULL) {
        return ERROR_NO_MEMORY;
    }
    if (old != NULL) {
        entry_remove(fs, old);
    }
    node->n_open++; /* between its names it must not go */
    entry_take_out(fs, entry);
    entry_insert(fs, directory, new, node);
    node->n_open--;
    return OK;
}

/* ---- paths ---- */

/* May a component be called so? */
static status_t check_name(const char *name, size_t length) {
    if (length > FILE_NAME_MAX_BYTES) {
        return ERROR_NAME_TOO_LONG;
    }
    bool is_dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));

    return length == 0 || is_dots ? ERROR_BAD_ARGUMENT : OK;
}

status_t lookup_path(struct node *start, const char *path, size_t path_length,
                     enum lookup_last last, struct lookup *lookup) {
    const char *at = path, *end = path + path_length;
    struct node *node = start;
    bool is_last = path_length == 0;

    *lookup = (struct lookup){.node = start};
    while (!is_last) {
        size_t length = (size_t)(path_component_end(at) - at);
        status_t status = check_name(at, length);

        is_last = at[length] == '\0';
        if (status != OK || (is_last && at + length != end)) {
            return status != OK ? status : ERROR_BAD_ARGUMENT;
        }
        if (!node_is_directory(node)) {
            return ERROR_NOT_DIRECTORY;
        }
        lookup->directory = node;
        lookup->name = at;
        lookup->name_length = length;
        lookup->entry = entry_find(node, at, length);
        lookup->node = lookup->entry != NULL ? lookup->entry->node : NULL;
        if (lookup->node == NULL) {
            return is_last ? OK : ERROR_NOT_FOUND;
        }
        if (node_is_link(lookup->node) && (!is_last || last == LOOKUP_FOLLOW)) {
            lookup->link = lookup->node;
            lookup->matched = (size_t)(at - path) + length;
            return ERROR_REDIRECT;
        }
        node = lookup->node;
        at += length + 1;
    }
    return OK;
}

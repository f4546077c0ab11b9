/* SPDX-License-Identifier: MIT */
/*
 * The files of an archive, by path: an array sorted by path, with the folders between. Built once,
 * then read only (but for copies that are made when a file is mapped).
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

struct node {
    char *path; /* without leading slash; "" is the archive's root */
    const uint8_t *data;
    uint64_t size;
    uint64_t offset; /* of data in the archive */
    int64_t mtime_ns;
    uint32_t mode; /* permission bits; | NODE_DIRECTORY */
    handle_t copy; /* memory object with the content from its start, or HANDLE_NONE */
};

enum { NODE_DIRECTORY = 1 << 16 };

struct tree {
    struct node *nodes; /* sorted by path; nodes[0] is the root */
    size_t n_nodes;
    uint64_t archive_bytes;
    struct node empty; /* an empty folder, for roots that the archive does not have */
};

static inline bool node_is_directory(const struct node *node) {
    return (node->mode & NODE_DIRECTORY) != 0;
}

/* The last component of its path. */
const char *node_name(const struct node *node);

/* Reads the archive. A damaged one gives the files before the damage, and a line on the log. */
WARN_UNUSED status_t tree_build(struct tree *tree, const uint8_t *bytes, size_t size);

/* The node at `path` (as request_read_path gives it) below `from`. NOT_FOUND, or NOT_DIRECTORY if
 * it leads through a file. */
WARN_UNUSED status_t tree_find(struct tree *tree, const struct node *from, const char *path,
                               struct node **node);

/* The i-th node directly in `folder`, NULL if there are not so many. */
const struct node *tree_child(const struct tree *tree, const struct node *folder, uint64_t i);

/* A number for stat, unique in the tree, never 0. */
uint64_t tree_node_id(const struct tree *tree, const struct node *node);

/* Makes node->copy, if there is none. */
WARN_UNUSED status_t tree_node_copy(struct node *node);

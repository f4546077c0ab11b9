/* SPDX-License-Identifier: MIT */
/*
 * Intrusive balanced search tree (AVL), ordered by a 64-bit key: deadlines, regions of an address
 * space. A `struct tree_node` is a member of whatever is ordered; CONTAINER_OF leads back to it.
 *
 * Keys may repeat; nodes with equal keys stay in the order of their insertion. Insert, remove and
 * the searches take O(log n) steps, at most 1.44 log2(n) + 1 deep: 20 for 10,000 nodes. Nothing
 * recurses and nothing is allocated. tree_first is one load.
 *
 * Invariant: a node is in a tree iff its `is_linked`; a zeroed node is valid and is not. Inserting
 * a node that is in a tree, or removing one that is not, traps.
 */
#pragma once

#include "lib/base/types.h"

struct tree_node {
    struct tree_node *parent;
    struct tree_node *child[2]; /* [0]: not after this node, [1]: not before it */
    uint64_t key;               /* in a tree: may change only if the order stays */
    int8_t balance;             /* height of child[1] minus height of child[0]: -1, 0, 1 */
    bool is_linked;
};

struct tree {
    struct tree_node *root;
    struct tree_node *first;
};

static inline void tree_init(struct tree *tree) {
    tree->root = NULL;
    tree->first = NULL;
}

static inline bool tree_is_empty(const struct tree *tree) {
    return tree->root == NULL;
}

static inline bool tree_is_linked(const struct tree_node *node) {
    return node->is_linked;
}

/* Node with the lowest key, NULL if the tree is empty. O(1). */
static inline struct tree_node *tree_first(const struct tree *tree) {
    return tree->first;
}

/* Inserts `node` with `key`, after those of the same key. */
void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key);

/* Removes `node`, which is in `tree`. */
void tree_remove(struct tree *tree, struct tree_node *node);

/* Removes the first node of a tree that is being emptied: none may be inserted, or removed by
 * tree_remove, before it is empty. O(1) over the whole tree: nothing is balanced. */
void tree_drop_first(struct tree *tree);

/* The neighbours in order, NULL at the ends. A walk over the whole tree is O(n). */
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

/* Node with the highest key, NULL if the tree is empty. */
struct tree_node *tree_last(const struct tree *tree);

/* First node with exactly this key, NULL if there is none. */
struct tree_node *tree_find(const struct tree *tree, uint64_t key);

/* First node whose key is >= key, NULL if there is none. */
struct tree_node *tree_find_ge(const struct tree *tree, uint64_t key);

/* Last node whose key is <= key, NULL if there is none. */
struct tree_node *tree_find_le(const struct tree *tree, uint64_t key);

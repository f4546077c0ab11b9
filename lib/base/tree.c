/* SPDX-License-Identifier: MIT */
/*
 * See tree.h. Sides are numbers, 0 and 1, so that each mirrored pair of cases is written once; the
 * weight of a side is -1 or 1, what a subtree one higher there adds to the balance.
 */
#include "lib/base/tree.h"

static int weight_of(unsigned side) {
    return side == 0 ? -1 : 1;
}

static unsigned side_of(const struct tree_node *parent, const struct tree_node *child) {
    return parent->child[1] == child;
}

/* Makes `node` (may be NULL) hang where `old` hangs. The children of both stay as they are. */
static void replace(struct tree *tree, const struct tree_node *old, struct tree_node *node) {
    struct tree_node *parent = old->parent;

    if (parent == NULL) {
        tree->root = node;
    } else {
        parent->child[side_of(parent, old)] = node;
    }
    if (node != NULL) {
        node->parent = parent;
    }
}

/*
 * Turns `node` down to `side`; its child on the other side comes up in its place and is returned.
 *
 * Balances: with n, c those of node and child before and n', c' after, turning left (side 0) gives
 * n' = n - 1 - max(c, 0) and c' = c - 1 + min(n', 0); turning right is the mirror image. These hold
 * for any heights, hence for both halves of a double rotation too.
 */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node, unsigned side) {
    struct tree_node *up = node->child[!side];
    struct tree_node *middle = up->child[side];
    int weight = weight_of(side);
    /* As if side were 1, i.e. turning right. */
    int node_balance = node->balance * weight;
    int up_balance = up->balance * weight;

    replace(tree, node, up);
    up->child[side] = node;
    node->parent = up;
    node->child[!side] = middle;
    if (middle != NULL) {
        middle->parent = node;
    }
    node_balance = node_balance + 1 - MIN(up_balance, 0);
    up_balance = up_balance + 1 + MAX(node_balance, 0);
    node->balance = (int8_t)(node_balance * weight);
    up->balance = (int8_t)(up_balance * weight);
    return up;
}

/* `node` is two higher on `side` than on the other. Returns what stands in its place now. */
static struct tree_node *rebalance(struct tree *tree, struct tree_node *node, unsigned side) {
    struct tree_node *high = node->child[side];

    if (high->balance == -weight_of(side)) {
        rotate(tree, high, side);
    }
    return rotate(tree, node, !side);
}

void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key) {
    struct tree_node *parent = NULL;
    struct tree_node *at = tree->root;
    unsigned side = 0;

    if (UNLIKELY(node->is_linked)) {
        __builtin_trap();
    }
    while (at != NULL) {
        parent = at;
        side = key >= at->key;
        at = at->child[side];
    }
    *node = (struct tree_node){.parent = parent, .key = key, .is_linked = true};
    if (parent == NULL) {
        tree->root = node;
    } else {
        parent->child[side] = node;
    }
    if (tree->first == NULL || key < tree->first->key) {
        tree->first = node;
    }
    /* The subtree at `node` has become one higher. Upwards until one absorbs that. */
    for (; parent != NULL; node = parent, parent = node->parent) {
        side = side_of(parent, node);
        parent->balance = (int8_t)(parent->balance + weight_of(side));
        if (parent->balance == 0) {
            return;
        }
        if (parent->balance != weight_of(side)) {
            rebalance(tree, parent, side);
            return;
        }
    }
}

/* The subtree of `parent` on `side` has become one lower. Upwards until one absorbs that. */
static void became_lower(struct tree *tree, struct tree_node *parent, unsigned side) {
    while (parent != NULL) {
        struct tree_node *top = parent;
        int away = -weight_of(side);

        parent->balance = (int8_t)(parent->balance + away);
        if (parent->balance == away) {
            return; /* was even: as high as before */
        }
        if (parent->balance != 0) {
            top = rebalance(tree, parent, !side);
            if (top->balance != 0) {
                return;
            }
        }
        parent = top->parent;
        side = parent != NULL ? side_of(parent, top) : 0;
    }
}

/* Puts the successor of `node`, which has two children, in its place, and `node` out of the tree.
 * *side tells where below the node returned a subtree became lower. */
static struct tree_node *replace_by_next(struct tree *tree, struct tree_node *node,
                                         unsigned *side) {
    struct tree_node *next = tree_next(node);
    struct tree_node *lowered = next->parent;

    *side = 0;
    if (lowered == node) {
        lowered = next;
        *side = 1;
    } else {
        replace(tree, next, next->child[1]);
        next->child[1] = node->child[1];
        next->child[1]->parent = next;
    }
    next->child[0] = node->child[0];
    next->child[0]->parent = next;
    next->balance = node->balance;
    replace(tree, node, next);
    return lowered;
}

void tree_remove(struct tree *tree, struct tree_node *node) {
    struct tree_node *parent = node->parent;
    unsigned side = 0;

    if (UNLIKELY(!node->is_linked)) {
        __builtin_trap();
    }
    if (tree->first == node) {
        tree->first = tree_next(node);
    }
    if (node->child[0] != NULL && node->child[1] != NULL) {
        parent = replace_by_next(tree, node, &side);
    } else {
        if (parent != NULL) {
            side = side_of(parent, node);
        }
        replace(tree, node, node->child[0] != NULL ? node->child[0] : node->child[1]);
    }
    became_lower(tree, parent, side);
    *node = (struct tree_node){.key = node->key};
}

/* The neighbour of `node` in the order, on `side`. */
static struct tree_node *neighbour(const struct tree_node *node, unsigned side) {
    const struct tree_node *at = node->child[side];

    if (at != NULL) {
        while (at->child[!side] != NULL) {
            at = at->child[!side];
        }
        return (struct tree_node *)(uintptr_t)at;
    }
    while (node->parent != NULL && side_of(node->parent, node) == side) {
        node = node->parent;
    }
    return node->parent;
}

void tree_drop_first(struct tree *tree) {
    struct tree_node *node = tree->first;
    struct tree_node *next = node->child[1];

    tree->first = node->parent;
    if (next != NULL) {
        next->parent = node->parent;
        for (tree->first = next; tree->first->child[0] != NULL;) {
            tree->first = tree->first->child[0];
        }
    }
    if (node->parent == NULL) {
        tree->root = next;
    } else {
        node->parent->child[0] = next;
    }
    *node = (struct tree_node){0};
}

struct tree_node *tree_next(const struct tree_node *node) {
    return neighbour(node, 1);
}

struct tree_node *tree_previous(const struct tree_node *node) {
    return neighbour(node, 0);
}

struct tree_node *tree_last(const struct tree *tree) {
    struct tree_node *node = tree->root;

    while (node != NULL && node->child[1] != NULL) {
        node = node->child[1];
    }
    return node;
}

struct tree_node *tree_find_ge(const struct tree *tree, uint64_t key) {
    struct tree_node *best = NULL;

    for (struct tree_node *node = tree->root; node != NULL;) {
        if (node->key >= key) {
            best = node;
            node = node->child[0];
        } else {
            node = node->child[1];
        }
    }
    return best;
}

struct tree_node *tree_find_le(const struct tree *tree, uint64_t key) {
    struct tree_node *best = NULL;

    for (struct tree_node *node = tree->root; node != NULL;) {
        if (node->key <= key) {
            best = node;
            node = node->child[1];
        } else {
            node = node->child[0];
        }
    }
    return best;
}

struct tree_node *tree_find(const struct tree *tree, uint64_t key) {
    struct tree_node *node = tree_find_ge(tree, key);

    return node != NULL && node->key == key ? node : NULL;
}

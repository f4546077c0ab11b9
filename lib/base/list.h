/* SPDX-License-Identifier: MIT */
/*
 * Intrusive, circular, doubly linked list. A `struct list` is the head; a `struct list_node` is a
 * member of whatever is listed. Every operation but the loops is O(1); nothing is allocated.
 *
 *     struct list ready = LIST_INITIALIZER(ready);
 *     list_push_back(&ready, &thread->ready_node);
 *     LIST_FOR_EACH(thread, &ready, ready_node) { ... }
 *
 * Invariant: a node is in a list iff its `next` is not NULL (and then so is `prev`). A zeroed node
 * is therefore valid and not in a list. Inserting a node that is in a list, or removing one that is
 * not, is a broken invariant of the caller and traps (#UD) before anything is changed: with a
 * dangling link instead, the damage would show far from its cause.
 */
#pragma once

#include "lib/base/types.h"

struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

struct list {
    struct list_node head;
};

#define LIST_INITIALIZER(list)                                                                     \
    {                                                                                              \
        { &(list).head, &(list).head }                                                             \
    }

static inline void list_init(struct list *list) {
    list->head.next = &list->head;
    list->head.prev = &list->head;
}

static inline void list_node_init(struct list_node *node) {
    node->next = NULL;
    node->prev = NULL;
}

static inline bool list_is_empty(const struct list *list) {
    return list->head.next == &list->head;
}

static inline bool list_is_linked(const struct list_node *node) {
    return node->next != NULL;
}

/* Inserts `node` before `place`, which is in a list (or is its head: then at the end). */
static inline void list_insert_before(struct list_node *place, struct list_node *node) {
    if (UNLIKELY(list_is_linked(node))) {
        __builtin_trap();
    }
    node->next = place;
    node->prev = place->prev;
    place->prev->next = node;
    place->prev = node;
}

static inline void list_push_back(struct list *list, struct list_node *node) {
    list_insert_before(&list->head, node);
}

static inline void list_push_front(struct list *list, struct list_node *node) {
    list_insert_before(list->head.next, node);
}

/* Takes `node` out of whichever list it is in. */
static inline void list_remove(struct list_node *node) {
    if (UNLIKELY(!list_is_linked(node))) {
        __builtin_trap();
    }
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_node_init(node);
}

/* First node, NULL if the list is empty. */
static inline struct list_node *list_first(const struct list *list) {
    return list_is_empty(list) ? NULL : list->head.next;
}

/* Last node, NULL if the list is empty. */
static inline struct list_node *list_last(const struct list *list) {
    return list_is_empty(list) ? NULL : list->head.prev;
}

/* The node after `node`, which is in `list`; NULL if it is the last. */
static inline struct list_node *list_next(const struct list *list, const struct list_node *node) {
    return node->next == &list->head ? NULL : node->next;
}

/* Removes and returns the first node, NULL if the list is empty. */
static inline struct list_node *list_pop_front(struct list *list) {
    struct list_node *node = list_first(list);

    if (node != NULL) {
        list_remove(node);
    }
    return node;
}

/* Appends all of `from` to `list` in order and leaves `from` empty. The two must differ. */
static inline void list_append_all(struct list *list, struct list *from) {
    if (list_is_empty(from)) {
        return;
    }
    from->head.next->prev = list->head.prev;
    list->head.prev->next = from->head.next;
    from->head.prev->next = &list->head;
    list->head.prev = from->head.prev;
    list_init(from);
}

/*
 * Loops over the structures that `list` links through their member `member`, in order. `item` is a
 * pointer variable of the structure's type, declared by the caller. The list must not change while
 * the loop runs; in LIST_FOR_EACH_SAFE the body may remove (and free) the current item, no other.
 */
#define LIST_FOR_EACH(item, list, member)                                                          \
    for (struct list_node *item##_node_ = (list)->head.next;                                       \
         item##_node_ != &(list)->head &&                                                          \
         ((item) = CONTAINER_OF(item##_node_, __typeof__(*(item)), member), true);                 \
         item##_node_ = item##_node_->next)

#define LIST_FOR_EACH_SAFE(item, list, member)                                                     \
    for (struct list_node *item##_node_ = (list)->head.next, *item##_next_ = item##_node_->next;   \
         item##_node_ != &(list)->head &&                                                          \
         ((item) = CONTAINER_OF(item##_node_, __typeof__(*(item)), member), true);                 \
         item##_node_ = item##_next_, item##_next_ = item##_node_->next)

/* First structure of a list, NULL if it is empty. */
#define LIST_FIRST(list, type, member)                                                             \
    ({                                                                                             \
        struct list_node *list_first_ = list_first(list);                                          \
        list_first_ == NULL ? NULL : CONTAINER_OF(list_first_, type, member);                      \
    })

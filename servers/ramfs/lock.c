/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/lock.h"

#include <stdlib.h>

#include "abi/generated/file.h"

static bool is_empty(const struct lock_list *list) {
    return list->locks.head.next == NULL || list_is_empty(&list->locks);
}

static bool overlap(const struct record_lock *a, const struct record_lock *b) {
    return a->begin < b->end && b->begin < a->end;
}

const struct record_lock *lock_conflict(const struct lock_list *list,
                                        const struct record_lock *wanted) {
    const struct record_lock *lock;

    if (is_empty(list) || wanted->kind == FILE_LOCK_NONE) {
        return NULL;
    }
    LIST_FOR_EACH(lock, &list->locks, node) {
        bool is_exclusive =
            lock->kind == FILE_LOCK_EXCLUSIVE || wanted->kind == FILE_LOCK_EXCLUSIVE;

        if (lock->owner != wanted->owner && is_exclusive && overlap(lock, wanted)) {
            return lock;
        }
    }
    return NULL;
}

static void drop(struct record_lock *lock) {
    list_remove(&lock->node);
    free(lock);
}

/* Takes [begin, end) out of what the owner holds. `spare` becomes the second part of a lock that is
 * cut in two; true if it was used. */
static bool cut(struct lock_list *list, const struct record_lock *range,
                struct record_lock *spare) {
    struct record_lock *lock;
    bool used = false;

    LIST_FOR_EACH_SAFE(lock, &list->locks, node) {
        if (lock->owner != range->owner || !overlap(lock, range)) {
            continue;
        }
        bool left = lock->begin<range->begin, right = lock->end> range->end;

        if (left && right) {
            *spare = *lock;
            list_node_init(&spare->node);
            spare->begin = range->end;
            lock->end = range->begin;
            list_push_back(&list->locks, &spare->node);
            used = true;
        } else if (left) {
            lock->end = range->begin;
        } else if (right) {
            lock->begin = range->end;
        } else {
            drop(lock);
        }
    }
    return used;
}

status_t lock_set(struct lock_list *list, const struct record_lock *wanted) {
    /* Had before anything is changed: the lock itself, and a part of one that it cuts in two. */
    struct record_lock *lock = calloc(1, sizeof *lock), *spare = calloc(1, sizeof *spare);

    if (lock == NULL || spare == NULL) {
        free(lock);
        free(spare);
        return ERROR_NO_MEMORY;
    }
    if (list->locks.head.next == NULL) {
        list_init(&list->locks);
    }
    if (!cut(list, wanted, spare)) {
        free(spare);
    }
    if (wanted->kind == FILE_LOCK_NONE) {
        free(lock);
        return OK;
    }
    *lock = *wanted;
    list_node_init(&lock->node);
    list_push_back(&list->locks, &lock->node);
    return OK;
}

bool lock_drop_holder(struct lock_list *list, const void *holder) {
    struct record_lock *lock;
    bool found = false;

    if (is_empty(list)) {
        return false;
    }
    LIST_FOR_EACH_SAFE(lock, &list->locks, node) {
        if (lock->holder == holder) {
            drop(lock);
            found = true;
        }
    }
    return found;
}

/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/lock.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "abi/tag.h"
#include "lib/base/share.h"

static struct shares shares;

void locks_start(size_t n_max) {
    shares.total = n_max;
}

bool locks_count(uint32_t tag, size_t n) {
    return tag == 0 || share_try(&shares, tag_login(tag), n);
}

void locks_uncount(uint32_t tag, size_t n) {
    if (tag != 0) {
        share_return(&shares, tag_login(tag), n);
    }
}

void lock_owner_init(struct lock_owner *owner, uint32_t tag) {
    *owner = (struct lock_owner){.tag = tag};
    list_init(&owner->locks);
}

static bool is_empty(const struct lock_list *list) {
    return list->locks.head.next == NULL || list_is_empty(&list->locks);
}

static bool overlap(const struct record_lock *a, const struct record_lock *b) {
    return a->begin < b->end && b->begin < a->end;
}

static bool stands_in_way(const struct record_lock *lock, const struct record_lock *wanted) {
    return lock->owner != wanted->owner &&
           (lock->kind == FILE_LOCK_EXCLUSIVE || wanted->kind == FILE_LOCK_EXCLUSIVE) &&
           overlap(lock, wanted);
}

const struct record_lock *lock_conflict(const struct lock_list *list,
                                        const struct record_lock *wanted,
                                        const struct record_lock *previous) {
    if (is_empty(list) || wanted->kind == FILE_LOCK_NONE) {
        return NULL;
    }
    const struct list_node *at = previous != NULL ? previous->node.next : list->locks.head.next;

    for (; at != &list->locks.head; at = at->next) {
        const struct record_lock *lock = CONTAINER_OF(at, struct record_lock, node);

        if (stands_in_way(lock, wanted)) {
            return lock;
        }
    }
    return NULL;
}

static void put_in(struct lock_list *list, struct record_lock *lock, const struct record_lock *as) {
    *lock = *as;
    list_node_init(&lock->node);
    list_node_init(&lock->of_owner);
    list_push_back(&list->locks, &lock->node);
    list_push_back(&lock->owner->locks, &lock->of_owner);
    lock->owner->n_locks++;
}

static void drop(struct record_lock *lock) {
    list_remove(&lock->node);
    list_remove(&lock->of_owner);
    lock->owner->n_locks--;
    locks_uncount(lock->owner->tag, 1);
    free(lock);
}

static bool is_split(const struct record_lock *lock, const struct record_lock *range) {
    return lock->owner == range->owner && lock->begin < range->begin && range->end < lock->end;
}

/* Takes [begin, end) out of what the owner holds. `spare` becomes the second part of a lock that is
 * cut in two. */
static void cut(struct lock_list *list, const struct record_lock *range,
                struct record_lock *spare) {
    struct record_lock *lock;

    LIST_FOR_EACH_SAFE(lock, &list->locks, node) {
        if (lock->owner != range->owner || !overlap(lock, range)) {
            continue;
        }
        if (is_split(lock, range)) {
            put_in(list, spare, lock);
            spare->begin = range->end;
            lock->end = range->begin;
            return; /* there is no other: they do not overlap */
        }
        if (lock->begin < range->begin) {
            lock->end = range->begin;
        } else if (lock->end > range->end) {
            lock->begin = range->end;
        } else {
            drop(lock);
        }
    }
}

status_t lock_set(struct lock_list *list, const struct record_lock *wanted) {
    struct record_lock *lock = NULL, *spare = NULL, *old;
    bool is_new = wanted->kind != FILE_LOCK_NONE, splits = false;
    uint32_t tag = wanted->owner->tag;

    if (list->locks.head.next == NULL) {
        list_init(&list->locks);
    }
    LIST_FOR_EACH(old, &list->locks, node) {
        splits = splits || is_split(old, wanted);
    }
    size_t n = (size_t)is_new + splits;

    if (n != 0 && (wanted->owner->n_locks + 2 > LOCKS_PER_OWNER_MAX || !locks_count(tag, n))) {
        return ERROR_TOO_MANY;
    }
    /* Had before anything is changed: the lock itself, and a part of one that it cuts in two. */
    lock = is_new ? malloc(sizeof *lock) : NULL;
    spare = splits ? malloc(sizeof *spare) : NULL;
    if ((is_new && lock == NULL) || (splits && spare == NULL)) {
        free(lock);
        free(spare);
        locks_uncount(tag, n);
        return ERROR_NO_MEMORY;
    }
    cut(list, wanted, spare);
    if (is_new) {
        put_in(list, lock, wanted);
    }
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

bool lock_drop_owner(struct lock_owner *owner) {
    struct record_lock *lock;
    bool found = !list_is_empty(&owner->locks);

    LIST_FOR_EACH_SAFE(lock, &owner->locks, of_owner) {
        drop(lock);
    }
    return found;
}

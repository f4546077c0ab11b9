/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/locking.h"

#include <stdlib.h>

#include "servers/ramfs/lock.h"

/* A lock that somebody waits for. */
struct lock_wait {
    struct list_node node; /* in waits, oldest first */
    struct record_lock wanted;
    struct node *file; /* stays: the request's open file keeps it */
    handle_t saved;
    uint64_t cookie;
};

static struct list waits = LIST_INITIALIZER(waits);
static uint64_t last_cookie;

static struct lock_wait *wait_of(uint32_t owner) {
    struct lock_wait *wait;

    LIST_FOR_EACH(wait, &waits, node) {
        if (wait->wanted.owner == owner) {
            return wait;
        }
    }
    return NULL;
}

/* Would `owner`, waiting for `for_whom`, wait for itself in the end? Follows who waits for whom; a
 * chain is no longer than there are waits. */
static bool is_deadlock(uint32_t owner, uint32_t for_whom) {
    const struct lock_wait *wait;

    LIST_FOR_EACH(wait, &waits, node) {
        if (for_whom == owner) {
            return true;
        }
        const struct lock_wait *next = wait_of(for_whom);
        const struct record_lock *conflict =
            next != NULL ? lock_conflict(&next->file->locks, &next->wanted) : NULL;

        if (conflict == NULL) {
            return false;
        }
        for_whom = conflict->owner;
    }
    return for_whom == owner;
}

static void wait_end(struct lock_wait *wait, status_t status) {
    handle_t saved = wait->saved;

    list_remove(&wait->node);
    free(wait);
    file_answer_lock(saved, status, FILE_LOCK_NONE, 0, 0, 0);
}

/* Something was let go: gives those who wait for bytes of this file what they can have now. */
static void waits_try(const struct node *file) {
    struct lock_wait *wait;

    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->file == file && lock_conflict(&wait->file->locks, &wait->wanted) == NULL) {
            wait_end(wait, lock_set(&wait->file->locks, &wait->wanted));
        }
    }
}

static status_t wait_begin(struct open_file *file, struct request *request,
                           const struct record_lock *wanted) {
    struct lock_wait *wait = calloc(1, sizeof *wait);

    if (wait == NULL) {
        return ERROR_NO_MEMORY;
    }
    wait->wanted = *wanted;
    wait->file = file->node;
    wait->cookie = ++last_cookie;
    status_t status = request_save(request, wait->cookie, &wait->saved);

    if (status != OK) {
        free(wait);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(&waits, &wait->node);
    return REQUEST_DEFERRED;
}

/* The access that POSIX wants the open file to have for the lock. */
static bool has_access(const struct open_file *file, uint32_t kind) {
    return kind == FILE_LOCK_NONE ||
           (file->flags & (kind == FILE_LOCK_EXCLUSIVE ? FILE_OPEN_WRITE : FILE_OPEN_READ)) != 0;
}

status_t locking_request(void *context, struct request *request, uint32_t kind, uint64_t offset,
                         uint64_t length, uint32_t *kind_held, uint32_t *owner, uint64_t *from,
                         uint64_t *held_length) {
    struct open_file *file = context;
    struct record_lock wanted = {.owner = request->tag,
                                 .kind = kind & ~(uint32_t)(FILE_LOCK_TEST | FILE_LOCK_WAIT),
                                 .begin = offset,
                                 .end = UINT64_MAX,
                                 .holder = file};

    if (wanted.kind > FILE_LOCK_EXCLUSIVE || offset == UINT64_MAX ||
        (length != 0 && u64_add_overflows(offset, length, &wanted.end))) {
        return ERROR_BAD_ARGUMENT;
    }
    const struct record_lock *conflict = lock_conflict(&file->node->locks, &wanted);

    if ((kind & FILE_LOCK_TEST) != 0) {
        *kind_held = FILE_LOCK_NONE;
        if (conflict != NULL) {
            *kind_held = conflict->kind;
            *owner = conflict->owner;
            *from = conflict->begin;
            *held_length = conflict->end == UINT64_MAX ? 0 : conflict->end - conflict->begin;
        }
        return OK;
    }
    if (!has_access(file, wanted.kind)) {
        return ERROR_BAD_HANDLE;
    }
    if (conflict != NULL) {
        return (kind & FILE_LOCK_WAIT) == 0                 ? ERROR_WOULD_BLOCK
               : is_deadlock(wanted.owner, conflict->owner) ? ERROR_DEADLOCK
                                                            : wait_begin(file, request, &wanted);
    }
    status_t status = lock_set(&file->node->locks, &wanted);

    if (status == OK) {
        waits_try(file->node);
    }
    return status;
}

void locking_cancelled(struct server *server, void *object, uint64_t cookie) {
    struct lock_wait *wait;

    (void)server, (void)object;
    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->cookie == cookie) {
            wait_end(wait, ERROR_INTERRUPTED);
            return;
        }
    }
}

void locking_closed(struct open_file *file) {
    struct lock_wait *wait;

    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->wanted.holder == file) {
            wait_end(wait, ERROR_INTERRUPTED); /* who waited has ended */
        }
    }
    if (lock_drop_holder(&file->node->locks, file)) {
        waits_try(file->node);
    }
}

/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/locking.h"

#include <stdlib.h>

#include "abi/tag.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/ramfs/lock.h"

/*
 * A process that has record locks or waits for one. With its first lock it gets a gate that it
 * cannot pass on to a child: when that is closed the process is gone, and so are its locks, whoever
 * else still has the files open.
 *
 * Invariant: in `processes` iff it has the gate, a lock or a wait; no two have the same tag.
 */
struct process {
    struct list_node node;
    struct lock_owner owner;
    uint32_t n_waits;
    bool has_gate;
};

/* A lock that somebody waits for. */
struct lock_wait {
    struct list_node node; /* in waits, oldest first */
    struct record_lock wanted;
    struct lock_list *list;  /* of a node that stays: the request's open file keeps it */
    struct process *process; /* NULL: the owner is the open file */
    handle_t saved;
    uint64_t cookie;
    uint32_t tag;      /* whom it counts against */
    uint64_t followed; /* the last search for a deadlock that went on from here */
};

static struct list waits = LIST_INITIALIZER(waits);
static struct list processes = LIST_INITIALIZER(processes);
static uint64_t last_cookie = 1ull << 63; /* FIFOs' begin at 0 */
static uint64_t search;                   /* the number of the last one for a deadlock */
static struct server_timer again;         /* armed while those who wait are to be looked at */

static void waits_try(struct server *server);

/* ---- processes ---- */

static struct process *process_find(uint32_t tag) {
    struct process *process;

    LIST_FOR_EACH(process, &processes, node) {
        if (process->owner.tag == tag) {
            return process;
        }
    }
    return NULL;
}

static struct process *process_make(uint32_t tag) {
    struct process *process = calloc(1, sizeof *process);

    if (process != NULL) {
        lock_owner_init(&process->owner, tag);
        list_push_back(&processes, &process->node);
    }
    return process;
}

/* Forgets it if it has nothing. */
static void process_trim(struct process *process) {
    if (process != NULL && !process->has_gate && process->owner.n_locks == 0 &&
        process->n_waits == 0) {
        list_remove(&process->node);
        free(process);
    }
}

static void wait_end(struct lock_wait *wait, status_t status, handle_t life) {
    struct process *process = wait->process;
    handle_t saved = wait->saved;

    list_remove(&wait->node);
    locks_uncount(wait->tag, 1);
    free(wait);
    if (process != NULL) {
        process->n_waits--;
        process_trim(process);
    }
    file_answer_lock(saved, status, FILE_LOCK_NONE, 0, 0, 0, life);
}

static void on_process_ended(struct server *server, void *object) {
    struct process *process = object;
    struct lock_wait *wait;

    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->process == process) {
            wait_end(wait, ERROR_INTERRUPTED, HANDLE_NONE);
        }
    }
    bool had_some = lock_drop_owner(&process->owner);

    process->has_gate = false;
    process_trim(process);
    if (had_some) {
        waits_try(server);
    }
}

static const struct server_protocol no_protocols[] = {{0}};
static const struct server_class process_class = {.protocols = no_protocols,
                                                  .closed = on_process_ended};

/* The process's gate, if it does not have it yet, to be sent to it at once. */
static status_t process_gate(struct server *server, struct process *process, handle_t *life) {
    handle_t gate, plain;

    if (process->has_gate) {
        return OK;
    }
    status_t status =
        server_object_create(server, process->owner.tag, &process_class, process, &gate);

    if (status != OK) {
        return status;
    }
    process->has_gate = true;
    *life = gate;
    /* Without the right to copy it, fork leaves it out. */
    if (sys_handle_copy(gate, RIGHT_SEND, 0, &plain) == OK) {
        server_handle_close(gate);
        *life = plain;
    }
    return OK;
}

/* Sets a lock that nobody stands in the way of. */
static status_t grant(struct server *server, struct lock_list *list,
                      const struct record_lock *wanted, struct process *process, handle_t *life) {
    status_t status = lock_set(list, wanted);

    if (status != OK || process == NULL || wanted->kind == FILE_LOCK_NONE) {
        return status;
    }
    status = process_gate(server, process, life);
    if (status != OK) {
        struct record_lock none = *wanted;

        none.kind = FILE_LOCK_NONE;
        status_t undone = lock_set(list, &none);
        (void)undone; /* what was just set is in one piece */
    }
    return status;
}

/* ---- waiting ---- */

/* Marks the owners of what stands in the way of `wanted`; true if its owner-to-be is `owner`. */
static bool reach_all(const struct lock_list *list, const struct record_lock *wanted,
                      const struct lock_owner *owner) {
    const struct record_lock *lock = NULL;

    while ((lock = lock_conflict(list, wanted, lock)) != NULL) {
        if (lock->owner == owner) {
            return true;
        }
        lock->owner->reached = search;
    }
    return false;
}

/*
 * Would the owner, waiting for `wanted`, wait for itself in the end? Follows who waits for whom;
 * what each wait waits for is looked at once.
 */
static bool is_deadlock(const struct lock_list *list, const struct record_lock *wanted) {
    struct lock_wait *wait;
    bool found = false, went_on = true;

    search++;
    (void)reach_all(list, wanted, wanted->owner);
    while (went_on && !found) {
        went_on = false;
        LIST_FOR_EACH(wait, &waits, node) {
            if (wait->wanted.owner->reached == search && wait->followed != search && !found) {
                wait->followed = search;
                went_on = true;
                found = reach_all(wait->list, &wait->wanted, wanted->owner);
            }
        }
    }
    return found;
}

static void on_again(struct server *server, struct server_timer *timer) {
    (void)timer;
    waits_try(server);
}

/*
 * Something was let go: gives those who wait what they can have now. A lock that is given may be
 * less than what its owner had there (shared, in place of exclusive), and an older wait may be for
 * that: then all are looked at once more, but between requests, for how often is the clients'
 * doing.
 */
static void waits_try(struct server *server) {
    struct lock_wait *wait;

    server_timer_stop(&again);
    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (lock_conflict(wait->list, &wait->wanted, NULL) == NULL) {
            handle_t life = HANDLE_NONE;

            locks_uncount(wait->tag, 1); /* now the lock counts */
            wait->tag = 0;
            status_t status = grant(server, wait->list, &wait->wanted, wait->process, &life);

            /* If the client is gone the gate is closed, and with it goes the lock. */
            wait_end(wait, status, life);
            server_timer_arm(server, &again, time_now_ns() + 1, on_again);
        }
    }
}

static status_t wait_begin(struct lock_list *list, struct request *request,
                           const struct record_lock *wanted, struct process *process) {
    if (!locks_count(request->tag, 1)) {
        return ERROR_TOO_MANY;
    }
    struct lock_wait *wait = calloc(1, sizeof *wait);

    if (wait == NULL) {
        locks_uncount(request->tag, 1);
        return ERROR_NO_MEMORY;
    }
    wait->tag = request->tag;
    wait->wanted = *wanted;
    wait->list = list;
    wait->process = process;
    wait->cookie = ++last_cookie;
    status_t status = request_save(request, wait->cookie, &wait->saved);

    if (status != OK) {
        locks_uncount(request->tag, 1);
        free(wait);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(&waits, &wait->node);
    if (process != NULL) {
        process->n_waits++;
    }
    return REQUEST_DEFERRED;
}

/* ---- the request ---- */

enum { FLAGS = FILE_LOCK_TEST | FILE_LOCK_WAIT | FILE_LOCK_DESCRIPTION };

/* The access that POSIX wants the open file to have for the lock. */
static bool has_access(const struct open_file *file, uint32_t kind) {
    return kind == FILE_LOCK_NONE ||
           (file->flags & (kind == FILE_LOCK_EXCLUSIVE ? FILE_OPEN_WRITE : FILE_OPEN_READ)) != 0;
}

static void answer_test(const struct record_lock *conflict, uint32_t *kind_held, uint32_t *owner,
                        uint64_t *from, uint64_t *held_length) {
    *kind_held = FILE_LOCK_NONE;
    if (conflict != NULL) {
        *kind_held = conflict->kind;
        *owner = tag_pid(conflict->owner->tag);
        *from = conflict->begin;
        *held_length = conflict->end == UINT64_MAX ? 0 : conflict->end - conflict->begin;
    }
}

static status_t set_or_wait(struct lock_list *list, struct request *request, uint32_t kind,
                            const struct record_lock *wanted, struct process *process,
                            handle_t *life) {
    if (lock_conflict(list, wanted, NULL) == NULL) {
        status_t status = grant(request->server, list, wanted, process, life);

        if (status == OK) {
            waits_try(request->server);
        }
        return status;
    }
    if ((kind & FILE_LOCK_WAIT) == 0) {
        return ERROR_WOULD_BLOCK;
    }
    if (process == NULL) {
        /* flock gives up the lock that it has before it waits for the other kind. */
        if (lock_drop_holder(list, wanted->holder)) {
            waits_try(request->server);
        }
    } else if (is_deadlock(list, wanted)) {
        return ERROR_DEADLOCK;
    }
    return wait_begin(list, request, wanted, process);
}

/* The lock is a process's. */
static status_t record_lock(struct open_file *file, struct request *request, uint32_t kind,
                            struct record_lock *wanted, handle_t *life) {
    struct process *process = process_find(request->tag);

    if (!has_access(file, wanted->kind)) {
        return ERROR_BAD_HANDLE;
    }
    if (process == NULL && wanted->kind == FILE_LOCK_NONE) {
        return OK;
    }
    if (process == NULL) {
        process = process_make(request->tag);
    }
    if (process == NULL) {
        return ERROR_NO_MEMORY;
    }
    wanted->owner = &process->owner;
    status_t status = set_or_wait(&file->node->locks, request, kind, wanted, process, life);

    process_trim(process);
    return status;
}

status_t locking_request(void *context, struct request *request, uint32_t kind, uint64_t offset,
                         uint64_t length, uint32_t *kind_held, uint32_t *owner, uint64_t *from,
                         uint64_t *held_length, handle_t *life) {
    struct open_file *file = context;
    struct record_lock wanted = {
        .kind = kind & ~(uint32_t)FLAGS, .begin = offset, .end = UINT64_MAX, .holder = file};

    if (wanted.kind > FILE_LOCK_EXCLUSIVE || offset == UINT64_MAX ||
        (length != 0 && u64_add_overflows(offset, length, &wanted.end))) {
        return ERROR_BAD_ARGUMENT;
    }
    if ((kind & FILE_LOCK_DESCRIPTION) != 0) {
        if (offset != 0 || length != 0) {
            return ERROR_BAD_ARGUMENT; /* one for each open file: that limits them */
        }
        wanted.owner = &file->lock_owner;
        return set_or_wait(&file->node->whole_locks, request, kind, &wanted, NULL, life);
    }
    if ((kind & FILE_LOCK_TEST) != 0) {
        struct process *process = process_find(request->tag);

        wanted.owner = process != NULL ? &process->owner : NULL;
        answer_test(lock_conflict(&file->node->locks, &wanted, NULL), kind_held, owner, from,
                    held_length);
        return OK;
    }
    return record_lock(file, request, kind, &wanted, life);
}

void locking_cancelled(struct server *server, void *object, uint64_t cookie) {
    struct lock_wait *wait;

    (void)server, (void)object;
    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->cookie == cookie) {
            wait_end(wait, ERROR_INTERRUPTED, HANDLE_NONE);
            return;
        }
    }
}

void locking_closed(struct server *server, struct open_file *file) {
    struct lock_wait *wait;

    LIST_FOR_EACH_SAFE(wait, &waits, node) {
        if (wait->wanted.holder == file) {
            wait_end(wait, ERROR_INTERRUPTED, HANDLE_NONE); /* who waited has ended */
        }
    }
    bool had_some = lock_drop_holder(&file->node->locks, file);

    if (lock_drop_holder(&file->node->whole_locks, file) || had_some) {
        waits_try(server);
    }
}

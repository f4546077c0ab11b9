/* SPDX-License-Identifier: MIT */
/*
 * The inside of the server loop, shared by server.c (the loop), server_object.c (what badges mean),
 * server_tag.c (what each client has) and request.c.
 */
#pragma once

#include "lib/base/list.h"
#include "lib/base/share.h"
#include "lib/native/server.h"

#define SLOT_NONE UINT32_MAX

/* init's own gate to every service, and what it says and hears. */
#define SERVER_CONTROL_BADGE SERVER_ROOT_BADGE(0xff)
enum server_answer { SERVER_ANSWER_READY = 1, SERVER_ANSWER_ALIVE = 2, SERVER_ANSWER_SETTLED = 4 };

struct server_slot {
    const struct server_class *class; /* NULL: free */
    void *object;
    uint64_t badge; /* while it is free: of the next object */
    uint32_t tag;   /* whom it counts against */
    uint32_t next_free;
    handle_t
        gate; /* our own of its objects' gate; HANDLE_NONE: each object has a gate made for it */
};

/* What is counted per tag. */
enum server_tag_count { TAG_OBJECTS, TAG_SAVED, TAG_COUNTS };
enum { TAG_BUCKETS = 64 };

/*
 * A client that has something. Invariant: there is one iff one of its counts is not 0; the first of
 * a bucket stays for the next client, with tag 0, for most clients come and go with a single
 * object.
 */
struct server_tag {
    struct server_tag *next;
    uint32_t tag;
    uint32_t counts[TAG_COUNTS];
};

/* A saved reply, at the index of its handle. Invariant: in use iff `used`. */
struct server_saved {
    bool used;
    uint32_t tag;
    uint64_t badge;
    uint64_t cookie;
};

struct server {
    const char *name;
    handle_t endpoint;
    handle_t init; /* notified of READY and ALIVE */
    uint32_t incarnation;
    uint32_t accept;
    void (*control)(struct server *server, uint64_t bits);
    void (*before_wait)(struct server *server);
    uint32_t limits[TAG_COUNTS];
    struct shares objects; /* those that count against a tag */
    struct server_slot *slots;
    uint32_t n_slots;
    uint32_t first_free; /* of the free slots without a gate, with one */
    uint32_t first_kept;
    struct list timers;
    struct server_tag tags[TAG_BUCKETS];
    struct server_saved *saved;
    uint32_t n_saved;          /* size of the array */
    uint32_t sweep_at;         /* which of them was looked at last */
    uint32_t sweep_left;       /* how many are to be looked at, since a caller has died */
    struct server_timer sweep; /* armed iff sweep_left is not 0 */
};

extern struct server the_server; /* of this process */

/* Doubles the slots when none is free; the first of all are the roots. */
WARN_UNUSED status_t server_slots_grow(struct server *server);

/* So many of the free slots get a gate that they keep; fewer if there are not so many. */
void server_gates_keep(struct server *server, uint32_t n);

/* Ends an object: its badge is dead before `closed` runs, which may make and end others. */
void server_slot_close(struct server *server, struct server_slot *slot);

/* Counts one more (less) for the tag. TOO_MANY over the limit, NO_MEMORY. Tag 0, the services, is
 * not limited. */
WARN_UNUSED status_t server_tag_get(struct server *server, uint32_t tag,
                                    enum server_tag_count what);
void server_tag_put(struct server *server, uint32_t tag, enum server_tag_count what);

/* Remembers, forgets a saved reply. */
WARN_UNUSED status_t server_saved_add(struct server *server, handle_t saved,
                                      const struct server_saved *entry);
void server_saved_remove(handle_t saved);

/* Somebody whose reply is saved has died: the replies of the dead are looked for, between the next
 * requests. server_saved_sweep: now, to the end. */
void server_saved_abandoned(struct server *server);
void server_saved_sweep(struct server *server);

/* Drops those of an object that no client has any more. */
void server_saved_end(struct server *server, uint64_t badge);

/* The slot that a badge means; NULL if it means none (any more). */
struct server_slot *server_badge_find(struct server *server, uint64_t badge);

/* Closes a handle of ours; that cannot fail but by a mistake of ours. */
void server_handle_close(handle_t handle);

/* Ends the object of which `gate` is our own handle: nobody got a copy. */
void server_object_unanswered(handle_t gate);

/* Closes the handles that an undelivered answer was to move, and ends the objects that it made. */
void server_answer_drop(const struct answer *answer);

void server_notify_init(struct server *server, uint64_t bits);

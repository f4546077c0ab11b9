/* SPDX-License-Identifier: MIT */
/*
 * The server loop: one thread, one endpoint, objects reached by badge. The least of a server:
 */
/* clang-format off */
/*
 *     static const struct server_protocol protocols[] = {FILE_SERVE(file_handlers), {0}};
 *     static const struct server_class class = {.protocols = protocols, .closed = on_closed};
 *
 *     struct server *server = server_start(&(struct server_options){.name = "ramfs"});
 *     server_export(server, 0, &class, &root);        what clients start from: root 0
 *     server_run(server);
 */
/* clang-format on */
/*
 * Every object has a class (protocols it speaks, what happens when its last client is gone) and a
 * pointer that is the handlers' context. Its badge is (incarnation << 48 | generation << 24 |
 * index): a badge of an earlier incarnation of the service, or of an object that is gone, is
 * answered STALE. Gates given out keep the object alive; when the last one is closed, or
 * server_object_revoke is called, `closed` runs once and the badge is dead.
 *
 * Limits per client tag (open objects, saved replies) hold every client, and shares of all of them
 * (lib/base/share.h) every login, to what is theirs: over them requests get TOO_MANY. Deadlock-free
 * by design: handlers never call upwards, and never wait; a request that has to wait is saved
 * (request_save).
 */
#pragma once

#include "lib/base/list.h"
#include "lib/native/request.h"

/* A row of a class's protocol table; the generated NAME_SERVE makes it. The table ends with a row
 * of zeros. */
struct server_protocol {
    uint32_t number;
    status_t (*dispatch)(const void *handlers, void *context, struct request *request);
    const void *handlers;
};

struct server_class {
    const struct server_protocol *protocols;
    /* The last gate of the object is closed (or server_object_revoke was called): free it. May be
     * NULL. */
    void (*closed)(struct server *server, void *object);
    /* Notification bits (without CLOSED) came in on a gate of the object: irqs, exits, other
     * servers' notifications. May be NULL. */
    void (*notified)(struct server *server, void *object, uint64_t bits);
    /* The client of a saved request of this object gave up: answer it soon. `cookie` is that of
     * request_save. May be NULL. */
    void (*cancelled)(struct server *server, void *object, uint64_t cookie);
};

/* A timer: `fire` runs once, in the loop, when the deadline has passed. */
struct server_timer {
    struct list_node node; /* iff armed */
    uint64_t deadline;
    void (*fire)(struct server *server, struct server_timer *timer);
};

struct server_options {
    const char *name;         /* for the log */
    uint32_t objects_per_tag; /* 0: 1024 */
    uint32_t objects;         /* of all clients together; 0: as many as half the budget holds of
                                 SERVER_OBJECT_BYTES each */
    uint32_t saved_per_tag;   /* 0: 64 */
    uint32_t accept;          /* handles accepted per request, 0: 1 */
    uint32_t gates; /* so many are made at once, for what server_object_answer opens: up to 40 */
    /* init asks for something else than a sign of life (bits of enum server_control); may be NULL
     */
    void (*control)(struct server *server, uint64_t bits);
    /* Called each time before the loop waits, after the event (and the timers) that came before:
     * what an event only collected is sent here, once. May arm timers. May be NULL. */
    void (*before_wait)(struct server *server);
};

/* What init tells a service by notification. */
enum server_control {
    SERVER_CONTROL_HEARTBEAT = 1, /* answered by the loop itself */
    SERVER_CONTROL_SPIN = 4,      /* for tests: hangs, and takes the processor with it */
    SERVER_CONTROL_CRASH = 8,     /* for tests: faults */
    SERVER_CONTROL_QUIET =
        2, /* to the log: the system is up, the consoles belong to their sessions */
};

/* What an object takes of the budget if it is small: its gate, the loop's memory of it, its own. */
enum { SERVER_OBJECT_BYTES = 256 };

/* Of this service; where it has none of its own, what a small service has. */
uint64_t server_budget_bytes(void);

struct server; /* lib/native/server_state.h: nobody needs to look inside */

/*
 * Makes the one server of this process. Its endpoint is the one in the start block
 * (STARTUP_ENDPOINT, with the incarnation), or a new one. Without memory or endpoint the process
 * ends with a line on the log: a server that cannot start has nobody to tell.
 */
struct server *server_start(const struct server_options *options);

/*
 * What clients start from: gates with the badge SERVER_ROOT_BADGE(root), which whoever has the
 * endpoint can make (init does, for the namespaces of clients). They outlive incarnations, and mean
 * the object exported as `root`, 0 to 15; it is never closed.
 */
#define SERVER_ROOT_BADGE(root) (0xffffull << 48 | (root))
enum { SERVER_ROOTS_MAX = 16 };
void server_export(struct server *server, unsigned root, const struct server_class *class,
                   void *object);

/*
 * Makes an object and a gate to it (with all rights; move it to the client in the answer). `tag` is
 * charged, and its login: request->tag, or 0 for the server itself (not limited). TOO_MANY,
 * NO_MEMORY or the kernel's error; then `closed` is not called.
 */
WARN_UNUSED status_t server_object_create(struct server *server, uint32_t tag,
                                          const struct server_class *class, void *object,
                                          handle_t *gate);

/*
 * The same for what the answer to the request opens, as the last thing that the handler does: it
 * must return OK, with `gate` in the answer. Such objects come and go with their clients; one that
 * finds one of the `gates` of the options free uses it, and what is made and ended is no kernel
 * object. The client gets the gate with SEND, NOTIFY and COPY then, else with all rights.
 */
WARN_UNUSED status_t server_object_answer(struct request *request, const struct server_class *class,
                                          void *object, handle_t *gate);

/* Would its login's share allow the client `tag` another object? For requests that change something
 * before they make one. */
bool server_object_is_left(const struct server *server, uint32_t tag);

/* The object's badge, to find it again by server_object_find; the same object may have one only. */
WARN_UNUSED status_t server_object_create_badged(struct server *server, uint32_t tag,
                                                 const struct server_class *class, void *object,
                                                 handle_t *gate, uint64_t *badge);

/* The object behind a badge (of a request's `own` parameter, say) if it is alive and of this class
 * (NULL: any); else NULL. */
void *server_object_find(struct server *server, uint64_t badge, const struct server_class *class);

/* Another gate of the same object; `gate` is any gate of it that the server holds. */
WARN_UNUSED status_t server_gate_copy(handle_t gate, handle_t *copy);

/* Ends the object now: `closed` is called, clients' gates are dead. `gate` must be one with MANAGE;
 * closed too. */
void server_object_revoke(struct server *server, uint64_t badge, handle_t gate);

/* Arms (or rearms) a timer; deadline as in messages. */
void server_timer_arm(struct server *server, struct server_timer *timer, uint64_t deadline,
                      void (*fire)(struct server *server, struct server_timer *timer));
void server_timer_stop(struct server_timer *timer);

/* A gate to this server for irqs, exits and the like: notifications on it go to the class's
 * `notified`. Owned by the caller. */
WARN_UNUSED status_t server_notification_gate(struct server *server,
                                              const struct server_class *class, void *object,
                                              handle_t *gate);

/* Receives and answers for ever. */
NORETURN void server_run(struct server *server);

/* Receives and answers until the deadline, or until nothing is left to do with deadline 0. */
void server_poll(struct server *server, uint64_t deadline);

/* Tells init that the service is up (its object answers). Called by server_run before the first
 * receive. */
void server_ready(struct server *server);

/* Tells init that what boot may wait for is settled: the network is configured, or known not to be
 * there. */
void server_settled(struct server *server);

/* Which start of the service this is: 1, 2 ... */
uint32_t server_incarnation(const struct server *server);

/* SPDX-License-Identifier: MIT */
/*
 * The server loop and its objects. One thread, so no locks.
 *
 * Invariant: slot i is in use iff its class is not NULL; its generation changes when it is given
 * up, so a badge names at most one object ever (until 2^24 reuses of one slot).
 */
#include "lib/native/server.h"

#include <stdlib.h>

#include "abi/tag.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/message.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum {
    INDEX_BITS = 24,
    GENERATION_BITS = 24,
    INDEX_MASK = (1 << INDEX_BITS) - 1,
    FIRST_SLOTS = 32,
    STACK_TOUCHED_BYTES = 16 * 1024,
    BUDGET_DEFAULT_BYTES = 1024 * 1024,
};

_Static_assert(TAG_LOGIN_MAX < SHARE_OWNERS, "each login is an owner");

static struct server the_server;

/* ---- badges and objects ---- */

static uint64_t badge_make(const struct server *server, uint32_t index) {
    return (uint64_t)(server->incarnation & 0x7fff) << 48 |
           (uint64_t)server->slots[index].generation << INDEX_BITS | index;
}

/* The slot that a badge means; NULL if it means none (any more). */
struct server_slot *server_badge_find(struct server *server, uint64_t badge) {
    uint32_t index = (uint32_t)badge & INDEX_MASK;

    if (badge >> 48 == SERVER_ROOT_BADGE(0) >> 48) {
        uint64_t root = badge & ~SERVER_ROOT_BADGE(0);
        return root < SERVER_ROOTS_MAX && server->roots[root].class != NULL ? &server->roots[root]
                                                                            : NULL;
    }
    if (index >= server->n_slots || server->slots[index].class == NULL ||
        badge_make(server, index) != badge) {
        return NULL;
    }
    return &server->slots[index];
}

/* Doubles the slots when none is free. */
static status_t slots_grow(struct server *server) {
    uint32_t n = server->n_slots == 0 ? FIRST_SLOTS : server->n_slots * 2;

    if (n > INDEX_MASK) {
        return ERROR_TOO_MANY;
    }
    struct server_slot *slots = realloc(server->slots, n * sizeof *slots);
    if (slots == NULL) {
        return ERROR_NO_MEMORY;
    }
    server->slots = slots;
    for (uint32_t i = server->n_slots; i < n; i++) {
        slots[i] = (struct server_slot){.generation = 1, .next_free = server->first_free};
        server->first_free = i;
    }
    server->n_slots = n;
    return OK;
}

bool server_object_is_left(const struct server *server, uint32_t tag) {
    return tag == 0 || share_is_left(&server->objects, tag_login(tag), 1);
}

static status_t object_count(struct server *server, uint32_t tag) {
    status_t status = server_object_is_left(server, tag) ? server_tag_get(server, tag, TAG_OBJECTS)
                                                         : ERROR_TOO_MANY;

    if (status == OK && tag != 0) {
        share_take(&server->objects, tag_login(tag), 1);
    }
    return status;
}

static void object_uncount(struct server *server, uint32_t tag) {
    if (tag != 0) {
        share_return(&server->objects, tag_login(tag), 1);
        server_tag_put(server, tag, TAG_OBJECTS);
    }
}

static void slot_free(struct server *server, struct server_slot *slot) {
    uint32_t index = (uint32_t)(slot - server->slots);

    object_uncount(server, slot->tag);
    slot->class = NULL;
    slot->generation = (slot->generation + 1) & ((1u << GENERATION_BITS) - 1);
    slot->next_free = server->first_free;
    server->first_free = index;
}

/* Ends an object: its badge is dead before `closed` runs, which may make and end others. */
static void slot_close(struct server *server, struct server_slot *slot) {
    const struct server_class *class = slot->class;
    void *object = slot->object;

    slot_free(server, slot);
    if (class->closed != NULL) {
        class->closed(server, object);
    }
}

status_t server_object_create_badged(struct server *server, uint32_t tag,
                                     const struct server_class *class, void *object, handle_t *gate,
                                     uint64_t *badge) {
    status_t status = object_count(server, tag);

    if (status != OK) {
        return status;
    }
    if (server->first_free == SLOT_NONE) {
        status = slots_grow(server);
    }
    if (status == OK) {
        uint32_t index = server->first_free;

        *badge = badge_make(server, index);
        status = sys_gate_create(server->endpoint, *badge, gate);
        if (status == OK) {
            struct server_slot *slot = &server->slots[index];

            server->first_free = slot->next_free;
            slot->class = class;
            slot->object = object;
            slot->tag = tag;
            return OK;
        }
    }
    object_uncount(server, tag);
    return status;
}

status_t server_object_create(struct server *server, uint32_t tag, const struct server_class *class,
                              void *object, handle_t *gate) {
    uint64_t badge;

    return server_object_create_badged(server, tag, class, object, gate, &badge);
}

status_t server_notification_gate(struct server *server, const struct server_class *class,
                                  void *object, handle_t *gate) {
    return server_object_create(server, 0, class, object, gate);
}

void server_export(struct server *server, unsigned root, const struct server_class *class,
                   void *object) {
    server->roots[root].class = class;
    server->roots[root].object = object;
}

void *server_object_find(struct server *server, uint64_t badge, const struct server_class *class) {
    struct server_slot *slot = server_badge_find(server, badge);

    return slot == NULL || (class != NULL && slot->class != class) ? NULL : slot->object;
}

status_t server_gate_copy(handle_t gate, handle_t *copy) {
    return sys_handle_copy(gate, RIGHTS_ALL, HANDLE_NO_FORK, copy);
}

void server_object_revoke(struct server *server, uint64_t badge, handle_t gate) {
    struct server_slot *slot = server_badge_find(server, badge);
    status_t status = sys_gate_revoke(gate);

    if (status == OK && slot != NULL) {
        slot_close(server, slot);
    }
    server_handle_close(gate);
}

/* ---- timers: a list by deadline; there are few ---- */

void server_timer_arm(struct server *server, struct server_timer *timer, uint64_t deadline,
                      void (*fire)(struct server *server, struct server_timer *timer)) {
    struct server_timer *other;

    server_timer_stop(timer);
    timer->deadline = deadline;
    timer->fire = fire;
    LIST_FOR_EACH(other, &server->timers, node) {
        if (other->deadline > deadline) {
            list_insert_before(&other->node, &timer->node);
            return;
        }
    }
    list_push_back(&server->timers, &timer->node);
}

void server_timer_stop(struct server_timer *timer) {
    if (list_is_linked(&timer->node)) {
        list_remove(&timer->node);
    }
}

/* When the next one is due. */
static uint64_t timers_next(const struct server *server) {
    const struct server_timer *timer = LIST_FIRST(&server->timers, struct server_timer, node);

    return timer == NULL ? DEADLINE_NEVER : timer->deadline;
}

/* Fires what is due. */
static void timers_run(struct server *server) {
    struct server_timer *timer = LIST_FIRST(&server->timers, struct server_timer, node);

    if (timer == NULL) {
        return;
    }
    uint64_t now = time_now_ns();
    /* Only what is due now: a timer that rearms itself in the past must not keep the clients out.
     */
    while (timer != NULL && timer->deadline <= now) {
        list_remove(&timer->node);
        timer->fire(server, timer);
        timer = LIST_FIRST(&server->timers, struct server_timer, node);
    }
}

/* ---- the loop ---- */

static void on_control(struct server *server, uint64_t bits) {
    if ((bits & SERVER_CONTROL_HEARTBEAT) != 0) {
        server_notify_init(server, SERVER_ANSWER_ALIVE);
    }
    while ((bits & SERVER_CONTROL_SPIN) != 0) { /* NOLINT(bugprone-infinite-loop): as asked for */
        __asm__ volatile("pause");              /* only init's end of us ends this */
    }
    if ((bits & SERVER_CONTROL_CRASH) != 0) {
        volatile int *volatile nowhere = NULL;

        *nowhere = 0;
    }
    bits &= ~(uint64_t)SERVER_CONTROL_HEARTBEAT;
    if (bits != 0 && server->control != NULL) {
        server->control(server, bits);
    }
}

static void on_notification(struct server *server, uint64_t badge, uint64_t bits) {
    struct server_slot *slot;

    if (badge == SERVER_CONTROL_BADGE) {
        on_control(server, bits);
        return;
    }
    if ((bits & NOTIFY_ABANDONED) != 0) {
        server_saved_abandoned(server);
    }
    bits &= ~NOTIFY_ABANDONED;
    slot = server_badge_find(server, badge);
    if (slot != NULL && (bits & ~NOTIFY_CLOSED) != 0 && slot->class->notified != NULL) {
        slot->class->notified(server, slot->object, bits & ~NOTIFY_CLOSED);
        slot = server_badge_find(server,
                                 badge); /* the callback may have ended it, or grown the table */
    }
    if (slot != NULL && (bits & NOTIFY_CLOSED) != 0 && badge >> 48 != SERVER_ROOT_BADGE(0) >> 48) {
        /* Whose requests still wait here is dead: the call of one that lives holds the gate. */
        server_saved_end(server, badge);
        slot_close(server, server_badge_find(server, badge));
    }
}

static void on_cancel(struct server *server, uint64_t badge, uint64_t cookie) {
    struct server_slot *slot = server_badge_find(server, badge);

    if (slot != NULL && slot->class->cancelled != NULL) {
        slot->class->cancelled(server, slot->object, cookie);
    }
}

/* [book:server-dispatch] */
static status_t request_dispatch(struct server *server, struct request *request) {
    struct server_slot *slot = server_badge_find(server, request->badge);

    if (slot == NULL) {
        return ERROR_STALE;
    }
    for (const struct server_protocol *protocol = slot->class->protocols;
         protocol != NULL && protocol->dispatch != NULL; protocol++) {
        if (protocol->number == request->label >> 16) {
            return protocol->dispatch(protocol->handlers, slot->object, request);
        }
    }
    return ERROR_BAD_MESSAGE;
}
/* [/book] */

/* Fills a request from what was received. */
static void request_load(struct request *request, struct server *server, const struct message *m) {
    request->server = server;
    request->badge = m->badge;
    request->label = m->label;
    request->tag = m->tag;
    memcpy(request->words, m->words, sizeof request->words);
    request->readable = m->readable;
    request->writable = m->writable;
    request->is_brief = false;
    int brief_bytes = message_brief_bytes(m->label);
    if (brief_bytes >= 0 && brief_bytes <= MESSAGE_BRIEF_BYTES) {
        request->is_brief = true;
        request->label &= ~(uint32_t)(MESSAGE_BRIEF_MASK << MESSAGE_BRIEF_SHIFT);
        request->readable = (uint32_t)brief_bytes;
    }
    request->is_call = m->kind == MESSAGE_CALL;
    request->has_own_badge = MESSAGE_RESULT_OWN_GATE(m->control);
    request->own_badge = request->has_own_badge ? m->own_badge : 0;
    request->n_handles = MESSAGE_RESULT_HANDLES(m->control);
    memcpy(request->handles, m->handles, sizeof request->handles); /* HANDLE_NONE: none came */
    request->result = m->control;
    request->saved = HANDLE_NONE;
    request->answer_flag = ANSWER_MOVE;
    request->answer = (struct answer){.control = 0};
}

/*
 * Handles one received message. True: the current request is to be answered, with what has been put
 * into `m`.
 */
static bool server_handle(struct server *server, struct message *m) {
    struct request request;

    if (m->kind == MESSAGE_NOTIFICATION) {
        on_notification(server, m->badge, m->words[0]);
        return false;
    }
    if (m->kind == MESSAGE_CANCEL) {
        on_cancel(server, m->badge, m->words[0]);
        return false;
    }
    request_load(&request, server, m);
    status_t status = request_dispatch(server, &request);

    for (unsigned i = 0; i < request.n_handles; i++) {
        if (request.handles[i] != HANDLE_NONE) {
            server_handle_close(request.handles[i]);
        }
    }
    if (!request.is_call || status == REQUEST_DEFERRED) {
        server_answer_drop(&request.answer);
        return false;
    }
    m->label = (uint32_t)status;
    memcpy(m->words, request.answer.words, sizeof m->words);
    memcpy(m->handles, request.answer.handles, sizeof m->handles);
    m->control = request.answer.control;
    return true;
}

/* The receive that follows one that failed: there was no room for handles, neither here for those
 * of a request nor at the client for those of the answer in *m; or nobody waits for them. */
static status_t server_receive_again(struct server *server, struct message *m, status_t failed) {
    struct answer sent = {.control = m->control};
    status_t status;

    memcpy(sent.handles, m->handles, sizeof sent.handles);
    if (failed == ERROR_NO_REPLY) {
        server_answer_drop(&sent);
    }
    m->control = 0; /* go on with those who send none */
    status = message_receive(m);
    if (status == ERROR_PENDING) { /* it was the answer */
        server_answer_drop(&sent);
        m->gate = HANDLE_NONE;
        m->label = (uint32_t)ERROR_TOO_MANY;
        status = message_reply(m);
        m->gate = server->endpoint;
        status = message_receive(m);
    }
    return status;
}

/* Receives once, answering the current request first if `answer`; errors other than TIMEOUT end the
 * server. */
static status_t server_receive(struct server *server, struct message *m, bool answer,
                               uint64_t deadline) {
    status_t status;

    m->gate = server->endpoint;
    m->deadline = deadline;
    m->control = (answer ? m->control : 0) | MESSAGE_ACCEPT(server->accept);
    status = answer ? message_reply_receive(m) : message_receive(m);
    if (status == OK || status == ERROR_TIMEOUT) {
        return status;
    }
    status = server_receive_again(server, m, status);
    if (status != OK && status != ERROR_TIMEOUT) {
        log_write(LOG_ERROR, "cannot receive: %s", status_text(status));
        sys_process_exit(1);
    }
    return status;
}

static void server_loop(struct server *server, uint64_t until) {
    struct message m;
    bool answer = false;
    status_t status;

    for (;;) {
        timers_run(server);
        if (server->before_wait != NULL) {
            server->before_wait(server);
        }
        uint64_t next = timers_next(server);

        status = server_receive(server, &m, answer, MIN(next, until));
        answer = false;
        if (status == OK) {
            answer = server_handle(server, &m);
        } else if (until <= next) {
            return; /* nothing is owed here: TIMEOUT means that the answer was given */
        }
    }
}

void server_run(struct server *server) {
    server_ready(server);
    for (;;) {
        server_loop(server, DEADLINE_NEVER);
    }
}

void server_poll(struct server *server, uint64_t deadline) {
    server_loop(server, deadline);
}

void server_ready(struct server *server) {
    server_notify_init(server, SERVER_ANSWER_READY);
}

void server_settled(struct server *server) {
    server_notify_init(server, SERVER_ANSWER_SETTLED);
}

void server_notify_init(struct server *server, uint64_t bits) {
    if (server->init != HANDLE_NONE) {
        status_t status = sys_notify(server->init, bits);
        (void)status; /* without init there is nobody to tell */
    }
}

uint32_t server_incarnation(const struct server *server) {
    return server->incarnation;
}

/* Touches the stack as deep as handlers go: a server whose budget has ended meanwhile still answers
 * that it has. */
__attribute__((noinline)) static void stack_touch(void) {
    volatile uint8_t pages[STACK_TOUCHED_BYTES];

    for (size_t i = 0; i < sizeof pages; i += PAGE_SIZE) {
        pages[i] = 0;
    }
}

uint64_t server_budget_bytes(void) {
    handle_t budget = startup_handle(STARTUP_BUDGET, NULL);
    struct handle_info info;

    return budget != HANDLE_NONE && sys_handle_info(budget, &info) == OK
               ? info.budget.limit * PAGE_SIZE
               : (uint64_t)BUDGET_DEFAULT_BYTES;
}

struct server *server_start(const struct server_options *options) {
    const struct startup_entry *endpoint = startup_find(STARTUP_ENDPOINT, NULL);
    struct server *server = &the_server;

    stack_touch();
    server->name = options->name;
    server->limits[TAG_OBJECTS] = options->objects_per_tag == 0 ? 1024 : options->objects_per_tag;
    server->limits[TAG_SAVED] = options->saved_per_tag == 0 ? 64 : options->saved_per_tag;
    server->objects.total =
        options->objects != 0 ? options->objects : server_budget_bytes() / 2 / SERVER_OBJECT_BYTES;
    server->accept = options->accept == 0 ? 1 : options->accept;
    server->control = options->control;
    server->before_wait = options->before_wait;
    server->first_free = SLOT_NONE;
    server->init = startup_handle(STARTUP_GATE, "init");
    list_init(&server->timers);
    server_tags_init(server);
    if (endpoint != NULL) {
        server->endpoint = endpoint->handle;
        server->incarnation = endpoint->number;
    } else {
        status_t status = sys_endpoint_create(&server->endpoint);
        if (status != OK) {
            log_write(LOG_ERROR, "no endpoint: %s", status_text(status));
            sys_process_exit(1);
        }
        server->incarnation = 1;
    }
    return server;
}

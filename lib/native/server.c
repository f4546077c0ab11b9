/* SPDX-License-Identifier: MIT */
/* The server loop. One thread, so no locks. */
#include "lib/native/server.h"

#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/message.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum {
    STACK_TOUCHED_BYTES = 16 * 1024,
    BUDGET_DEFAULT_BYTES = 1024 * 1024,
};

struct server the_server;

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

/* Not inlined, nor the loop: crash reports name them. */
NOINLINE static void on_control(struct server *server, uint64_t bits) {
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

static void on_bits(struct server *server, uint64_t badge, uint64_t bits) {
    struct server_slot *slot = server_badge_find(server, badge);

    if (slot != NULL && slot->class->notified != NULL) {
        slot->class->notified(server, slot->object, bits);
    }
}

/* Nobody has a gate with this badge any more. */
static void on_closed(struct server *server, uint64_t badge) {
    struct server_slot *slot;

    if (badge >> 48 == SERVER_ROOT_BADGE(0) >> 48) {
        return;
    }
    /* Whose requests still wait here is dead: the call of one that lives holds the gate. */
    server_saved_end(server, badge);
    slot = server_badge_find(server, badge);
    if (slot != NULL) {
        server_slot_close(server, slot);
    }
}

static void on_notification(struct server *server, uint64_t badge, uint64_t bits) {
    uint64_t others = bits & ~(NOTIFY_CLOSED | NOTIFY_ABANDONED);

    if (badge == SERVER_CONTROL_BADGE) {
        on_control(server, bits);
        return;
    }
    if ((bits & NOTIFY_ABANDONED) != 0) {
        server_saved_abandoned(server);
    }
    if (others != 0) {
        on_bits(server, badge, others);
    }
    if ((bits & NOTIFY_CLOSED) != 0) {
        on_closed(server, badge);
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

/* Two handles as they lie in a register. */
static inline uint64_t handles_pack(const handle_t *two) {
    return two[0] | (uint64_t)two[1] << 32;
}

static inline void handles_unpack(handle_t *two, uint64_t packed) {
    two[0] = (handle_t)packed;
    two[1] = (handle_t)(packed >> 32);
}

/*
 * The system call of the loop: receive, or reply_receive with this outcome and the answer in
 * `request`, which an error leaves as it is. Returns an enum message_kind, or the error. Nothing is
 * between the request and the registers (abi/message.h), for all that a server does comes this way;
 * a server has no upcalls, so nothing need end the call.
 */
static ALWAYS_INLINE int64_t request_receive(struct request *request, enum syscall_number number,
                                             status_t outcome, uint64_t deadline, uint32_t accept) {
    const struct answer *answer = &request->answer;
    uint64_t rax = number, badge = request->server->endpoint, label = (uint32_t)outcome;
    uint64_t word0 = answer->words[0], own_badge;
    register uint64_t word1 __asm__("r10") = answer->words[1];
    register uint64_t word2 __asm__("r8") = answer->words[2];
    register uint64_t word3 __asm__("r9") = answer->words[3];
    register uint64_t lent __asm__("r12") = deadline;
    register uint64_t control __asm__("r13") = answer->control | MESSAGE_ACCEPT(accept);
    register uint64_t first __asm__("r14") = handles_pack(&answer->handles[0]);
    register uint64_t second __asm__("r15") = handles_pack(&answer->handles[2]);

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(badge), "+S"(label), "+d"(word0), "+r"(word1), "+r"(word2),
                       "+r"(word3), "+r"(lent), "+r"(control), "+r"(first), "+r"(second),
                       "=b"(own_badge)
                     :
                     : "rcx", "r11", "memory");
    if ((int64_t)rax >= 0) {
        request->badge = badge;
        request->label = (uint32_t)label;
        request->tag = (uint32_t)(label >> 32);
        request->words[0] = word0;
        request->words[1] = word1;
        request->words[2] = word2;
        request->words[3] = word3;
        request->readable = (uint32_t)lent;
        request->writable = (uint32_t)(lent >> 32);
        request->result = control;
        handles_unpack(&request->handles[0], first); /* HANDLE_NONE: none came */
        handles_unpack(&request->handles[2], second);
        request->own_badge = own_badge;
    }
    return (int64_t)rax;
}

/* The rest of a request that came as `kind`. */
static void request_begin(struct request *request, enum message_kind kind) {
    int brief_bytes = message_brief_bytes(request->label);

    request->is_brief = false;
    if (brief_bytes >= 0 && brief_bytes <= MESSAGE_BRIEF_BYTES) {
        request->is_brief = true;
        request->label &= ~(uint32_t)(MESSAGE_BRIEF_MASK << MESSAGE_BRIEF_SHIFT);
        request->readable = (uint32_t)brief_bytes;
    }
    request->is_call = kind == MESSAGE_CALL;
    request->has_own_badge = MESSAGE_RESULT_OWN_GATE(request->result);
    request->n_handles = MESSAGE_RESULT_HANDLES(request->result);
    request->saved = HANDLE_NONE;
    request->answer_flag = ANSWER_MOVE;
    request->answer = (struct answer){.control = 0};
}

/* Handles what was received: the outcome to answer with, DEFERRED if nothing is to be answered
 * (now). */
static status_t request_handle(struct server *server, struct request *request,
                               enum message_kind kind) {
    if (kind == MESSAGE_NOTIFICATION) {
        on_notification(server, request->badge, request->words[0]);
        return REQUEST_DEFERRED;
    }
    if (kind == MESSAGE_CANCEL) {
        on_cancel(server, request->badge, request->words[0]);
        return REQUEST_DEFERRED;
    }
    request_begin(request, kind);
    status_t outcome = request_dispatch(server, request);

    for (unsigned i = 0; i < request->n_handles; i++) {
        if (request->handles[i] != HANDLE_NONE) {
            server_handle_close(request->handles[i]);
        }
    }
    if (kind == MESSAGE_CALL && outcome != REQUEST_DEFERRED) {
        return outcome;
    }
    server_answer_drop(&request->answer);
    return REQUEST_DEFERRED;
}

/* The receive that follows one that failed: there was no room for handles, neither here for those
 * of a request nor at the client for those of the answer; or nobody waits for them. */
NOINLINE static int64_t receive_again(struct request *request, status_t failed, uint64_t deadline) {
    struct answer sent = request->answer;
    int64_t kind;

    request->answer = (struct answer){.control = 0};
    if (failed == ERROR_NO_REPLY) {
        server_answer_drop(&sent);
        sent.control = 0;
    }
    /* Go on with those who send none. */
    kind = request_receive(request, SYSCALL_receive, OK, deadline, 0);
    if (kind == ERROR_PENDING) { /* it was the answer */
        server_answer_drop(&sent);
        kind = request_receive(request, SYSCALL_reply_receive, ERROR_TOO_MANY, deadline, 0);
    }
    return kind;
}

/* Receives once, answering the current request first unless `outcome` is DEFERRED. The kind of what
 * came, or TIMEOUT; other errors end the server. */
static int64_t server_receive(struct server *server, struct request *request, status_t outcome,
                              uint64_t deadline) {
    int64_t kind = request_receive(
        request, outcome == REQUEST_DEFERRED ? SYSCALL_receive : SYSCALL_reply_receive, outcome,
        deadline, server->accept);

    if (UNLIKELY(kind < 0 && kind != ERROR_TIMEOUT)) {
        kind = receive_again(request, (status_t)kind, deadline);
    }
    if (UNLIKELY(kind < 0 && kind != ERROR_TIMEOUT)) {
        log_write(LOG_ERROR, "cannot receive: %s", status_text((status_t)kind));
        sys_process_exit(1);
    }
    return kind;
}

NOINLINE static void server_loop(struct server *server, uint64_t until) {
    struct request request = {.server = server};
    status_t outcome = REQUEST_DEFERRED;

    for (;;) {
        timers_run(server);
        if (server->before_wait != NULL) {
            server->before_wait(server);
        }
        uint64_t next = timers_next(server);
        int64_t kind = server_receive(server, &request, outcome, MIN(next, until));

        outcome = REQUEST_DEFERRED;
        if (kind >= 0) {
            outcome = request_handle(server, &request, (enum message_kind)kind);
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
NOINLINE static void stack_touch(void) {
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
    server->first_free = server->first_kept = SLOT_NONE;
    server->init = startup_handle(STARTUP_GATE, "init");
    list_init(&server->timers);
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
    if (server_slots_grow(server) != OK) {
        log_write(LOG_ERROR, "no memory");
        sys_process_exit(1);
    }
    server_gates_keep(server, options->gates);
    return server;
}

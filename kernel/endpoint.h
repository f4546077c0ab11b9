/* SPDX-License-Identifier: MIT */
/*
 * Endpoints, gates, calls, replies: the rendezvous machine. The state machine is the one of
 * tests/model/README.md, where it is proved; the names are the same.
 *
 * Invariants:
 *   receivers not empty => urgent and queue empty
 *   dead => receivers empty; the other two, once the flush is done; and nothing is added any more
 *   absent (the sign hangs) => the same, but that the sign itself is first in `urgent`: so what the
 * fast path looks at is never empty, and all that has to do with the sign goes through C
 *   a gate is linked iff it has pending bits and no receiver waits; then `urgent` tells which list
 *   gate->senders = handles with SEND or NOTIFY + bindings (irq, process exit, log) + threads whose
 * call_gate it is; all together hold one reference. Reaching 0 raises CLOSED. From 0 it comes back
 * only through the receiver's own handle (abi/objects.def)
 */
#pragma once

#include "kernel/object.h"

struct thread;
struct registers;

/* What stands in an endpoint's queue: a thread, a gate, or the endpoint's sign. */
enum queue_kind { QUEUE_THREAD, QUEUE_GATE, QUEUE_SIGN };

struct queue_item {
    struct list_node link;
    uint8_t kind; /* enum queue_kind */
};

/* [book:endpoint] */
struct endpoint {
    struct object object;
    struct reapable reapable;
    struct list urgent; /* the sign; gates with an irq bit */
    struct list queue;  /* SENDING threads, threads with a CANCEL, gates, in the order of coming */
    struct list receivers;  /* RECEIVING threads, by their queue item; they go to `urgent`, to be
                               told, when the endpoint dies */
    struct queue_item sign; /* in `urgent`: whoever comes is told ABSENT */
    uint32_t receive_rights;
    bool dead;
};
/* [/book] */

/* Nobody is to be expected there, and nothing gets in: CLOSED for ever, ABSENT until the next
 * receive. */
static inline status_t endpoint_refusal(const struct endpoint *endpoint) {
    return endpoint->dead ? ERROR_CLOSED : list_is_linked(&endpoint->sign.link) ? ERROR_ABSENT : OK;
}

/* Whose turn it is to be received. NULL: nobody's. */
static inline struct list_node *endpoint_first(const struct endpoint *endpoint) {
    return list_first(list_is_empty(&endpoint->urgent) ? &endpoint->queue : &endpoint->urgent);
}

/* [book:gate] */
struct gate {
    struct object object;
    struct queue_item item;
    struct endpoint *endpoint; /* referenced */
    uint64_t badge;
    uint64_t pending; /* notification bits not received yet */
    uint32_t senders;
    bool urgent; /* linked in `urgent`, not in `queue` */
};
/* [/book] */

WARN_UNUSED status_t endpoint_create(struct budget *budget, struct endpoint **endpoint);
WARN_UNUSED status_t gate_create(struct budget *budget, struct endpoint *endpoint, uint64_t badge,
                                 struct gate **gate);
void endpoint_destroy(struct object *object);
void gate_destroy(struct object *object);

/* The last handle with RECEIVE is closed: everybody who waits gets CLOSED. */
void endpoint_receive_right_drop(struct endpoint *endpoint);

/* Hangs the sign up: who waits and who comes gets ABSENT, notifications are dropped, until a
 * receive takes it down. BUSY: somebody receives. RESULT_RESTART: there is more to be flushed. */
status_t endpoint_refuse(struct endpoint *endpoint);

/* Nothing with this badge is delivered any more. */
void gate_revoke(struct gate *gate);

enum gate_order { GATE_NORMAL, GATE_URGENT };
/* Bits for the receiver. CLOSED if there is and will be none, ABSENT if there is none now. */
status_t gate_notify(struct gate *gate, uint64_t bits, enum gate_order order);

/* One sender more. */
static inline void gate_bind(struct gate *gate) {
    if (gate->senders++ == 0) {
        object_get(&gate->object);
    }
}
/* One less; the last one raises CLOSED. */
void gate_unbind(struct gate *gate);
/* `gate` is bound in the place of what was there, NULL: nothing. */
void gate_bind_at(struct gate **place, struct gate *gate);

/* Its pending bits were received, or are dropped: it leaves the queue. */
void gate_unlink(struct gate *gate);

/* The call is answered, the answer is in the caller's registers; whoever calls this makes the
 * caller READY. */
void call_end(struct thread *caller);

/* Other ways out of a wait: see the model. `status` goes to the thread's rax, and it becomes READY.
 */
void call_finish(struct thread *caller, status_t status);
void send_finish(struct thread *sender, status_t status);
void receive_finish(struct thread *receiver, status_t status);

/* The deadline passed, or an upcall came, for a caller whose call was received. */
void call_cancel(struct thread *caller);
/* Is there somebody who can be told? */
bool call_can_be_cancelled(const struct thread *caller);

/* The thread dies: leaves its wait, answers CLOSED to whom it owes. */
void ipc_kill(struct thread *thread);

/* The open call that a saved reply names; NULL: it is over. See reply_caller. */
struct thread *reply_caller_saved(struct thread *server, uint64_t reply, status_t *status);

/* A saved reply is closed unanswered. */
void reply_drop(struct thread *caller, uint64_t sequence);

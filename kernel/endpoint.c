/* SPDX-License-Identifier: MIT */
#include "kernel/endpoint.h"

#include "kernel/message.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/reaper.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"

#define FLUSH_STEP 16

status_t endpoint_create(struct budget *budget, struct endpoint **endpoint) {
    struct object *object;
    status_t status = object_create(OBJECT_ENDPOINT, budget, &object);

    if (status != OK) {
        return status;
    }
    *endpoint = CONTAINER_OF(object, struct endpoint, object);
    list_init(&(*endpoint)->urgent);
    list_init(&(*endpoint)->queue);
    list_init(&(*endpoint)->receivers);
    (*endpoint)->sign.kind = QUEUE_SIGN;
    return OK;
}

status_t gate_create(struct budget *budget, struct endpoint *endpoint, uint64_t badge,
                     struct gate **gate) {
    struct object *object;
    status_t status = object_create(OBJECT_GATE, budget, &object);

    if (status != OK) {
        return status;
    }
    *gate = CONTAINER_OF(object, struct gate, object);
    (*gate)->item.kind = QUEUE_GATE;
    (*gate)->endpoint = endpoint;
    (*gate)->badge = badge;
    object_get(&endpoint->object);
    return OK;
}

void endpoint_destroy(struct object *object) {
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);

    ASSERT(list_is_empty(&endpoint->queue) && list_is_empty(&endpoint->urgent) &&
           list_is_empty(&endpoint->receivers));
    object_free(object);
}

void gate_destroy(struct object *object) {
    struct gate *gate = CONTAINER_OF(object, struct gate, object);
    struct endpoint *endpoint = gate->endpoint;

    ASSERT(gate->senders == 0 && !list_is_linked(&gate->item.link));
    object_free(object);
    object_put(&endpoint->object);
}

/* The receiver waits no more; whoever calls this makes it READY. */
static void receiver_unlink(struct thread *receiver) {
    list_remove(&receiver->item.link);
    deadline_disarm(receiver);
}

/* A notification or cancel is there for a waiting receiver: it runs. */
static void receiver_wake(struct thread *receiver, enum message_kind kind, uint64_t badge,
                          uint64_t word) {
    receiver_unlink(receiver);
    message_event(receiver, kind, badge, word);
    scheduler_ready(receiver);
}

static struct thread *receiver_first(struct endpoint *endpoint) {
    return LIST_FIRST(&endpoint->receivers, struct thread, item.link);
}

/* [book:gate-raise] */
static void gate_raise(struct gate *gate, uint64_t bits, enum gate_order order) {
    struct endpoint *endpoint = gate->endpoint;
    struct thread *receiver = receiver_first(endpoint);

    if (receiver != NULL) { /* then nothing is pending */
        receiver_wake(receiver, MESSAGE_NOTIFICATION, gate->badge, bits);
        return;
    }
    gate->pending |= bits;
    if (list_is_linked(&gate->item.link)) {
        if (order == GATE_NORMAL || gate->urgent) {
            return;
        }
        list_remove(&gate->item.link);
    } else {
        object_get(&gate->object);
    }
    gate->urgent = order == GATE_URGENT;
    list_push_back(gate->urgent ? &endpoint->urgent : &endpoint->queue, &gate->item.link);
}
/* [/book] */

void gate_unlink(struct gate *gate) {
    list_remove(&gate->item.link);
    gate->pending = 0;
    gate->urgent = false;
    object_put(&gate->object);
}

void gate_unbind(struct gate *gate) {
    if (LIKELY(--gate->senders != 0)) {
        return;
    }
    if (!gate->object.revoked && endpoint_refusal(gate->endpoint) == OK) {
        gate_raise(gate, NOTIFY_CLOSED, GATE_NORMAL);
    }
    object_put(&gate->object);
}

void gate_bind_at(struct gate **place, struct gate *gate) {
    gate_bind(gate);
    if (*place != NULL) {
        gate_unbind(*place);
    }
    *place = gate;
}

status_t gate_notify(struct gate *gate, uint64_t bits, enum gate_order order) {
    status_t status = gate->object.revoked ? ERROR_CLOSED : endpoint_refusal(gate->endpoint);

    if (status == OK && bits != 0) {
        gate_raise(gate, bits, order);
    }
    return status;
}

void gate_revoke(struct gate *gate) {
    gate->object.revoked = true;
    gate->pending = 0;
    if (list_is_linked(&gate->item.link)) {
        gate_unlink(gate);
    }
}

/* The thread's call or send through its gate is over. Last step of a finish: the thread is
 * consistent already. */
static void call_gate_drop(struct thread *thread) {
    struct gate *gate = thread->call_gate;

    thread->call_gate = NULL;
    gate_unbind(gate);
}

/* The number of the open call goes up: every saved reply of it is stale. The caller owes no wait
 * any more. */
static void call_leave(struct thread *caller) {
    caller->call_sequence++;
    if (caller->replier != NULL) {
        caller->replier->current_reply = NULL;
        caller->replier = NULL;
    }
    if (caller->cancel == CANCEL_QUEUED) {
        list_remove(&caller->item.link);
    }
    caller->cancel = CANCEL_NONE;
    deadline_disarm(caller);
}

void call_end(struct thread *caller) {
    call_leave(caller);
    caller->state = THREAD_WAITING;
    call_gate_drop(caller);
}

void call_finish(struct thread *caller, status_t status) {
    message_accept_drop(caller);
    caller->registers.rax = (uint64_t)(int64_t)status;
    call_leave(caller);
    scheduler_ready(caller);
    call_gate_drop(caller);
}

void send_finish(struct thread *sender, status_t status) {
    list_remove(&sender->item.link);
    deadline_disarm(sender);
    message_accept_drop(sender);
    sender->registers.rax = (uint64_t)(int64_t)status;
    scheduler_ready(sender);
    call_gate_drop(sender);
}

void receive_finish(struct thread *receiver, status_t status) {
    receiver_unlink(receiver);
    message_accept_drop(receiver);
    receiver->registers.rax = (uint64_t)(int64_t)status;
    scheduler_ready(receiver);
}

static void cancel_enqueue(struct thread *caller) {
    struct endpoint *endpoint = caller->call_gate->endpoint;
    struct thread *receiver = receiver_first(endpoint);

    if (receiver != NULL) {
        receiver_wake(receiver, MESSAGE_CANCEL, caller->call_gate->badge, caller->cookie);
        caller->cancel = CANCEL_DELIVERED;
        return;
    }
    caller->cancel = CANCEL_QUEUED;
    list_push_back(&endpoint->queue, &caller->item.link);
}

bool call_can_be_cancelled(const struct thread *caller) {
    return !caller->call_gate->object.revoked &&
           endpoint_refusal(caller->call_gate->endpoint) == OK;
}

void call_cancel(struct thread *caller) {
    if (caller->cancel != CANCEL_NONE) {
        return;
    }
    if (!call_can_be_cancelled(caller)) {
        call_finish(caller, ERROR_CLOSED);
    } else if (caller->replier != NULL) {
        caller->cancel = CANCEL_PENDING;
    } else {
        cancel_enqueue(caller);
    }
}

void ipc_kill(struct thread *thread) {
    if (thread->state == THREAD_AWAITING) {
        if (thread->replier == NULL) { /* saved: else nobody would tell the server */
            (void)gate_notify(thread->call_gate, NOTIFY_ABANDONED, GATE_NORMAL);
        }
        call_leave(thread);
        call_gate_drop(thread);
    } else if (thread->state == THREAD_SENDING) {
        list_remove(&thread->item.link);
        call_gate_drop(thread);
    } else if (thread->state == THREAD_RECEIVING) {
        receiver_unlink(thread);
    }
    message_accept_drop(thread);
    if (thread->current_reply != NULL) {
        call_finish(thread->current_reply, ERROR_CLOSED);
    }
}

/* The first of what waits at an endpoint that refuses is told. False if nothing is left. */
static bool flush_one(struct endpoint *endpoint, status_t status) {
    struct list_node *node = endpoint_first(endpoint);
    struct queue_item *item;

    if (node == NULL) {
        return false;
    }
    item = CONTAINER_OF(node, struct queue_item, link);
    if (item->kind == QUEUE_SIGN) {
        list_remove(node);
    } else if (item->kind == QUEUE_GATE) {
        gate_unlink(CONTAINER_OF(item, struct gate, item));
    } else {
        struct thread *thread = CONTAINER_OF(item, struct thread, item);

        if (thread->state == THREAD_RECEIVING) {
            receive_finish(thread, ERROR_CLOSED);
        } else if (thread->state == THREAD_SENDING) {
            send_finish(thread, status);
        } else {
            call_finish(thread, ERROR_CLOSED);
        }
    }
    return true;
}

static bool flush_step(struct reapable *reapable) {
    struct endpoint *endpoint = CONTAINER_OF(reapable, struct endpoint, reapable);

    for (unsigned i = 0; i < FLUSH_STEP; i++) {
        if (!flush_one(endpoint, ERROR_CLOSED)) {
            object_put(&endpoint->object);
            return true;
        }
    }
    return false;
}

void endpoint_receive_right_drop(struct endpoint *endpoint) {
    ASSERT(endpoint->receive_rights != 0);
    if (--endpoint->receive_rights != 0) {
        return;
    }
    endpoint->dead = true;
    list_append_all(&endpoint->urgent, &endpoint->receivers);
    object_get(&endpoint->object);
    endpoint->reapable.step = flush_step;
    if (!flush_step(&endpoint->reapable)) {
        reaper_add(&endpoint->reapable);
    }
}

/* [book:endpoint-refuse] */
status_t endpoint_refuse(struct endpoint *endpoint) {
    status_t status = RESULT_RESTART;

    if (!list_is_empty(&endpoint->receivers)) {
        return ERROR_BUSY;
    }
    for (unsigned i = 0; i < FLUSH_STEP && status != OK; i++) {
        status = flush_one(endpoint, ERROR_ABSENT) ? RESULT_RESTART : OK;
    }
    /* Last, for it would be flushed; and whenever the lock is given up, so that nobody joins. */
    list_push_front(&endpoint->urgent, &endpoint->sign.link);
    return status;
}
/* [/book] */

struct thread *reply_caller_saved(struct thread *server, uint64_t reply, status_t *status) {
    const struct handle_entry *entry = handle_entry(&server->process->handles, reply);
    struct thread *caller;

    *status = ERROR_NO_REPLY;
    if (entry == NULL) {
        *status = ERROR_BAD_HANDLE;
        return NULL;
    }
    if ((entry->rights & HANDLE_REPLY) == 0) {
        *status = ERROR_WRONG_TYPE;
        return NULL;
    }
    caller = CONTAINER_OF(entry->object, struct thread, object);
    return call_is_open(caller, entry->sequence) ? caller : NULL;
}

void reply_drop(struct thread *caller, uint64_t sequence) {
    if (call_is_open(caller, sequence)) {
        call_finish(caller, ERROR_CLOSED);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * The message system calls: send, call, receive, reply, reply_receive, notify, reply_save. Register
 * map: abi/message.h.
 */
#include "kernel/syscall.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/message.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"

/* Items that one receive throws away before it restarts. */
#define DISCARDS_PER_STEP 16

static bool deadline_is_past(uint64_t deadline_ns) {
    return deadline_ns != DEADLINE_NEVER && (deadline_ns == 0 || deadline_ns <= clock_now_ns());
}

/* Copies the message of `from`, which came through its call_gate, to a receiver. On failure nothing
 * changed. */
static ALWAYS_INLINE status_t deliver(struct thread *from, struct thread *to,
                                      enum message_kind kind) {
    const struct gate *gate = from->call_gate;
    status_t status = message_transfer(from, to, gate->endpoint);

    if (UNLIKELY(status != OK)) {
        return status;
    }
    to->registers.rax = kind;
    to->registers.rdi = gate->badge;
    to->registers.rsi |= (uint64_t)from->process->tag << 32;
    to->registers.r12 = from->lent_lengths;
    return OK;
}

/* The caller's message was delivered: it waits for its answer, which `receiver` owes. */
static inline void reply_owe(struct thread *caller, struct thread *receiver) {
    caller->replier = receiver;
    receiver->current_reply = caller;
}

/* Checks all that can be wrong with a send or call, and takes what its message needs. */
static ALWAYS_INLINE status_t send_check(struct thread *thread, bool is_call, struct gate **gate) {
    struct object *object;
    status_t status = handle_find(&thread->process->handles, thread->registers.rdi, OBJECT_GATE,
                                  RIGHT_SEND, &object);

    if (UNLIKELY(status != OK)) {
        return status;
    }
    *gate = CONTAINER_OF(object, struct gate, object);
    if (UNLIKELY(object->revoked || (*gate)->endpoint->dead)) {
        return ERROR_CLOSED;
    }
    status = message_prepare(thread);
    if (!is_call) {
        thread->n_segments = 0; /* nothing is lent beyond a send */
        thread->lent_lengths = 0;
    } else if (UNLIKELY(status == OK && deadline_is_past(thread->registers.r12))) {
        message_accept_drop(thread);
        return ERROR_TIMEOUT;
    }
    return status;
}

/* A receiver waits: the message goes over at once. On failure it waits on. */
static status_t send_now(struct thread *thread, struct thread *receiver, bool is_call) {
    struct endpoint *endpoint = thread->call_gate->endpoint;
    status_t status;

    /* Off the list first: a handle moved in the message may be the last of its gate, whose CLOSED
     * looks for a receiver. */
    list_remove(&receiver->item.link);
    status = deliver(thread, receiver, is_call ? MESSAGE_CALL : MESSAGE_PLAIN);
    if (UNLIKELY(status != OK)) {
        list_push_front(&endpoint->receivers, &receiver->item.link);
        return status;
    }
    deadline_disarm(receiver);
    if (!is_call) {
        scheduler_ready(receiver);
        return OK;
    }
    reply_owe(thread, receiver);
    scheduler_block(thread, THREAD_AWAITING);
    deadline_arm(thread, thread->registers.r12);
    scheduler_handoff(receiver);
    return RESULT_KEEP;
}

/* [book:ipc-send] */
/* Common to send and call: the gate, the message, who waits. */
static status_t send_or_call(struct thread *thread, bool is_call) {
    struct thread *receiver;
    struct gate *gate;
    status_t status = send_check(thread, is_call, &gate);

    if (UNLIKELY(status != OK)) {
        return status;
    }
    /* From here on the thread has a call_gate, and only a finish takes it away. */
    gate_bind(gate);
    thread->call_gate = gate;
    thread->is_call = is_call;
    receiver = LIST_FIRST(&gate->endpoint->receivers, struct thread, item.link);
    if (LIKELY(receiver != NULL)) {
        status = send_now(thread, receiver, is_call);
        if (LIKELY(status == RESULT_KEEP)) {
            return status;
        }
    } else if (endpoint_refusal(gate->endpoint) != OK) {
        status = ERROR_ABSENT;
    } else if (deadline_is_past(thread->registers.r12)) {
        status = ERROR_TIMEOUT;
    } else {
        scheduler_block(thread, THREAD_SENDING);
        list_push_back(&gate->endpoint->queue, &thread->item.link);
        deadline_arm(thread, thread->registers.r12);
        return RESULT_KEEP;
    }
    message_accept_drop(thread);
    thread->call_gate = NULL;
    gate_unbind(gate);
    return status;
}
/* [/book] */

status_t sys_send(struct thread *thread) {
    return send_or_call(thread, false);
}

status_t sys_call(struct thread *thread) {
    return send_or_call(thread, true);
}

/* Takes a sending thread from the queue's head. True if its message was delivered. */
static bool receive_from_thread(struct thread *receiver, struct thread *sender) {
    status_t status;

    if (sender->state == THREAD_AWAITING) {
        if (sender->call_gate->object.revoked) {
            call_finish(sender, ERROR_CLOSED);
            return false;
        }
        list_remove(&sender->item.link);
        sender->cancel = CANCEL_DELIVERED;
        message_event(receiver, MESSAGE_CANCEL, sender->call_gate->badge, sender->cookie);
        return true;
    }
    status = sender->call_gate->object.revoked
                 ? ERROR_CLOSED
                 : deliver(sender, receiver, sender->is_call ? MESSAGE_CALL : MESSAGE_PLAIN);
    if (status != OK || !sender->is_call) {
        send_finish(sender, status);
        return status == OK;
    }
    /* The deadline stays armed. */
    list_remove(&sender->item.link);
    sender->state = THREAD_AWAITING;
    reply_owe(sender, receiver);
    return true;
}

/* Takes one item; true if the receiver got something. */
static bool receive_one(struct thread *receiver, struct list_node *node) {
    struct queue_item *item = CONTAINER_OF(node, struct queue_item, link);
    struct gate *gate;

    if (item->kind == QUEUE_THREAD) {
        return receive_from_thread(receiver, CONTAINER_OF(item, struct thread, item));
    }
    if (item->kind == QUEUE_SIGN) {
        list_remove(node); /* somebody receives again */
        return false;
    }
    gate = CONTAINER_OF(item, struct gate, item);
    message_event(receiver, MESSAGE_NOTIFICATION, gate->badge, gate->pending);
    gate_unlink(gate);
    return true;
}

status_t sys_receive(struct thread *thread) {
    struct object *object;
    struct endpoint *endpoint;
    status_t status;

    if (UNLIKELY(thread->current_reply != NULL)) {
        return ERROR_PENDING;
    }
    status = handle_find(&thread->process->handles, thread->registers.rdi, OBJECT_ENDPOINT,
                         RIGHT_RECEIVE, &object);
    if (UNLIKELY(status != OK)) {
        return status;
    }
    endpoint = CONTAINER_OF(object, struct endpoint, object);
    if (UNLIKELY((thread->registers.r13 & MESSAGE_REFUSE) != 0)) {
        return endpoint_refuse(endpoint);
    }
    thread->n_accept = 0;
    if (UNLIKELY(CONTROL_N_ACCEPT(thread->registers.r13) != 0)) {
        status = message_accept(thread, CONTROL_N_ACCEPT(thread->registers.r13));
        if (status != OK) {
            return status;
        }
    }
    for (unsigned i = 0; i < DISCARDS_PER_STEP; i++) {
        struct list_node *node = endpoint_first(endpoint);

        if (LIKELY(node == NULL)) {
            if (UNLIKELY(deadline_is_past(thread->registers.r12))) {
                message_accept_drop(thread);
                return ERROR_TIMEOUT;
            }
            scheduler_block(thread, THREAD_RECEIVING);
            list_push_back(&endpoint->receivers, &thread->item.link);
            deadline_arm(thread, thread->registers.r12);
            return RESULT_KEEP;
        }
        if (receive_one(thread, node)) {
            return RESULT_KEEP;
        }
    }
    message_accept_drop(thread);
    return RESULT_RESTART;
}

/* Gives the answer in the server's registers to the caller. On failure the caller waits on. */
static status_t answer(struct thread *server, struct thread *caller) {
    status_t status = message_transfer(server, caller, NULL);

    if (LIKELY(status == OK)) {
        caller->registers.rax = MESSAGE_PLAIN;
        caller->registers.rdi = 0;
    }
    return status;
}

status_t sys_reply(struct thread *thread) {
    uint64_t reply = thread->registers.rdi;
    struct thread *caller;
    status_t status;

    if (CONTROL_N_HANDLES(thread->registers.r13) > MESSAGE_HANDLES_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    if (message_moves(thread, reply)) {
        return ERROR_BAD_ARGUMENT; /* the answer cannot carry away what it is given with */
    }
    caller = reply_caller(thread, reply, &status);
    if (caller != NULL) {
        status = answer(thread, caller);
        if (status != OK) {
            return status;
        }
        call_end(caller);
        scheduler_ready(caller);
    }
    /* A saved reply is used up, also one that came too late. */
    if (reply != HANDLE_NONE && (status == OK || status == ERROR_NO_REPLY)) {
        (void)handle_close(&thread->process->handles, reply);
    }
    return caller != NULL ? OK : status;
}

/* [book:ipc-reply-receive] */
/*
 * Only the current reply is answered; that its caller is gone is no error here, as a server's loop
 * must not stop for it, unless the answer was to move handles: they stay the server's, which has to
 * know. The saved registers become those of a plain receive: whatever it returns, the answer was
 * given.
 */
status_t sys_reply_receive(struct thread *thread) {
    struct thread *caller = thread->current_reply;
    status_t status;

    if (UNLIKELY(CONTROL_N_HANDLES(thread->registers.r13) > MESSAGE_HANDLES_MAX)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (LIKELY(caller != NULL)) {
        status = answer(thread, caller);
        if (UNLIKELY(status != OK)) {
            return status;
        }
        call_end(caller);
    } else if (CONTROL_N_HANDLES(thread->registers.r13) != 0) {
        return ERROR_NO_REPLY;
    }
    thread->registers.rax = SYSCALL_receive;
    thread->registers.r13 &= MESSAGE_ACCEPT(7);
    status = sys_receive(thread);
    if (LIKELY(caller != NULL)) {
        /* If the server waits now, its client goes on at once, on the rest of the slice that it
         * lent. */
        scheduler_handoff(caller);
    }
    return status;
}
/* [/book] */

status_t sys_notify(struct thread *thread) {
    struct object *object;
    status_t status = handle_find(&thread->process->handles, thread->registers.rdi, OBJECT_GATE,
                                  RIGHT_NOTIFY, &object);

    if (status != OK) {
        return status;
    }
    if ((thread->registers.rsi & NOTIFY_CLOSED) != 0) {
        return ERROR_BAD_ARGUMENT; /* only the kernel says that */
    }
    return gate_notify(CONTAINER_OF(object, struct gate, object), thread->registers.rsi,
                       GATE_NORMAL);
}

status_t sys_reply_save(struct thread *thread) {
    struct thread *caller = thread->current_reply;
    handle_t handle;
    status_t status;

    if (caller == NULL) {
        return ERROR_NO_REPLY;
    }
    if (caller->cancel == CANCEL_PENDING && !call_can_be_cancelled(caller)) {
        call_finish(caller, ERROR_CLOSED);
        return ERROR_NO_REPLY;
    }
    status = handle_reserve(&thread->process->handles, 1);
    if (status != OK) {
        return status;
    }
    /* Commit. */
    object_get(&caller->object);
    handle = handle_install(&thread->process->handles, &caller->object, HANDLE_REPLY);
    handle_entry(&thread->process->handles, handle)->sequence = caller->call_sequence;
    caller->replier = NULL;
    thread->current_reply = NULL;
    caller->cookie = thread->registers.rdi;
    if (caller->cancel == CANCEL_PENDING) {
        caller->cancel = CANCEL_NONE;
        call_cancel(caller);
    }
    thread->registers.rdx = handle;
    return OK;
}

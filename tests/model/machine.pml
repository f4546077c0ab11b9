/* SPDX-License-Identifier: MIT */
/*
 * The IPC machine of the kernel: endpoint, gate, reply, cancel, death, deadline.
 *
 * Programs ask the process `Kernel`, at the end of this file, for one step at a time:
 * `kernel!SYS_CALL,me,gate`. The request and the step that it causes are one atomic transition, as
 * the real kernel runs under one lock. Each inline whose name starts with `sys_`, `event_` or
 * `flush_` is such a step; the others are the helpers of the same name in README.md.
 *
 * A scenario (calls.pml, death.pml, gates.pml, again.pml, nested.pml) defines NT, NG, NE, NS (how many threads,
 * gates, endpoints, handle slots for replies) and OWNS_SLOT(thread, slot), and includes this file; it
 * supplies the programs (proctypes) that use the machine.
 *
 * What is checked here, at every step:
 *  - `invariants` recounts all links and references from scratch (lists, back pointers, counts);
 *  - `result_set` checks that a call ends once, and that its result agrees with what was delivered;
 *  - `reply_check` checks that an answer reaches the call that it was meant for;
 *  - `notification_deliver` and `cancel_deliver` check that nothing comes twice, late or altered.
 * Variables under "ghost" exist for these checks only: the kernel has no such fields.
 *
 * Seeded bugs (`mutants`) are switched on by -D; each is one `#ifdef` here or in a scenario. With
 * -DBLIND the recount is left out: then a bug is found only by what it does to programs.
 */

#define NONE 255

/* The number after `n`. A scenario without end lets it wrap. */
#ifndef NEXT
#define NEXT(n) ((n) + 1)
#endif

/* Thread states. */
#define READY 0
#define SENDING 1
#define RECEIVING 2
#define AWAITING 3
#define DEAD 4

/* What a SENDING or AWAITING thread is doing. */
#define SEND 0
#define CALL 1

/* How far a cancellation has come; anything but C_NONE only while AWAITING. */
#define C_NONE 0
#define C_PENDING 1
#define C_QUEUED 2
#define C_DELIVERED 3

/* Results of a system call; 0 means that it has not ended. */
#define OK 1
#define ANSWERED 2
#define TIMEOUT 3
#define CLOSED 4
#define OUTCOME_UNKNOWN 5
#define TOO_MANY 6
#define PENDING 7
#define GONE 8
#define RESTART 9 /* not seen by programs: the step limit was reached, the call is entered again */
#define ABSENT 10

/* What a receiver got. */
#define IN_NOTHING 0
#define IN_MESSAGE 1
#define IN_BITS 2
#define IN_CANCEL 3

/* Notification bits. */
#define BIT_CLOSED 1
#define BIT_IRQ 2
#define NOTIFY_BIT(t) (4 << (t))
#define BIT_ABANDONED 128 /* a caller died whose reply is saved */

/* Queue items are threads (0 .. NT-1) and gates (NT .. NT+NG-1). */
#define GATE_ITEM(g) (NT + (g))
#define IS_GATE(item) ((item) >= NT)
#define ITEM_GATE(item) ((item) - NT)
#define N_ITEMS (NT + NG + 1) /* one too many, so that a double link is found, not lost */

typedef Thread {
    byte state;
    byte kind;
    byte gate;    /* call_gate: not NONE iff SENDING or AWAITING */
    byte seq;     /* reply_seq: of the open call, bumped when a call ends */
    byte replier; /* whose current reply this thread is */
    byte current; /* the caller that this thread must answer */
    byte cancel;
    byte cookie;
    byte result;
    bit large;  /* the message carries more handles than a receiver accepts */
    byte moves; /* the message moves the sender's handle of this gate, or NONE */
    /* What the last receive returned. */
    byte in;
    byte in_from;
    byte in_bits;
    /* Ghost. */
    byte call;      /* number of the thread's message, from 1 */
    bit delivered;  /* that message has been delivered */
    bit cancelled;  /* a CANCEL of that call has been delivered */
    bit asked;      /* a deadline or interruption has met that call after its receipt */
    byte owed_call; /* number of the message behind `current` */
    bit moved;      /* `moves` has left the sender's process */
}

typedef Gate {
    byte endpoint;
    byte senders; /* handles with SEND or NOTIFY, bindings, open sends and calls */
    byte refs;    /* memory: all handles, bindings, open sends and calls, 1 while queued */
    byte pending;
    bit revoked;
    bit queued;
    bit urgent; /* which of the two lists it is in */
    /* Ghost. */
    byte handles;     /* with SEND or NOTIFY, and bindings */
    byte managers;    /* handles with neither */
    byte outstanding; /* bits raised and neither delivered nor dropped */
    byte closed_seen;
    bit untold;       /* a saved caller died, and the server has not been told nor the bit dropped */
}

typedef Endpoint {
    byte rights; /* handles with RECEIVE */
    bit dead;
    bit absent; /* the sign hangs: who comes is told ABSENT, until the next receive */
    bit told;   /* ghost: the refusal has returned OK, and none was begun since */
    byte queue[N_ITEMS];
    byte n_queue;
    byte urgent[N_ITEMS];
    byte n_urgent;
    byte receivers[N_ITEMS];
    byte n_receivers;
}

/* A handle slot of a server process that can hold a saved reply. */
typedef Slot {
    byte thread; /* NONE: free */
    byte seq;
    byte call; /* ghost: the message that it was saved from */
}

/* Nobody is to be expected there, now or ever. */
#define REFUSES(e) (E[e].dead || E[e].absent)

Thread T[NT];
Gate G[NG];
Endpoint E[NE];
Slot S[NS];

/* Scratch, live within one d_step only (hidden: not part of the state). One set per helper, as helpers nest. */
hidden byte x_find, x_item, x_flush, x_receiver, x_put, x_caller, x_endpoint, x_ignore, x_moved, x_target;
hidden byte v_i, v_j, v_refs, v_open;
hidden byte v_links[N_ITEMS];

/* ---- lists ---- */

/* (Macros, as an inline cannot be handed a member array.) */
#define list_push(list, n, item)                                                                   \
    assert(n < N_ITEMS);                                                                           \
    list[n] = item;                                                                                \
    n++

/* Unlinks an item that must be there. */
#define list_remove(list, n, item)                                                                 \
    x_find = 0;                                                                                    \
    do                                                                                             \
    :: x_find < n && list[x_find] != item -> x_find++                                              \
    :: else -> break                                                                               \
    od;                                                                                            \
    assert(x_find < n);                                                                            \
    do                                                                                             \
    :: x_find + 1 < n -> list[x_find] = list[x_find + 1]; x_find++                                 \
    :: else -> break                                                                               \
    od;                                                                                            \
    n--;                                                                                           \
    list[n] = 0

/* ---- results ---- */

/* Ends the system call of thread `t` with result `r`. */
inline result_set(t, r)
{
    assert(T[t].result == 0 || T[t].state == DEAD);
    /* "Nothing happened" is never said of a delivered message, nor success of an undelivered one. */
    if
    :: r == TIMEOUT || r == TOO_MANY || r == ABSENT -> assert(!T[t].delivered)
    :: r == ANSWERED || r == OUTCOME_UNKNOWN -> assert(T[t].delivered)
    :: else -> skip
    fi;
    T[t].result = r
}

/* An answer meant for message `number` of caller `c` is about to be given. */
inline reply_check(c, number)
{
    assert(T[c].state == AWAITING);
    assert(T[c].call == number)
}

/* Forgets what the last system call returned, so that states that differ only in it become one. */
inline forget(t)
{
    T[t].result = 0;
    T[t].in = IN_NOTHING;
    T[t].in_from = 0;
    T[t].in_bits = 0;
    T[t].large = 0;
    T[t].moves = NONE;
    T[t].delivered = 0;
    T[t].cancelled = 0;
    T[t].asked = 0
}

/* ---- gates ---- */

inline gate_put(g)
{
    assert(G[g].refs > 0);
    G[g].refs--
}

inline gate_link(g, is_urgent)
{
    G[g].queued = 1;
    G[g].refs++;
    if
    :: is_urgent ->
        G[g].urgent = 1;
        list_push(E[G[g].endpoint].urgent, E[G[g].endpoint].n_urgent, GATE_ITEM(g))
    :: else -> list_push(E[G[g].endpoint].queue, E[G[g].endpoint].n_queue, GATE_ITEM(g))
    fi
}

inline gate_unlink(g)
{
    if
    :: G[g].urgent ->
        list_remove(E[G[g].endpoint].urgent, E[G[g].endpoint].n_urgent, GATE_ITEM(g))
    :: else -> list_remove(E[G[g].endpoint].queue, E[G[g].endpoint].n_queue, GATE_ITEM(g))
    fi;
    G[g].queued = 0;
    G[g].urgent = 0;
    gate_put(g)
}

/* Hands the pending bits of gate `g` to thread `r`, whose receive ends. */
inline notification_deliver(r, g)
{
    assert(!G[g].revoked && !REFUSES(G[g].endpoint));
    assert(G[g].pending == G[g].outstanding && G[g].pending != 0);
    assert(G[g].closed_seen == 0); /* nothing comes after CLOSED */
    if
    :: G[g].pending & BIT_CLOSED -> G[g].closed_seen = 1; assert(G[g].senders == 0)
    :: else -> skip
    fi;
    T[r].in = IN_BITS;
    T[r].in_from = g;
    T[r].in_bits = G[g].pending;
    G[g].outstanding = 0;
    if
    :: G[g].pending & BIT_ABANDONED -> G[g].untold = 0
    :: else -> skip
    fi;
#ifndef M_NOTIFY_NO_CLEAR
    G[g].pending = 0;
#endif
    T[r].state = READY;
    result_set(r, OK)
}

/* [book:model-gate-raise] */
/* Adds bits to a gate that is neither revoked nor of a dead endpoint, and sees that they get delivered. */
inline gate_raise(g, bits, is_urgent)
{
    G[g].outstanding = G[g].outstanding | bits;
#ifdef M_NOTIFY_OVERWRITES
    G[g].pending = bits;
#else
    G[g].pending = G[g].pending | bits;
#endif
    if
    :: E[G[g].endpoint].n_receivers > 0 ->
        x_receiver = E[G[g].endpoint].receivers[0];
        list_remove(E[G[g].endpoint].receivers, E[G[g].endpoint].n_receivers, x_receiver);
        notification_deliver(x_receiver, g)
#ifdef M_NOTIFY_LINKS_TWICE
    :: else -> gate_link(g, is_urgent)
#else
    :: else ->
        if
        :: !G[g].queued -> gate_link(g, is_urgent)
        :: G[g].queued && is_urgent && !G[g].urgent -> gate_unlink(g); gate_link(g, 1)
        :: else -> skip
        fi
#endif
    fi
}
/* [/book] */

/* One thing that could send or notify through `g` is gone. The last one raises CLOSED. */
inline gate_sender_put(g)
{
    assert(G[g].senders > 0);
    G[g].senders--;
    if
    :: G[g].senders == 0 && !G[g].revoked && !REFUSES(G[g].endpoint) -> gate_raise(g, BIT_CLOSED, 0)
    :: else -> skip
    fi;
    gate_put(g)
}

inline gate_sender_get(g)
{
    G[g].senders++;
    G[g].refs++
}

/* ---- the two ways out of a send and a call ---- */

/* Thread `c` leaves SENDING for good. Unlinks it if `linked`. */
inline send_finish(c, r, linked)
{
    if
    :: linked -> list_remove(E[G[T[c].gate].endpoint].queue, E[G[T[c].gate].endpoint].n_queue, c)
    :: else -> skip
    fi;
    result_set(c, r);
    T[c].state = READY;
    x_put = T[c].gate;
    T[c].gate = NONE;
#ifdef M_CLOSED_BEFORE_QUEUED
    G[x_put].refs--
#else
    gate_sender_put(x_put)
#endif
}

/* Thread `c` leaves AWAITING: answered, cut off, abandoned or killed. */
inline call_finish(c, r)
{
    assert(T[c].state == AWAITING);
#ifndef M_SEQ_NOT_BUMPED
    T[c].seq = NEXT(T[c].seq);
#endif
    if
    :: T[c].replier != NONE ->
#ifndef M_REPLIER_NOT_DETACHED
        T[T[c].replier].current = NONE;
        T[T[c].replier].owed_call = 0;
#endif
        T[c].replier = NONE
    :: else -> skip
    fi;
#ifndef M_CANCEL_STAYS_QUEUED
    if
    :: T[c].cancel == C_QUEUED ->
        list_remove(E[G[T[c].gate].endpoint].queue, E[G[T[c].gate].endpoint].n_queue, c)
    :: else -> skip
    fi;
#endif
    T[c].cancel = C_NONE;
    T[c].cookie = 0;
    result_set(c, r);
    T[c].state = READY;
    x_put = T[c].gate;
    T[c].gate = NONE;
#ifdef M_CLOSED_BEFORE_CANCEL
    gate_put(x_put)
#else
    gate_sender_put(x_put)
#endif
}

/* ---- rendezvous ---- */

/*
 * Thread `r` gets the message of `c`. Neither is linked any more: the transfer may close the last
 * handle of another gate of this endpoint (it arrives as its badge), which raises CLOSED, and that
 * must not find `r` among the receivers.
 */
inline message_deliver(c, r)
{
    assert(T[r].current == NONE);
    assert(!T[c].delivered);
    assert(G[T[c].gate].closed_seen == 0);
    assert(!G[T[c].gate].revoked);
    T[c].delivered = 1;
    T[r].in = IN_MESSAGE;
    T[r].in_from = c;
    T[r].state = READY;
    result_set(r, OK);
    if
    :: T[c].moves != NONE ->
        x_moved = T[c].moves;
        T[c].moves = NONE;
        T[c].moved = 1;
        G[x_moved].handles--;
        gate_sender_put(x_moved)
    :: else -> skip
    fi;
    if
    :: T[c].kind == CALL ->
        T[c].state = AWAITING;
        T[c].replier = r;
        T[r].current = c;
        T[r].owed_call = T[c].call;
#ifdef M_CLOSED_BEFORE_CANCEL
        x_put = T[c].gate;
        G[x_put].refs++;
        gate_sender_put(x_put)
#endif
    :: else -> send_finish(c, OK, 0)
    fi
}

/* Thread `r`, whose receive ends, gets the CANCEL of the saved call of `c`, which is not linked. */
inline cancel_deliver(c, r)
{
    assert(T[c].state == AWAITING && T[c].replier == NONE);
    assert(!T[c].cancelled);
    assert(!G[T[c].gate].revoked && G[T[c].gate].closed_seen == 0);
    /* The cookie is what a holder of the reply knows it by: that reply must still be there and valid. */
    assert(S[T[c].cookie].thread == c && S[T[c].cookie].call == T[c].call);
    assert(OWNS_SLOT(r, T[c].cookie)); /* and in the process that gets the CANCEL */
    T[c].cancelled = 1;
    T[c].cancel = C_DELIVERED;
    T[r].in = IN_CANCEL;
    T[r].in_from = c;
    T[r].state = READY;
    result_set(r, OK)
}

inline cancel_enqueue(c)
{
    x_endpoint = G[T[c].gate].endpoint;
    if
    :: E[x_endpoint].n_receivers > 0 ->
        x_receiver = E[x_endpoint].receivers[0];
        list_remove(E[x_endpoint].receivers, E[x_endpoint].n_receivers, x_receiver);
        cancel_deliver(c, x_receiver)
    :: else ->
        T[c].cancel = C_QUEUED;
        list_push(E[x_endpoint].queue, E[x_endpoint].n_queue, c)
    fi
}

/* A deadline or an interruption met the received call of `c`. */
inline call_cancel(c)
{
    T[c].asked = 1;
    if
#ifndef M_CANCEL_TWICE
    :: T[c].cancel != C_NONE -> skip
#endif
#ifndef M_CANCEL_TO_NOBODY
    :: T[c].cancel == C_NONE && (G[T[c].gate].revoked || REFUSES(G[T[c].gate].endpoint)) ->
        call_finish(c, CLOSED)
#endif
    :: else ->
        if
        :: T[c].replier != NONE -> T[c].cancel = C_PENDING
        :: else -> cancel_enqueue(c)
        fi
    fi
}

/* ---- system calls; `me` is READY and `T[me].result` is 0 ---- */

/* send or call through gate `g`, to which the caller's process has a handle. */
inline sys_send(me, g, how)
{
    T[me].call = NEXT(T[me].call);
    T[me].delivered = 0;
    T[me].cancelled = 0;
    T[me].asked = 0;
    T[me].kind = how;
    x_endpoint = G[g].endpoint;
    if
#ifndef M_SEND_TO_REVOKED
    :: G[g].revoked -> result_set(me, CLOSED)
#endif
#ifndef M_SEND_TO_DEAD
    :: E[x_endpoint].dead && !G[g].revoked -> result_set(me, CLOSED)
#endif
#ifndef M_SEND_TO_ABSENT
    :: E[x_endpoint].absent && !G[g].revoked -> result_set(me, ABSENT)
#endif
    :: else ->
        if
        :: E[x_endpoint].n_receivers > 0 && T[me].large ->
#ifdef M_REFUSED_LOSES_RECEIVER
            list_remove(E[x_endpoint].receivers, E[x_endpoint].n_receivers,
                        E[x_endpoint].receivers[0]);
#endif
            result_set(me, TOO_MANY)
        :: E[x_endpoint].n_receivers > 0 && !T[me].large ->
            x_target = E[x_endpoint].receivers[0];
#ifndef M_TRANSFER_TO_LINKED
            list_remove(E[x_endpoint].receivers, E[x_endpoint].n_receivers, x_target);
#endif
            gate_sender_get(g);
            T[me].gate = g;
#ifdef M_TRANSFER_TO_LINKED
            message_deliver(me, x_target);
            list_remove(E[G[g].endpoint].receivers, E[G[g].endpoint].n_receivers, x_target)
#else
            message_deliver(me, x_target)
#endif
        :: else ->
#ifdef M_CLOSED_BEFORE_QUEUED
            G[g].refs++;
#else
            gate_sender_get(g);
#endif
            T[me].gate = g;
            T[me].state = SENDING;
            list_push(E[x_endpoint].queue, E[x_endpoint].n_queue, me)
#ifdef M_QUEUE_NOT_FIFO
            ;
            x_find = E[x_endpoint].n_queue - 1;
            do
            :: x_find > 0 -> E[x_endpoint].queue[x_find] = E[x_endpoint].queue[x_find - 1]; x_find--
            :: else -> break
            od;
            E[x_endpoint].queue[0] = me
#endif
        fi
    fi
}

/*
 * receive at endpoint `e`. One discarded item is the model's step limit (the kernel's is 64): then
 * the call is entered again (RESTART), with the lock free in between.
 */
inline sys_receive(me, e)
{
    if
#ifndef M_RECEIVE_FORGETS_REPLY
    :: T[me].current != NONE -> result_set(me, PENDING)
#endif
    :: else ->
#ifdef M_RECEIVE_FORGETS_REPLY
        T[me].current = NONE;
#endif
#ifndef M_RECEIVE_LEAVES_SIGN
        E[e].absent = 0;
#endif
        if
        :: E[e].n_urgent > 0 ->
            x_item = ITEM_GATE(E[e].urgent[0]);
            gate_unlink(x_item);
            notification_deliver(me, x_item)
        :: E[e].n_urgent == 0 && E[e].n_queue == 0 ->
            T[me].state = RECEIVING;
            list_push(E[e].receivers, E[e].n_receivers, me)
        :: else -> queue_take(me, e)
        fi
    fi
}

/* Takes the first item of the queue of endpoint `e`; part of sys_receive. */
inline queue_take(me, e)
{
    x_item = E[e].queue[0];
    if
    :: IS_GATE(x_item) ->
        x_item = ITEM_GATE(x_item);
        gate_unlink(x_item);
        notification_deliver(me, x_item)
    :: else ->
        assert(T[x_item].state == SENDING || T[x_item].state == AWAITING);
        if
        :: T[x_item].state == AWAITING ->
            assert(T[x_item].cancel == C_QUEUED);
            if
#ifndef M_REVOKED_CANCEL_DELIVERED
            :: G[T[x_item].gate].revoked ->
#ifdef M_REVOKED_CANCEL_DROPPED
                list_remove(E[e].queue, E[e].n_queue, x_item);
                T[x_item].cancel = C_DELIVERED;
#else
                call_finish(x_item, CLOSED);
#endif
                result_set(me, RESTART)
#endif
            :: else ->
                list_remove(E[e].queue, E[e].n_queue, x_item);
                cancel_deliver(x_item, me)
            fi
#ifndef M_REVOKED_DELIVERED
        :: T[x_item].state == SENDING && G[T[x_item].gate].revoked ->
            send_finish(x_item, CLOSED, 1);
            result_set(me, RESTART)
#endif
        :: else ->
            if
            :: T[x_item].large -> send_finish(x_item, TOO_MANY, 1); result_set(me, RESTART)
            :: else ->
                list_remove(E[e].queue, E[e].n_queue, x_item);
                message_deliver(x_item, me)
            fi
        fi
    fi
}

/* reply(0): answers the current caller. */
inline sys_reply(me)
{
    if
    :: T[me].current == NONE -> result_set(me, GONE)
    :: else ->
        x_caller = T[me].current;
        reply_check(x_caller, T[me].owed_call);
        call_finish(x_caller, ANSWERED);
        result_set(me, OK)
    fi
}

/* reply_save: turns the current reply into the handle in slot `s`, which is free; the cookie is `s`. */
inline sys_reply_save(me, s)
{
    if
    :: T[me].current == NONE -> result_set(me, GONE)
    :: else ->
        x_caller = T[me].current;
        if
#ifndef M_CANCEL_TO_NOBODY
        :: T[x_caller].cancel == C_PENDING &&
           (G[T[x_caller].gate].revoked || REFUSES(G[T[x_caller].gate].endpoint)) ->
            call_finish(x_caller, CLOSED);
            result_set(me, GONE)
#endif
        :: else ->
            S[s].thread = x_caller;
            S[s].seq = T[x_caller].seq;
            S[s].call = T[me].owed_call;
            T[x_caller].replier = NONE;
            T[x_caller].cookie = s;
            T[me].current = NONE;
            T[me].owed_call = 0;
            result_set(me, OK);
            if
            :: T[x_caller].cancel == C_PENDING ->
#ifndef M_CANCEL_PENDING_LOST
                cancel_enqueue(x_caller)
#else
                T[x_caller].cancel = C_DELIVERED
#endif
            :: else -> skip
            fi
        fi
    fi
}

inline slot_clear(s)
{
    S[s].thread = NONE;
    S[s].seq = 0;
    S[s].call = 0
}

/* reply(h): answers through the saved reply in slot `s`, and consumes it. */
inline sys_reply_saved(me, s)
{
    x_caller = S[s].thread;
    if
    :: S[s].seq == T[x_caller].seq ->
        reply_check(x_caller, S[s].call);
        slot_clear(s);
        call_finish(x_caller, ANSWERED);
        result_set(me, OK)
    :: else -> slot_clear(s); result_set(me, GONE)
    fi
}

/* Closing slot `s`: answers CLOSED unless stale. Done by a program, or by the reaper for a dead one. */
inline sys_slot_close(s)
{
    x_caller = S[s].thread;
    if
#ifndef M_CLOSE_REPLY_SILENT
    :: S[s].seq == T[x_caller].seq ->
        reply_check(x_caller, S[s].call);
        slot_clear(s);
        call_finish(x_caller, CLOSED)
#endif
    :: else -> slot_clear(s)
    fi
}

/* notify: each thread has a bit of its own. */
inline sys_notify(me, g)
{
    if
    :: G[g].revoked || E[G[g].endpoint].dead -> result_set(me, CLOSED)
#ifndef M_NOTIFY_TO_ABSENT
    :: !G[g].revoked && E[G[g].endpoint].absent -> result_set(me, ABSENT)
#endif
    :: else -> gate_raise(g, NOTIFY_BIT(me), 0); result_set(me, OK)
    fi
}

/* Closing a handle with SEND or NOTIFY on gate `g`, or ending a binding. */
inline sys_gate_close(g)
{
    assert(G[g].handles > 0);
    G[g].handles--;
    gate_sender_put(g)
}

/*
 * A copy that can send is made of the receiver's own handle, and given to a client. CLOSED has come
 * (or there was no sender yet): a new life of the gate begins.
 */
inline sys_gate_give(g)
{
    assert(G[g].managers > 0);
    G[g].closed_seen = 0;
    G[g].handles++;
    gate_sender_get(g)
}

inline sys_manager_close(g)
{
    G[g].managers--;
    gate_put(g)
}

inline sys_gate_revoke(g)
{
    G[g].revoked = 1;
    if
#ifndef M_REVOKE_KEEPS_PENDING
    :: G[g].queued -> gate_unlink(g); G[g].pending = 0; G[g].outstanding = 0
#endif
    :: else -> skip
    fi;
    G[g].untold = 0
}

/* Closing a handle with RECEIVE on endpoint `e`. The last one makes the endpoint dead; flush_step follows. */
inline sys_endpoint_close(e)
{
    assert(E[e].rights > 0);
    E[e].rights--;
    if
    :: E[e].rights == 0 -> E[e].dead = 1; E[e].absent = 0 /* the flush finds the sign first */
    :: else -> skip
    fi
}

#define FLUSH_LEFT(e) (E[e].n_receivers + E[e].n_queue + E[e].n_urgent > 0)

/* The first of what is at endpoint `e` is told `r`, or dropped. Always from the head: others unlink in between. */
inline flush_one(e, r)
{
    if
    :: E[e].n_receivers > 0 ->
        x_flush = E[e].receivers[0];
        list_remove(E[e].receivers, E[e].n_receivers, x_flush);
        T[x_flush].state = READY;
        result_set(x_flush, CLOSED)
    :: E[e].n_receivers == 0 && E[e].n_urgent > 0 ->
        x_flush = ITEM_GATE(E[e].urgent[0]);
        gate_unlink(x_flush);
        G[x_flush].pending = 0;
        G[x_flush].outstanding = 0;
        G[x_flush].untold = 0
    :: E[e].n_receivers == 0 && E[e].n_urgent == 0 && E[e].n_queue > 0 ->
        x_flush = E[e].queue[0];
        if
        :: IS_GATE(x_flush) ->
            x_flush = ITEM_GATE(x_flush);
            gate_unlink(x_flush);
            G[x_flush].pending = 0;
            G[x_flush].outstanding = 0;
            G[x_flush].untold = 0
        :: else ->
            if
            :: T[x_flush].state == SENDING -> send_finish(x_flush, r, 1)
#ifdef M_FLUSH_DROPS_CANCEL
            :: else ->
                list_remove(E[e].queue, E[e].n_queue, x_flush);
                T[x_flush].cancel = C_DELIVERED
#else
            :: else -> call_finish(x_flush, CLOSED)
#endif
            fi
        fi
    :: else -> skip
    fi
}

/* One bounded step of emptying the dead endpoint `e`. */
inline flush_step(e)
{
    flush_one(e, CLOSED)
}

/*
 * receive with REFUSE at endpoint `e`: one bounded step. Whoever asks repeats it (RESTART) until nothing
 * is left; the lock is free in between, and the sign hangs. BUSY, and nothing else, if somebody receives.
 */
inline sys_refuse(e)
{
    if
    :: E[e].n_receivers > 0 -> skip
    :: else ->
        E[e].absent = 0; /* what the flush raises is flushed with the rest */
        E[e].told = !FLUSH_LEFT(e);
#ifndef M_REFUSE_KEEPS_QUEUED
        flush_one(e, ABSENT);
#else
        E[e].told = 1;
#endif
        E[e].absent = 1
    fi
}

/* receive with deadline 0 at an endpoint that refuses, when all have been told: there is nothing to receive. */
inline sys_take(e)
{
    assert(E[e].n_receivers + E[e].n_urgent + E[e].n_queue == 0);
    E[e].absent = 0
}

/* ---- events ---- */

#define BLOCKED(t) (T[t].state == SENDING || T[t].state == RECEIVING || T[t].state == AWAITING)

inline receiver_unlink(t)
{
    x_ignore = 0;
    do
    :: x_ignore < NE ->
        x_find = 0;
        do
        :: x_find < E[x_ignore].n_receivers && E[x_ignore].receivers[x_find] != t -> x_find++
        :: else -> break
        od;
        if
        :: x_find < E[x_ignore].n_receivers ->
            list_remove(E[x_ignore].receivers, E[x_ignore].n_receivers, t);
            break
        :: else -> x_ignore++
        fi
    :: else -> break
    od;
    assert(x_ignore < NE)
}

/*
 * The deadline of the blocked thread `t` passes, or an upcall interrupts it: the two differ only in
 * the number that the thread is told, so that one result stands for both.
 */
inline event_deadline(t)
{
    if
    :: T[t].state == SENDING -> send_finish(t, TIMEOUT, 1)
    :: T[t].state == RECEIVING -> receiver_unlink(t); T[t].state = READY; result_set(t, TIMEOUT)
#ifdef M_DEADLINE_CUTS_CALL
    :: else ->
        result_set(t, TIMEOUT);
        T[t].state = READY;
        x_put = T[t].gate;
        T[t].gate = NONE;
        gate_sender_put(x_put)
#else
    :: else -> call_cancel(t)
#endif
    fi
}

/* The interrupt that is bound to gate `g` fires. */
inline event_irq(g)
{
    if
    :: G[g].revoked || REFUSES(G[g].endpoint) -> skip
    :: else -> gate_raise(g, BIT_IRQ, 1)
    fi
}

/* Another thread declares the server of `t` hung. */
inline event_abandon(t)
{
    if
    :: T[t].state == SENDING -> send_finish(t, TIMEOUT, 1)
    :: T[t].state == AWAITING -> call_finish(t, OUTCOME_UNKNOWN)
    :: else -> skip
    fi
}

#if defined(M_ABANDONED_REVOKED)
#define CAN_BE_TOLD(g) (!REFUSES(G[g].endpoint))
#elif defined(M_ABANDONED_TO_ABSENT)
#define CAN_BE_TOLD(g) (!G[g].revoked)
#else
#define CAN_BE_TOLD(g) (!G[g].revoked && !REFUSES(G[g].endpoint))
#endif

/*
 * The caller dies whose call came through gate `g`. If its reply is saved (`replier` is NONE) nothing else
 * would tell the server, which may keep something for it.
 */
inline abandoned_tell(g, replier)
{
    if
    :: replier == NONE && !G[g].revoked && !REFUSES(G[g].endpoint) -> G[g].untold = 1
    :: else -> skip
    fi;
    if
#ifndef M_ABANDONED_SILENT
    :: replier == NONE && CAN_BE_TOLD(g) -> gate_raise(g, BIT_ABANDONED, 0)
#endif
    :: else -> skip
    fi
}

/* Thread `t` exits or is killed, whatever it is doing. */
inline event_kill(t)
{
    if
    :: T[t].state == SENDING ->
#ifdef M_KILL_LEAVES_QUEUED
        x_put = T[t].gate;
        T[t].gate = NONE;
        gate_sender_put(x_put)
#else
        send_finish(t, CLOSED, 1)
#endif
    :: T[t].state == RECEIVING -> receiver_unlink(t)
#ifdef M_KILL_LEAVES_REPLY
    :: T[t].state == AWAITING ->
        x_put = T[t].gate;
        T[t].gate = NONE;
        gate_sender_put(x_put)
#else
    :: T[t].state == AWAITING ->
        x_target = T[t].gate;
        x_flush = T[t].replier;
#ifdef M_ABANDONED_AFTER_CLOSED
        call_finish(t, CLOSED);
        abandoned_tell(x_target, x_flush)
#else
        abandoned_tell(x_target, x_flush);
        call_finish(t, CLOSED)
#endif
#endif
    :: else -> skip
    fi;
    if
#ifndef M_EXIT_OWES_REPLY
    :: T[t].current != NONE ->
        x_caller = T[t].current;
        reply_check(x_caller, T[t].owed_call);
        call_finish(x_caller, CLOSED)
#endif
    :: else -> skip
    fi;
    forget(t);
    T[t].state = DEAD
}

/* ---- checks ---- */

/* Recounts everything that the machine keeps up to date by increments. Changes nothing. */
inline invariants()
{
    v_i = 0;
    do
    :: v_i < NT + NG -> v_links[v_i] = 0; v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NE ->
        /* A waiting receiver and a waiting item never meet without each other. */
        assert(E[v_i].dead || E[v_i].n_receivers == 0 || E[v_i].n_queue + E[v_i].n_urgent == 0);
        assert(E[v_i].dead == (E[v_i].rights == 0));
        assert(!E[v_i].absent || !E[v_i].dead && E[v_i].n_receivers == 0);
        /* What has been refused is refused. */
        assert(!E[v_i].absent || !E[v_i].told || E[v_i].n_queue + E[v_i].n_urgent == 0);
        v_j = 0;
        do
        :: v_j < E[v_i].n_queue -> v_links[E[v_i].queue[v_j]]++; v_j++
        :: else -> break
        od;
        v_j = 0;
        do
        :: v_j < E[v_i].n_urgent ->
            assert(IS_GATE(E[v_i].urgent[v_j]));
            v_links[E[v_i].urgent[v_j]]++;
            v_j++
        :: else -> break
        od;
        v_j = 0;
        do
        :: v_j < E[v_i].n_receivers ->
            assert(T[E[v_i].receivers[v_j]].state == RECEIVING);
            v_links[E[v_i].receivers[v_j]]++;
            v_j++
        :: else -> break
        od;
        v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NT ->
        /* On one list exactly when its state says so; a dead thread on none. */
        assert(v_links[v_i] == (T[v_i].state == SENDING || T[v_i].state == RECEIVING ||
                                (T[v_i].state == AWAITING && T[v_i].cancel == C_QUEUED)));
        assert((T[v_i].gate != NONE) == (T[v_i].state == SENDING || T[v_i].state == AWAITING));
        assert(T[v_i].cancel == C_NONE || T[v_i].state == AWAITING);
        /* The five substates of AWAITING. */
        assert(T[v_i].state != AWAITING || T[v_i].replier == NONE || T[v_i].cancel <= C_PENDING);
        assert(T[v_i].state != AWAITING || T[v_i].replier != NONE || T[v_i].cancel != C_PENDING);
        /* A call that is to be cancelled is on its way to the server, and is taken for told only when it is. */
        assert(T[v_i].state != AWAITING || !T[v_i].asked || T[v_i].cancel != C_NONE);
        assert(T[v_i].state != AWAITING || T[v_i].cancelled == (T[v_i].cancel == C_DELIVERED));
        /* The two halves of a current reply. */
        assert(T[v_i].replier == NONE || T[v_i].state == AWAITING);
        assert(T[v_i].replier == NONE || T[T[v_i].replier].current == v_i);
        assert(T[v_i].current == NONE || T[T[v_i].current].replier == v_i);
        assert(T[v_i].current == NONE || T[v_i].state != RECEIVING && T[v_i].state != DEAD);
        /* Every open call has exactly one thing that can end it: a current reply or a valid handle. */
        v_open = 0;
        v_j = 0;
        do
        :: v_j < NS ->
            if
            :: S[v_j].thread == v_i && S[v_j].seq == T[v_i].seq -> v_open++
            :: else -> skip
            fi;
            v_j++
        :: else -> break
        od;
        assert(v_open == (T[v_i].state == AWAITING && T[v_i].replier == NONE));
        v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NG ->
        assert(v_links[GATE_ITEM(v_i)] == G[v_i].queued);
        assert(G[v_i].queued == (G[v_i].pending != 0)); /* no bit waits without a place in a queue */
        assert(G[v_i].pending == G[v_i].outstanding);
        assert(!G[v_i].untold || (G[v_i].outstanding & BIT_ABANDONED)); /* on its way, if not told */
        assert(!G[v_i].revoked || !G[v_i].queued);
        v_open = 0;
        v_j = 0;
        do
        :: v_j < NT ->
            if
            :: T[v_j].gate == v_i -> v_open++
            :: else -> skip
            fi;
            v_j++
        :: else -> break
        od;
        assert(G[v_i].senders == G[v_i].handles + v_open);
        assert(G[v_i].refs == G[v_i].handles + G[v_i].managers + v_open + G[v_i].queued);
        v_i++
    :: else -> break
    od;
    v_i = 0 /* a d_step must not end in a loop */
}

/* All is closed: nothing may be left. For the end of every scenario. */
inline all_zero()
{
    v_i = 0;
    do
    :: v_i < NG ->
        assert(G[v_i].refs == 0 && G[v_i].senders == 0 && G[v_i].pending == 0 && !G[v_i].untold);
        v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NE -> assert(E[v_i].rights == 0 && E[v_i].dead && !FLUSH_LEFT(v_i)); v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NS -> assert(S[v_i].thread == NONE); v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NT ->
        assert(T[v_i].replier == NONE && T[v_i].current == NONE && T[v_i].gate == NONE);
        v_i++
    :: else -> break
    od
}

inline machine_init()
{
    v_i = 0;
    do
    :: v_i < NT ->
        T[v_i].gate = NONE;
        T[v_i].replier = NONE;
        T[v_i].current = NONE;
        T[v_i].moves = NONE;
        v_i++
    :: else -> break
    od;
    v_i = 0;
    do
    :: v_i < NS -> S[v_i].thread = NONE; v_i++
    :: else -> break
    od
}

/* Gate `g` on endpoint `e` with `n` handles with SEND and NOTIFY, `m` without. */
inline gate_init(g, e, n, m)
{
    G[g].endpoint = e;
    G[g].handles = n;
    G[g].managers = m;
    G[g].senders = n;
    G[g].refs = n + m
}

/* ---- the kernel ---- */

mtype = {
    SYS_SEND, SYS_CALL, SYS_RECEIVE, SYS_REPLY, SYS_REPLY_RECEIVE, SYS_REPLY_SAVE, SYS_REPLY_SAVED, SYS_SLOT_CLOSE,
    SYS_NOTIFY, SYS_GATE_CLOSE, SYS_MANAGER_CLOSE, SYS_GATE_REVOKE, SYS_GATE_GIVE, SYS_ENDPOINT_CLOSE, SYS_REFUSE,
    SYS_TAKE, FLUSH_STEP,
    EVENT_IRQ, EVENT_DEADLINE, EVENT_ABANDON, EVENT_KILL
};

chan kernel = [0] of { mtype, byte, byte };
hidden mtype k_op;
hidden byte k_thread, k_arg;

/*
 * One request, one step. SEND, CALL and RECEIVE leave their result in the thread until the program
 * has seen it (`returned`); the other calls do not block and what they return changes nothing, so it
 * is forgotten here.
 */
active proctype Kernel()
{
end:
    do
    :: atomic {
        kernel?k_op,k_thread,k_arg;
        if
        :: k_op == SYS_SEND -> d_step { sys_send(k_thread, k_arg, SEND) }
        :: k_op == SYS_CALL -> d_step { sys_send(k_thread, k_arg, CALL) }
        :: k_op == SYS_RECEIVE -> d_step { sys_receive(k_thread, k_arg) }
        :: k_op == SYS_REPLY -> d_step { sys_reply(k_thread); forget(k_thread) }
        /* Restarted as a plain receive: the answer has been given. */
        :: k_op == SYS_REPLY_RECEIVE -> d_step { sys_reply(k_thread); forget(k_thread) }
            d_step { sys_receive(k_thread, k_arg) }
        :: k_op == SYS_REPLY_SAVE -> d_step { sys_reply_save(k_thread, k_arg); forget(k_thread) }
        :: k_op == SYS_REPLY_SAVED -> d_step { sys_reply_saved(k_thread, k_arg); forget(k_thread) }
        :: k_op == SYS_SLOT_CLOSE -> d_step { sys_slot_close(k_arg) }
        :: k_op == SYS_NOTIFY -> d_step { sys_notify(k_thread, k_arg); forget(k_thread) }
        :: k_op == SYS_GATE_CLOSE -> d_step { sys_gate_close(k_arg) }
        :: k_op == SYS_MANAGER_CLOSE -> d_step { sys_manager_close(k_arg) }
        :: k_op == SYS_GATE_REVOKE -> d_step { sys_gate_revoke(k_arg) }
        :: k_op == SYS_GATE_GIVE -> d_step { sys_gate_give(k_arg) }
        :: k_op == SYS_ENDPOINT_CLOSE -> d_step { sys_endpoint_close(k_arg) }
        :: k_op == SYS_REFUSE -> d_step { sys_refuse(k_arg) }
        :: k_op == SYS_TAKE -> d_step { sys_take(k_arg) }
        :: k_op == FLUSH_STEP -> d_step { flush_step(k_arg) }
        :: k_op == EVENT_IRQ -> d_step { event_irq(k_arg) }
        :: k_op == EVENT_DEADLINE -> d_step { event_deadline(k_thread) }
        :: k_op == EVENT_ABANDON -> d_step { event_abandon(k_thread) }
        :: k_op == EVENT_KILL -> d_step { event_kill(k_thread) }
        fi;
#ifndef BLIND
        d_step { invariants() }
#endif
    }
    od
}

/* The system call of thread `me` has come back. */
#define RETURNED(me) (T[me].state == READY && T[me].result != 0)
#define IS_READY(me) (T[me].state == READY && T[me].result == 0)

/* SPDX-License-Identifier: MIT */
/*
 * Scenario "gates": notifications, irqs, messages, revocation and the CLOSED of last references, all
 * mixed on one queue. Gate 0 may be revoked. An irq is bound to gate 1. Messages may be too large for
 * the receiver, or move client 1's handle of gate 1 to the server. The server is never killed: whatever is not delivered
 * to it is lost. In a second variant messages are plain ones, one of each client, and the server may refuse calls once, until its next
 * receive.
 */
#ifndef CALLS
#define CALLS 2 /* operations of client 1; client 0 has one; and irqs */
#endif
#define NT 3
#define NG 2
#define NE 1
#define NS 1
#define OWNS_SLOT(thread, slot) ((thread) == SERVER)
#define CLIENT0 0
#define CLIENT1 1
#define SERVER 2

#include "machine.pml"

/* Nothing will ever come through gate `g` again, as far as the server can tell (or CLOSED was dropped while it refused). */
#define OVER(g) (G[g].closed_seen || G[g].revoked || refused && G[g].senders == 0 && !G[g].queued)

byte running = 2;
bit flushed;
bit unbound;
bit may_refuse; /* the second variant */
bit refused;    /* the server has refused calls */

/* A client process with a handle to gate 0; client 1 has one to gate 1 too. */
proctype Client(byte me; byte n)
{
    byte g;

    do
    :: d_step { n > 0 && IS_READY(me) && me == CLIENT1 && g == 0 && !T[me].moved -> g = 1 }
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_SEND,me,g }
    :: atomic { n > 0 && IS_READY(me) && !may_refuse -> n--; T[me].large = 1; kernel!SYS_SEND,me,g }
    :: atomic { n > 0 && IS_READY(me) && g == 1 && !may_refuse -> n--; T[me].moves = 1; kernel!SYS_SEND,me,0 }
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_CALL,me,g }
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_NOTIFY,me,g }
    :: d_step { RETURNED(me) -> forget(me); g = 0 }
    :: atomic { n == 0 && IS_READY(me) -> kernel!EVENT_KILL,me,0 } /* exit */
    :: T[me].state == DEAD -> break
    od;
    if
    :: atomic { me == CLIENT1 && !T[me].moved -> kernel!SYS_GATE_CLOSE,me,1 }
    :: else
    fi;
    atomic { running--; kernel!SYS_GATE_CLOSE,me,0 }
}

proctype Server()
{
    do
    :: atomic { IS_READY(SERVER) && T[SERVER].current == NONE -> kernel!SYS_RECEIVE,SERVER,0 }
    :: d_step { RETURNED(SERVER) -> forget(SERVER) }
    :: atomic { IS_READY(SERVER) && T[SERVER].current != NONE -> kernel!SYS_REPLY,SERVER,0 }
    :: atomic { IS_READY(SERVER) && T[SERVER].current != NONE -> kernel!SYS_REPLY_RECEIVE,SERVER,0 }
    :: atomic {
        IS_READY(SERVER) && T[SERVER].current != NONE && S[0].thread == NONE ->
        kernel!SYS_REPLY_SAVE,SERVER,0
    }
    :: atomic { IS_READY(SERVER) && S[0].thread != NONE -> kernel!SYS_REPLY_SAVED,SERVER,0 }
    :: atomic { IS_READY(SERVER) && !G[0].revoked -> kernel!SYS_GATE_REVOKE,SERVER,0 }
    :: atomic { IS_READY(SERVER) && may_refuse && !refused -> refused = 1; kernel!SYS_REFUSE,SERVER,0 }
    :: IS_READY(SERVER) && T[SERVER].current == NONE && S[0].thread == NONE && OVER(0) && OVER(1) ->
        break
    od;
    /* Everything raised through gate 1 has come, and CLOSED last. */
    assert(G[1].senders == 0 && G[1].outstanding == 0 && (G[1].closed_seen || refused));
    assert(!G[0].untold && !G[1].untold);
    assert(G[0].revoked || G[0].senders == 0);
    atomic { kernel!SYS_MANAGER_CLOSE,SERVER,0 }
    atomic { kernel!SYS_MANAGER_CLOSE,SERVER,1 }
    atomic { kernel!SYS_ENDPOINT_CLOSE,SERVER,0 }
    do
    :: atomic { FLUSH_LEFT(0) -> kernel!FLUSH_STEP,0,0 }
    :: !FLUSH_LEFT(0) -> break
    od;
    flushed = 1
}

/* The interrupt line: fires CALLS times at most, then is unbound. */
proctype Irq()
{
    byte n = CALLS;

    do
    :: atomic { n > 0 -> n--; kernel!EVENT_IRQ,0,1 }
    :: break
    od;
    atomic { unbound = 1; kernel!SYS_GATE_CLOSE,0,1 }
}

/* What the rest of the world does to the threads. It may stop at any moment. */
proctype Events()
{
    do
    :: atomic { BLOCKED(CLIENT0) -> kernel!EVENT_DEADLINE,CLIENT0,0 }
    :: atomic { BLOCKED(CLIENT1) -> kernel!EVENT_DEADLINE,CLIENT1,0 }
    :: atomic { T[CLIENT1].state != DEAD -> kernel!EVENT_KILL,CLIENT1,0 }
    :: break
    od
}

/* The server's own timer: with a saved reply in hand, or about to end, it never sleeps for ever. */
proctype Timer()
{
    do
    :: atomic {
        T[SERVER].state == RECEIVING && (S[0].thread != NONE || OVER(0) && OVER(1)) ->
        kernel!EVENT_DEADLINE,SERVER,0
    }
    :: flushed -> break
    od
}

init
{
    byte n = CALLS;

#ifdef M_NOTIFY_TO_ABSENT
    may_refuse = 1; /* it is there that this bug shows */
    n = 1;
#else
    if
    :: skip
    :: may_refuse = 1; n = 1
    fi;
#endif
    d_step {
        machine_init();
        gate_init(0, 0, 2, 1);
        gate_init(1, 0, 2, 1); /* client 1 and the irq */
        E[0].rights = 1
    }
    atomic {
        run Client(CLIENT0, 1);
        run Client(CLIENT1, n);
        run Server();
        run Irq();
        run Events();
        run Timer()
    }
    flushed && unbound && running == 0 && !FLUSH_LEFT(0);
    d_step { all_zero() }
}

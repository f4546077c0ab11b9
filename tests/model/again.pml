/* SPDX-License-Identifier: MIT */
/*
 * Scenario "again": a gate of which the server keeps its own handle. It gives a copy to client 0;
 * when CLOSED has come, to client 1; and what the one did must not come to the server as if the
 * other had. The clients may be killed, close their handle during their calls,
 * have deadlines that pass, and the server saves a reply.
 */
#ifndef CALLS
#define CALLS 2 /* operations of each client */
#endif
#define NT 3
#define NG 1
#define NE 1
#define NS 1
#define OWNS_SLOT(thread, slot) ((thread) == SERVER)
#define CLIENT0 0
#define CLIENT1 1
#define SERVER 2

#include "machine.pml"

byte holder = NONE; /* who was given the gate last */
bit closed[2]; /* the client's handle: at any moment, also during its call */
byte running = 2;
bit flushed;

/* A client process: uses the gate when it has it, then closes it. */
proctype Client(byte me)
{
    byte n = CALLS;

    holder != NONE && holder >= me; /* it is given the gate, or has been */
    do
    :: atomic { n > 0 && !closed[me] && IS_READY(me) -> n--; kernel!SYS_SEND,me,0 }
    :: atomic { n > 0 && !closed[me] && IS_READY(me) -> n--; kernel!SYS_CALL,me,0 }
    :: atomic { n > 0 && !closed[me] && IS_READY(me) -> n--; kernel!SYS_NOTIFY,me,0 }
    :: d_step { RETURNED(me) -> forget(me) }
    :: atomic { (n == 0 || closed[me]) && IS_READY(me) -> kernel!EVENT_KILL,me,0 } /* exit */
    :: T[me].state == DEAD -> break
    od;
    if
    :: atomic { !closed[me] -> closed[me] = 1; kernel!SYS_GATE_CLOSE,me,0 }
    :: closed[me]
    fi;
    running--
}

#ifdef M_GIVEN_TOO_EARLY
#define MAY_GIVE (holder == CLIENT0)
#else
#define MAY_GIVE (holder == CLIENT0 && G[0].closed_seen)
#endif

proctype Server()
{
    atomic { holder = CLIENT0; kernel!SYS_GATE_GIVE,SERVER,0 }
    do
    :: atomic { IS_READY(SERVER) && T[SERVER].current == NONE -> kernel!SYS_RECEIVE,SERVER,0 }
    :: d_step {
        RETURNED(SERVER) ->
        /* Whatever comes is of the one who has the gate; CLOSED, when he has not any more. */
        assert(T[SERVER].in != IN_MESSAGE || T[SERVER].in_from == holder);
        assert(T[SERVER].in != IN_CANCEL || T[SERVER].in_from == holder);
        assert(T[SERVER].in != IN_BITS || !(T[SERVER].in_bits & NOTIFY_BIT(1 - holder)));
        assert(T[SERVER].in != IN_BITS || !(T[SERVER].in_bits & BIT_CLOSED) || closed[holder] && !BLOCKED(holder));
        forget(SERVER)
    }
    :: atomic { IS_READY(SERVER) && T[SERVER].current != NONE -> kernel!SYS_REPLY,SERVER,0 }
    :: atomic { IS_READY(SERVER) && T[SERVER].current != NONE -> kernel!SYS_REPLY_RECEIVE,SERVER,0 }
    :: atomic {
        IS_READY(SERVER) && T[SERVER].current != NONE && S[0].thread == NONE ->
        kernel!SYS_REPLY_SAVE,SERVER,0
    }
    :: atomic { IS_READY(SERVER) && S[0].thread != NONE -> kernel!SYS_REPLY_SAVED,SERVER,0 }
    :: atomic { IS_READY(SERVER) && !RETURNED(SERVER) && MAY_GIVE -> holder = CLIENT1; kernel!SYS_GATE_GIVE,SERVER,0 }
    :: IS_READY(SERVER) && T[SERVER].current == NONE && S[0].thread == NONE && holder == CLIENT1 && G[0].closed_seen ->
        break
    od;
    assert(G[0].senders == 0 && G[0].outstanding == 0 && !G[0].untold);
    atomic { kernel!SYS_MANAGER_CLOSE,SERVER,0 }
    atomic { kernel!SYS_ENDPOINT_CLOSE,SERVER,0 }
    do
    :: atomic { FLUSH_LEFT(0) -> kernel!FLUSH_STEP,0,0 }
    :: !FLUSH_LEFT(0) -> break
    od;
    flushed = 1
}

/* What the rest of the world does to the threads. It may stop at any moment. */
proctype Events()
{
    do
    :: atomic { BLOCKED(CLIENT0) -> kernel!EVENT_DEADLINE,CLIENT0,0 }
    :: atomic { BLOCKED(CLIENT1) -> kernel!EVENT_DEADLINE,CLIENT1,0 }
    :: atomic { holder == CLIENT0 && !closed[CLIENT0] -> closed[CLIENT0] = 1; kernel!SYS_GATE_CLOSE,CLIENT0,0 }
    :: atomic { holder == CLIENT1 && !closed[CLIENT1] -> closed[CLIENT1] = 1; kernel!SYS_GATE_CLOSE,CLIENT1,0 }
    :: atomic { holder == CLIENT0 && T[CLIENT0].state != DEAD -> kernel!EVENT_KILL,CLIENT0,0 }
    :: atomic { holder == CLIENT1 && T[CLIENT1].state != DEAD -> kernel!EVENT_KILL,CLIENT1,0 }
    :: break
    od
}

/* The server's own timer: with a saved reply in hand, or when CLOSED has come, it never sleeps for ever. */
proctype Timer()
{
    do
    :: atomic {
        T[SERVER].state == RECEIVING && (S[0].thread != NONE || G[0].closed_seen) ->
        kernel!EVENT_DEADLINE,SERVER,0
    }
    :: flushed -> break
    od
}

init
{
    d_step {
        machine_init();
        gate_init(0, 0, 0, 1);
        E[0].rights = 1
    }
    atomic {
        run Client(CLIENT0);
        run Client(CLIENT1);
        run Server();
        run Events();
        run Timer()
    }
    flushed && running == 0 && !FLUSH_LEFT(0);
    d_step { all_zero() }
}

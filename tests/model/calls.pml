/* SPDX-License-Identifier: MIT */
/*
 * Scenario "calls": two clients that call, two threads of one server that answer at once, save and
 * answer later, close, or exit; deadlines, interruptions, abandoning and kills at any moment.
 *
 * The run is over when all programs have ended by themselves: a thread that nobody can unblock is an
 * invalid end state. At the end nothing may be left.
 */
#ifndef CALLS
#define CALLS 2 /* calls of client 0; client 1 makes one */
#endif
#define NT 4
#define NG 1
#define NE 1
#define NS 2
#define OWNS_SLOT(thread, slot) ((thread) >= 2) /* both server threads are of one process */
#define CLIENT0 0
#define CLIENT1 1
#define SERVER0 2
#define SERVER1 3

#include "machine.pml"

/* CLOSED has come: no client is left, the server ends. */
#define stop (G[0].closed_seen)

byte running = 2; /* clients whose process still lives */
bit closed[2];    /* the client's handle is closed */
bit flushed;      /* the server process is gone */

/* A client process: a thread that calls, one handle to the gate. */
proctype Client(byte me; byte n)
{
    do
    :: atomic { n > 0 && IS_READY(me) && !closed[me] -> n--; kernel!SYS_CALL,me,0 }
    :: d_step { RETURNED(me) -> forget(me) }
    :: atomic { IS_READY(me) -> kernel!EVENT_KILL,me,0 } /* exit */
    :: T[me].state == DEAD -> break
    od;
    running--;
    if
    :: atomic { !closed[me] -> closed[me] = 1; kernel!SYS_GATE_CLOSE,me,0 }
    :: closed[me]
    fi
}

/* Another thread of client 0 closes the handle, also while the call through it is open. */
proctype Closer()
{
    if
    :: atomic { !closed[0] -> closed[0] = 1; kernel!SYS_GATE_CLOSE,0,0 }
    :: skip
    fi
}

/* A server thread. */
proctype Server(byte me)
{
    do
    :: atomic { IS_READY(me) && !stop -> kernel!SYS_RECEIVE,me,0 }
    :: d_step {
        RETURNED(me) ->
        if
        :: T[me].in == IN_BITS ->
            assert((T[me].in_bits & ~(BIT_CLOSED | BIT_ABANDONED)) == 0);
            assert(!(T[me].in_bits & BIT_CLOSED) || closed[0] && closed[1]);
            assert(!(T[me].in_bits & BIT_ABANDONED) || T[CLIENT0].state == DEAD || T[CLIENT1].state == DEAD)
        :: else -> skip
        fi;
        forget(me)
    }
    :: atomic { IS_READY(me) && T[me].current != NONE -> kernel!SYS_REPLY,me,0 }
    :: atomic { IS_READY(me) && T[me].current != NONE && !stop -> kernel!SYS_REPLY_RECEIVE,me,0 }
    :: atomic {
        IS_READY(me) && T[me].current != NONE && S[0].thread == NONE ->
        kernel!SYS_REPLY_SAVE,me,0
    }
    :: atomic {
        IS_READY(me) && T[me].current != NONE && S[0].thread != NONE && S[1].thread == NONE ->
        kernel!SYS_REPLY_SAVE,me,1
    }
    :: atomic { IS_READY(me) && S[0].thread != NONE -> kernel!SYS_REPLY_SAVED,me,0 }
    :: atomic { IS_READY(me) && S[1].thread != NONE -> kernel!SYS_REPLY_SAVED,me,1 }
    :: atomic { IS_READY(me) && S[0].thread != NONE -> kernel!SYS_SLOT_CLOSE,me,0 }
    :: atomic { IS_READY(me) && S[1].thread != NONE -> kernel!SYS_SLOT_CLOSE,me,1 }
    /* The end: one thread closes the endpoint, on which the other may be waiting. */
    :: atomic { IS_READY(me) && stop && E[0].rights > 0 -> kernel!SYS_ENDPOINT_CLOSE,me,0 }
    :: atomic { IS_READY(me) && stop && E[0].rights == 0 -> kernel!EVENT_KILL,me,0 } /* exit */
    :: T[me].state == DEAD -> break
    od
}

/* What is left of the server process when its threads are dead; and the flush, whoever closed. */
proctype Reaper()
{
    do
    :: atomic { E[0].dead && FLUSH_LEFT(0) -> kernel!FLUSH_STEP,0,0 }
    :: !(E[0].dead && FLUSH_LEFT(0)) && T[SERVER0].state == DEAD && T[SERVER1].state == DEAD ->
        if
        :: atomic { S[0].thread != NONE -> kernel!SYS_SLOT_CLOSE,0,0 }
        :: atomic { S[1].thread != NONE -> kernel!SYS_SLOT_CLOSE,0,1 }
        :: atomic { E[0].rights > 0 -> kernel!SYS_ENDPOINT_CLOSE,0,0 }
        :: S[0].thread == NONE && S[1].thread == NONE && E[0].rights == 0 && !FLUSH_LEFT(0) -> break
        fi
    od;
    flushed = 1
}

/* What the rest of the world does to the threads. It may stop at any moment, so progress never rests on it. */
proctype Events()
{
    do
    :: atomic { BLOCKED(CLIENT0) -> kernel!EVENT_DEADLINE,CLIENT0,0 }
    :: atomic { BLOCKED(CLIENT1) -> kernel!EVENT_DEADLINE,CLIENT1,0 }
    :: atomic { T[CLIENT0].state == AWAITING -> kernel!EVENT_ABANDON,CLIENT0,0 }
    :: atomic { T[CLIENT0].state != DEAD -> kernel!EVENT_KILL,CLIENT0,0 }
    :: atomic { T[SERVER1].state != DEAD -> kernel!EVENT_KILL,SERVER1,0 }
    :: break
    od
}

/* The server's own timers: with a saved reply in hand, or left alone at the end, it never sleeps for ever. */
proctype Timers()
{
    do
    :: atomic {
        T[SERVER0].state == RECEIVING &&
        (S[0].thread != NONE || S[1].thread != NONE || T[SERVER1].state == DEAD && stop) ->
        kernel!EVENT_DEADLINE,SERVER0,0
    }
    :: flushed -> break
    od
}

init
{
    d_step {
        machine_init();
        gate_init(0, 0, 2, 0);
        E[0].rights = 1
    }
    atomic {
        run Client(CLIENT0, CALLS);
        run Client(CLIENT1, 1);
        run Closer();
        run Server(SERVER0);
        run Server(SERVER1);
        run Reaper();
        run Events();
        run Timers()
    }
    flushed && running == 0;
    d_step { all_zero() }
}

/* SPDX-License-Identifier: MIT */
/*
 * Scenario "nested": a server that calls another server while it owes an answer, and (against the
 * levels of the design) the other one calling back, and a server calling itself. Each of the three
 * threads may be killed at any moment, also while it awaits a reply and owes one at once.
 *
 * Server A receives at endpoint 0 and has handle slot 0; B endpoint 1, slot 1.
 * Gate 0 (client, A and B have it) leads to A, gate 1 (A has it) to B.
 */
#ifndef CALLS
#define CALLS 2 /* calls of the client; each server makes one of its own */
#endif
#define NT 3
#define NG 2
#define NE 2
#define NS 2
#define OWNS_SLOT(thread, slot) ((slot) == (thread) - SERVER_A)
#define CLIENT 0
#define SERVER_A 1
#define SERVER_B 2
#define OWN(me) ((me) - SERVER_A) /* a server's endpoint, and its slot */

#include "machine.pml"

bit client_gone;
byte servers = 2;

proctype Client()
{
    byte n = CALLS;

    do
    :: atomic { n > 0 && IS_READY(CLIENT) -> n--; kernel!SYS_CALL,CLIENT,0 }
    :: d_step { RETURNED(CLIENT) -> forget(CLIENT) }
    :: atomic { n == 0 && IS_READY(CLIENT) -> kernel!EVENT_KILL,CLIENT,0 } /* exit */
    :: T[CLIENT].state == DEAD -> break
    od;
    atomic { client_gone = 1; kernel!SYS_GATE_CLOSE,CLIENT,0 }
}

proctype Server(byte me)
{
    byte n = 1;

    do
    :: atomic { IS_READY(me) && T[me].current == NONE -> kernel!SYS_RECEIVE,me,OWN(me) }
    :: d_step { RETURNED(me) -> forget(me) }
    :: atomic { IS_READY(me) && T[me].current != NONE -> kernel!SYS_REPLY,me,0 }
    :: atomic {
        IS_READY(me) && T[me].current != NONE && S[OWN(me)].thread == NONE ->
        kernel!SYS_REPLY_SAVE,me,OWN(me)
    }
    :: atomic { IS_READY(me) && S[OWN(me)].thread != NONE -> kernel!SYS_REPLY_SAVED,me,OWN(me) }
    /* The server's own call, whether it owes an answer or not: A to B, B to A, A to itself. */
    :: atomic { n > 0 && IS_READY(me) && me == SERVER_A -> n--; kernel!SYS_CALL,me,1 }
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_CALL,me,0 }
    :: atomic { IS_READY(me) && client_gone -> kernel!EVENT_KILL,me,0 }
    :: T[me].state == DEAD -> break
    od;
    if
    :: atomic { S[OWN(me)].thread != NONE -> kernel!SYS_SLOT_CLOSE,me,OWN(me) }
    :: S[OWN(me)].thread == NONE
    fi;
    atomic { kernel!SYS_ENDPOINT_CLOSE,me,OWN(me) }
    if
    :: atomic { me == SERVER_A -> kernel!SYS_GATE_CLOSE,me,1 }
    :: else
    fi;
    atomic { kernel!SYS_GATE_CLOSE,me,0 }
    do
    :: atomic { FLUSH_LEFT(OWN(me)) -> kernel!FLUSH_STEP,me,OWN(me) }
    :: !FLUSH_LEFT(OWN(me)) -> break
    od;
    servers--
}

/* What the rest of the world does to the threads. It may stop at any moment. */
proctype Events()
{
    do
    :: atomic { BLOCKED(CLIENT) -> kernel!EVENT_DEADLINE,CLIENT,0 }
    :: atomic { T[CLIENT].state == AWAITING -> kernel!EVENT_ABANDON,CLIENT,0 }
    :: atomic { T[CLIENT].state != DEAD -> kernel!EVENT_KILL,CLIENT,0 }
    :: atomic { T[SERVER_A].state != DEAD -> kernel!EVENT_KILL,SERVER_A,0 }
    :: atomic { T[SERVER_B].state != DEAD -> kernel!EVENT_KILL,SERVER_B,0 }
    :: break
    od
}

/*
 * Servers that call each other or themselves need deadlines: theirs always come, the client's may
 * not. Their receive has a deadline too when they have something left to do.
 */
proctype Timer(byte me)
{
    do
    :: atomic { T[me].state == SENDING -> kernel!EVENT_DEADLINE,me,0 }
    :: atomic { T[me].state == AWAITING && T[me].cancel == C_NONE -> kernel!EVENT_DEADLINE,me,0 }
    :: atomic {
        T[me].state == RECEIVING && (S[OWN(me)].thread != NONE || client_gone) ->
        kernel!EVENT_DEADLINE,me,0
    }
    :: servers == 0 -> break
    od
}

init
{
    d_step {
        machine_init();
        gate_init(0, 0, 3, 0);
        gate_init(1, 1, 1, 0);
        E[0].rights = 1;
        E[1].rights = 1
    }
    atomic {
        run Client();
        run Server(SERVER_A);
        run Server(SERVER_B);
        run Timer(SERVER_A);
        run Timer(SERVER_B);
        run Events()
    }
    client_gone && servers == 0;
    d_step { all_zero() }
}

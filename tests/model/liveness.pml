/* SPDX-License-Identifier: MIT */
/*
 * Scenario "liveness": programs that never end, and a server that keeps receiving, answers each call
 * at once or saves it, and answers a saved call only when told to (CANCEL). Under weak fairness:
 *
 *   cancel_ends    a received call that a deadline or an interruption has met comes to an end
 *   senders_served whoever queues gets through, whatever the others send and notify; also through a
 *                  revoked gate (lazily, by its turn)
 *   bits_served    a notification that was raised is delivered
 *
 * The numbers of messages and calls wrap here, as a run has no end.
 */
#define NEXT(n) (((n) + 1) % 3)
#define NT 3
#define NG 2
#define NE 1
#define NS 1
#define OWNS_SLOT(thread, slot) ((thread) == SERVER)
#define CLIENT0 0
#define CLIENT1 1
#define SERVER 2

#include "machine.pml"

/* Calls, over and over, until its gate is revoked. */
proctype Caller()
{
    do
    :: atomic { IS_READY(CLIENT0) && !G[0].revoked -> kernel!SYS_CALL,CLIENT0,0 }
    :: d_step { RETURNED(CLIENT0) -> forget(CLIENT0) }
    od
}

/* The others: sends and notifications without end, through a gate of their own. */
proctype Sender()
{
    do
    :: atomic { IS_READY(CLIENT1) -> kernel!SYS_SEND,CLIENT1,1 }
    :: atomic { IS_READY(CLIENT1) -> kernel!SYS_NOTIFY,CLIENT1,1 }
    :: d_step { RETURNED(CLIENT1) -> forget(CLIENT1) }
    od
}

proctype Server()
{
    do
    :: atomic { IS_READY(SERVER) && T[SERVER].current == NONE -> kernel!SYS_RECEIVE,SERVER,0 }
    :: atomic {
        RETURNED(SERVER) && T[SERVER].in == IN_CANCEL ->
        forget(SERVER);
        kernel!SYS_REPLY_SAVED,SERVER,0
    }
    :: d_step { RETURNED(SERVER) && T[SERVER].in != IN_CANCEL -> forget(SERVER) }
    :: atomic { IS_READY(SERVER) && T[SERVER].current != NONE -> kernel!SYS_REPLY,SERVER,0 }
    :: atomic {
        IS_READY(SERVER) && T[SERVER].current != NONE && S[0].thread == NONE ->
        kernel!SYS_REPLY_SAVE,SERVER,0
    }
    /* What ended otherwise leaves a stale handle. */
    :: atomic {
        IS_READY(SERVER) && S[0].thread != NONE && S[0].seq != T[S[0].thread].seq ->
        kernel!SYS_SLOT_CLOSE,SERVER,0
    }
    od
}

proctype Events()
{
end:
    do
    :: atomic { T[CLIENT0].state == AWAITING && !T[CLIENT0].asked -> kernel!EVENT_DEADLINE,CLIENT0,0 }
    :: atomic { IS_READY(SERVER) && !G[0].revoked -> kernel!SYS_GATE_REVOKE,SERVER,0 }
    od
}

init
{
    d_step {
        machine_init();
        gate_init(0, 0, 1, 1);
        gate_init(1, 0, 1, 1);
        E[0].rights = 1
    }
    atomic {
        run Caller();
        run Sender();
        run Server();
        run Events()
    }
}

ltl cancel_ends { [] ((T[CLIENT0].state == AWAITING && T[CLIENT0].asked) -> <> (T[CLIENT0].state == READY)) }
ltl senders_served { [] ((T[CLIENT0].state == SENDING) -> <> (T[CLIENT0].state != SENDING)) }
ltl bits_served { [] ((G[1].pending != 0) -> <> (G[1].pending == 0)) }

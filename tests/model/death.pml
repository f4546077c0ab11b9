/* SPDX-License-Identifier: MIT */
/*
 * Scenario "death": a service whose server process is killed at any moment, or closes its endpoint
 * while it still owes answers. Two variants, chosen at the start:
 *
 *  - service endpoint: init keeps a receive right and starts a second incarnation (or gives up).
 *    Calls that the dead server had received end CLOSED; queued callers wait for the next one.
 *  - private endpoint: the last receive right goes with the server; everybody is told CLOSED.
 *
 * init may also give the service up for the time being: it refuses calls, and then starts B, or leaves
 * it at that until all clients have ended by themselves. And server A may refuse calls while it holds a
 * saved reply; its next receive ends that.
 *
 * The process of incarnation A has handle slot 0, that of B slot 1.
 */
#ifndef CALLS
#define CALLS 2 /* messages of client 0; client 1 has one */
#endif
#define NT 4
#define NG 1
#define NE 1
#define NS 2
#define OWNS_SLOT(thread, slot) ((slot) == (thread) - SERVER_A)
#define CLIENT0 0
#define CLIENT1 1
#define SERVER_A 2
#define SERVER_B 3
#define SLOT(me) ((me) - SERVER_A)

#include "machine.pml"

/* CLOSED has come: no client is left, the server ends. */
/* ... or was dropped while calls were refused. */
#define stop (G[0].closed_seen || (refused && running == 0))

byte running = 2; /* clients whose process still lives */
bit service;      /* init holds a receive right */
bit holds[2];     /* incarnation A, B has its receive right */
bit gone[2];      /* the exit notification of A, B has been given to init */
byte left = 1;    /* server processes not reaped yet */
bit over;         /* init is done with the service */
bit refused;      /* calls have been refused */

proctype Client(byte me; byte n)
{
    do
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_CALL,me,0 }
    :: atomic { n > 0 && IS_READY(me) -> n--; kernel!SYS_SEND,me,0 }
    :: d_step {
        RETURNED(me) ->
        /* While a receive right exists nobody is told CLOSED unless a server had the message. */
        assert(T[me].result != CLOSED || E[0].dead || T[me].delivered);
        forget(me)
    }
    :: atomic { n == 0 && IS_READY(me) -> kernel!EVENT_KILL,me,0 } /* exit */
    :: T[me].state == DEAD -> break
    od;
    atomic { running--; kernel!SYS_GATE_CLOSE,me,0 }
}

/* One incarnation: its thread, and after the thread's death what is left of the process. */
proctype Server(byte me)
{
    do
    :: atomic { IS_READY(me) && !stop && holds[SLOT(me)] -> kernel!SYS_RECEIVE,me,0 }
    :: d_step { RETURNED(me) -> forget(me) }
    :: atomic { IS_READY(me) && T[me].current != NONE -> kernel!SYS_REPLY,me,0 }
    :: atomic {
        IS_READY(me) && T[me].current != NONE && S[SLOT(me)].thread == NONE ->
        kernel!SYS_REPLY_SAVE,me,SLOT(me)
    }
    :: atomic { IS_READY(me) && S[SLOT(me)].thread != NONE -> kernel!SYS_REPLY_SAVED,me,SLOT(me) }
    :: atomic {
        IS_READY(me) && me == SERVER_A && service && holds[0] && S[0].thread != NONE && !refused ->
        refused = 1;
        kernel!SYS_REFUSE,me,0
    }
    /* The server closes its endpoint although it owes answers. */
    :: atomic {
        IS_READY(me) && !service && holds[SLOT(me)] &&
        (T[me].current != NONE || S[SLOT(me)].thread != NONE) ->
        holds[SLOT(me)] = 0;
        kernel!SYS_ENDPOINT_CLOSE,me,0
    }
    :: atomic {
        IS_READY(me) && T[me].current == NONE && S[SLOT(me)].thread == NONE &&
        (stop || !holds[SLOT(me)]) ->
        kernel!EVENT_KILL,me,0 /* exit */
    }
    :: T[me].state == DEAD -> break
    od;
#ifdef M_EXIT_TOLD_EARLY
    gone[SLOT(me)] = 1;
#endif
    if
    :: atomic { S[SLOT(me)].thread != NONE -> kernel!SYS_SLOT_CLOSE,me,SLOT(me) }
    :: S[SLOT(me)].thread == NONE
    fi;
    if
    :: atomic { holds[SLOT(me)] -> holds[SLOT(me)] = 0; kernel!SYS_ENDPOINT_CLOSE,me,0 }
    :: !holds[SLOT(me)]
    fi;
    gone[SLOT(me)] = 1; /* only now: see README.md, order of process death */
    left--
}

/* Step by step, until all have been told. */
inline refuse_calls()
{
    refused = 1;
    E[0].told = 0;
    do
    :: atomic { !E[0].told -> kernel!SYS_REFUSE,0,0 }
    :: E[0].told -> break
    od
}

/* init: supervises A, then perhaps B, then closes what it holds. */
proctype Supervisor()
{
    gone[0];
    if
    :: service ->
        if
        :: refuse_calls();
            running == 0; /* nobody has to wait for anybody */
            goto closing
        :: refuse_calls();
            atomic { kernel!SYS_TAKE,0,0 }
        :: skip
        fi;
        if
        :: atomic {
            E[0].rights++;
            holds[1] = 1;
            T[SERVER_B].state = READY;
            left++;
            run Server(SERVER_B)
        }
            gone[1]
        :: skip /* gives up */
        fi;
closing:
        atomic { kernel!SYS_ENDPOINT_CLOSE,0,0 }
    :: else
    fi;
    over = 1
}

/* Empties the dead endpoint, step by step, whoever closed it. */
proctype Flusher()
{
    do
    :: atomic { E[0].dead && FLUSH_LEFT(0) -> kernel!FLUSH_STEP,0,0 }
    :: over && left == 0 && !FLUSH_LEFT(0) -> break
    od
}

/* What the rest of the world does to the threads. It may stop at any moment. */
proctype Events()
{
    do
    :: atomic { BLOCKED(CLIENT0) -> kernel!EVENT_DEADLINE,CLIENT0,0 }
    :: atomic { BLOCKED(CLIENT1) -> kernel!EVENT_DEADLINE,CLIENT1,0 }
    :: atomic { T[CLIENT1].state != DEAD -> kernel!EVENT_KILL,CLIENT1,0 }
    :: atomic { T[SERVER_A].state != DEAD -> kernel!EVENT_KILL,SERVER_A,0 }
    :: atomic { T[SERVER_B].state != DEAD -> kernel!EVENT_KILL,SERVER_B,0 }
    :: break
    od
}

/* A server's own timer: with a saved reply in hand, or about to end, it never sleeps for ever. */
proctype Timer(byte me)
{
    do
    :: atomic {
        T[me].state == RECEIVING && (S[SLOT(me)].thread != NONE || stop) ->
        kernel!EVENT_DEADLINE,me,0
    }
    :: over && left == 0 -> break
    od
}

init
{
    if
    :: service = 1
    :: service = 0
    fi;
    d_step {
        machine_init();
        gate_init(0, 0, 2, 0);
        E[0].rights = 1 + service;
        holds[0] = 1;
        T[SERVER_B].state = DEAD
    }
    atomic {
        run Client(CLIENT0, CALLS);
        run Client(CLIENT1, 1);
        run Server(SERVER_A);
        run Supervisor();
        run Flusher();
        run Timer(SERVER_A);
        run Timer(SERVER_B);
        run Events()
    }
    over && left == 0 && running == 0 && !FLUSH_LEFT(0);
    d_step { all_zero() }
}

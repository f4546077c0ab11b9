/* SPDX-License-Identifier: MIT */
/*
 * Lent segments: a copy from the server into its client's memory, made in restartable steps of one
 * page, against everything that can happen between two steps: the client unmaps, maps anew, forks, is
 * killed or abandons the call and makes another one; the server answers or closes the reply from
 * another thread and reuses the handle, takes an upcall, or is killed; and a bystander allocates
 * whatever frames come free.
 *
 * Writing into the client is modelled, as it is the dangerous direction: a read differs only in that
 * it needs no copy-on-write break.
 *
 * Checked: a page is written only while the call for which the copy was begun is open, into a frame
 * that is mapped at that moment by the client and by nobody else; each page at most once; what the copy
 * reports is what it did; the bystander and the forked child never see a change; nothing leaks.
 *
 * What the copy keeps between steps is what the kernel keeps in the saved argument registers: the
 * handle and the number of pages done.
 */
#define NONE 255
#define N_PAGES 2 /* of the client; both are lent, in the first call in this order, in the second the other way round */
#define N_LENT 2
#define N_FRAMES 5 /* the client's, the child's and the bystander's */
#define N_CALLS 2
#ifndef CHANGES
#define CHANGES 2 /* of the client's address space, beside a fork */
#endif
#define LENT_PAGE(i) ((call_number - 1 + (i)) % N_PAGES)

/* What a frame holds. */
#define ZERO 0
#define SECRET 1       /* the bystander's */
#define DATA(call) (2 + (call))

typedef Frame {
    byte refs;
    byte content;
}

typedef Page {
    byte frame; /* NONE: not mapped */
    bit cow;
}

Frame F[N_FRAMES];
Page P[N_PAGES]; /* the client's address space */

/* The client's call. */
bit call_open;
byte seq;
byte call_number; /* decides what is lent; for the rest ghost */
bit client_dead;
bit client_gone; /* and its memory freed */

/* The server's saved reply: one handle slot, with a generation that goes up at each reuse. */
bit handle_used;
byte handle_seq;
byte handle_generation;
byte handle_call; /* ghost */
bit server_dead;
bit server_gone; /* and its handles closed */

/* The copy: what the registers hold. */
bit copying;
byte copy_generation;
byte copy_done;
bit copy_stopped; /* it has ended, with copy_done pages */
bit upcall;       /* an upcall waits for the copying thread */
/* Ghost. */
byte copy_call;      /* the call it was begun for */
byte n_written;
#if defined(M_FRAME_KEPT)
byte kept[N_LENT] = NONE;
#endif

byte bystander_frame = NONE;
byte child_frame[N_PAGES] = NONE; /* the forked child's address space */
byte child_content[N_PAGES];      /* ghost: what it must see */
bit forked;

hidden byte x_i, x_frame, x_page, x_new;

/* Takes a free frame, zeroed, into x_new. The budget has seen to it that there is one. */
inline frame_take()
{
    x_new = 0;
    do
    :: x_new < N_FRAMES && F[x_new].refs > 0 -> x_new++
    :: else -> break
    od;
    assert(x_new < N_FRAMES);
    F[x_new].refs = 1;
    F[x_new].content = ZERO
}

#define frame_put(f)                                                                               \
    assert(F[f].refs > 0);                                                                         \
    F[f].refs--

/* The bystander and the child see what they saw. */
inline others_check()
{
    if
    :: bystander_frame != NONE ->
        assert(F[bystander_frame].content == SECRET && F[bystander_frame].refs == 1)
    :: else -> skip
    fi;
    x_i = 0;
    do
    :: x_i < N_PAGES ->
        if
        :: child_frame[x_i] != NONE -> assert(F[child_frame[x_i]].content == child_content[x_i])
        :: else -> skip
        fi;
        x_i++
    :: else -> break
    od;
    x_i = 0
}

/* ---- the client ---- */

inline call_finish()
{
    call_open = 0;
    seq++
}

/* Thread 1: calls, and is answered, cut off or abandons the server. */
proctype Caller()
{
    do
    :: d_step {
        !client_dead && !call_open && call_number < N_CALLS -> call_number++; call_open = 1
    }
    :: d_step { !client_dead && call_open -> call_finish() } /* abandon, or the server's plain answer */
    :: client_dead || !call_open -> break
    od
}

inline page_unmap(p)
{
    if
    :: P[p].frame != NONE -> frame_put(P[p].frame); P[p].frame = NONE; P[p].cow = 0
    :: else -> skip
    fi
}

/* Thread 2: changes the address space while the call is open; in the end the process dies. */
proctype Changer()
{
    byte n = CHANGES;
    byte p;

    do
    :: n > 0 && !client_dead ->
        n--;
        if
        :: p = 0
        :: p = 1
        fi;
        if
        :: d_step { !client_dead -> page_unmap(p); others_check() }
        :: d_step { /* touched: a demand-zero page */
            !client_dead && P[p].frame == NONE -> frame_take(); P[p].frame = x_new; others_check()
        }
        :: client_dead
        :: P[p].frame != NONE
        fi
    :: d_step {
        !client_dead && !forked && bystander_frame == NONE ->
        forked = 1;
        x_page = 0;
        do
        :: x_page < N_PAGES ->
            if
            :: P[x_page].frame != NONE ->
                child_frame[x_page] = P[x_page].frame;
                child_content[x_page] = F[P[x_page].frame].content;
                F[P[x_page].frame].refs++;
                P[x_page].cow = 1
            :: else -> skip
            fi;
            x_page++
        :: else -> break
        od;
        x_page = 0
    }
    :: break
    od;
    skip;
    /* Killed: the call is detached first, and then memory goes, in steps. */
#ifdef M_MEMORY_BEFORE_DETACH
    d_step {
        client_dead = 1;
        if
        :: P[0].frame != NONE -> frame_put(P[0].frame)
        :: else -> skip
        fi;
        skip
    }
    d_step {
        P[0].frame = NONE;
        if
        :: call_open -> call_finish()
        :: else -> skip
        fi;
        skip
    }
#else
    d_step {
        client_dead = 1;
        if
        :: call_open -> call_finish()
        :: else -> skip
        fi;
        skip
    }
#endif
    d_step { page_unmap(0); others_check() }
    d_step { page_unmap(1); others_check() }
    client_gone = 1
}

/* ---- the kernel's copy ---- */

#define VALID (handle_used && handle_seq == seq)

/* One step of the copy: see lent_copy in kernel/lent.c. */
inline copy_step()
{
    if
#ifndef M_CHECKED_ONCE
#ifdef M_GENERATION_UNCHECKED
    :: !handle_used -> copying = 0; copy_stopped = 1
#else
    :: !handle_used || handle_generation != copy_generation -> copying = 0; copy_stopped = 1
#endif
#ifndef M_SEQ_UNCHECKED
    :: handle_used && handle_seq != seq && handle_generation == copy_generation ->
        copying = 0;
        copy_stopped = 1
#endif
#endif
    :: else ->
        x_page = LENT_PAGE(copy_done);
        x_frame = P[x_page].frame;
#ifdef M_FRAME_KEPT
        if
        :: kept[copy_done] != NONE -> x_frame = kept[copy_done]
        :: else -> skip
        fi;
#endif
        if
        :: x_frame == NONE -> copying = 0; copy_stopped = 1 /* PEER_FAULT */
        :: else ->
            if
#ifndef M_COW_UNBROKEN
            :: P[x_page].cow && F[x_frame].refs > 1 ->
                frame_take();
                F[x_new].content = F[x_frame].content;
                frame_put(x_frame);
                P[x_page].frame = x_new;
                P[x_page].cow = 0;
                x_frame = x_new
#endif
            :: else -> skip
            fi;
            assert(call_open && call_number == copy_call);
            assert(P[x_page].frame == x_frame && F[x_frame].refs == 1);
            F[x_frame].content = DATA(call_number);
            n_written++;
#ifndef M_PROGRESS_LOST
            copy_done++;
#else
            copy_done = 1;
#endif
            assert(copy_done == n_written);
            if
            :: copy_done == N_LENT -> copying = 0; copy_stopped = 1
            :: else -> skip
            fi
        fi
    fi;
    others_check()
}

/* ---- the server ---- */

/* receive and reply_save, by either thread: a call that is not held yet gets the handle slot. */
#define CAN_SAVE (!server_dead && call_open && !handle_used)

inline save()
{
    handle_used = 1;
    handle_generation++;
    handle_seq = seq;
    handle_call = call_number
}

/* Thread 1: saves the call's reply, copies, ends. */
proctype Copier()
{
    do
    :: d_step { CAN_SAVE && !copying -> save() }
    :: d_step { /* lent_write: the first step checks and begins */
        !server_dead && !copying && VALID ->
        copying = 1;
        copy_generation = handle_generation;
        copy_call = handle_call;
        copy_done = 0;
        copy_stopped = 0;
        n_written = 0;
#ifdef M_FRAME_KEPT
        kept[0] = P[LENT_PAGE(0)].frame;
        kept[1] = P[LENT_PAGE(1)].frame;
#endif
        skip
    }
    :: d_step { !server_dead && copying && !upcall -> copy_step() }
    /* Killed between two steps: the copy is just not entered again. */
    :: d_step { !server_dead -> server_dead = 1; copying = 0 }
    /* An upcall between two steps ends the copy with the count so far: its handler may answer and receive. */
    :: d_step {
        !server_dead && copying && upcall ->
        upcall = 0;
#ifndef M_RESUMED_AFTER_UPCALL
        copying = 0;
        copy_stopped = 1;
#endif
        if
        :: VALID -> handle_used = 0; call_finish()
        :: else -> handle_used = 0
        fi;
        if
        :: call_number < N_CALLS && !client_dead -> /* the next call is there already, and is saved */
            call_number++;
            call_open = 1;
            handle_used = 1;
#ifndef M_RESUMED_AFTER_UPCALL
            handle_generation++;
#endif
            handle_seq = seq;
            handle_call = call_number
        :: else -> skip
        fi;
        skip
    }
    :: server_dead -> break
    od;
    skip;
    d_step {
        if
        :: VALID -> call_finish()
        :: else -> skip
        fi;
        handle_used = 0;
        server_gone = 1
    }
}

/* Thread 2 of the server: answers or closes, and takes the next call, which gets the same slot. */
proctype Answerer()
{
    do
    :: d_step {
        !server_dead && handle_used ->
        if
        :: VALID -> call_finish()
        :: else -> skip
        fi;
        handle_used = 0
    }
    :: d_step { CAN_SAVE && copying -> save() }
    :: d_step { !server_dead && handle_generation == 1 -> upcall = 1 } break
    :: break
    od
}

/* Somebody else: takes a frame as soon as it is free, and keeps a secret in it. */
proctype Bystander()
{
    d_step { bystander_frame == NONE -> frame_take(); F[x_new].content = SECRET; bystander_frame = x_new }
    client_gone && server_gone;
    d_step { others_check() }
    d_step { frame_put(bystander_frame); bystander_frame = NONE }
    d_step {
        x_page = 0;
        do
        :: x_page < N_PAGES ->
            if
            :: child_frame[x_page] != NONE -> frame_put(child_frame[x_page])
            :: else -> skip
            fi;
            x_page++
        :: else -> break
        od;
        /* Nothing leaks. */
        x_page = 0;
        do
        :: x_page < N_FRAMES -> assert(F[x_page].refs == 0); x_page++
        :: else -> break
        od;
        assert(!handle_used && !call_open);
        x_page = 0
    }
}

init
{
    d_step {
        frame_take();
        P[0].frame = x_new;
        frame_take();
        P[1].frame = x_new
    }
    atomic {
        run Caller();
        run Changer();
        run Copier();
        run Answerer();
        run Bystander()
    }
}

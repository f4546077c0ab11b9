/* SPDX-License-Identifier: MIT */
/*
 * Threads.
 *
 * Invariant: state tells which one list `item.link` is in:
 *   READY       the run queue of its priority of the CPU `near` (unless it is the idle thread)
 *   RUNNING     none; it is some CPU's `current`, and only that CPU changes its state
 *   SENDING     its endpoint's queue
 *   RECEIVING   its endpoint's receivers
 *   AWAITING    none, or its endpoint's queue iff cancel == CANCEL_QUEUED
 *   FUTEX       none, but `waiting` is in a tree: see kernel/futex.h
 *   PARKED      its process's `parked` (stopped, or being cloned)
 *   WAITING     none (kernel threads; threads not started yet)
 *   DEAD        none
 * Invariant: a deadline is armed only in SENDING, RECEIVING, AWAITING and FUTEX; and for the
 * reaper, see there. Invariant: `n_accept` is 0 but in SENDING, RECEIVING and AWAITING.
 *
 * A slab's frame has room for four, if none is over 1,008 bytes: small members stand in what others
 * would leave unused, and two unions hold what is never needed at the same time.
 */
#pragma once

#include "abi/message.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/registers.h"
#include "kernel/endpoint.h"
#include "kernel/object.h"
#include "lib/base/tree.h"

enum thread_state {
    THREAD_WAITING,
    THREAD_READY,
    THREAD_RUNNING,
    THREAD_SENDING,
    THREAD_RECEIVING,
    THREAD_AWAITING,
    THREAD_FUTEX,
    THREAD_PARKED,
    THREAD_DEAD,
};

/* RECENT: not sorted yet, see kernel/scheduler.h. */
enum deadline_place { DEADLINE_NOWHERE, DEADLINE_RECENT, DEADLINE_SORTED };

enum cancel_state { CANCEL_NONE, CANCEL_PENDING, CANCEL_QUEUED, CANCEL_DELIVERED };

struct thread {
    struct registers registers; /* the first four in this order: see kernel/arch/x86_64/thread.h */
    uint64_t fs_base;
    struct process *process; /* referenced; kernel_process for kernel threads */
    struct fpu_image fpu;
    struct object object;
    struct queue_item item;
    /* Seldom anything but 0: the fast path (fastpath.S) leaves a thread to C if any of these is set
     * (but for a deadline in `recent`). Kernel threads never go that way. */
    union {
        uint64_t special;
        struct {
            bool attention;    /* iff upcall_bits is not 0 and in_upcall is 0: looked at before
                                  every call, and every return to user mode */
            uint8_t n_accept;  /* handle slots reserved by the call or receive under way */
            uint8_t cancel;    /* enum cancel_state */
            uint8_t restarted; /* system call of which `operation` and `operation_progress` are
                                  part; 0: none is under way */
            uint8_t fpu_kept; /* enum fpu_kept: what `fpu` holds while it is not in the processor */
            uint8_t deadline_place; /* enum deadline_place */
            bool work;              /* kernel threads: woken since it last looked */
            bool gives_way;         /* kernel threads: does not wait, but lets a higher one run */
        };
    };
    uint8_t priority;
    uint8_t deadline_cpu; /* SORTED: whose */
    /* fastpath.S writes the first two of these as one, and the last four. */
    uint8_t near;  /* the CPU that it runs on, or ran on last; READY: in whose queue it is */
    uint8_t state; /* enum thread_state */
    uint8_t n_segments;
    bool no_interrupt; /* MESSAGE_NO_INTERRUPT */
    bool is_call;      /* SENDING: call, not send */
    uint8_t in_upcall; /* enum upcall_state: if not 0, further ones wait for upcall_return */
    struct tree_node process_node; /* in its process's threads; key = id */
    uint32_t id;
    uint32_t slice_left_ns; /* of a slice that a more important thread interrupted */

    /* Messages. call_gate != NULL iff SENDING or AWAITING; it counts in gate->senders and is
     * referenced. */
    struct gate *call_gate;
    uint64_t call_sequence; /* number of the open call; goes up when a call ends, so an old saved
                               reply fits no later one. Handles keep its low 48 bits */
    struct thread *replier; /* AWAITING: whose current reply this is; NULL: saved. a->replier == b
                               iff b->current_reply == a */
    struct thread *current_reply;
    union {
        uint64_t cookie;  /* AWAITING and saved */
        uint64_t readied; /* READY: who has waited for longer has a lower number */
    };
    /*
     * Invariant: the segments are written while the thread is RUNNING, and read while it is SENDING
     * or AWAITING; the other two are anything but while it is FUTEX. So each is written before it
     * is read, whatever the other has left there. fastpath.S gives the first segment back to the
     * program in registers: it shares its place with nothing.
     */
    union {
        struct lent_segment segments[MESSAGE_SEGMENTS_MAX];
        struct {
            struct lent_segment first_segment;
            struct tree_node waiting;    /* see kernel/futex.h */
            struct memory *futex_memory; /* referenced; NULL: a private word */
        };
    };
    uint64_t lent_lengths; /* of the last message by way of C: readable, and writable << 32 */

    struct tree_node deadline;      /* its key is the deadline also while it is RECENT */
    struct list_node deadline_link; /* RECENT: in its CPU's `recent` */

    /* Upcalls. */
    uint64_t upcall_bits;
    uint64_t upcall_stack; /* 0: none */

    /* A system call that goes on after a restart: the object under construction, referenced. */
    struct object *operation;
    uint64_t operation_progress;
};
_Static_assert(sizeof(struct thread) <= 1008, "four fit into a slab");

/* The call that a saved reply names by the low 48 bits of its number is not over. */
static inline bool call_is_open(const struct thread *caller, uint64_t sequence) {
    return (caller->call_sequence & ((1ULL << 48) - 1)) == sequence;
}

/* The open call that a saved reply, or 0 (the current one), names; NULL: there is none, or it is
 * over. */
static inline struct thread *reply_caller(struct thread *server, uint64_t reply, status_t *status) {
    if (LIKELY(reply == HANDLE_NONE)) {
        *status = ERROR_NO_REPLY;
        return server->current_reply;
    }
    return reply_caller_saved(server, reply, status);
}

/* A user thread in WAITING, known to its process; the reference returned is the process's. */
WARN_UNUSED status_t thread_create(struct process *process, uint64_t entry, uint64_t stack_pointer,
                                   uint64_t argument, struct thread **thread);

/* A kernel thread in WAITING. Panics if there is no memory: only at boot. */
struct thread *thread_create_kernel(void (*entry)(void *), unsigned priority, void *stack_top);

/*
 * The thread (READY to run no more) leaves everything it is in and is DEAD; its process forgets it.
 * The process's reference is dropped, the structure goes with the last one.
 */
void thread_kill(struct thread *thread);
void thread_destroy(struct object *object);

/* Ends an interruptible wait with INTERRUPTED; a call that was received becomes a CANCEL. */
void thread_interrupt(struct thread *thread);

/* What the deadline queue does with it. */
void thread_deadline_passed(struct thread *thread);

/* Gives up an unfinished multi-step system call. */
void thread_operation_drop(struct thread *thread);

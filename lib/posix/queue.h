/* SPDX-License-Identifier: MIT */
/*
 * What comes with signals (siginfo), and the queue of those that wait. What the process sends to
 * itself waits here; what others send, at proc, which is asked when it is delivered.
 *
 * Signals from SIGNAL_QUEUED on, and the expiries of timers, come as often as they were sent, in
 * order; of any other there is one, the first. A pending bit (signal.h) says where to look, and may
 * say so in vain: a sender sets it after it has put the entry that another may already have taken.
 */
#pragma once

#include <signal.h>

#include "lib/posix/proc.h"
#include "lib/posix/thread.h"

/* Below are 32 to 34, which musl keeps for itself: they need no queue. */
enum { SIGNAL_QUEUED = PROC_SIGNAL_REALTIME };

struct signal_information {
    int32_t code;
    uint32_t pid; /* SI_TIMER: number of the timer */
    uint64_t value;
    uint32_t overrun; /* SI_TIMER */
};

/*
 * Queues a signal for the thread, or (NULL) for the process; the caller then sets the pending bit.
 * False: the queue is full, and the signal is one that is queued. Of any other nothing but that it
 * came is kept then.
 */
bool queue_put(struct posix_thread *thread, int signal,
               const struct signal_information *information);

/*
 * An expiry of a timer, and `overrun` more that nobody saw. One that still waits counts these
 * instead: then false, and there is no need to signal.
 */
bool queue_put_timer(const struct posix_thread *thread, int signal,
                     const struct signal_information *information);

/*
 * What came with a signal whose pending bit was just taken from `where` (self->pending or
 * signals_process_pending); the bit is set again if there is more. `wants_all`: worth a message to
 * proc, for a signal that is not queued. False: there is none, another thread was faster.
 */
bool queue_take(struct posix_thread *self, volatile uint64_t *where, int signal, bool wants_all,
                struct signal_information *information);

/* Which of these pending bits, the thread's own and the process's, do not say so in vain. */
uint64_t queue_holds(struct posix_thread *self, uint64_t own, uint64_t process);

/* These signals were dropped; the thread has ended. */
void queue_drop(uint64_t signals);
void queue_drop_thread(const struct posix_thread *thread);

/* These came from outside. */
void queue_note_remote(uint64_t signals);

/* Exec brought these, whose entries are at proc or were lost with the old program's. */
void queue_inherit(uint64_t signals);

/* The child of a fork begins with nothing but these, which came from outside. */
void queue_after_fork(uint64_t signals);

siginfo_t queue_siginfo(int signal, const struct signal_information *information);

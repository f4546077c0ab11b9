/* SPDX-License-Identifier: MIT */
/*
 * Signals: dispositions and masks here, in the process; who may send to whom, and stopping, in the
 * proc server.
 *
 * A signal comes as a bit of an upcall (bit number - 1), put there by proc; or another thread
 * directs it to this one, and its upcall is SIGNAL_LOOK. It is then *noted*, in its thread's
 * `pending` or in the process's, and delivered as soon as some thread does not block it and is in
 * no critical section. A handler does not run inside the upcall, where further ones wait, but after
 * it, in front of the interrupted code, so that it may leave by siglongjmp. Faults that a handler
 * wants take the same way; any other fault is repeated without us, so that the kernel's death
 * record shows it as it was.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/posix/queue.h"
#include "lib/posix/thread.h"

#define SIGNAL_BIT(signal) (1ull << ((signal)-1))
enum { SIGNAL_FIRST = 1, SIGNAL_LAST = 64 };

/* Linux's struct for rt_sigaction, as musl passes it. */
struct signal_action {
    uintptr_t handler; /* SIGNAL_DEFAULT, SIGNAL_IGNORE or a function */
    uint64_t flags;
    uintptr_t restorer; /* not used: we call handlers, and know where they return to */
    uint64_t mask;
};
#define SIGNAL_DEFAULT 0
#define SIGNAL_IGNORE  1

enum signal_effect { SIGNAL_TERMINATES, SIGNAL_DOES_NOTHING, SIGNAL_STOPS };
enum signal_effect signal_default_effect(int signal);

/* What is set for `signal` (1 to 64). */
struct signal_action signal_action_of(int signal);
/* Of that the handler alone: a look at one word, inside an upcall too. */
uintptr_t signal_handler_of(int signal);

/* Back to the default effect, as SA_RESETHAND and exec do; proc is told. */
void signal_reset(int signal);
/* exec: all signals with handlers become default, and what was said about children is forgotten. */
void signals_reset_handled(void);

/* The signals that are ignored; before main: what exec and spawn pass on. */
uint64_t signals_ignored(void);
/* What the process and this thread still have to deliver; may ask proc. Exec passes it on, what
 * proc knows of it stays there. */
uint64_t signals_pending(void);
void signals_inherit(uint64_t blocked, uint64_t ignored, uint64_t pending);

/* Tells proc which signals are handled and ignored: it sends none that is ignored, and ends
 * processes that do not react to one with default effect. */
void signals_tell(void);

/* These may be waited for from now on: those whose default effect is nothing are to be sent too. */
void signals_want(uint64_t signals);

/* Signals that could be delivered to this thread now. */
uint64_t signals_due(const struct posix_thread *self);

/* Runs what is due, outside critical sections. `frame`: what was interrupted, NULL in a library
 * call. */
void signals_deliver(struct posix_thread *self, struct upcall_frame *frame);

/*
 * Notes a signal for the calling process, or for one of its threads (under threads_lock unless it
 * is the caller), and delivers it here if it is due and this is the process's. TOO_MANY: the queue
 * is full, or there is no room for a handle of the thread.
 */
status_t signal_raise_with(int signal, const struct signal_information *information);
status_t signal_raise_in(struct posix_thread *thread, int signal,
                         const struct signal_information *information);
/* As kill does to the caller. */
void signal_raise(int signal);
/* As what the calling thread did: SIGPIPE. */
void signal_raise_here(int signal);

/* For the process, or the thread, from a thread that takes none itself: no queueing. */
void signal_post(struct posix_thread *thread, int signal);

/* No signal, for these are never sent as upcalls: look at what is pending for the process, and at
 * what was directed to this thread. */
#define SIGNAL_LOOK SIGNAL_BIT(SIGKILL)

/* Process-directed signals that this thread cannot take: wakes a thread that can. No critical
 * section, no delivery. */
void signals_pass_on(uint64_t signals);

/* Registers the upcall handler. */
void signals_start(void);

/* exec: what comes between these stays in the kernel, for the new program; or, if there is none
 * after all, for this one. */
void signals_hold(void);
void signals_release(void);

/*
 * As sys_process_fork, in a critical section. The child begins with none of the parent's signals,
 * whichever thread hears of one meanwhile; but what is sent to it may come before its first
 * instruction here. It calls signals_after_fork.
 */
status_t signals_fork(handle_t *child);
void signals_after_fork(void);

/* Ends the process as that signal does by default. */
NORETURN void signal_terminate(int signal);

/* Signals noted for the process, not yet taken by a thread. */
extern volatile uint64_t signals_process_pending;

/*
 * Waits until a signal handler has run with `mask` in place of the thread's mask, or until `wait`
 * (may be NULL: wait for ever) says so. Returns -EINTR after a handler, else what `wait` returned.
 */
long signals_with_mask(const uint64_t *mask, long (*wait)(void *context), void *context);

/* lib/posix/upcall.S */
void upcall_entry(void);
void upcall_trampoline(void);
void upcall_call_handler(uintptr_t handler, int signal, void *information, void *context,
                         uintptr_t stack);

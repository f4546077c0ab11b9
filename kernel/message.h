/* SPDX-License-Identifier: MIT */
/* Moving messages between threads' registers, handles between their tables. */
#pragma once

#include "kernel/endpoint.h"
#include "kernel/thread.h"

#define CONTROL_N_HANDLES(control)  ((uint32_t)(control)&7)
#define CONTROL_N_SEGMENTS(control) (((uint32_t)(control) >> 3) & 7)
#define CONTROL_N_ACCEPT(control)   (((uint32_t)(control) >> 6) & 7)

/*
 * Checks the control word of a sender and takes what it says: lent segments into the thread, handle
 * slots set aside. Fails (nothing is kept then): BAD_ARGUMENT, BAD_HANDLE, NO_RIGHT, BAD_ADDRESS,
 * TOO_MANY, OUT_OF_BUDGET.
 */
WARN_UNUSED status_t message_prepare(struct thread *thread);

/* True if the message in the thread's registers names `handle`. */
bool message_moves(const struct thread *thread, uint64_t handle);

/* Sets aside n handle slots for a receive. */
WARN_UNUSED status_t message_accept(struct thread *thread, uint32_t n_accept);

/* Gives back the slots set aside, when a wait ends without a message. */
void message_accept_drop(struct thread *thread);

/* The handles alone, r13 to r15 and rbx. */
WARN_UNUSED status_t message_transfer_handles(struct thread *from, struct thread *to,
                                              const struct endpoint *own);

/*
 * Copies the message in `from`'s registers to `to`, which set slots aside; all handles or none.
 * own: the receiving endpoint (NULL for an answer). Fails, `to` unchanged: TOO_MANY, BAD_HANDLE,
 * NO_RIGHT: it is the sender's fault.
 */
WARN_UNUSED static ALWAYS_INLINE status_t message_transfer(struct thread *from, struct thread *to,
                                                           const struct endpoint *own) {
    const struct registers *source = &from->registers;
    struct registers *target = &to->registers;

    if (UNLIKELY(CONTROL_N_HANDLES(source->r13) != 0)) {
        status_t status = message_transfer_handles(from, to, own);

        if (status != OK) {
            return status;
        }
    } else {
        target->r13 = 0;
        target->r14 = 0;
        target->r15 = 0;
        target->rbx = 0;
    }
    message_accept_drop(to);
    target->rsi = (uint32_t)source->rsi;
    target->rdx = source->rdx;
    target->r10 = source->r10;
    target->r8 = source->r8;
    target->r9 = source->r9;
    target->r12 = 0;
    return OK;
}

/* Puts a message without handles or words but these into `to`: notification and cancel. */
void message_event(struct thread *to, enum message_kind kind, uint64_t badge, uint64_t word);

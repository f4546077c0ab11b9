/* SPDX-License-Identifier: MIT */
/* Upcalls: the kernel enters a program's handler, for thread_upcall and for faults. See
 * abi/kernel.h, struct upcall_frame. */
#pragma once

#include "kernel/thread.h"

/* Pushes the frame for the thread's pending bits and enters the handler; ends the process if the
 * stack cannot take it. */
void upcall_push(struct thread *thread);

/* The same for a fault that the thread raised. False: no handler, or it faulted inside an upcall
 * for a fault. */
bool upcall_push_fault(struct thread *thread, unsigned vector, uint64_t error_code,
                       uint64_t fault_address);

/* Makes bits pending; interrupts a wait. */
void upcall_raise(struct thread *thread, uint64_t bits);

/* SPDX-License-Identifier: MIT */
/*
 * Futexes: threads that wait until a word of memory changes. Keyed by (memory object, offset) if
 * shared, else by (address space, address). Compare and block is one step under the kernel lock.
 */
#pragma once

#include "kernel/thread.h"

/* Takes a thread in FUTEX out of its bucket and wakes it with this status. */
void futex_finish(struct thread *thread, status_t status);

/* Takes it out only: it dies. */
void futex_leave(struct thread *thread);

/* Wakes up to `n` threads that wait on the private word at `address` of this process. Bounded by n.
 */
uint32_t futex_wake_private(struct process *process, uint64_t address, uint32_t n);

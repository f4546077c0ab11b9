/* SPDX-License-Identifier: MIT */
/*
 * Futexes: threads that wait until a word of memory changes. Compare and block is one step under
 * the kernel lock.
 *
 * Who waits is in a tree: a shared word's is that of its memory object, by the offset in it; a
 * private word's that of the address space, by the address. So finding who waits for a word takes
 * O(log n) steps, and depends on nobody who does not use the same memory.
 */
#pragma once

#include "kernel/thread.h"

/* Takes a thread in FUTEX out of its tree and wakes it with this status. */
void futex_finish(struct thread *thread, status_t status);

/* Takes it out only: it dies. */
void futex_leave(struct thread *thread);

/* Wakes up to `n` threads that wait on the private word at `address` of this process. Bounded by n.
 */
uint32_t futex_wake_private(struct process *process, uint64_t address, uint32_t n);

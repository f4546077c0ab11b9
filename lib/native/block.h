/* SPDX-License-Identifier: MIT */
/*
 * Calls that an upcall can end: those that block, and fork. All of them execute the one `syscall`
 * between native_block_begin and native_block_end, the range to register with sys_upcall_set: when
 * an upcall finds a thread in it (blocked, or about to block), the kernel makes the call end with
 * INTERRUPTED instead of resuming it, so that no wake-up falls between a check and the wait.
 *
 * `stop` (may be NULL) is tested inside the range: if it is not 0 there the call ends INTERRUPTED
 * without being made. An upcall handler that sets it (cancellation; a signal that arrived before
 * the wait) is therefore never missed.
 *
 * Invariant: a call that completed keeps its result even if an upcall comes before the function
 * returns.
 */
#pragma once

#include "lib/native/message.h"

extern const char native_block_begin[];
extern const char native_block_end[];

/*
 * One of the five message calls, all registers from and to *m. Returns OK or the kernel's error; on
 * an error *m is unchanged. What m->gate and the other members mean: lib/native/message.h, whose
 * long forms are this with stop = NULL.
 */
WARN_UNUSED status_t native_message(enum syscall_number number, struct message *m,
                                    const volatile uint32_t *stop);

/*
 * A call; of what came, *m has label, words, control and handles. An answer that says INTERRUPTED
 * is the error INTERRUPTED: *m is unchanged then too, and can be called again.
 */
WARN_UNUSED status_t native_call(struct message *m, const volatile uint32_t *stop);

/* futex_wait: while *address == expected. OK woken, WOULD_BLOCK differs, TIMEOUT, INTERRUPTED. */
WARN_UNUSED status_t native_futex_wait(const volatile uint32_t *address, uint32_t expected,
                                       uint64_t deadline, uint32_t flags,
                                       const volatile uint32_t *stop);

/* sys_process_fork, unless an upcall comes first, which would have changed what is copied:
 * INTERRUPTED. `stop` must not be NULL. One that comes later is the parent's alone, or the child's.
 */
WARN_UNUSED status_t native_process_fork(handle_t *child, const volatile uint32_t *stop);

/* SPDX-License-Identifier: MIT */
/*
 * Calls to servers, as POSIX needs them. Include this before, or instead of, a header from
 * abi/generated: it puts posix_call in the place of the plain call.
 *
 * Signals: a call that a signal interrupted is made again, unless it is part of a system call
 * marked slow and a handler without SA_RESTART ran, or the thread is being cancelled. The other
 * calls never fail with INTERRUPTED: POSIX programs do not expect EINTR from stat.
 */
#pragma once

#ifdef MESSAGE_STUBS
#error "a header of abi/generated came before this one: its calls would end at every signal"
#endif

#include "lib/native/message.h"

WARN_UNUSED status_t posix_call(struct message *m);

/* For label and words only: the stubs leave the rest of the message as it is. */
WARN_UNUSED static inline status_t posix_call_short(struct message *m) {
    m->control = 0;
    return posix_call(m);
}

#undef MESSAGE_CALL
#undef MESSAGE_CALL_SHORT
#define MESSAGE_CALL(m)       posix_call(m)
#define MESSAGE_CALL_SHORT(m) posix_call_short(m)

/* futex_wait with the same rule; `slow` system calls only. */
WARN_UNUSED status_t posix_futex_wait(const volatile uint32_t *address, uint32_t expected,
                                      uint64_t deadline, uint32_t flags);

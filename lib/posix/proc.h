/* SPDX-License-Identifier: MIT */
/*
 * The way to the proc server. All of it fails with NO_SERVICE in a program that was not given
 * /proc: it then has no children to wait for, and no signals but its own.
 */
#pragma once

#include "lib/posix/call.h"

/*
 * A call to proc. When proc ends with the call in its hands it is made again, to its next run,
 * which knows what this one knew; but for adopt, whose callers look what became of the child.
 */
WARN_UNUSED status_t proc_message(struct message *m);
WARN_UNUSED static inline status_t proc_message_short(struct message *m) {
    m->control = 0;
    return proc_message(m);
}

#ifdef PROC_SIGNAL_MAX
#error "abi/generated/proc.h came before this one: its calls would not outlive a restart of proc"
#endif
#undef MESSAGE_CALL
#undef MESSAGE_CALL_SHORT
#define MESSAGE_CALL(m)       proc_message(m)
#define MESSAGE_CALL_SHORT(m) proc_message_short(m)
#include "abi/generated/proc.h"
#undef MESSAGE_CALL
#undef MESSAGE_CALL_SHORT
#define MESSAGE_CALL(m)       posix_call(m)
#define MESSAGE_CALL_SHORT(m) posix_call_short(m)

/* HANDLE_NONE if there is none. */
handle_t proc_gate(void);

WARN_UNUSED status_t proc_call_set_handled(uint64_t handled, uint64_t ignored, uint64_t wanted,
                                           uint32_t child_flags);
/* `is_own`: the caller raised the signal itself, for one of its threads. */
WARN_UNUSED status_t proc_call_stop(uint32_t signal, bool is_own);

/* These, which proc has brought, are blocked: it is not to take the program for one that hangs.
 * From upcalls too: waits a short while at most. */
void proc_send_held(uint64_t signals);

/* SPDX-License-Identifier: MIT */
#include "lib/posix/proc.h"

#include "abi/generated/file.h"
#include "lib/native/block.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/errno.h"
#include "lib/posix/path.h"
#include "lib/posix/terminal.h"
#include "lib/posix/thread.h"

/* How long an upcall waits for proc to take note that a signal is blocked. */
#define HELD_PATIENCE_NS (100 * NS_PER_MS)

static handle_t gate;

handle_t proc_gate(void) {
    const char *rest;
    handle_t found;

    if (gate != HANDLE_NONE) {
        return gate;
    }
    if (namespace_resolve("/proc", &found, &rest) != OK) {
        return HANDLE_NONE;
    }
    if (rest[0] == '\0') {
        gate = found;
    } else if (namespace_root("/proc", &found) == OK) {
        gate = found;
    }
    return gate;
}

status_t proc_call_set_handled(uint64_t handled, uint64_t ignored, uint64_t wanted,
                               uint32_t child_flags) {
    return proc_gate() == HANDLE_NONE
               ? ERROR_NO_SERVICE
               : proc_set_handled(gate, handled, ignored, wanted, child_flags, DEADLINE_NEVER);
}

status_t proc_call_stop(uint32_t signal, bool is_own) {
    return proc_gate() == HANDLE_NONE ? ERROR_NO_SERVICE
                                      : proc_stop(gate, signal, is_own, DEADLINE_NEVER);
}

/* ---- over a restart of proc ---- */

enum { RESTART_TRIES = 250 };
#define RESTART_PAUSE_NS (20 * NS_PER_MS)

/* May it be made again if nobody knows whether it was done? Of a second signal nobody is worse off
 * than of none. */
static bool is_repeatable(uint32_t label) {
    return label != PROC_ADOPT && label != PROC_TAKE;
}

status_t proc_message(struct message *m) {
    const struct message request = *m;
    unsigned tries = 0;
    status_t status;

    for (;;) {
        status = posix_call(m);
        if (LIKELY(status != ERROR_CLOSED) || !is_repeatable(request.label) ||
            ++tries > RESTART_TRIES) {
            return status;
        }
        time_sleep_until(time_deadline(RESTART_PAUSE_NS));
        if (request.label != PROC_TERMINAL_GATE) {
            terminal_take_again();
        }
        *m = request;
    }
}

void proc_send_held(uint64_t signals) {
    struct message m = {.gate = gate, .label = PROC_HELD, .words = {signals}};

    if (signals == 0 || gate == HANDLE_NONE) {
        return;
    }
    m.deadline = time_deadline(HELD_PATIENCE_NS);
    while (native_message(SYSCALL_send, &m, NULL) == ERROR_INTERRUPTED) {
        /* by another signal: once more, to the same deadline */
    }
}

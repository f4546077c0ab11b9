/* SPDX-License-Identifier: MIT */
/*
 * Before main: musl's first call (set_tp) comes here, when the thread pointer stands.
 */
#include "lib/native/namespace.h"
#include "lib/native/startup.h"
#include "lib/posix/calls.h"
#include "lib/posix/fd.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/path.h"
#include "lib/posix/signal.h"
#include "lib/posix/terminal.h"

/* The terminal of a session that this program leads: who started it marked the descriptor. */
static void take_terminal(void) {
    const struct startup_entry *entry = NULL;

    while ((entry = startup_next(entry, STARTUP_FD)) != NULL) {
        if ((entry->flags & FD_STARTUP_TERMINAL) != 0) {
            status_t status = terminal_take(entry->handle);

            (void)status; /* without proc or terminal: no Ctrl-C, but the program runs */
            return;
        }
    }
}

void posix_start(void) {
    static bool is_done;

    if (is_done) {
        return; /* musl does it once; a thread that did it again would change its pointer only */
    }
    is_done = true;
    thread_start_first();
    namespace_load();
    fd_start();
    path_start();
    locks_start();
    signals_start(); /* no handler can run before this */
    take_terminal();
}

/* SPDX-License-Identifier: MIT */
/*
 * execve: the new program is prepared as for a spawn, in a process of its own, which this one then
 * becomes: same pid, same parent. Whatever can fail has failed before that.
 */
#include "lib/posix/calls.h"

#include <errno.h>

#include "lib/native/syscall.h"
#include "lib/posix/children.h"
#include "lib/posix/errno.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/program.h"
#include "lib/posix/signal.h"

/* The descriptors that close now give up their files' locks, as any that closes. */
static void give_up_locks(void) {
    for (int fd = fd_next(0); fd >= 0 && locks_may_exist(); fd = fd_next(fd + 1)) {
        struct fd entry = fd_get(fd);

        if ((entry.flags & FD_CLOEXEC_FLAG) != 0) {
            locks_closing(entry.gate, entry.mode);
        }
    }
}

static int become(const struct program *program, char *const *envp) {
    struct program_state *state = program_state_make(true);
    struct spawn_prepared prepared;

    if (state == NULL) {
        return -ENOMEM;
    }
    signals_hold();
    state->pending = signals_pending();
    int error = program_prepare(program, state, envp, SPAWN_KEEP_NUMBERS, &prepared);

    if (error == 0) {
        signals_reset_handled();
        give_up_locks();
        process_release_parent();
        error = errno_from_status(sys_process_become(prepared.process, state->keep, state->n_keep,
                                                     prepared.entry, prepared.stack, 0));
        handle_drop(prepared.process);
    }
    signals_release();
    program_state_free(state);
    return error;
}

long call_execve(const long *a) {
    struct program program;
    unsigned tries = 0;
    int error;

    do {
        error = program_open(&program, LINUX_AT_FDCWD, (const char *)a[0], (char *const *)a[1]);
        if (error == 0) {
            error = become(&program, (char *const *)a[2]);
            program_close(&program);
        }
    } while (program_try_again(error, &tries));
    return error;
}

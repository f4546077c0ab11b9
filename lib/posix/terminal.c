/* SPDX-License-Identifier: MIT */
#include "lib/posix/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "lib/posix/call.h"
#include "abi/generated/terminal.h"
#include "lib/native/syscall.h"
#include "lib/posix/calls.h"
#include "lib/posix/errno.h"
#include "lib/posix/proc.h"

_Static_assert(sizeof(struct terminal_attributes) == sizeof(struct termios), "the same layout");

/* What a server says that has no terminals. */
static long terminal_error(status_t status) {
    if (status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED) {
        status = ERROR_NOT_TERMINAL;
    }
    return errno_from_status(status);
}

status_t terminal_take(handle_t gate) {
    handle_t session;

    if (proc_gate() == HANDLE_NONE) {
        return ERROR_NO_SERVICE;
    }
    status_t status = proc_terminal_gate(proc_gate(), &session, DEADLINE_NEVER);

    if (status != OK) {
        return status;
    }
    status = terminal_set_session(gate, session, DEADLINE_NEVER);
    if (status != OK) {
        handle_drop(session);
    }
    return status;
}

void terminal_opened(handle_t gate) {
    uint32_t parent, group, session, has_terminal, rows, columns;

    if (proc_gate() == HANDLE_NONE ||
        proc_get_ids(proc_gate(), 0, &parent, &group, &session, &has_terminal, DEADLINE_NEVER) !=
            OK ||
        session != process_pid() || has_terminal != 0) {
        return;
    }
    if (terminal_get_size(gate, &rows, &columns, DEADLINE_NEVER) == OK) {
        status_t status = terminal_take(gate);

        (void)status; /* then the session has no terminal, as if O_NOCTTY had been said */
    }
}

static long get_attributes(handle_t gate, void *attributes) {
    return terminal_error(terminal_get_attributes(
        gate, attributes, sizeof(struct terminal_attributes), DEADLINE_NEVER));
}

static long set_attributes(handle_t gate, uint32_t when, const void *attributes) {
    return terminal_error(terminal_set_attributes(
        gate, when, attributes, sizeof(struct terminal_attributes), DEADLINE_NEVER));
}

static long get_size(handle_t gate, struct winsize *size) {
    uint32_t rows, columns;
    status_t status = terminal_get_size(gate, &rows, &columns, DEADLINE_NEVER);

    if (status == OK) {
        *size = (struct winsize){.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    }
    return terminal_error(status);
}

static long get_queued(handle_t gate, unsigned request, int *n) {
    uint64_t input, output;
    status_t status = terminal_get_queued(gate, &input, &output, DEADLINE_NEVER);

    if (status == OK) {
        *n = (int)(request == TIOCINQ ? input : output);
    }
    return terminal_error(status);
}

/* Is it a terminal at all? For requests that proc answers. */
static long check(handle_t gate) {
    uint32_t rows, columns;

    return terminal_error(terminal_get_size(gate, &rows, &columns, DEADLINE_NEVER));
}

static long get_foreground(handle_t gate, int *group) {
    uint32_t number = 0;
    long error = check(gate);

    if (error == 0) {
        error = proc_gate() == HANDLE_NONE
                    ? -ENOTTY
                    : terminal_error(proc_get_foreground(proc_gate(), &number, DEADLINE_NEVER));
    }
    if (error == 0) {
        *group = (int)number;
    }
    return error;
}

static long set_foreground(handle_t gate, const int *group) {
    long error = check(gate);

    if (error != 0) {
        return error;
    }
    if (*group <= 0) {
        return -EINVAL;
    }
    if (proc_gate() == HANDLE_NONE) {
        return -ENOTTY;
    }
    status_t status = proc_set_foreground(proc_gate(), (uint32_t)*group, DEADLINE_NEVER);

    if (status == ERROR_NOT_TERMINAL && terminal_take(gate) == OK) {
        /* proc had been restarted, and the terminal spoke to its last run: the session's leader
         * puts that right. */
        status = proc_set_foreground(proc_gate(), (uint32_t)*group, DEADLINE_NEVER);
    }
    return status == ERROR_DENIED ? -EPERM : terminal_error(status);
}

static long get_session(handle_t gate, int *session) {
    uint32_t parent, group, number, has_terminal;
    long error = check(gate);

    if (error == 0 && proc_gate() == HANDLE_NONE) {
        error = -ENOTTY;
    }
    if (error == 0) {
        error = errno_from_status(
            proc_get_ids(proc_gate(), 0, &parent, &group, &number, &has_terminal, DEADLINE_NEVER));
    }
    if (error == 0) {
        *session = (int)number;
    }
    return error;
}

static long flush(handle_t gate, long which) {
    static const uint32_t queues[] = {[TCIFLUSH] = TERMINAL_FLUSH_INPUT,
                                      [TCOFLUSH] = TERMINAL_FLUSH_OUTPUT,
                                      [TCIOFLUSH] = TERMINAL_FLUSH_INPUT | TERMINAL_FLUSH_OUTPUT};

    if (which < TCIFLUSH || which > TCIOFLUSH) {
        return -EINVAL;
    }
    return terminal_error(terminal_flush(gate, queues[which], DEADLINE_NEVER));
}

long terminal_control(handle_t gate, unsigned request, long argument) {
    const struct winsize *size = (const struct winsize *)argument;

    switch (request) {
    case TCGETS:
        return get_attributes(gate, (void *)argument);
    case TCSETS:
        return set_attributes(gate, TERMINAL_WHEN_NOW, (const void *)argument);
    case TCSETSW:
        return set_attributes(gate, TERMINAL_WHEN_DRAINED, (const void *)argument);
    case TCSETSF:
        return set_attributes(gate, TERMINAL_WHEN_FLUSHED, (const void *)argument);
    case TIOCGWINSZ:
        return get_size(gate, (struct winsize *)argument);
    case TIOCSWINSZ:
        return terminal_error(terminal_set_size(gate, size->ws_row, size->ws_col, DEADLINE_NEVER));
    case TIOCGPGRP:
        return get_foreground(gate, (int *)argument);
    case TIOCSPGRP:
        return set_foreground(gate, (const int *)argument);
    case TIOCGSID:
        return get_session(gate, (int *)argument);
    case TIOCSCTTY:
        return terminal_error(terminal_take(gate));
    case TIOCINQ:
    case TIOCOUTQ:
        return get_queued(gate, request, (int *)argument);
    case TCFLSH:
        return flush(gate, argument);
    case TCSBRK:
        return terminal_error(terminal_drain(gate, DEADLINE_NEVER));
    case TCXONC:
        return check(gate);
    default:
        return -ENOTTY;
    }
}

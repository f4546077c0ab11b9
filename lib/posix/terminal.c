/* SPDX-License-Identifier: MIT */
#include "lib/posix/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "lib/posix/call.h"
#include "abi/generated/terminal.h"
#include "lib/native/syscall.h"
#include "lib/posix/calls.h"
#include "lib/posix/errno.h"
#include "lib/posix/proc.h"
#include "lib/posix/signal.h"

_Static_assert(sizeof(struct terminal_attributes) == sizeof(struct termios), "the same layout");

/* What a server says that has no terminals. */
static long terminal_error(status_t status) {
    if (status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED) {
        status = ERROR_NOT_TERMINAL;
    }
    return errno_from_status(status);
}

/* The one that this process made its session's: a gate of our own, which no child gets. */
static handle_t taken;

status_t terminal_take(handle_t gate) {
    handle_t session, kept;

    if (proc_gate() == HANDLE_NONE) {
        return ERROR_NO_SERVICE;
    }
    status_t status = proc_terminal_gate(proc_gate(), &session, DEADLINE_NEVER);

    if (status != OK) {
        return status;
    }
    /* Only a leader gets that far: its pid is the session's number. */
    status = terminal_set_session(gate, process_pid(), session, DEADLINE_NEVER);
    if (status != OK) {
        handle_drop(session);
        return status;
    }
    if (sys_handle_copy(gate, RIGHTS_ALL, HANDLE_NO_FORK, &kept) == OK) {
        handle_t before = __atomic_exchange_n(&taken, kept, __ATOMIC_ACQ_REL);

        if (before != HANDLE_NONE) {
            handle_drop(before);
        }
    }
    return OK;
}

void terminal_take_again(void) {
    handle_t gate = __atomic_exchange_n(&taken, HANDLE_NONE, __ATOMIC_ACQ_REL);

    if (gate != HANDLE_NONE) {
        status_ignore(terminal_take(gate)); /* no longer a leader, or the terminal is gone */
        handle_drop(gate);
    }
}

void terminal_after_fork(void) {
    taken = HANDLE_NONE;
}

/* Is it the terminal of another session than `own`, whose leader lives? */
static bool is_of_another(handle_t gate, uint32_t own) {
    uint32_t parent, group, session, has_terminal, number;

    return terminal_get_session(gate, &number, DEADLINE_NEVER) == OK && number != 0 &&
           number != own &&
           proc_get_ids(proc_gate(), number, &parent, &group, &session, &has_terminal,
                        DEADLINE_NEVER) == OK &&
           session == number && has_terminal != 0;
}

void terminal_opened(handle_t gate) {
    uint32_t parent, group, session, has_terminal, rows, columns;

    if (proc_gate() == HANDLE_NONE ||
        proc_get_ids(proc_gate(), 0, &parent, &group, &session, &has_terminal, DEADLINE_NEVER) !=
            OK ||
        session != process_pid() || has_terminal != 0) {
        return;
    }
    if (terminal_get_size(gate, &rows, &columns, DEADLINE_NEVER) == OK &&
        !is_of_another(gate, session)) {
        status_t status = terminal_take(gate);

        (void)status; /* then the session has no terminal, as if O_NOCTTY had been said */
    }
}

/* ---- the background ---- */

static status_t ask(handle_t gate, int signal) {
    const struct posix_thread *self = thread_self();
    uint32_t number = 0, verdict;

    if (proc_gate() == HANDLE_NONE) {
        return OK; /* no sessions, no job control */
    }
    for (;;) {
        bool held =
            (self->mask & SIGNAL_BIT(signal)) != 0 || signal_handler_of(signal) == SIGNAL_IGNORE;
        status_t status = terminal_get_session(gate, &number, DEADLINE_NEVER);

        if (status == OK) {
            status = proc_background(proc_gate(), number, (uint32_t)signal, held, &verdict,
                                     DEADLINE_NEVER);
        }
        if (status != OK) {
            return status;
        }
        if (verdict != PROC_BACKGROUND_SIGNALLED) {
            return verdict == PROC_BACKGROUND_PROCEED ? OK : ERROR_IO;
        }
        /* The signal has stopped us and we go on, or it has run its handler. */
        if (self->slow != CALL_FAST && self->interrupt != 0) {
            return ERROR_INTERRUPTED;
        }
    }
}

status_t terminal_ask_read(handle_t gate) {
    return ask(gate, SIGTTIN);
}

status_t terminal_ask_write(handle_t gate) {
    return ask(gate, SIGTTOU);
}

/* For what changes the terminal, from the background. Other files: 0. */
static long may_change(handle_t gate) {
    status_t status = ask(gate, SIGTTOU);

    return status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED ? -ENOTTY
                                                                        : errno_from_status(status);
}

static long get_attributes(handle_t gate, void *attributes) {
    return terminal_error(terminal_get_attributes(
        gate, attributes, sizeof(struct terminal_attributes), DEADLINE_NEVER));
}

static long set_attributes(handle_t gate, uint32_t when, const void *attributes) {
    long error = may_change(gate);

    return error != 0
               ? error
               : terminal_error(terminal_set_attributes(
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

/* The number of the caller's session, if this is its terminal; else -ENOTTY. */
static long own_session(handle_t gate) {
    uint32_t parent, group, own, has_terminal, number = 0;
    long error = terminal_error(terminal_get_session(gate, &number, DEADLINE_NEVER));

    if (error == 0 && proc_gate() == HANDLE_NONE) {
        error = -ENOTTY;
    }
    if (error == 0) {
        error = errno_from_status(
            proc_get_ids(proc_gate(), 0, &parent, &group, &own, &has_terminal, DEADLINE_NEVER));
    }
    if (error == 0 && number != own && own == process_pid() && has_terminal != 0) {
        /* The terminal's server has been started anew, and forgotten us. */
        error = number == 0 && terminal_take(gate) == OK ? 0 : -ENOTTY;
        number = own;
    }
    return error != 0 ? error : number == own ? (long)number : -ENOTTY;
}

static long get_foreground(handle_t gate, int *group) {
    uint32_t number = 0;
    long session = own_session(gate);

    if (session < 0) {
        return session;
    }
    status_t status = proc_get_foreground(proc_gate(), &number, DEADLINE_NEVER);

    if (status == ERROR_NOT_TERMINAL && terminal_take(gate) == OK) {
        /* proc had been restarted, and the terminal spoke to its last run: the session's leader
         * puts that right. */
        status = proc_get_foreground(proc_gate(), &number, DEADLINE_NEVER);
    }
    *group = (int)number;
    return terminal_error(status);
}

static long set_foreground(handle_t gate, const int *group) {
    long session = own_session(gate);

    if (session < 0) {
        return session;
    }
    if (*group <= 0) {
        return -EINVAL;
    }
    long error = may_change(gate);

    if (error != 0) {
        return error;
    }
    status_t status = proc_set_foreground(proc_gate(), (uint32_t)*group, DEADLINE_NEVER);

    if (status == ERROR_NOT_TERMINAL && terminal_take(gate) == OK) {
        status = proc_set_foreground(proc_gate(), (uint32_t)*group, DEADLINE_NEVER);
    }
    return status == ERROR_DENIED ? -EPERM : terminal_error(status);
}

static long get_session(handle_t gate, int *session) {
    long number = own_session(gate);

    if (number > 0) {
        *session = (int)number;
    }
    return MIN(number, 0);
}

static long flush(handle_t gate, long which) {
    static const uint32_t queues[] = {[TCIFLUSH] = TERMINAL_FLUSH_INPUT,
                                      [TCOFLUSH] = TERMINAL_FLUSH_OUTPUT,
                                      [TCIOFLUSH] = TERMINAL_FLUSH_INPUT | TERMINAL_FLUSH_OUTPUT};

    if (which < TCIFLUSH || which > TCIOFLUSH) {
        return -EINVAL;
    }
    long error = may_change(gate);

    if (error != 0) {
        return error;
    }
    return terminal_error(terminal_flush(gate, queues[which], DEADLINE_NEVER));
}

static long drain(handle_t gate) {
    long error = may_change(gate);

    return error != 0 ? error : terminal_error(terminal_drain(gate, DEADLINE_NEVER));
}

/* TIOCSCTTY: of a session leader that has none, and nobody else's. */
static long take(handle_t gate) {
    uint32_t parent, group, own, has_terminal, number = 0;
    long error = terminal_error(terminal_get_session(gate, &number, DEADLINE_NEVER));

    if (error == 0 && proc_gate() == HANDLE_NONE) {
        error = -EPERM;
    }
    if (error == 0) {
        error = errno_from_status(
            proc_get_ids(proc_gate(), 0, &parent, &group, &own, &has_terminal, DEADLINE_NEVER));
    }
    if (error != 0 || (number == own && has_terminal != 0)) {
        return error;
    }
    if (own != process_pid() || has_terminal != 0 || is_of_another(gate, own)) {
        return -EPERM;
    }
    return terminal_error(terminal_take(gate));
}

/* From the background, or for the output. */
static bool may_wait(unsigned request) {
    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TIOCSPGRP:
    case TCFLSH:
    case TCSBRK:
    case TCXONC:
        return true;
    default:
        return false;
    }
}

long terminal_control(handle_t gate, unsigned request, long argument) {
    const struct winsize *size = (const struct winsize *)argument;

    if (!may_wait(request)) {
        thread_self()->slow = CALL_FAST;
    }
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
        return take(gate);
    case TIOCINQ:
    case TIOCOUTQ:
        return get_queued(gate, request, (int *)argument);
    case TCFLSH:
        return flush(gate, argument);
    case TCSBRK:
        return drain(gate);
    case TCXONC:
        return may_change(gate);
    default:
        return -ENOTTY;
    }
}

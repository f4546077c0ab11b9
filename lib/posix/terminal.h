/* SPDX-License-Identifier: MIT */
/*
 * Terminals: attributes and sizes are their servers' (abi/protocols/terminal.idl), sessions and
 * groups proc's.
 */
#pragma once

#include "abi/types.h"

/* A character device was opened without O_NOCTTY: it becomes the controlling terminal of a session
 * leader that has none. */
void terminal_opened(handle_t gate);

/* ioctl on an open file that may be a terminal. Minus an errno; -ENOTTY also for requests that are
 * none of a terminal. */
long terminal_control(handle_t gate, unsigned request, long argument);

/* Makes the terminal that of the caller's session. */
status_t terminal_take(handle_t gate);

/* proc has been started anew: the leader of a session tells it and its terminal of each other. */
void terminal_take_again(void);

/* In the child of a fork. */
void terminal_after_fork(void);

/*
 * A read or write of a terminal was answered BACKGROUND: asks proc whether the caller may. OK: then
 * it is to be made again, with the offset TERMINAL_OFFSET_ASKED. INTERRUPTED (a signal that is
 * handled came instead) or IO. Where job control stops the caller, this returns after that.
 */
status_t terminal_ask_read(handle_t gate);
status_t terminal_ask_write(handle_t gate);

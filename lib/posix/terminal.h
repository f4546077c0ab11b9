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

/* SPDX-License-Identifier: MIT */
/*
 * The terminal of a full-screen program: raw keys in, ECMA-48 sequences out.
 *
 * Promise: however the program ends - return, exit, Ctrl-C, SIGTERM, SIGHUP - the terminal is given
 * back in the state in which it was found. The signal handlers do that themselves with nothing but
 * async-signal-safe calls, so it holds in the middle of a name look-up too. Ctrl-Z gives the
 * terminal back for the time of the stop.
 *
 * There is one terminal, so this module has one state of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/gopher/buffer.h"
#include "programs/gopher/keys.h"

struct screen_size {
    size_t rows;
    size_t columns;
};

/* Takes the terminal over; false (errno set) when standard input or output is none. */
bool screen_open(void) __attribute__((warn_unused_result));

/* Gives it back. May be called at any time, and twice. */
void screen_close(void);

/* Its size now; 25 rows of 80 columns when it does not know (a serial line). */
struct screen_size screen_size(void);

/*
 * Waits for a key; KEY_NONE when the size of the window changed instead, or the program was
 * continued after a stop: draw again. Returns false when the terminal is gone. Blocks: until a key.
 */
bool screen_key(int *key) __attribute__((warn_unused_result));

/* Takes the keys that are there already: true if Escape, q or Ctrl-G is among them, or no terminal
 * is left. Does not block. */
bool screen_stop_asked(void);

/* The file descriptor that becomes readable when a key is pressed. */
int screen_fd(void);

/* Writes all of it. Out-of-memory buffers are written as far as they go. */
void screen_write(const struct buffer *output);

/* Sequences (ECMA-48 8.3): appended to an output buffer. Rows count from 1. */
void screen_move(struct buffer *output, size_t row, size_t column);
#define SCREEN_CLEAR_LINE  "\033[K"
#define SCREEN_PLAIN       "\033[m"
#define SCREEN_BOLD        "\033[1m"
#define SCREEN_REVERSE     "\033[7m"
#define SCREEN_HIDE_CURSOR "\033[?25l"
#define SCREEN_SHOW_CURSOR "\033[?25h"

/* SPDX-License-Identifier: MIT */
/*
 * The line discipline of a terminal: what happens between the keys that a person presses and the
 * bytes that a program reads, and between what it writes and what the screen gets (POSIX.1-2017,
 * chapter 11).
 *
 *     device -> discipline_input ->  [input ring]  -> discipline_peek, discipline_consume ->
 * program | echo
 *                     v
 *     device <- discipline_take  <-  [output ring] <- discipline_write                  <- program
 *
 * Pure: no allocation, no system call, no clock; any bytes are accepted. Who waits for what is the
 * business of lib/terminal/terminal.h.
 *
 * Invariants: read_at <= line_at <= write_at <= read_at + DISCIPLINE_INPUT_BYTES (counters that run
 * freely, the ring's index is their remainder). In canonical mode [read_at, line_at) are whole
 * lines and [line_at, write_at) is the one being edited; in raw mode line_at means nothing.
 */
#pragma once

#include "abi/generated/terminal.h"
#include "lib/base/types.h"

enum {
    DISCIPLINE_LINE_BYTES = 4096, /* of canonical mode, with what ends it */
    /* Of lines that nobody has read yet. More are held up in the device, and a Ctrl-C behind them
     * with them: so this is more than people paste. */
    DISCIPLINE_INPUT_BYTES = 64 * 1024,
    DISCIPLINE_OUTPUT_BYTES = 8192,
    DISCIPLINE_ECHO_BYTES = 512, /* of the output ring, which programs' output leaves to echo */
};

struct discipline {
    /* The flags are those of <termios.h>; changed by discipline_set_attributes only. */
    struct terminal_attributes attributes;
    /* Private: */
    uint8_t input[DISCIPLINE_INPUT_BYTES];
    uint8_t is_end[DISCIPLINE_INPUT_BYTES / 8]; /* bit per byte: it ends a line; a 0 byte: EOF */
    uint32_t read_at, line_at, write_at;
    uint8_t output[DISCIPLINE_OUTPUT_BYTES];
    uint32_t output_from, output_to;
    uint32_t column;      /* of the cursor, as far as output tells */
    uint32_t line_column; /* where the line being edited begins */
    bool is_literal;      /* the next byte is taken as it is (VLNEXT) */
    bool is_stopped;      /* output waits for VSTART */
    uint64_t n_dropped;   /* bytes of input for which there was no room */
};

/* Canonical mode with echo, editing, signals and newline translation, as a person expects. */
void discipline_init(struct discipline *discipline);

/*
 * Takes what the device received. Returns the signals that it asks for: bits
 * TERMINAL_NOTIFY_INTERRUPT, _QUIT, _SUSPEND.
 */
WARN_UNUSED uint32_t discipline_input(struct discipline *discipline, const uint8_t *bytes,
                                      size_t n);

/* The line was held in the break condition. Signals as discipline_input. */
WARN_UNUSED uint32_t discipline_break(struct discipline *discipline);

/*
 * How many bytes the device should deliver at most, so that none is dropped. 0: none until a
 * program has read, or output has gone. A line being edited never holds up the device: what makes
 * it too long is dropped, with a bell.
 */
size_t discipline_room(const struct discipline *discipline);

/* Bytes that a read could give now, the end-of-file character counted as one. */
size_t discipline_available(const struct discipline *discipline);

/*
 * Copies what a read of `size` bytes gives now: in canonical mode up to the end of a line. Returns
 * the number of bytes, and in *used what discipline_consume is to be given when they have arrived
 * (0: nothing is there; more than the result: the end-of-file character, which is not copied).
 */
size_t discipline_peek(const struct discipline *discipline, uint8_t *to, size_t size, size_t *used);
void discipline_consume(struct discipline *discipline, size_t used);

/* Takes output of a program as far as there is room; returns how much was taken. */
size_t discipline_write(struct discipline *discipline, const uint8_t *bytes, size_t n);

/* Moves up to n bytes to the device; 0 also while output is stopped. */
size_t discipline_take(struct discipline *discipline, uint8_t *to, size_t n);

/* Bytes that discipline_take has still to give, stopped or not. */
size_t discipline_queued(const struct discipline *discipline);

/* Is there room for a program's output? (Some: half of the ring, so that writers do not trickle.)
 */
bool discipline_is_writable(const struct discipline *discipline);

/* Drop what was typed and not read, what was written and not sent. */
void discipline_flush_input(struct discipline *discipline);
void discipline_flush_output(struct discipline *discipline);

/*
 * What was typed before stays there when canonical mode goes on or off. As it goes on, the
 * characters for editing, end of file, flow and signals among it act as if typed now. Signals as
 * discipline_input.
 */
WARN_UNUSED uint32_t discipline_set_attributes(struct discipline *discipline,
                                               const struct terminal_attributes *attributes);

bool discipline_is_canonical(const struct discipline *discipline);

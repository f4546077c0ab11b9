/* SPDX-License-Identifier: MIT */
/*
 * Takes from a program's output what the terminal emulator is not up to (libvterm 0.1.4): sequences
 * with more parameters than it has room for, numbers that overflow, strings of any length,
 * malformed UTF-8, C1 controls, and combining characters, which the screen's font cannot show and
 * of which it would collect any number. What is left means the same as before. To a reset (RIS) it
 * adds that of the reverse screen, which the emulator's reset forgets.
 *
 * Pure; any bytes are accepted, in any pieces.
 */
#pragma once

#include "lib/base/types.h"

enum sanitizer_state {
    SANITIZER_TEXT,
    SANITIZER_ESCAPE,
    SANITIZER_CONTROL,       /* in a control sequence (CSI) */
    SANITIZER_STRING,        /* in a string (OSC, DCS ...), all of which is dropped */
    SANITIZER_STRING_ESCAPE, /* it may end here */
};

struct sanitizer {
    /* How many columns a code point takes; 0 or less: none, drop it. */
    int (*width)(uint32_t code_point);
    enum sanitizer_state state;
    uint32_t n_parameters; /* CSI */
    uint32_t n_digits;
    uint32_t n_others;
    uint32_t code_point; /* the character under way */
    uint32_t n_missing;  /* its bytes to come */
    uint32_t minimum;    /* below this it would be overlong */
};

/* Most bytes that one byte becomes: the end of a reset. */
enum { SANITIZER_EXPANSION = 7 };

void sanitizer_init(struct sanitizer *sanitizer, int (*width)(uint32_t code_point));

/* Returns how many bytes went to `to`, which has room for SANITIZER_EXPANSION times n. */
size_t sanitizer_take(struct sanitizer *sanitizer, const uint8_t *bytes, size_t n, uint8_t *to);

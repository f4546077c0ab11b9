/* SPDX-License-Identifier: MIT */
/*
 * Keyboard layouts: text files that say which characters a key has.
 *
 *     # a comment: first character of a line
 *     key     NAME  plain [shift [AltGr [shift+AltGr]]]
 *     letter  NAME  ...                 the same, and Caps Lock works as Shift on it
 *
 * NAME says where the key is, by what a US keyboard has there: 1 ... 0, a ... z, grave, minus,
 * equal, leftbracket, rightbracket, semicolon, apostrophe, backslash (left of or above Enter), less
 * (right of the left Shift on ISO keyboards), comma, period, slash, space, and kpdecimal on the
 * keypad. A character is written as itself, as U+HEX, as `space`, or as `none`. `dead:X` marks X as
 * a dead key: an accent for the next character. It yields the accent itself as long as nobody
 * composes. Levels left out have no character. In a layout without any character on AltGr the right
 * Alt key is an Alt key like the left one.
 *
 * keymap_parse accepts any bytes, and says what is wrong where. The structure holds no pointers.
 * Pure: no allocation, no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest layout file, in bytes. */
#define KEYMAP_TEXT_MAX 32768u

/* Keys that can have characters are numbered by their scan code (set 1), which is below this. */
#define KEYMAP_KEYS 0x80u

enum keymap_level { LEVEL_PLAIN, LEVEL_SHIFT, LEVEL_ALTGR, LEVEL_SHIFT_ALTGR, LEVEL_COUNT };

struct keymap_symbol {
    uint32_t code_point; /* 0: none */
    bool is_dead;
};

struct keymap_key {
    struct keymap_symbol levels[LEVEL_COUNT];
    bool is_defined;
    bool is_letter; /* Caps Lock works as Shift, at the levels without AltGr */
};

struct keymap {
    struct keymap_key keys[KEYMAP_KEYS]; /* by scan code */
    bool has_altgr;
};

struct keymap_error {
    unsigned line;    /* from 1; 0 if it is about the file as a whole */
    const char *what; /* a sentence without end, for "FILE:LINE: WHAT" */
};

/*
 * Parses a layout. Returns true with `keymap` complete, or false with `error` set; `keymap` is then
 * not to be used.
 */
bool keymap_parse(const char *text, size_t size, struct keymap *keymap, struct keymap_error *error)
    __attribute__((warn_unused_result));

/* The US layout without a file: what a keyboard driver has when there is nothing else. */
void keymap_init_us(struct keymap *keymap);

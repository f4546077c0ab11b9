/* SPDX-License-Identifier: MIT */
/*
 * A PC keyboard: bytes of scan code set 1, as an 8042 gives them with translation on, to key
 * events, and key events to the bytes that a terminal sends for them.
 *
 * keyboard_feed understands the prefixes E0 and E1, drops the shifts that keyboards fake around
 * Print Screen and the cursor keys, tells repeats from presses, and keeps the modifier keys and
 * locks. keyboard_bytes looks the key up in a layout (keymap.h): UTF-8 for characters, ECMA-48 and
 * xterm sequences for the others. Between the two a console can take keys for itself (F1, F2).
 *
 * One event at a time; no allocation, no system call; any bytes are accepted. A key whose release
 * was lost is released by keyboard_reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/keymap/keymap.h"

/* A key is its scan code, with this bit if the code came after E0. */
#define KEY_EXTENDED 0x80u

enum keyboard_key {
    KEY_ESCAPE = 0x01,
    KEY_BACKSPACE = 0x0e,
    KEY_TAB = 0x0f,
    KEY_ENTER = 0x1c,
    KEY_LEFT_CTRL = 0x1d,
    KEY_LEFT_SHIFT = 0x2a,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_PAD_MULTIPLY = 0x37,
    KEY_LEFT_ALT = 0x38,
    KEY_CAPS_LOCK = 0x3a,
    KEY_F1 = 0x3b, /* to F10 in order */
    KEY_F10 = 0x44,
    KEY_NUM_LOCK = 0x45,
    KEY_SCROLL_LOCK = 0x46,
    KEY_PAD_7 = 0x47, /* the keypad, row by row, to KEY_PAD_DECIMAL */
    KEY_PAD_MINUS = 0x4a,
    KEY_PAD_5 = 0x4c,
    KEY_PAD_PLUS = 0x4e,
    KEY_PAD_DECIMAL = 0x53,
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_PAD_ENTER = 0x9c,
    KEY_RIGHT_CTRL = 0x9d,
    KEY_PAD_DIVIDE = 0xb5,
    KEY_PRINT_SCREEN = 0xb7,
    KEY_RIGHT_ALT = 0xb8,
    KEY_PAUSE = 0xc5, /* E1 1D 45; the number is free after E0 */
    KEY_HOME = 0xc7,
    KEY_UP = 0xc8,
    KEY_PAGE_UP = 0xc9,
    KEY_LEFT = 0xcb,
    KEY_RIGHT = 0xcd,
    KEY_END = 0xcf,
    KEY_DOWN = 0xd0,
    KEY_PAGE_DOWN = 0xd1,
    KEY_INSERT = 0xd2,
    KEY_DELETE = 0xd3,
};

enum keyboard_action { KEY_PRESSED, KEY_REPEATED, KEY_RELEASED };

enum keyboard_modifiers {
    MODIFIER_SHIFT = 1, /* these three as xterm numbers them in its sequences */
    MODIFIER_ALT = 2,
    MODIFIER_CTRL = 4,
    MODIFIER_ALTGR = 8,
};

/* Bits as the keyboard's command ED (set lamps) wants them. */
enum keyboard_locks { LOCK_SCROLL = 1, LOCK_NUM = 2, LOCK_CAPS = 4 };

struct keyboard_event {
    uint8_t key;
    enum keyboard_action action;
    unsigned modifiers; /* enum keyboard_modifiers, with this key counted if it is one */
};

struct keyboard {
    const struct keymap *keymap; /* must outlive it; may be exchanged at any time */
    unsigned locks;              /* enum keyboard_locks; the driver shows them on the lamps */
    bool application_cursor;     /* cursor keys as ESC O x (DECCKM), set by the terminal */
    /* Private: */
    uint8_t prefix;  /* 0, or the E0 or E1 that was read */
    uint8_t skipped; /* the byte after E1, once it was read */
    uint8_t down[32];
};

/* A keyboard with no key down and no lock on. */
void keyboard_init(struct keyboard *keyboard, const struct keymap *keymap);

/* All keys are up, no prefix is pending: after the keyboard was reset or plugged in. Locks stay. */
void keyboard_reset(struct keyboard *keyboard);

/* The next byte from the keyboard. True when it completes an event. */
bool keyboard_feed(struct keyboard *keyboard, uint8_t byte, struct keyboard_event *event);

/* Longest answer of keyboard_bytes. */
#define KEYBOARD_BYTES_MAX 8

/* What a terminal sends for the event, not ended by a zero byte. Returns its size; 0: nothing. */
size_t keyboard_bytes(const struct keyboard *keyboard, const struct keyboard_event *event,
                      char bytes[KEYBOARD_BYTES_MAX]);

/* SPDX-License-Identifier: MIT */
/*
 * What a terminal sends, byte by byte, as keys: control characters and the escape sequences of
 * ECMA-48, xterm, the VT100 and the Linux console. Pure.
 */
#pragma once

enum key {
    KEY_NONE, /* the byte was part of a sequence, or of one that means nothing here */
    KEY_TEXT, /* the byte itself */
    KEY_ENTER,
    KEY_TAB,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_CANCEL,         /* Ctrl-C */
    KEY_DELETE_OR_END,  /* Ctrl-D */
    KEY_KILL_TO_END,    /* Ctrl-K */
    KEY_KILL_TO_START,  /* Ctrl-U */
    KEY_KILL_WORD,      /* Ctrl-W: back to a blank */
    KEY_KILL_WORD_NEXT, /* Alt-D */
    KEY_YANK,           /* Ctrl-Y */
    KEY_CLEAR,          /* Ctrl-L */
};

struct keys {
    enum { KEYS_GROUND, KEYS_ESCAPE, KEYS_CSI, KEYS_SS3, KEYS_SKIP_ONE } state;
    unsigned parameters[2];
    unsigned n_parameters; /* separators seen, at most 1 */
};

/* Takes the next byte. A zeroed struct is the state to begin with. */
enum key keys_feed(struct keys *keys, unsigned char byte);

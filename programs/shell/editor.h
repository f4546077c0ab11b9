/* SPDX-License-Identifier: MIT */
/*
 * Editing of one line: keys change a text and a cursor. It neither reads nor draws; see terminal.h
 * and display.h. Pure.
 *
 * Invariant: cursor is at a boundary between characters and at most line.length. A character is a
 * UTF-8 sequence with its combining marks, or a single invalid byte.
 */
#pragma once

#include <stddef.h>

#include "programs/common/text.h"
#include "programs/shell/history.h"
#include "programs/shell/keys.h"

/* Longer lines are refused with a bell. */
#define EDITOR_LIMIT 65536

enum editor_event {
    EDITOR_MORE,     /* go on */
    EDITOR_ACCEPT,   /* the line is complete */
    EDITOR_CANCEL,   /* Ctrl-C: forget the line */
    EDITOR_END,      /* Ctrl-D on an empty line: end of file */
    EDITOR_COMPLETE, /* Tab: the caller may complete the word at the cursor */
    EDITOR_CLEAR,    /* Ctrl-L: clear the screen and draw again */
    EDITOR_BELL,     /* the key can do nothing here */
};

struct editor {
    struct text line;
    size_t cursor; /* in bytes */

    /* private */
    struct keys keys;
    struct text killed;            /* what Ctrl-Y brings back */
    struct text draft;             /* the new line, while an old one is shown */
    const struct history *history; /* may be null */
    size_t position;               /* in the history; history->n is the new line */
};

/* Makes it ready for a new line; keeps what was killed. A zeroed struct is a valid editor before
 * that. */
void editor_begin(struct editor *editor, const struct history *history);

/* Takes one byte from the terminal. */
enum editor_event editor_feed(struct editor *editor, unsigned char byte);

/* Puts bytes in place of the length bytes before the cursor; the cursor ends behind them. */
void editor_replace(struct editor *editor, size_t length, const char *bytes, size_t n);

/* Is it in the middle of an escape sequence or of a UTF-8 sequence? Then drawing should wait. */
int editor_is_midway(const struct editor *editor);

void editor_free(struct editor *editor);

/* SPDX-License-Identifier: MIT */
/*
 * Draws a prompt and a line being edited with as few bytes as it can: only what changed since the
 * last time is sent. Pure: the bytes for the terminal are appended to a text.
 *
 * Lines are wrapped here and not by the terminal, so a terminal that is wider than it says (a
 * serial line says nothing) shows the same thing. If the text has more rows than the screen, the
 * rows around the cursor are shown.
 *
 * Only these are used of ECMA-48: CUU, CUD, CUF, ED. A line feed is expected to go to the first
 * column of the next row, as the terminal driver makes it (ONLCR).
 */
#pragma once

#include <stddef.h>

#include "programs/common/screen.h"
#include "programs/common/text.h"

struct display {
    /* private: what is on the screen, with line breaks as '\n' and without control characters */
    struct text shown;
    size_t cursor; /* in shown */
    struct screen_size size;
};

/* What to draw. *cursor* is an offset into line, at a character boundary. */
struct display_content {
    const char *prompt;
    const char *line;
    size_t length;
    size_t cursor;
    struct screen_size size;
};

/* Forgets what is on the screen; the next drawing starts where the terminal's cursor is, which
 * must be the first column. A zeroed struct is in this state. */
void display_forget(struct display *display);

/* Appends what brings the screen from what was drawn last to *content*. After a change of size
 * everything is drawn again. */
void display_draw(struct display *display, const struct display_content *content,
                  struct text *output);

/* Appends what moves the terminal's cursor to the first column of the line below everything
 * drawn, and forgets. */
void display_finish(struct display *display, struct text *output);

void display_free(struct display *display);

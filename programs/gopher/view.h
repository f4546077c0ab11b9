/* SPDX-License-Identifier: MIT */
/*
 * What the reader sees: the page, a status line (address and position), and a last line for help,
 * messages and questions. Only rows that changed are sent to the terminal, which matters on a
 * serial line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/gopher/history.h"
#include "programs/gopher/screen.h"

struct view {
    struct screen_size size;
    struct buffer *rows; /* what each row shows now; size.rows of them */
    size_t n_rows;
    struct buffer output; /* kept to save allocations */
};

/* Takes the size of the window and forgets what it shows: all is drawn again. */
void view_reset(struct view *view);

/* Rows for the page: all but the last two. At least 1. */
size_t view_page_rows(const struct view *view);

/* Draws the visit, and `bottom` (plain text of any origin) on the last line. */
void view_draw(struct view *view, const struct visit *visit, const char *bottom);

/* Draws only the last line; with `show_cursor`, the cursor stands after the text. */
void view_bottom(struct view *view, const char *bottom, bool show_cursor);

/* Draws fixed lines of text instead of a page. */
void view_text(struct view *view, const char *const *lines, size_t n_lines);

void view_release(struct view *view);

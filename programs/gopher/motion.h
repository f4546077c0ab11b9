/* SPDX-License-Identifier: MIT */
/*
 * Moving within a page: which line is at the top of the screen and which link is selected.
 *
 * Invariants after every call: top is at most n_lines - rows (0 if the page is shorter); the
 * selected item, if there is one, can be followed, and its first line is on the screen. `rows` is
 * the number of screen rows for the page, at least 1. Pure, but for the memory of the layout.
 */
#pragma once

#include <stddef.h>

#include "programs/gopher/history.h"

/*
 * Lays the page out for this width, keeping the place in the text when the width changes, and
 * establishes the invariants. Without memory the page is shown empty.
 */
void motion_layout(struct visit *visit, size_t columns, size_t rows);

/* To the link above or below the selected one; scrolls a line when that is off the screen. */
void motion_up(struct visit *visit, size_t rows);
void motion_down(struct visit *visit, size_t rows);

/* Makes this line the top one, or as near to it as the page allows. */
void motion_to(struct visit *visit, size_t rows, size_t top);

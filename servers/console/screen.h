/* SPDX-License-Identifier: MIT */
/*
 * The text screen of a VGA: 80 by 25 cells in memory at 0xb8000, each a glyph of the font and, in
 * the high byte, colours; and a cursor. Cells that already show what they are to show are not
 * written: that memory is slow.
 */
#pragma once

#include "lib/base/types.h"

enum { SCREEN_ROWS = 25, SCREEN_COLUMNS = 80 };

/* Light grey on black: the attribute byte of a cell is background << 4 | foreground. */
#define SCREEN_BLANK 0x0720

/* False if the machine has no VGA, or it shows graphics: then nothing below may be called. */
WARN_UNUSED bool screen_open(void);

void screen_put(unsigned row, unsigned column, uint16_t cell);

/* row SCREEN_ROWS or beyond: no cursor. */
void screen_set_cursor(unsigned row, unsigned column);

/* SPDX-License-Identifier: MIT */
/*
 * Text from a stranger, made safe to put on a terminal.
 *
 * A terminal obeys control characters, so a server that could send them through us could move the
 * cursor, retitle the window or type commands. Every byte of a server that reaches the screen goes
 * through text_next, whose output is printable UTF-8 and nothing else:
 *   - valid UTF-8 (RFC 3629) stays as it is;
 *   - a byte that is no part of valid UTF-8 is read as windows-1252, that is ISO 8859-1 with
 *     characters for 0x80-0x9f, because old Gopher servers send Latin-1 and name no encoding;
 *   - C0 controls and DEL become ^X; C1 controls, direction overrides (they can make an address
 *     read backwards) and non-characters become U+FFFD.
 *
 * All functions are pure: no allocation but in the buffer given, no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/buffer.h"

/* One character as it will be shown. */
struct text_glyph {
    unsigned n_bytes;   /* taken from the input, at least 1 */
    unsigned n_columns; /* 0 (combining), 1 or 2 */
    unsigned out_size;  /* bytes of `out` */
    char out[4];        /* printable UTF-8 */
};

/* The character at the start of `data` (`size` at least 1). TAB is no special case here. */
void text_next(const char *data, size_t size, struct text_glyph *glyph);

/* Columns that a line takes when shown from column 0; TAB stops every 8 columns. */
size_t text_columns(const char *data, size_t size);

/*
 * How many bytes of `data` fit in `columns` columns (at least 1), from column 0. A line that is too
 * long is broken after its last space, if it has one in its second half, else between characters.
 * Returns at least 1 when size > 0.
 */
size_t text_fit(const char *data, size_t size, size_t columns);

/*
 * Appends the line, TABs as spaces, cut at `columns` columns. Returns the columns used.
 * Out of memory shows as out->failed.
 */
size_t text_render(struct buffer *out, const char *data, size_t size, size_t columns);

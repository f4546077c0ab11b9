/* SPDX-License-Identifier: MIT */
/*
 * What a terminal sends when a key is pressed, undone: bytes to keys. Understands the cursor and
 * editing keys of ECMA-48 terminals in their usual forms (CSI A, SS3 A, CSI 5 ~), with modifiers
 * ignored, and characters in UTF-8. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A key is a character (Unicode code point; controls as themselves) or one of these. */
enum key {
    KEY_NONE = -1, /* a sequence that means nothing here */
    KEY_ENTER = '\r',
    KEY_ESCAPE = 0x1b,
    KEY_BACKSPACE = 0x7f,
    KEY_UP = 0x110000, /* beyond the last code point */
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_INSERT,
    KEY_DELETE,
    KEY_HELP, /* F1 */
};

/*
 * Decodes the first key of `data` and returns how many bytes it took. Returns 0 when the bytes are
 * the beginning of a longer sequence: ask again with more of them, or, when none comes soon, with
 * `is_all` true, which always decodes something (size must not be 0).
 */
size_t key_decode(const char *data, size_t size, bool is_all, int *key);

/* SPDX-License-Identifier: MIT */
/* The font of a PC's text screen: code page 437. */
#pragma once

#include "lib/base/types.h"

/* Shown for what the font has nothing like. */
#define CP437_UNKNOWN 0xa8 /* an inverted question mark: a real one is text */

/* The glyph for a Unicode code point, or one that looks much like it. */
uint8_t cp437_from_code_point(uint32_t code_point);

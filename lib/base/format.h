/* SPDX-License-Identifier: MIT */
/*
 * Formatted text without a C library: what the kernel's log and panic, and servers that write
 * messages of their own, print with. Allocates nothing, needs a few hundred bytes of stack.
 *
 *     %d %i %u %x %X %o %c %s %p %%
 *     sizes     hh h l ll z j t
 *     flags     - (left)  0 (zeros)  + and blank (sign)  # (0x)
 *     width and precision as numbers or *
 *
 * Same result as C's printf, with these differences: a null %s prints (null), a null %p 0x0. There
 * is no floating point and no %n: from an unknown conversion on the format is printed as it is,
 * since the arguments after it can no longer be found.
 */
#pragma once

#include <stdarg.h>

#include "lib/base/types.h"

/* Takes the next `n` bytes of the text (not terminated). */
typedef void format_sink(void *context, const char *bytes, size_t n);

/* Formats into a sink, called any number of times. Returns the length of the text. */
size_t format_v(format_sink *sink, void *context, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

size_t format_to(format_sink *sink, void *context, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * Formats into the `size` bytes at `buffer`; cut if it is too long, always terminated unless size
 * is 0. Returns the length that the whole text has: it was cut if that is >= size.
 */
size_t format_buffer(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
size_t format_buffer_v(char *buffer, size_t size, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

/* SPDX-License-Identifier: MIT */
/*
 * A byte string that grows. A zeroed struct is an empty one.
 *
 * Invariant: bytes is null iff nothing was ever appended; otherwise bytes[length] is a null byte,
 * so that bytes is a C string as long as nobody appended a null byte.
 */
#pragma once

#include <stddef.h>

struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void text_append(struct text *text, const void *bytes, size_t length);
void text_append_string(struct text *text, const char *string);
void text_append_byte(struct text *text, char byte);
__attribute__((format(printf, 2, 3))) void text_append_format(struct text *text, const char *format,
                                                              ...);

/* Inserts before offset *at*, removes *length* bytes from it; at + length <= text->length. */
void text_insert(struct text *text, size_t at, const void *bytes, size_t length);
void text_remove(struct text *text, size_t at, size_t length);

/* Empties it and keeps the memory. */
void text_clear(struct text *text);

/* Releases the memory; the text is then empty and may be used again. */
void text_free(struct text *text);

/* The contents as a C string, "" when empty; valid until the next change. */
const char *text_string(const struct text *text);

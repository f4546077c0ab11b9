/* SPDX-License-Identifier: MIT */
/*
 * Two ways to hold bytes: a slice borrows them, a buffer owns them and grows.
 *
 * A buffer remembers that an allocation failed (`failed`) and ignores what is appended after that,
 * so a caller appends freely and looks once at the end.
 *
 * Invariant: size <= room; data is NULL iff room is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes that belong to somebody else; not ended by a zero byte. */
struct slice {
    const char *data;
    size_t size;
};

/* Bytes that belong to this structure. All zero is the empty buffer. */
struct buffer {
    char *data;
    size_t size;
    size_t room;
    bool failed; /* an append found no memory; the contents are incomplete */
};

/* Appends `size` bytes; false (and `failed` set) when there is no memory. */
bool buffer_append(struct buffer *buffer, const void *data, size_t size);

/* Appends a string without its zero byte. */
bool buffer_append_string(struct buffer *buffer, const char *string);

/* Appends what printf would write. */
bool buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees the bytes and makes the buffer empty again. */
void buffer_release(struct buffer *buffer);

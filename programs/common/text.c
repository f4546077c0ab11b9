/* SPDX-License-Identifier: MIT */
#include "programs/common/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/allocate.h"

/* Makes room for *extra* more bytes and the null byte after them. */
static void reserve(struct text *text, size_t extra) {
    size_t capacity = text->capacity < 32 ? 32 : text->capacity;

    while (capacity - text->length <= extra && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    if (capacity > text->capacity) {
        text->bytes = checked_realloc(text->bytes, capacity, 1);
        text->capacity = capacity;
    }
}

void text_insert(struct text *text, size_t at, const void *bytes, size_t length) {
    reserve(text, length);
    memmove(text->bytes + at + length, text->bytes + at, text->length - at);
    if (length > 0) {
        memcpy(text->bytes + at, bytes, length);
    }
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_append(struct text *text, const void *bytes, size_t length) {
    text_insert(text, text->length, bytes, length);
}

void text_append_string(struct text *text, const char *string) {
    text_append(text, string, strlen(string));
}

void text_append_byte(struct text *text, char byte) {
    text_append(text, &byte, 1);
}

void text_append_format(struct text *text, const char *format, ...) {
    va_list arguments, again;
    int length = 0;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void text_remove(struct text *text, size_t at, size_t length) {
    if (length > 0) {
        memmove(text->bytes + at, text->bytes + at + length, text->length - at - length);
        text->length -= length;
        text->bytes[text->length] = '\0';
    }
}

void text_clear(struct text *text) {
    text_remove(text, 0, text->length);
}

void text_free(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

const char *text_string(const struct text *text) {
    return text->bytes == NULL ? "" : text->bytes;
}

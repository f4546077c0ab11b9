/* SPDX-License-Identifier: MIT */
/* See buffer.h. */
#include "programs/gopher/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `extra` more bytes; doubling, so that appending n bytes one by one costs O(n). */
static bool buffer_reserve(struct buffer *buffer, size_t extra) {
    if (buffer->failed || extra > SIZE_MAX / 4 - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t need = buffer->size + extra;
    if (need <= buffer->room) {
        return true;
    }
    size_t room = buffer->room != 0 ? buffer->room : 256;
    while (room < need) {
        room *= 2;
    }
    char *data = realloc(buffer->data, room);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->room = room;
    return true;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t size) {
    if (!buffer_reserve(buffer, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return true;
}

bool buffer_append_string(struct buffer *buffer, const char *string) {
    return buffer_append(buffer, string, strlen(string));
}

bool buffer_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !buffer_reserve(buffer, (size_t)length + 1)) {
        buffer->failed = true;
        return false;
    }
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
    return true;
}

void buffer_release(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

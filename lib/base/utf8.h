/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 (RFC 3629): code points from bytes and back. Overlong forms, surrogates and what lies above
 * U+10FFFF are not UTF-8.
 */
#pragma once

#include "lib/base/types.h"

#define UTF8_REPLACEMENT 0xfffdu /* shown for bytes that are not UTF-8 */
#define UTF8_LENGTH_MAX  4

enum utf8_result {
    UTF8_OK,
    UTF8_MALFORMED,
    UTF8_INCOMPLETE, /* right so far; more bytes are needed */
};

/*
 * Decodes the first code point of the `n` >= 1 bytes at `bytes`. *length is the number of bytes
 * that it has. UTF8_MALFORMED: *code_point is UTF8_REPLACEMENT, *length the bytes to pass over, at
 * least 1, never those of a good sequence. UTF8_INCOMPLETE: likewise, for callers that have no more
 * bytes to come; *length is n then.
 */
static inline enum utf8_result utf8_decode(const char *bytes, size_t n, uint32_t *code_point,
                                           size_t *length) {
    uint8_t first = (uint8_t)bytes[0];
    /* Bytes in all, and the range that the second one must be in: that excludes overlong forms
     * (after e0, f0), surrogates (ed) and too large numbers (f4). */
    size_t total = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    uint32_t value = total == 1 ? first : first & (0x7fu >> total);

    *code_point = UTF8_REPLACEMENT;
    *length = 1;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4) {
        return UTF8_MALFORMED;
    }
    for (; *length < total; (*length)++) {
        uint8_t byte;

        if (*length == n) {
            return UTF8_INCOMPLETE;
        }
        byte = (uint8_t)bytes[*length];
        if (byte < low || byte > high) {
            return UTF8_MALFORMED;
        }
        low = 0x80;
        high = 0xbf;
        value = value << 6 | (byte & 0x3f);
    }
    *code_point = value;
    return UTF8_OK;
}

/* Encodes a code point; one that is none becomes UTF8_REPLACEMENT. Returns its length, 1 to 4. */
static inline size_t utf8_encode(uint32_t code_point, char bytes[UTF8_LENGTH_MAX]) {
    size_t length;

    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
        code_point = UTF8_REPLACEMENT;
    }
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    bytes[0] = (char)((0xf00u >> length) | code_point);
    return length;
}

/* SPDX-License-Identifier: MIT */
#include "programs/common/width.h"

#include "lib/base/utf8.h"

struct range {
    uint32_t first, last;
};

/* Unicode 14: the blocks of combining marks that are in use, joiners and variation selectors. Not
 * every script's marks are here; a mark that is missing costs one column too many. */
static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a},   {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},   {0x20d0, 0x20ff},   {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0001, 0xe007f}, {0xe0100, 0xe01ef},
};

/* East_Asian_Width W and F by block, and the emoji. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

static int in_ranges(uint32_t code, const struct range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

unsigned width_of(uint32_t code) {
    if (code < 0x300) {
        return 1;
    }
    if (in_ranges(code, zero_width, sizeof zero_width / sizeof *zero_width)) {
        return 0;
    }
    return in_ranges(code, double_width, sizeof double_width / sizeof *double_width) ? 2 : 1;
}

size_t width_cluster(const char *bytes, size_t length, unsigned *width) {
    uint32_t code = 0;
    size_t total = 0;

    utf8_decode(bytes, length, &code, &total);
    *width = width_of(code);
    while (total < length) {
        size_t n = 0;

        utf8_decode(bytes + total, length - total, &code, &n);
        if (width_of(code) > 0) {
            break;
        }
        total += n;
    }
    return total;
}

size_t width_visible(struct text *output, const char *bytes, size_t length) {
    size_t width = 0;

    while (length > 0) {
        uint32_t code = 0;
        size_t n = 0;

        utf8_decode(bytes, length, &code, &n);
        if (code == UTF8_REPLACEMENT || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            text_append_byte(output, '?');
            width++;
        } else {
            text_append(output, bytes, n);
            width += width_of(code);
        }
        bytes += n;
        length -= n;
    }
    return width;
}

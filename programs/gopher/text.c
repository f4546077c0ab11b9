/* SPDX-License-Identifier: MIT */
/* See text.h. */
#include "programs/gopher/text.h"

#include "lib/base/utf8.h"

#define TAB_STOP         8u
#define CODE_SOFT_HYPHEN 0xadu

/*
 * One screen line may hold this many bytes per column. Without a limit a line of a million
 * combining accents would be one column wide, and slow to draw.
 */
#define BYTES_PER_COLUMN_MAX 16u

/* windows-1252, 0x80 to 0x9f; the five bytes it leaves free have no character. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

struct range {
    uint32_t first;
    uint32_t last;
};

/* Characters drawn over the one before them: the ranges of Unicode's Mn that text really has. */
static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
    {0x20d0, 0x20ff}, {0x302a, 0x302d}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* Characters two columns wide: East Asian Width W and F, and emoji. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

/* Characters that must not reach the terminal as they are: C1, format, line and direction controls,
 * BOM, non-characters and tags. */
static const struct range unsafe[] = {
    {0x0080, 0x009f}, {0x0600, 0x0605}, {0x061c, 0x061c}, {0x06dd, 0x06dd},
    {0x070f, 0x070f}, {0x0890, 0x0891}, {0x08e2, 0x08e2}, {0x180e, 0x180e},
    {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff}, {0xfff0, 0xfffc}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff},
};

static bool range_has(const struct range *ranges, size_t n_ranges, uint32_t code) {
    for (size_t i = 0; i < n_ranges; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define IN(ranges, code) range_has(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

void text_next(const char *data, size_t size, struct text_glyph *glyph) {
    const unsigned char *bytes = (const unsigned char *)data;
    uint32_t code = bytes[0];
    glyph->n_bytes = 1;
    if (code < 0x20 || code == 0x7f) {
        glyph->n_columns = 2;
        glyph->out_size = 2;
        glyph->out[0] = '^';
        glyph->out[1] = (char)(code ^ 0x40);
        return;
    }
    if (code >= 0x80) {
        size_t length;
        if (utf8_decode(data, size, &code, &length) == UTF8_OK) {
            glyph->n_bytes = (unsigned)length;
        } else {
            code = bytes[0] < 0xa0 ? windows_1252[bytes[0] - 0x80] : bytes[0];
        }
    }
    if (IN(unsafe, code)) {
        code = UTF8_REPLACEMENT;
    } else if (code == CODE_SOFT_HYPHEN) {
        code = '-'; /* terminals do not agree on whether it is there */
    }
    glyph->n_columns = IN(zero_width, code) ? 0 : IN(double_width, code) ? 2 : 1;
    glyph->out_size = (unsigned)utf8_encode(code, glyph->out);
}

/* The character at `data` when it starts at `column`; a TAB is as wide as it needs to be. */
static void next_at_column(const char *data, size_t size, size_t column, struct text_glyph *glyph) {
    if (data[0] == '\t') {
        *glyph = (struct text_glyph){.n_bytes = 1,
                                     .n_columns = TAB_STOP - (unsigned)(column % TAB_STOP)};
        return;
    }
    text_next(data, size, glyph);
}

size_t text_columns(const char *data, size_t size) {
    size_t column = 0;
    struct text_glyph glyph;
    for (size_t at = 0; at < size; at += glyph.n_bytes) {
        next_at_column(data + at, size - at, column, &glyph);
        column += glyph.n_columns;
    }
    return column;
}

size_t text_fit(const char *data, size_t size, size_t columns) {
    size_t column = 0;
    size_t at = 0;
    size_t after_space = 0;
    size_t limit = columns * BYTES_PER_COLUMN_MAX;
    while (at < size) {
        struct text_glyph glyph;
        next_at_column(data + at, size - at, column, &glyph);
        if (at > 0 && (column + glyph.n_columns > columns || at + glyph.n_bytes > limit)) {
            break;
        }
        column += glyph.n_columns;
        bool is_space = data[at] == ' ' || data[at] == '\t';
        at += glyph.n_bytes;
        if (is_space && column > columns / 2) {
            after_space = at;
        }
    }
    if (at < size && data[at] == ' ') {
        return at + 1; /* the break falls on a space: it need not start the next line */
    }
    return at < size && after_space > 0 ? after_space : at;
}

size_t text_render(struct buffer *out, const char *data, size_t size, size_t columns) {
    size_t column = 0;
    struct text_glyph glyph;
    for (size_t at = 0; at < size; at += glyph.n_bytes) {
        next_at_column(data + at, size - at, column, &glyph);
        size_t end = column + glyph.n_columns;
        if (end > columns) {
            break;
        }
        if (data[at] == '\t') {
            buffer_append(out, "        ", glyph.n_columns);
        } else {
            buffer_append(out, glyph.out, glyph.out_size);
        }
        column = end;
    }
    return column;
}

/* SPDX-License-Identifier: MIT */
#include "lib/terminal/discipline_output.h"

#include <termios.h>

#include "lib/base/string.h"

enum {
    TAB_COLUMNS = 8,
    /* Most bytes that one byte of output becomes: a tab in spaces. */
    EXPANSION_MAX = TAB_COLUMNS,
    /* Writers go on when so little is left to be sent. */
    WRITABLE_BELOW = DISCIPLINE_OUTPUT_BYTES / 2,
};

static bool has_output(const struct discipline *d, uint32_t flag) {
    return (d->attributes.output_flags & flag) != 0;
}

size_t discipline_queued(const struct discipline *d) {
    return d->output_to - d->output_from;
}

bool discipline_is_writable(const struct discipline *d) {
    return discipline_queued(d) < WRITABLE_BELOW;
}

/* The caller has seen that there is room. */
static void put(struct discipline *d, uint8_t c) {
    d->output[d->output_to++ % DISCIPLINE_OUTPUT_BYTES] = c;
}

static bool is_continuation(const struct discipline *d, uint8_t c) {
    return (d->attributes.input_flags & IUTF8) != 0 && (c & 0xc0) == 0x80;
}

/* A byte with the translations that the attributes ask for: at most EXPANSION_MAX bytes. */
static void process(struct discipline *d, uint8_t c) {
    uint32_t n;

    if (c == '\r' && has_output(d, ONOCR) && d->column == 0) {
        return;
    }
    if (c == '\r' && has_output(d, OCRNL)) {
        c = '\n';
    }
    switch (c) {
    case '\n':
        if (has_output(d, ONLCR)) {
            put(d, '\r');
        }
        if (has_output(d, ONLCR | ONLRET)) {
            d->column = 0;
        }
        break;
    case '\r':
        d->column = 0;
        break;
    case '\b':
        d->column -= d->column > 0 ? 1 : 0;
        break;
    case '\t':
        n = TAB_COLUMNS - d->column % TAB_COLUMNS;
        d->column += n;
        if ((d->attributes.output_flags & TABDLY) == TAB3) {
            while (n-- > 0) {
                put(d, ' ');
            }
            return;
        }
        break;
    default:
        d->column += c < ' ' || c == 0x7f || is_continuation(d, c) ? 0 : 1;
        break;
    }
    put(d, c);
}

static void put_processed(struct discipline *d, uint8_t c) {
    if (has_output(d, OPOST)) {
        process(d, c);
    } else {
        d->column = c == '\r' || c == '\n' ? 0 : d->column + (is_continuation(d, c) ? 0 : 1);
        put(d, c);
    }
}

void discipline_echo_byte(struct discipline *d, uint8_t c) {
    if (discipline_queued(d) + EXPANSION_MAX <= DISCIPLINE_OUTPUT_BYTES) {
        put_processed(d, c);
    }
}

size_t discipline_echo_room(const struct discipline *d) {
    return (DISCIPLINE_OUTPUT_BYTES - discipline_queued(d)) / EXPANSION_MAX;
}

size_t discipline_write(struct discipline *d, const uint8_t *bytes, size_t n) {
    size_t limit = DISCIPLINE_OUTPUT_BYTES - DISCIPLINE_ECHO_BYTES - EXPANSION_MAX;
    size_t i;

    for (i = 0; i < n && discipline_queued(d) <= limit; i++) {
        put_processed(d, bytes[i]);
    }
    return i;
}

size_t discipline_take(struct discipline *d, uint8_t *to, size_t n) {
    size_t count = d->is_stopped ? 0 : MIN(n, discipline_queued(d));

    for (size_t i = 0; i < count; i++) {
        to[i] = d->output[d->output_from++ % DISCIPLINE_OUTPUT_BYTES];
    }
    return count;
}

void discipline_flush_output(struct discipline *d) {
    d->output_from = d->output_to;
}

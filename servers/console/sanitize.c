/* SPDX-License-Identifier: MIT */
#include "servers/console/sanitize.h"

#include "lib/base/string.h"

enum {
    BELL = 0x07,
    CANCEL = 0x18,
    SUBSTITUTE = 0x1a,
    ESCAPE = 0x1b,
    DELETE = 0x7f,
    RESET = 'c',  /* RIS */
    REPEAT = 'b', /* REP: writes beyond the row if the character is a wide one */

    PARAMETERS_MAX = 12, /* the emulator has room for 16 */
    DIGITS_MAX = 5,      /* of one number */
    OTHERS_MAX = 4,      /* leaders and intermediates */
};

#define CODE_POINT_LAST  0x10ffff
#define CODE_POINT_FIRST 0xa0 /* beyond ASCII and the controls C1 */

/* Where the output goes. */
struct out {
    uint8_t *to;
    size_t n;
};

static void put(struct out *out, uint8_t byte) {
    out->to[out->n++] = byte;
}

static void put_replacement(struct out *out) {
    put(out, 0xef); /* U+FFFD */
    put(out, 0xbf);
    put(out, 0xbd);
}

/* ---- text ---- */

static void put_code_point(struct out *out, uint32_t c) {
    if (c < 0x800) {
        put(out, (uint8_t)(0xc0 | c >> 6));
    } else if (c < 0x10000) {
        put(out, (uint8_t)(0xe0 | c >> 12));
        put(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    } else {
        put(out, (uint8_t)(0xf0 | c >> 18));
        put(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        put(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    put(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* A character is complete. */
static void take_code_point(struct sanitizer *s, struct out *out) {
    uint32_t c = s->code_point;

    if (c < s->minimum || c < CODE_POINT_FIRST || c > CODE_POINT_LAST ||
        (c >= 0xd800 && c <= 0xdfff) || (c & 0xfffe) == 0xfffe) {
        put_replacement(out);
    } else if (s->width(c) > 0) {
        put_code_point(out, c);
    }
}

/* A byte from 0x80 on. */
static void take_high(struct sanitizer *s, struct out *out, uint8_t byte) {
    if ((byte & 0xc0) == 0x80) {
        if (s->n_missing == 0) {
            put_replacement(out);
            return;
        }
        s->code_point = s->code_point << 6 | (byte & 0x3f);
        if (--s->n_missing == 0) {
            take_code_point(s, out);
        }
        return;
    }
    if (s->n_missing != 0) {
        put_replacement(out); /* the one before is cut short */
    }
    s->n_missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf8 ? 3 : 0;
    s->minimum = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
    s->code_point = byte & (0x3fu >> s->n_missing);
    if (s->n_missing == 0) {
        put_replacement(out);
    }
}

/* ---- sequences ---- */

/* The byte after ESC. */
static void take_escape(struct sanitizer *s, struct out *out, uint8_t byte) {
    switch (byte) {
    case '[':
        s->state = SANITIZER_CONTROL;
        s->n_parameters = s->n_digits = s->n_others = 0;
        break;
    case ']': /* OSC, DCS, SOS, PM, APC */
    case 'P':
    case 'X':
    case '^':
    case '_':
        s->state = SANITIZER_STRING;
        if (s->n_others > 0) {
            put(out, CANCEL); /* of what was begun */
        }
        return;
    default:
        if (byte >= ' ' && byte < '0') {
            if (s->n_others++ == 0) {
                put(out, ESCAPE);
            }
            if (s->n_others <= OTHERS_MAX) {
                put(out, byte);
            }
            return; /* the final byte is still to come */
        }
        s->state = SANITIZER_TEXT;
        break;
    }
    if (s->n_others == 0 || s->state == SANITIZER_CONTROL) {
        put(out, ESCAPE);
    }
    put(out, byte);
    if (byte == RESET && s->n_others == 0) {
        for (const char *at = "\x1b[?5l"; *at != '\0'; at++) {
            put(out, (uint8_t)*at);
        }
    }
}

/* A byte of a control sequence. */
static void take_control(struct sanitizer *s, struct out *out, uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        if (s->n_parameters < PARAMETERS_MAX && s->n_digits++ < DIGITS_MAX) {
            put(out, byte);
        }
    } else if (byte == ';' || byte == ':') {
        s->n_digits = 0;
        if (++s->n_parameters < PARAMETERS_MAX) {
            put(out, byte);
        }
    } else if (byte >= '@') {
        put(out, byte == REPEAT ? CANCEL : byte);
        s->state = SANITIZER_TEXT;
    } else if (s->n_others++ < OTHERS_MAX) {
        put(out, byte);
    }
}

/* CAN, SUB and ESC end whatever is under way. */
static bool take_end(struct sanitizer *s, struct out *out, uint8_t byte) {
    if (byte == ESCAPE) {
        s->state = s->state == SANITIZER_STRING ? SANITIZER_STRING_ESCAPE : SANITIZER_ESCAPE;
        s->n_others = 0;
        return true;
    }
    if (byte == CANCEL || byte == SUBSTITUTE) {
        s->state = SANITIZER_TEXT;
        put(out, byte);
        return true;
    }
    return false;
}

static void take_byte(struct sanitizer *s, struct out *out, uint8_t byte) {
    if (s->n_missing != 0 && byte < 0x80) {
        s->n_missing = 0;
        put_replacement(out);
    }
    if (take_end(s, out, byte)) {
        return;
    }
    if (s->state == SANITIZER_STRING_ESCAPE) {
        s->state = SANITIZER_TEXT;
        if (byte == '\\') {
            return;
        }
        s->state = SANITIZER_ESCAPE; /* it was cut short by another sequence */
    }
    if (s->state == SANITIZER_STRING) {
        s->state = byte == BELL ? SANITIZER_TEXT : SANITIZER_STRING;
        return;
    }
    if (byte < ' ') {
        put(out, byte); /* controls take effect within sequences too */
    } else if (byte >= 0x80) {
        if (s->state != SANITIZER_TEXT) {
            s->state = SANITIZER_TEXT;
            put(out, CANCEL); /* no sequence has such a byte */
        }
        take_high(s, out, byte);
    } else if (byte == DELETE) {
        return;
    } else if (s->state == SANITIZER_ESCAPE) {
        take_escape(s, out, byte);
    } else if (s->state == SANITIZER_CONTROL) {
        take_control(s, out, byte);
    } else {
        put(out, byte);
    }
}

size_t sanitizer_take(struct sanitizer *sanitizer, const uint8_t *bytes, size_t n, uint8_t *to) {
    struct out out = {.to = to};

    for (size_t i = 0; i < n; i++) {
        take_byte(sanitizer, &out, bytes[i]);
    }
    return out.n;
}

void sanitizer_init(struct sanitizer *sanitizer, int (*width)(uint32_t code_point)) {
    *sanitizer = (struct sanitizer){.width = width, .state = SANITIZER_TEXT};
}

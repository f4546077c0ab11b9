/* SPDX-License-Identifier: MIT */
#include "lib/terminal/discipline.h"

#include <termios.h>

#include "lib/base/string.h"
#include "lib/terminal/discipline_output.h"

#define BELL       7
#define BACKSPACE  8
#define BREAK_MARK 0xff /* first byte of what PARMRK puts for a break */

enum { TAB_COLUMNS = 8 };

static bool has_local(const struct discipline *d, uint32_t flag) {
    return (d->attributes.local_flags & flag) != 0;
}

static bool has_input(const struct discipline *d, uint32_t flag) {
    return (d->attributes.input_flags & flag) != 0;
}

bool discipline_is_canonical(const struct discipline *d) {
    return has_local(d, ICANON);
}

/* Is c the control character number `which`? 0 disables one. */
static bool is_character(const struct discipline *d, unsigned which, uint8_t c) {
    return c != 0 && d->attributes.characters[which] == c;
}

static bool is_control(uint8_t c) {
    return c < ' ' || c == 0x7f;
}

static bool is_continuation(const struct discipline *d, uint8_t c) {
    return has_input(d, IUTF8) && (c & 0xc0) == 0x80;
}

/* ---- the ring ---- */

static uint8_t *slot(struct discipline *d, uint32_t at) {
    return &d->input[at % DISCIPLINE_INPUT_BYTES];
}

static bool end_at(const struct discipline *d, uint32_t at) {
    uint32_t i = at % DISCIPLINE_INPUT_BYTES;

    return (d->is_end[i / 8] >> (i % 8) & 1) != 0;
}

static void mark(struct discipline *d, uint32_t at, bool is_end) {
    uint32_t i = at % DISCIPLINE_INPUT_BYTES;

    d->is_end[i / 8] =
        (uint8_t)((d->is_end[i / 8] & ~(1u << (i % 8))) | (uint32_t)is_end << (i % 8));
}

static uint32_t used_bytes(const struct discipline *d) {
    return d->write_at - d->read_at;
}

/* Is there room for one more? The last slot of the ring, and of a line, is kept for the end of a
 * line. */
static bool has_slot(const struct discipline *d, bool is_end) {
    if (!discipline_is_canonical(d)) {
        return used_bytes(d) < DISCIPLINE_INPUT_BYTES;
    }
    return used_bytes(d) < DISCIPLINE_INPUT_BYTES - (is_end ? 0u : 1u) &&
           (is_end || d->write_at - d->line_at < DISCIPLINE_LINE_BYTES - 1u);
}

/* Puts a byte into the ring. */
static bool store(struct discipline *d, uint8_t c, bool is_end) {
    if (!has_slot(d, is_end)) {
        d->n_dropped++;
        if (has_input(d, IMAXBEL)) {
            discipline_echo_byte(d, BELL);
        }
        return false;
    }
    *slot(d, d->write_at) = c;
    mark(d, d->write_at, is_end);
    d->write_at++;
    return true;
}

/* ---- echo ---- */

/* As ^X, if it is a control character that would move the cursor. */
static void echo(struct discipline *d, uint8_t c) {
    if (has_local(d, ECHOCTL) && is_control(c) && c != '\t') {
        discipline_echo_byte(d, '^');
        discipline_echo_byte(d, c ^ 0x40);
    } else {
        discipline_echo_byte(d, c);
    }
}

/* Columns that the byte takes when it is echoed at `column`. */
static uint32_t echo_columns(const struct discipline *d, uint8_t c, uint32_t column) {
    return c == '\t'               ? TAB_COLUMNS - column % TAB_COLUMNS
           : is_control(c)         ? (has_local(d, ECHOCTL) ? 2 : 0)
           : is_continuation(d, c) ? 0
                                   : 1;
}

/* The column after the line being edited, up to (not with) `end`, modulo that of tabs: where the
 * tab before it ends is known. */
static uint32_t column_before(struct discipline *d, uint32_t end) {
    uint32_t at = end;

    while (at != d->line_at && *slot(d, at - 1) != '\t') {
        at--;
    }
    uint32_t column = at == d->line_at ? d->line_column : 0;

    for (; at != end; at++) {
        column += echo_columns(d, *slot(d, at), column);
    }
    return column;
}

/* ---- editing ---- */

/* Takes the last character off the line; the line is not empty. */
static void erase_character(struct discipline *d) {
    uint32_t at = d->write_at - 1;

    while (at != d->line_at && is_continuation(d, *slot(d, at))) {
        at--;
    }
    uint8_t c = *slot(d, at);
    uint32_t n = echo_columns(d, c, c == '\t' ? column_before(d, at) : 0);

    d->write_at = at;
    if (!has_local(d, ECHO)) {
        return;
    }
    if (!has_local(d, ECHOE)) {
        echo(d, d->attributes.characters[VERASE]);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        discipline_echo_byte(d, BACKSPACE);
        if (c != '\t') { /* a tab left nothing there */
            discipline_echo_byte(d, ' ');
            discipline_echo_byte(d, BACKSPACE);
        }
    }
}

static void erase_line(struct discipline *d) {
    if (has_local(d, ECHOKE) && has_local(d, ECHOE)) {
        while (d->write_at != d->line_at) {
            erase_character(d);
        }
        return;
    }
    d->write_at = d->line_at;
    if (has_local(d, ECHO)) {
        echo(d, d->attributes.characters[VKILL]);
        if (has_local(d, ECHOK)) {
            discipline_echo_byte(d, '\n');
        }
    }
}

static bool is_word(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c >= 0x80;
}

/* What is not of a word, then the word before it. */
static void erase_word(struct discipline *d) {
    bool in_word = false;

    while (d->write_at != d->line_at) {
        uint8_t c = *slot(d, d->write_at - 1);

        if (in_word && !is_word(c)) {
            return;
        }
        in_word = in_word || is_word(c);
        erase_character(d);
    }
}

/* Shows the line being edited from where the cursor is. */
static void show_line(struct discipline *d) {
    d->line_column = d->column;
    for (uint32_t at = d->line_at; at != d->write_at; at++) {
        echo(d, *slot(d, at));
    }
}

static void reprint(struct discipline *d) {
    echo(d, d->attributes.characters[VREPRINT]);
    discipline_echo_byte(d, '\n');
    show_line(d);
}

/* The line is complete with c; it can be read now. */
static void end_line(struct discipline *d, uint8_t c) {
    if (store(d, c, true)) {
        d->line_at = d->write_at;
    }
}

/* Canonical mode's own characters. True if c was one. */
static bool edit(struct discipline *d, uint8_t c) {
    bool is_empty = d->write_at == d->line_at;

    if (is_character(d, VERASE, c)) {
        if (!is_empty) {
            erase_character(d);
        }
    } else if (is_character(d, VKILL, c)) {
        erase_line(d);
    } else if (is_character(d, VWERASE, c) && has_local(d, IEXTEN)) {
        erase_word(d);
    } else if (is_character(d, VREPRINT, c) && has_local(d, IEXTEN)) {
        if (has_local(d, ECHO)) {
            reprint(d);
        }
    } else if (is_character(d, VEOF, c)) {
        end_line(d, 0);
    } else if (c == '\n' || is_character(d, VEOL, c) ||
               (is_character(d, VEOL2, c) && has_local(d, IEXTEN))) {
        if (has_local(d, ECHO) || (c == '\n' && has_local(d, ECHONL))) {
            if (c == '\n') {
                discipline_echo_byte(d, c);
            } else {
                echo(d, c);
            }
        }
        end_line(d, c);
    } else {
        return false;
    }
    return true;
}

/* ---- input ---- */

/* An ordinary character. */
static void take_character(struct discipline *d, uint8_t c) {
    if (d->write_at == d->line_at || !discipline_is_canonical(d)) {
        d->line_column = d->column;
    }
    if (store(d, c, false) && has_local(d, ECHO)) {
        if (c == '\n' && !d->is_literal) {
            discipline_echo_byte(d, c);
        } else {
            echo(d, c);
        }
    }
}

static uint32_t take_signal(struct discipline *d, uint8_t c, uint32_t signal) {
    if (!has_local(d, NOFLSH)) {
        discipline_flush_input(d);
        discipline_flush_output(d);
    }
    d->is_stopped = false;
    if (has_local(d, ECHO)) {
        echo(d, c);
    }
    return signal;
}

/* Ctrl-S and Ctrl-Q. True if c was one of them, or only woke the output. */
static bool take_flow(struct discipline *d, uint8_t c) {
    if (!has_input(d, IXON)) {
        return false;
    }
    if (is_character(d, VSTART, c)) {
        d->is_stopped = false;
        return true;
    }
    if (is_character(d, VSTOP, c)) {
        d->is_stopped = true;
        return true;
    }
    if (has_input(d, IXANY)) {
        d->is_stopped = false;
    }
    return false;
}

/* A byte that has no meaning of its own. */
static void take_data(struct discipline *d, uint8_t c) {
    take_character(d, c);
    if (c == BREAK_MARK && has_input(d, PARMRK)) {
        take_character(d, c); /* twice: it does not begin the mark of a break */
    }
}

static uint32_t take_byte(struct discipline *d, uint8_t c) {
    if (has_input(d, ISTRIP)) {
        c &= 0x7f;
    }
    if (d->is_literal) {
        take_data(d, c);
        d->is_literal = false;
        return 0;
    }
    if (take_flow(d, c)) {
        return 0;
    }
    if (has_local(d, ISIG)) {
        if (is_character(d, VINTR, c)) {
            return take_signal(d, c, TERMINAL_NOTIFY_INTERRUPT);
        }
        if (is_character(d, VQUIT, c)) {
            return take_signal(d, c, TERMINAL_NOTIFY_QUIT);
        }
        if (is_character(d, VSUSP, c)) {
            return take_signal(d, c, TERMINAL_NOTIFY_SUSPEND);
        }
    }
    if (c == '\r') {
        if (has_input(d, IGNCR)) {
            return 0;
        }
        c = has_input(d, ICRNL) ? '\n' : c;
    } else if (c == '\n' && has_input(d, INLCR)) {
        c = '\r';
    }
    if (discipline_is_canonical(d)) {
        if (is_character(d, VLNEXT, c) && has_local(d, IEXTEN)) {
            d->is_literal = true;
            return 0;
        }
        if (edit(d, c)) {
            return 0;
        }
    }
    take_data(d, c);
    return 0;
}

uint32_t discipline_input(struct discipline *d, const uint8_t *bytes, size_t n) {
    uint32_t signals = 0;

    for (size_t i = 0; i < n; i++) {
        signals |= take_byte(d, bytes[i]);
    }
    return signals;
}

uint32_t discipline_break(struct discipline *d) {
    if (has_input(d, IGNBRK)) {
        return 0;
    }
    if (has_input(d, BRKINT)) {
        discipline_flush_input(d);
        discipline_flush_output(d);
        return TERMINAL_NOTIFY_INTERRUPT;
    }
    if (has_input(d, PARMRK)) {
        take_character(d, BREAK_MARK);
        take_character(d, 0);
    }
    take_character(d, 0);
    return 0;
}

size_t discipline_room(const struct discipline *d) {
    uint32_t used = used_bytes(d);
    size_t room = used >= DISCIPLINE_INPUT_BYTES - 1 ? 0 : DISCIPLINE_INPUT_BYTES - 1 - used;

    room = has_input(d, PARMRK) ? room / 2 : room; /* a byte can become two */

    if (discipline_is_canonical(d) && d->line_at == d->read_at) {
        room = DISCIPLINE_INPUT_BYTES; /* only more input can make something readable */
    }
    /* Echo has to go somewhere too; but when output is stopped, the key that lets it go must come
     * through. */
    return has_local(d, ECHO) && !d->is_stopped ? MIN(room, discipline_echo_room(d)) : room;
}

/* ---- reading ---- */

size_t discipline_available(const struct discipline *d) {
    return (discipline_is_canonical(d) ? d->line_at : d->write_at) - d->read_at;
}

size_t discipline_peek(const struct discipline *d, uint8_t *to, size_t size, size_t *used) {
    uint32_t end = discipline_is_canonical(d) ? d->line_at : d->write_at;
    uint32_t at = d->read_at;
    size_t n = 0;

    while (at != end) {
        uint8_t c = d->input[at % DISCIPLINE_INPUT_BYTES];
        bool is_end = discipline_is_canonical(d) && end_at(d, at);

        if (is_end &&
            c == 0) { /* end of file: it ends the read, also a full one, and is not data */
            at++;
            break;
        }
        if (n == size) {
            break;
        }
        to[n++] = c;
        at++;
        if (is_end) {
            break;
        }
    }
    *used = at - d->read_at;
    return n;
}

void discipline_consume(struct discipline *d, size_t used) {
    d->read_at += (uint32_t)used;
    if ((int32_t)(d->line_at - d->read_at) < 0) {
        d->line_at = d->read_at; /* raw mode, where it means nothing */
    }
}

void discipline_flush_input(struct discipline *d) {
    d->read_at = d->line_at = d->write_at;
    d->is_literal = false;
}

/* ---- attributes ---- */

/* Raw mode knows no lines: the marks of end of file go, other ends become bytes like all others. */
static void forget_lines(struct discipline *d) {
    uint32_t to = d->read_at;

    for (uint32_t from = d->read_at; from != d->write_at; from++) {
        uint8_t c = *slot(d, from);

        if (!end_at(d, from) || c != 0) {
            *slot(d, to) = c;
            mark(d, to, false);
            to++;
        }
    }
    d->write_at = to;
    d->line_at = d->read_at;
}

/* What was typed ahead in raw mode is taken once more, now that characters have a meaning:
 * as 4.4BSD does (PENDIN), for POSIX.1 11.1.6 leaves it open. Of that only the line being edited is
 * echoed: who pastes commands does not want to see each twice. A byte stores one byte at most, so
 * that the ring is read ahead of where it is written. */
static uint32_t take_again(struct discipline *d) {
    uint32_t from = d->read_at, end = d->write_at, signals = 0;
    uint32_t local_flags = d->attributes.local_flags, input_flags = d->attributes.input_flags;

    d->write_at = d->line_at = d->read_at;
    d->attributes.local_flags &= ~(uint32_t)(ECHO | ECHONL);
    d->attributes.input_flags &= ~(uint32_t)PARMRK; /* marks are there already */
    while (from != end) {
        signals |= take_byte(d, *slot(d, from++));
    }
    d->attributes.local_flags = local_flags;
    d->attributes.input_flags = input_flags;
    if (has_local(d, ECHO)) {
        show_line(d);
    }
    return signals;
}

uint32_t discipline_set_attributes(struct discipline *d,
                                   const struct terminal_attributes *attributes) {
    bool was_canonical = discipline_is_canonical(d);
    uint32_t signals = 0;

    d->attributes = *attributes;
    if (was_canonical && !discipline_is_canonical(d)) {
        forget_lines(d);
    } else if (!was_canonical && discipline_is_canonical(d)) {
        signals = take_again(d);
    }
    d->is_literal = d->is_literal && discipline_is_canonical(d);
    if (!has_input(d, IXON)) {
        d->is_stopped = false;
    }
    return signals;
}

void discipline_init(struct discipline *d) {
    static const struct terminal_attributes usual = {
        .input_flags = ICRNL | IXON | IUTF8 | IMAXBEL,
        .output_flags = OPOST | ONLCR,
        .control_flags = CS8 | CREAD | CLOCAL | HUPCL | B115200,
        .local_flags = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .characters = {[VINTR] = 0x03, /* Ctrl-C */
                       [VQUIT] = 0x1c, /* Ctrl-\ */
                       [VERASE] = 0x7f,
                       [VKILL] = 0x15, /* Ctrl-U */
                       [VEOF] = 0x04,  /* Ctrl-D */
                       [VMIN] = 1,
                       [VSTART] = 0x11,   /* Ctrl-Q */
                       [VSTOP] = 0x13,    /* Ctrl-S */
                       [VSUSP] = 0x1a,    /* Ctrl-Z */
                       [VREPRINT] = 0x12, /* Ctrl-R */
                       [VWERASE] = 0x17,  /* Ctrl-W */
                       [VLNEXT] = 0x16},  /* Ctrl-V */
        .input_speed = B115200,
        .output_speed = B115200,
    };

    memset(d, 0, sizeof *d);
    d->attributes = usual;
}

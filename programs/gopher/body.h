/* SPDX-License-Identifier: MIT */
/*
 * The body of an answer: where it ends and how its lines were changed for the journey.
 *
 * RFC 1436 sends menus and texts as lines that end in CR LF, ended by a line of one dot; a text
 * line that starts with a dot gets a second one (section 3.9, "Lines beginning with periods must be
 * prepended with an extra period"). Files (types 5, 9, g, I ...) come as they are until the server
 * closes.
 *
 * Many servers send neither dot, or the last one only. A body is therefore judged as a whole:
 *   - it is *terminated* iff its last line is a lone dot;
 *   - it is *stuffed* iff it is terminated and each other line that starts with a dot starts with
 *     two. A server that doubles dots cannot have sent anything else, so a line such as ".profile",
 *     or a lone dot with more text after it, proves that this one does not.
 * This is exact for servers that follow the RFC, and loses no line of those that do not.
 *
 * First every byte goes through body_scan, then (from memory or from a file) through body_decode.
 * Both work piece by piece, in constant memory. Pure: no allocation, no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum body_state {
    BODY_LINE_START,
    BODY_DOT,    /* the line so far: "." */
    BODY_DOT_CR, /* the line so far: "." CR */
    BODY_IN_LINE,
};

/* All zero is the scan of an empty body. */
struct body_scan {
    enum body_state state;
    bool lone_dot;       /* the last whole line is a lone dot, and nothing follows it yet */
    bool single_dot;     /* a line starts with exactly one dot: the body is not stuffed */
    bool has_zero;       /* a zero byte was seen */
    uint64_t n_controls; /* control characters seen, but for white space, backspace and escape */
    uint64_t size;       /* bytes seen */
    uint64_t line_start; /* offset of the line that the state speaks of, or of the lone dot */
};

/* The next `size` bytes of the body. */
void body_scan(struct body_scan *scan, const char *data, size_t size);

/* Is the last line so far, with its CR LF, a lone dot? Then the body is most likely complete. */
bool body_seems_ended(const struct body_scan *scan);

/* Is the body, now that it ended, terminated? A dot without CR LF counts. */
bool body_is_terminated(const struct body_scan *scan);

/* Bytes of the body without the terminating line. */
uint64_t body_size(const struct body_scan *scan);

/*
 * Is it something that a person can read? No, if it has a zero byte, or if more than one byte in
 * twenty is a control character that texts do not have.
 */
bool body_is_text(const struct body_scan *scan);

/* Undoes the stuffing and turns CR LF into LF. */
struct body_decoder {
    bool stuffed;
    bool at_line_start;
    bool after_cr; /* a CR was read and not yet written */
};

void body_decoder_init(struct body_decoder *decoder, const struct body_scan *scan);

/*
 * Decodes the next `size` bytes into `out` and returns how many were written: at most size, plus
 * one for a CR left from the piece before. `out` may be `data`, and may lie before it in the same
 * file: in all, never more is written than was read.
 */
size_t body_decode(struct body_decoder *decoder, const char *data, size_t size, char *out);

/* The end of the body: a CR may be left to write. Returns 0 or 1. */
size_t body_decode_end(struct body_decoder *decoder, char *out);

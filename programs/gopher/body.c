/* SPDX-License-Identifier: MIT */
/* See body.h. */
#include "programs/gopher/body.h"

/* One byte at the start of a line. */
static enum body_state scan_line_start(struct body_scan *scan, char c) {
    if (scan->lone_dot) {
        scan->lone_dot = false; /* it was not the last line: the body is not stuffed */
        scan->single_dot = true;
    }
    scan->line_start = scan->size;
    if (c == '.') {
        return BODY_DOT;
    }
    return c == '\n' ? BODY_LINE_START : BODY_IN_LINE;
}

/* One byte after a dot at the start of a line, with or without a CR between. */
static enum body_state scan_after_dot(struct body_scan *scan, char c) {
    if (c == '\n') {
        scan->lone_dot = true;
        return BODY_LINE_START;
    }
    if (c == '\r' && scan->state == BODY_DOT) {
        return BODY_DOT_CR;
    }
    if (c != '.' || scan->state == BODY_DOT_CR) {
        scan->single_dot = true;
    }
    return BODY_IN_LINE;
}

static void scan_controls(struct body_scan *scan, unsigned char c) {
    bool is_usual = (c >= '\b' && c <= '\r') || c == 0x1b;
    if ((c < 0x20 && !is_usual) || c == 0x7f) {
        scan->n_controls++;
        scan->has_zero = scan->has_zero || c == 0;
    }
}

void body_scan(struct body_scan *scan, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        scan_controls(scan, (unsigned char)data[i]);
        switch (scan->state) {
        case BODY_LINE_START:
            scan->state = scan_line_start(scan, data[i]);
            break;
        case BODY_DOT:
        case BODY_DOT_CR:
            scan->state = scan_after_dot(scan, data[i]);
            break;
        case BODY_IN_LINE:
            scan->state = data[i] == '\n' ? BODY_LINE_START : BODY_IN_LINE;
            break;
        }
        scan->size++;
    }
}

bool body_seems_ended(const struct body_scan *scan) {
    return scan->lone_dot;
}

bool body_is_terminated(const struct body_scan *scan) {
    return scan->lone_dot || scan->state == BODY_DOT || scan->state == BODY_DOT_CR;
}

uint64_t body_size(const struct body_scan *scan) {
    return body_is_terminated(scan) ? scan->line_start : scan->size;
}

bool body_is_text(const struct body_scan *scan) {
    return !scan->has_zero && scan->n_controls <= scan->size / 20;
}

void body_decoder_init(struct body_decoder *decoder, const struct body_scan *scan) {
    *decoder = (struct body_decoder){
        .stuffed = body_is_terminated(scan) && !scan->single_dot,
        .at_line_start = true,
    };
}

size_t body_decode(struct body_decoder *decoder, const char *data, size_t size, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (decoder->after_cr) {
            decoder->after_cr = false;
            if (c != '\n') {
                /* A CR on its own belongs to the text. Order: c is read before this write, which
                 * may fall on its place. */
                out[n++] = '\r';
            }
        }
        bool is_stuffing = decoder->stuffed && decoder->at_line_start && c == '.';
        decoder->at_line_start = c == '\n';
        if (c == '\r') {
            decoder->after_cr = true;
        } else if (!is_stuffing) {
            out[n++] = c;
        }
    }
    return n;
}

size_t body_decode_end(struct body_decoder *decoder, char *out) {
    if (!decoder->after_cr) {
        return 0;
    }
    decoder->after_cr = false;
    out[0] = '\r';
    return 1;
}

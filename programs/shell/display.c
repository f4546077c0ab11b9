/* SPDX-License-Identifier: MIT */
#include "programs/shell/display.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "programs/common/width.h"

/* A position on the screen, relative to where drawing began. */
struct place {
    size_t row;
    size_t column; /* always below the number of columns */
};

/* One step through a shown text: the bytes of a character and where it lands. */
struct step {
    size_t length;
    struct place at;    /* where it is drawn; a wide one may have moved to the next row */
    struct place after; /* where the next one goes */
};

static struct step step_from(struct place place, const char *bytes, size_t length, size_t columns) {
    struct step step = {.at = place};
    unsigned width = 0;

    if (*bytes == '\n') {
        step.length = 1;
        step.after = (struct place){place.row + 1, 0};
        return step;
    }
    step.length = width_cluster(bytes, length, &width);
    if (place.column + width > columns && place.column > 0) {
        step.at = (struct place){place.row + 1, 0};
    }
    step.after = (struct place){step.at.row, step.at.column + width};
    if (step.after.column >= columns) {
        step.after = (struct place){step.after.row + 1, 0};
    }
    return step;
}

static struct place place_of(const struct text *text, size_t offset, size_t columns) {
    struct place place = {0, 0};

    for (size_t i = 0; i < offset;) {
        struct step step = step_from(place, text->bytes + i, text->length - i, columns);

        place = step.after;
        i += step.length;
    }
    return place;
}

/* Appends one character of the line as it is shown: control characters as ^X, except the line
 * break; bytes that are not UTF-8 as '?'. Returns its length in the line. */
static size_t append_visible(struct text *shown, const char *bytes, size_t length) {
    uint32_t code = 0;
    size_t n = 0;

    utf8_decode(bytes, length, &code, &n);
    if (code == '\n') {
        text_append_byte(shown, '\n');
    } else if (code < 0x20 || code == 0x7f) {
        text_append_byte(shown, '^');
        text_append_byte(shown, (char)(code ^ 0x40));
    } else {
        width_visible(shown, bytes, n);
    }
    return n;
}

/* Keeps only the rows that fit on the screen, the cursor's among them. One row is left over for
 * the cursor behind a last row that is full. */
static void crop(struct text *shown, size_t *cursor, struct screen_size size) {
    size_t limit = size.rows > 1 ? size.rows - 1 : 1;
    size_t cursor_row = place_of(shown, *cursor, size.columns).row;
    /* Whole screens, so that the picture stands still while the cursor moves within one. */
    size_t top = cursor_row / limit * limit;
    size_t start = shown->length, end = shown->length;
    struct place place = {0, 0};

    if (place_of(shown, shown->length, size.columns).row < limit) {
        return;
    }
    for (size_t i = 0; i < shown->length;) {
        struct step step = step_from(place, shown->bytes + i, shown->length - i, size.columns);

        if (step.at.row >= top && i < start) {
            start = i;
        }
        if (step.at.row >= top + limit && i < end) {
            end = i;
        }
        place = step.after;
        i += step.length;
    }
    text_remove(shown, end, shown->length - end);
    text_remove(shown, 0, start);
    *cursor -= start;
}

static void compose(const struct display_content *content, struct text *shown, size_t *cursor) {
    const char *prompt = content->prompt;
    size_t rest = strlen(prompt);

    while (rest > 0) {
        size_t n = append_visible(shown, prompt, rest);

        prompt += n;
        rest -= n;
    }
    *cursor = shown->length;
    for (size_t i = 0; i < content->length;) {
        i += append_visible(shown, content->line + i, content->length - i);
        if (i <= content->cursor) {
            *cursor = shown->length;
        }
    }
    crop(shown, cursor, content->size);
}

/* The length of the common beginning, cut at a character boundary of both texts. */
static size_t common_length(const struct text *old, const struct text *new) {
    size_t same = 0;
    size_t boundary = 0;

    while (same < old->length && same < new->length && old->bytes[same] == new->bytes[same]) {
        same++;
    }
    if (same == old->length && same == new->length) {
        return same;
    }
    while (boundary < same) {
        unsigned width = 0;
        size_t in_new = width_cluster(new->bytes + boundary, new->length - boundary, &width);
        size_t in_old = width_cluster(old->bytes + boundary, old->length - boundary, &width);

        if (in_new != in_old || boundary + in_new > same) {
            break;
        }
        boundary += in_new;
    }
    return boundary;
}

static void append_move(struct text *output, struct place from, struct place to) {
    if (to.row < from.row) {
        text_append_format(output, "\033[%zuA", from.row - to.row);
    } else if (to.row > from.row) {
        text_append_format(output, "\033[%zuB", to.row - from.row);
    }
    if (to.column + 1 == from.column) {
        text_append_byte(output, '\b');
    } else if (to.column < from.column) {
        text_append_byte(output, '\r');
        from.column = 0;
    }
    if (to.column > from.column) {
        text_append_format(output, "\033[%zuC", to.column - from.column);
    }
}

/* Writes the text from *offset* on; the terminal's cursor is there. Returns where it ends up. */
static struct place append_from(struct text *output, const struct text *shown, size_t offset,
                                size_t columns) {
    struct place place = place_of(shown, offset, columns);

    while (offset < shown->length) {
        struct step step = step_from(place, shown->bytes + offset, shown->length - offset, columns);

        if (step.at.row != place.row) {
            text_append_byte(output, '\n');
        }
        if (shown->bytes[offset] != '\n') {
            text_append(output, shown->bytes + offset, step.length);
        }
        if (step.after.row != step.at.row) {
            text_append_byte(output, '\n');
        }
        place = step.after;
        offset += step.length;
    }
    return place;
}

void display_forget(struct display *display) {
    text_clear(&display->shown);
    display->cursor = 0;
}

void display_draw(struct display *display, const struct display_content *content,
                  struct text *output) {
    size_t columns = content->size.columns;
    struct text shown = {0};
    size_t cursor = 0, same = 0;
    struct place place;

    if (display->shown.length > 0 && (display->size.columns != content->size.columns ||
                                      display->size.rows != content->size.rows)) {
        /* Where things went when the terminal changed its size, only the terminal knows. */
        text_append_string(output, "\r\033[J");
        display_forget(display);
    }
    compose(content, &shown, &cursor);
    place = place_of(&display->shown, display->cursor, columns);
    same = common_length(&display->shown, &shown);
    if (same < display->shown.length || same < shown.length) {
        append_move(output, place, place_of(&shown, same, columns));
        if (same < display->shown.length) {
            text_append_string(output, "\033[J");
        }
        place = append_from(output, &shown, same, columns);
    }
    append_move(output, place, place_of(&shown, cursor, columns));
    text_free(&display->shown);
    display->shown = shown;
    display->cursor = cursor;
    display->size = content->size;
}

void display_finish(struct display *display, struct text *output) {
    size_t columns = display->size.columns;
    struct place end = place_of(&display->shown, display->shown.length, columns);

    append_move(output, place_of(&display->shown, display->cursor, columns), end);
    if (end.column > 0 || display->shown.length == 0) {
        text_append_byte(output, '\n');
    }
    display_forget(display);
}

void display_free(struct display *display) {
    text_free(&display->shown);
}

/* SPDX-License-Identifier: MIT */
/* See view.h. */
#include "programs/gopher/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/gopher/text.h"

#define FEWEST_ROWS 3u /* a row of page, the status line, the last line */

static void forget_rows(struct view *view) {
    for (size_t i = 0; i < view->n_rows; i++) {
        buffer_release(&view->rows[i]);
    }
    free(view->rows);
    view->rows = NULL;
    view->n_rows = 0;
}

void view_reset(struct view *view) {
    forget_rows(view);
    view->size = screen_size();
    view->rows = calloc(view->size.rows, sizeof(*view->rows));
    view->n_rows = view->rows != NULL ? view->size.rows : 0;
    /* Without memory for what is shown, every row is sent every time. */
    struct buffer clear = {0};
    buffer_append_string(&clear, SCREEN_PLAIN "\033[2J");
    screen_write(&clear);
    buffer_release(&clear);
}

size_t view_page_rows(const struct view *view) {
    return view->size.rows >= FEWEST_ROWS ? view->size.rows - 2 : 1;
}

/* Appends a row (0 is the top) to the output, unless the screen shows just that. Takes `content`.
 */
static void put_row(struct view *view, size_t row, struct buffer *content) {
    struct buffer *shown = row < view->n_rows ? &view->rows[row] : NULL;
    bool is_same = shown != NULL && shown->data != NULL && shown->size == content->size &&
                   memcmp(shown->data, content->data, content->size) == 0;
    if (!is_same && row < view->size.rows) {
        screen_move(&view->output, row + 1, 1);
        buffer_append_string(&view->output, SCREEN_PLAIN);
        buffer_append(&view->output, content->data, content->size);
        buffer_append_string(&view->output, SCREEN_PLAIN);
    }
    if (shown != NULL && !is_same) {
        buffer_release(shown);
        *shown = *content;
        *content = (struct buffer){0};
    }
    buffer_release(content);
}

static void flush(struct view *view) {
    screen_write(&view->output);
    view->output.size = 0;
    view->output.failed = false;
}

/* One row of the page. The last column stays free: some terminals wrap as soon as it is written. */
static void put_page_row(struct view *view, const struct visit *visit, size_t row) {
    struct buffer content = {0};
    size_t line_index = visit->top + row;
    if (line_index < visit->page.n_lines) {
        const struct page *page = &visit->page;
        const struct page_line *line = &page->lines[line_index];
        const struct menu_item *item = page_line_item(page, line);
        if (item != NULL && line->item == visit->selected) {
            buffer_append_string(&content, SCREEN_REVERSE);
        } else if (item != NULL && item->number != 0) {
            buffer_append_string(&content, SCREEN_BOLD);
        }
        page_render_line(page, line, view->size.columns - 1, &content);
        buffer_append_string(&content, SCREEN_PLAIN);
    }
    buffer_append_string(&content, SCREEN_CLEAR_LINE);
    put_row(view, row, &content);
}

/* What is remarkable about the page, and where in it the screen is. */
static void format_position(const struct view *view, const struct visit *visit, char *text,
                            size_t room) {
    const struct page *page = &visit->page;
    size_t last = visit->top + view_page_rows(view);
    last = last < page->n_lines ? last : page->n_lines;
    char malformed[48] = "";
    if (page->flags & PAGE_MALFORMED) {
        snprintf(malformed, sizeof(malformed), "[%zu malformed] ", page->menu.n_malformed);
    }
    snprintf(text, room, " %s%s%s%s%s%zu-%zu/%zu %zu%% ",
             page->flags & PAGE_ERROR ? "[error] " : "",
             page->flags & PAGE_NOT_TEXT ? "[not a text] " : "",
             page->flags & PAGE_NOT_MENU ? "[not a menu] " : "",
             page->flags & PAGE_CUT ? "[end not shown] " : "", malformed,
             page->n_lines > 0 ? visit->top + 1 : 0, last, page->n_lines,
             page->n_lines > 0 ? last * 100 / page->n_lines : 100);
}

static void put_status_row(struct view *view, const struct visit *visit) {
    char address[GOPHER_URL_TEXT_MAX];
    char position[160];
    struct buffer content = {0};
    size_t columns = view->size.columns - 1;
    gopher_url_format(&visit->url, address);
    format_position(view, visit, position, sizeof(position));
    size_t n_position = strlen(position) < columns ? strlen(position) : columns;
    buffer_append_string(&content, SCREEN_REVERSE);
    size_t used = text_render(&content, address, strlen(address), columns - n_position);
    while (used++ < columns - n_position) {
        buffer_append_string(&content, " ");
    }
    text_render(&content, position, strlen(position), n_position);
    buffer_append_string(&content, SCREEN_PLAIN SCREEN_CLEAR_LINE);
    put_row(view, view->size.rows >= FEWEST_ROWS ? view->size.rows - 2 : view->size.rows, &content);
}

/* The last row, with the end of a text that is too long for it: that is where one types. */
static void put_bottom_row(struct view *view, const char *bottom, bool show_cursor) {
    struct buffer content = {0};
    size_t columns = view->size.columns - 1;
    size_t size = strlen(bottom);
    size_t excess = text_columns(bottom, size);
    excess = show_cursor && excess > columns ? excess - columns : 0;
    while (excess > 0 && size > 0) {
        struct text_glyph glyph;
        text_next(bottom, size, &glyph);
        bottom += glyph.n_bytes;
        size -= glyph.n_bytes;
        excess -= glyph.n_columns < excess ? glyph.n_columns : excess;
    }
    text_render(&content, bottom, size, columns);
    buffer_append_string(&content, SCREEN_CLEAR_LINE);
    buffer_append_string(&content, show_cursor ? SCREEN_SHOW_CURSOR : SCREEN_HIDE_CURSOR);
    put_row(view, view->size.rows - 1, &content);
}

void view_draw(struct view *view, const struct visit *visit, const char *bottom) {
    for (size_t row = 0; row < view_page_rows(view); row++) {
        put_page_row(view, visit, row);
    }
    put_status_row(view, visit);
    put_bottom_row(view, bottom, false);
    flush(view);
}

void view_bottom(struct view *view, const char *bottom, bool show_cursor) {
    put_bottom_row(view, bottom, show_cursor);
    flush(view);
}

void view_text(struct view *view, const char *const *lines, size_t n_lines) {
    for (size_t row = 0; row + 1 < view->size.rows; row++) {
        struct buffer content = {0};
        if (row < n_lines) {
            text_render(&content, lines[row], strlen(lines[row]), view->size.columns - 1);
        }
        buffer_append_string(&content, SCREEN_CLEAR_LINE);
        put_row(view, row, &content);
    }
    flush(view);
}

void view_release(struct view *view) {
    forget_rows(view);
    buffer_release(&view->output);
}

/* SPDX-License-Identifier: MIT */
/* See page.h. */
#include "programs/gopher/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/gopher/text.h"

/* Makes the page a text: undoes the transfer's changes, unless the bytes are no text anyway. */
static void build_text(struct page *page, const struct body_scan *scan) {
    if (!body_is_text(scan)) {
        page->flags |= PAGE_NOT_TEXT;
        return;
    }
    if (page->body.size == 0) {
        return;
    }
    struct body_decoder decoder;
    body_decoder_init(&decoder, scan);
    size_t size = (size_t)body_size(scan);
    size_t n = body_decode(&decoder, page->body.data, size, page->body.data);
    n += body_decode_end(&decoder, page->body.data + n);
    page->body.size = n;
}

bool page_build(struct page *page, char type, struct buffer *body, const struct body_scan *scan) {
    *page = (struct page){.body = *body};
    *body = (struct buffer){0};
    bool is_error = menu_is_error((struct slice){page->body.data, page->body.size});
    if (is_error || item_kind(type) == ITEM_MENU || item_kind(type) == ITEM_SEARCH) {
        page->flags |= is_error ? PAGE_ERROR : 0;
        if (!menu_parse((struct slice){page->body.data, page->body.size}, &page->menu)) {
            page_release(page);
            return false;
        }
        page->is_menu = menu_is_menu(&page->menu);
        if (page->is_menu) {
            page->flags |= page->menu.n_malformed > 0 ? PAGE_MALFORMED : 0;
            page->flags |= page->menu.cut ? PAGE_CUT : 0;
            return true;
        }
        menu_release(&page->menu);
        page->flags |= PAGE_NOT_MENU;
    }
    build_text(page, scan);
    return true;
}

/* Room for one more line; false without memory or at the limit. */
static bool reserve_line(struct page *page, size_t *room) {
    if (page->n_lines < *room) {
        return true;
    }
    if (page->n_lines >= PAGE_LINES_MAX) {
        page->flags |= PAGE_CUT;
        return false;
    }
    size_t wanted = *room != 0 ? 2 * *room : 128;
    struct page_line *lines = realloc(page->lines, wanted * sizeof(*lines));
    if (lines == NULL) {
        return false;
    }
    page->lines = lines;
    *room = wanted;
    return true;
}

/* Adds one line of the body, divided as often as needed; false when there is no more room. */
static bool add_line(struct page *page, size_t *room, struct slice line, uint32_t item,
                     size_t columns) {
    bool is_first = true;
    do {
        if (!reserve_line(page, room)) {
            return false;
        }
        size_t size = text_fit(line.data, line.size, columns);
        page->lines[page->n_lines++] = (struct page_line){
            .start = (uint32_t)(line.data - page->body.data),
            .size = (uint32_t)size,
            .item = item,
            .is_first = is_first,
        };
        is_first = false;
        line.data += size;
        line.size -= size;
    } while (line.size > 0);
    return true;
}

static bool layout_menu(struct page *page, size_t *room, size_t columns) {
    for (size_t i = 0; i < page->menu.n_items; i++) {
        if (!add_line(page, room, page->menu.items[i].display, (uint32_t)i,
                      columns - PAGE_INDENT)) {
            return false;
        }
    }
    return true;
}

static bool layout_text(struct page *page, size_t *room, size_t columns) {
    const char *at = page->body.data;
    size_t left = page->body.size;
    while (left > 0) {
        const char *end = memchr(at, '\n', left);
        size_t size = end != NULL ? (size_t)(end - at) : left;
        size_t shown = size;
        while (shown > 0 && at[shown - 1] == '\r') {
            shown--;
        }
        if (!add_line(page, room, (struct slice){at, shown}, 0, columns)) {
            return false;
        }
        size += end != NULL;
        at += size;
        left -= size;
    }
    return true;
}

bool page_layout(struct page *page, size_t columns) {
    columns = columns < PAGE_COLUMNS_MIN ? PAGE_COLUMNS_MIN : columns;
    if (columns == page->columns) {
        return true;
    }
    size_t room = 0;
    free(page->lines);
    page->lines = NULL;
    page->n_lines = 0;
    page->columns = 0;
    if (!page->menu.cut) {
        page->flags &= ~(unsigned)PAGE_CUT;
    }
    bool whole =
        page->is_menu ? layout_menu(page, &room, columns) : layout_text(page, &room, columns);
    if (!whole && page->n_lines < PAGE_LINES_MAX) {
        free(page->lines);
        page->lines = NULL;
        page->n_lines = 0;
        return false;
    }
    page->columns = columns;
    return true;
}

const struct menu_item *page_line_item(const struct page *page, const struct page_line *line) {
    return page->is_menu ? &page->menu.items[line->item] : NULL;
}

size_t page_find_start(const struct page *page, size_t start) {
    size_t low = 0;
    size_t high = page->n_lines;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (page->lines[middle].start < start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t page_find_item(const struct page *page, size_t item) {
    return page_find_start(page, (size_t)(page->menu.items[item].display.data - page->body.data));
}

void page_render_line(const struct page *page, const struct page_line *line, size_t columns,
                      struct buffer *out) {
    const struct menu_item *item = page_line_item(page, line);
    if (item != NULL) {
        char prefix[32];
        if (item->number != 0 && line->is_first) {
            snprintf(prefix, sizeof(prefix), "%5u %s ", (unsigned)item->number,
                     item_label(item->type));
        } else if (item->type == '3' && line->is_first) {
            snprintf(prefix, sizeof(prefix), "%5s %s ", "", item_label(item->type));
        } else {
            snprintf(prefix, sizeof(prefix), "%*s", (int)PAGE_INDENT, "");
        }
        size_t used = text_render(out, prefix, strlen(prefix), columns);
        columns -= used;
    }
    if (line->size > 0) {
        text_render(out, page->body.data + line->start, line->size, columns);
    }
}

void page_release(struct page *page) {
    menu_release(&page->menu);
    free(page->lines);
    buffer_release(&page->body);
    *page = (struct page){0};
}

/* SPDX-License-Identifier: MIT */
/*
 * An answer of a hostile server, all the way to the screen: scan, parse, lay out, move, render.
 * The first byte is the item type, the second the width of the window; the rest is the answer.
 *
 * Sources: programs/gopher/page.c programs/gopher/menu.c programs/gopher/url.c
 * Sources: programs/gopher/body.c programs/gopher/buffer.c programs/gopher/text.c
 * Sources: programs/gopher/motion.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "programs/gopher/motion.h"
#include "programs/gopher/page.h"
#include "programs/gopher/url.h"

/* What reaches the terminal has no control character. */
static void check_lines(const struct page *page, size_t columns) {
    for (size_t i = 0; i < page->n_lines; i++) {
        struct buffer out = {0};
        page_render_line(page, &page->lines[i], columns, &out);
        for (size_t at = 0; at < out.size; at++) {
            FUZZ_ASSERT((unsigned char)out.data[at] >= ' ' && out.data[at] != 0x7f);
        }
        buffer_release(&out);
    }
}

/* Every link can be turned into an address, and that address into itself. */
static void check_links(const struct page *page) {
    static char text[GOPHER_URL_TEXT_MAX];
    static char text_again[GOPHER_URL_TEXT_MAX];
    struct gopher_url url;
    struct gopher_url again;
    for (size_t i = 0; i < page->menu.n_items; i++) {
        if (menu_item_url(&page->menu.items[i], &url)) {
            gopher_url_format(&url, text);
            FUZZ_ASSERT(gopher_url_parse(text, &again) == URL_OK);
            gopher_url_format(&again, text_again);
            FUZZ_ASSERT(strcmp(text, text_again) == 0 && strcmp(url.selector, again.selector) == 0);
        }
    }
}

static void fuzz_one(const uint8_t *data, size_t size) {
    if (size < 2) {
        return;
    }
    struct visit visit = {.has_page = true, .selected = NO_ITEM};
    struct buffer body = {0};
    struct body_scan scan = {0};
    size_t columns = data[1];
    buffer_append(&body, data + 2, size - 2);
    body_scan(&scan, body.data, body.size);
    FUZZ_ASSERT(page_build(&visit.page, (char)data[0], &body, &scan));
    check_links(&visit.page);
    motion_layout(&visit, columns, 7);
    check_lines(&visit.page, columns);
    for (size_t i = 0; i < 20; i++) {
        motion_down(&visit, 7);
    }
    motion_layout(&visit, columns / 2, 5);
    for (size_t i = 0; i < 20; i++) {
        motion_up(&visit, 5);
    }
    FUZZ_ASSERT(visit.selected == NO_ITEM || visit.page.menu.items[visit.selected].number != 0);
    page_release(&visit.page);
}

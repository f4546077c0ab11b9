/* SPDX-License-Identifier: MIT */
/* See motion.h. */
#include "programs/gopher/motion.h"

/* The line with which an item starts; n_lines if it has none. */
static size_t first_line(const struct visit *visit, size_t item) {
    return page_find_item(&visit->page, item);
}

static bool is_on_screen(const struct visit *visit, size_t rows, size_t line) {
    return line >= visit->top && line < visit->top + rows && line < visit->page.n_lines;
}

static bool is_link(const struct visit *visit, size_t item) {
    return visit->page.menu.items[item].number != 0;
}

/* Keeps the selection if it is on the screen, else selects the first link that is, if any. */
static void select_on_screen(struct visit *visit, size_t rows) {
    const struct page *page = &visit->page;
    if (!page->is_menu) {
        visit->selected = NO_ITEM;
        return;
    }
    if (visit->selected < page->menu.n_items && is_link(visit, visit->selected) &&
        is_on_screen(visit, rows, first_line(visit, visit->selected))) {
        return;
    }
    visit->selected = NO_ITEM;
    for (size_t i = visit->top; is_on_screen(visit, rows, i); i++) {
        const struct page_line *line = &page->lines[i];
        if (line->is_first && is_link(visit, line->item)) {
            visit->selected = line->item;
            return;
        }
    }
}

void motion_to(struct visit *visit, size_t rows, size_t top) {
    size_t n_lines = visit->page.n_lines;
    size_t last_top = n_lines > rows ? n_lines - rows : 0;
    visit->top = top < last_top ? top : last_top;
    select_on_screen(visit, rows);
}

void motion_layout(struct visit *visit, size_t columns, size_t rows) {
    struct page *page = &visit->page;
    size_t start = visit->top < page->n_lines ? page->lines[visit->top].start : 0;
    size_t columns_before = page->columns;
    size_t top = visit->top;
    if (page_layout(page, columns) && columns_before != 0 && columns_before != page->columns) {
        top = page_find_start(page, start);
    }
    motion_to(visit, rows, top);
}

/* The link before or after `item` (NO_ITEM: from the top of the screen on), or NO_ITEM. */
static size_t link_after(const struct visit *visit, size_t item) {
    const struct page *page = &visit->page;
    size_t i = item + 1;
    if (item == NO_ITEM) {
        i = visit->top < page->n_lines ? page->lines[visit->top].item : page->menu.n_items;
    }
    while (i < page->menu.n_items && !is_link(visit, i)) {
        i++;
    }
    return i < page->menu.n_items ? i : NO_ITEM;
}

static size_t link_before(const struct visit *visit, size_t item) {
    const struct page *page = &visit->page;
    size_t i = item;
    if (item == NO_ITEM) {
        i = visit->top < page->n_lines ? page->lines[visit->top].item : 0;
    }
    while (i > 0 && !is_link(visit, i - 1)) {
        i--;
    }
    return i > 0 ? i - 1 : NO_ITEM;
}

void motion_down(struct visit *visit, size_t rows) {
    size_t link = visit->page.is_menu ? link_after(visit, visit->selected) : NO_ITEM;
    if (link != NO_ITEM && is_on_screen(visit, rows, first_line(visit, link))) {
        visit->selected = link;
        return;
    }
    motion_to(visit, rows, visit->top + 1);
    if (link != NO_ITEM && is_on_screen(visit, rows, first_line(visit, link))) {
        visit->selected = link;
    }
}

void motion_up(struct visit *visit, size_t rows) {
    size_t link = visit->page.is_menu ? link_before(visit, visit->selected) : NO_ITEM;
    if (link != NO_ITEM && is_on_screen(visit, rows, first_line(visit, link))) {
        visit->selected = link;
        return;
    }
    motion_to(visit, rows, visit->top > 0 ? visit->top - 1 : 0);
    if (link != NO_ITEM && is_on_screen(visit, rows, first_line(visit, link))) {
        visit->selected = link;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * A page: the body of one answer and its division into the lines of a screen.
 *
 * page_build takes the raw body and decides what it is: a menu, a text (then decoded as body.h
 * says), or bytes that are no text (kept as they came). page_layout divides it for a width, and may
 * be called again whenever the width changes.
 *
 * Invariant: the lines are in order of their start; the lines of one menu item are neighbours, and
 * only the first of them has `is_first`. Pure but for malloc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/body.h"
#include "programs/gopher/buffer.h"
#include "programs/gopher/menu.h"

/* Largest body that becomes a page. Saving has no such limit. */
#define PAGE_SIZE_MAX (8u << 20)
/* Longest page, in screen lines; the rest is cut off (PAGE_CUT). */
#define PAGE_LINES_MAX (1u << 18)
/* Columns before the text of a menu line: number, label, blanks. */
#define PAGE_INDENT 10u
/* Layout never assumes fewer columns than this; a narrower window shows the left part. */
#define PAGE_COLUMNS_MIN 24u

enum page_flags {
    PAGE_CUT = 1,       /* the end is not shown: too many lines */
    PAGE_NOT_TEXT = 2,  /* has a zero byte or many control characters */
    PAGE_NOT_MENU = 4,  /* should be a menu, is shown as a text */
    PAGE_MALFORMED = 8, /* a menu with lines that are no items; menu.n_malformed says how many */
    PAGE_ERROR = 16,    /* the server's way to say that it cannot serve this (menu_is_error) */
};

struct page_line {
    uint32_t start; /* offset in the body */
    uint32_t size;  /* bytes, without the end of line */
    uint32_t item;  /* index of its menu item; 0 on a text page */
    bool is_first;  /* not the continuation of a line that was too long */
};

struct page {
    bool is_menu;
    unsigned flags;     /* enum page_flags */
    struct buffer body; /* at most PAGE_SIZE_MAX bytes */
    struct menu menu;   /* empty on a text page */
    struct page_line *lines;
    size_t n_lines;
    size_t columns; /* width of the layout; 0: none yet */
};

/*
 * Makes a page of an answer to an item of this type (a menu for '1' and '7', else a text). `scan`
 * has seen the whole body. Takes the body over, also when it fails for want of memory (false).
 */
bool page_build(struct page *page, char type, struct buffer *body, const struct body_scan *scan)
    __attribute__((warn_unused_result));

/* Divides the page into lines of `columns` columns; false without memory (the page has no lines).
 */
bool page_layout(struct page *page, size_t columns) __attribute__((warn_unused_result));

/* The item of a line of a menu page; NULL on a text page. */
const struct menu_item *page_line_item(const struct page *page, const struct page_line *line);

/* The first line that starts at this offset of the body or later; n_lines if there is none. */
size_t page_find_start(const struct page *page, size_t start);

/* First line of the item with this index; n_lines if it was cut off. */
size_t page_find_item(const struct page *page, size_t item);

/* Appends one line as it is to be shown, at most `columns` wide, without line end. */
void page_render_line(const struct page *page, const struct page_line *line, size_t columns,
                      struct buffer *out);

/* Frees everything and leaves an empty page. */
void page_release(struct page *page);

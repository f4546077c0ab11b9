/* SPDX-License-Identifier: MIT */
/*
 * Menus (RFC 1436 section 3.8): lines of
 *
 *   TYPE DISPLAY TAB SELECTOR TAB HOST TAB PORT [TAB ...] CR LF
 *
 * ended by a line of one dot or by the end of the data. Whatever a server sends becomes items:
 * a line that is no proper item is shown as text, counted as malformed, and cannot be followed.
 * Fields after the port (Gopher+) are ignored. Type '+' (another place for the item before it)
 * becomes an item of that item's type.
 *
 * Invariant: an item has a number iff it can be followed; numbers are 1, 2, 3 ... in order of
 * place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/buffer.h"
#include "programs/gopher/url.h"

/* More lines than this are cut off: a person will not read them, and memory is not free. */
#define MENU_ITEMS_MAX 32768

/* Slices point into the data that was parsed, which must outlive the menu. */
struct menu_item {
    struct slice display;
    struct slice selector;
    struct slice host;
    uint32_t number; /* link number, 0 for a line that cannot be followed */
    uint16_t port;
    char type;
};

struct menu {
    struct menu_item *items;
    size_t n_items;
    size_t n_links;
    size_t n_shaped; /* lines with all their tabs */
    size_t n_malformed;
    bool cut; /* there were more than MENU_ITEMS_MAX lines */
};

/* Parses a body; false without memory. On success menu_release must follow. */
bool menu_parse(struct slice body, struct menu *menu) __attribute__((warn_unused_result));

void menu_release(struct menu *menu);

/*
 * Does the data look like a menu at all? Servers answer a menu address with a plain text or an HTML
 * page when something went wrong; those have no line with three tabs and are better shown as text.
 */
bool menu_is_menu(const struct menu *menu);

/*
 * Is the answer, to whatever was asked, an error (type '3') in the form of a short menu? That is
 * how servers say "not found" also where a text or a file was asked for.
 */
bool menu_is_error(struct slice body);

/* The item with this link number, or NULL. */
const struct menu_item *menu_link(const struct menu *menu, size_t number);

/* The Gopher address of an item; false when it has none: it cannot be followed, or leads outside.
 */
bool menu_item_url(const struct menu_item *item, struct gopher_url *url)
    __attribute__((warn_unused_result));

/*
 * The target of an 'h' item whose selector is "URL:..." (an address outside Gopher), else an empty
 * slice. Such an item has a number whatever its host and port are: nobody is going to call there.
 */
struct slice menu_item_web(const struct menu_item *item);

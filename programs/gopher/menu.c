/* SPDX-License-Identifier: MIT */
/* See menu.h. */
#include "programs/gopher/menu.h"

#include <stdlib.h>
#include <string.h>

/* An error answer is a line or a few; a text that happens to start like one is longer. */
#define ERROR_SIZE_MAX 2048

/* Takes the part of `rest` before the first `end` off it; false when there is no `end`. */
static bool take_until(struct slice *rest, char end, struct slice *part) {
    const char *found = rest->size > 0 ? memchr(rest->data, end, rest->size) : NULL;
    if (found == NULL) {
        *part = *rest;
        *rest = (struct slice){rest->data + rest->size, 0};
        return false;
    }
    part->data = rest->data;
    part->size = (size_t)(found - rest->data);
    rest->size -= part->size + 1;
    rest->data = found + 1;
    return true;
}

/* A port from 1 to 65535; 0 for anything else. Blanks after the number are forgiven. */
static uint16_t parse_port(struct slice text) {
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    unsigned number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        number = number * 10 + (unsigned)(text.data[i] - '0');
        if (number > 65535) {
            return 0;
        }
    }
    return (uint16_t)number;
}

/* Can these be put into a struct gopher_url? */
static bool is_followable(const struct menu_item *item) {
    return gopher_host_is_valid(item->host) && item->port != 0 &&
           item->selector.size <= GOPHER_SELECTOR_MAX &&
           memchr(item->selector.data, '\0', item->selector.size) == NULL &&
           memchr(item->selector.data, '\r', item->selector.size) == NULL;
}

/* Parses one line, its CR LF gone. Counts it in `menu`. */
static void parse_line(struct menu *menu, struct slice line, char previous_type,
                       struct menu_item *item) {
    *item = (struct menu_item){.type = 'i', .display = {line.data, 0}};
    if (line.size == 0) {
        return;
    }
    struct slice rest = {line.data + 1, line.size - 1};
    struct slice port;
    bool has_fields = take_until(&rest, '\t', &item->display) &&
                      take_until(&rest, '\t', &item->selector) &&
                      take_until(&rest, '\t', &item->host);
    take_until(&rest, '\t', &port);
    menu->n_shaped += has_fields;
    item->type = line.data[0] == '+' ? previous_type : line.data[0];
    if (item_kind(item->type) == ITEM_INFO) {
        return; /* their other fields mean nothing, and many servers leave them out */
    }
    item->port = parse_port(port);
    unsigned char type = (unsigned char)item->type;
    bool is_web = has_fields && menu_item_web(item).size > 0;
    if (has_fields && type > ' ' && type < 0x7f && (is_web || is_followable(item))) {
        item->number = (uint32_t)++menu->n_links;
        return;
    }
    menu->n_malformed++;
    if (!has_fields) {
        item->display = line; /* most likely plain text: its first letter belongs to it */
    }
    item->type = 'i';
}

bool menu_parse(struct slice body, struct menu *menu) {
    *menu = (struct menu){0};
    size_t room = 0;
    char type = 'i';
    while (body.size > 0) {
        struct slice line;
        take_until(&body, '\n', &line);
        while (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        if (line.size == 1 && line.data[0] == '.') {
            break;
        }
        if (menu->n_items == MENU_ITEMS_MAX) {
            menu->cut = true;
            break;
        }
        if (menu->n_items == room) {
            room = room != 0 ? 2 * room : 64;
            struct menu_item *items = realloc(menu->items, room * sizeof(*items));
            if (items == NULL) {
                menu_release(menu);
                return false;
            }
            menu->items = items;
        }
        struct menu_item *item = &menu->items[menu->n_items++];
        parse_line(menu, line, type, item);
        type = item->type;
    }
    return true;
}

void menu_release(struct menu *menu) {
    free(menu->items);
    *menu = (struct menu){0};
}

bool menu_is_menu(const struct menu *menu) {
    return menu->n_shaped > 0 || menu->n_items == 0;
}

bool menu_is_error(struct slice body) {
    if (body.size == 0 || body.size > ERROR_SIZE_MAX || body.data[0] != '3') {
        return false;
    }
    struct slice line;
    struct slice field;
    unsigned n_tabs = 0;
    take_until(&body, '\n', &line);
    while (take_until(&line, '\t', &field)) {
        n_tabs++;
    }
    return n_tabs >= 3;
}

const struct menu_item *menu_link(const struct menu *menu, size_t number) {
    for (size_t i = 0; number != 0 && i < menu->n_items; i++) {
        if (menu->items[i].number == number) {
            return &menu->items[i];
        }
    }
    return NULL;
}

bool menu_item_url(const struct menu_item *item, struct gopher_url *url) {
    if (item->number == 0 || !is_followable(item)) {
        return false;
    }
    *url = (struct gopher_url){.port = item->port, .type = item->type};
    memcpy(url->host, item->host.data, item->host.size);
    memcpy(url->selector, item->selector.data, item->selector.size);
    return true;
}

struct slice menu_item_web(const struct menu_item *item) {
    struct slice web = {NULL, 0};
    if (item->type == 'h' && item->selector.size > 4 &&
        memcmp(item->selector.data, "URL:", 4) == 0) {
        web = (struct slice){item->selector.data + 4, item->selector.size - 4};
    }
    return web;
}

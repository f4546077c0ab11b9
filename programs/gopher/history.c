/* SPDX-License-Identifier: MIT */
/* See history.h. */
#include "programs/gopher/history.h"

#include <stdlib.h>

struct visit *history_current(const struct history *history) {
    return history->n_visits > 0 ? history->visits[history->place] : NULL;
}

static void visit_free(struct visit *visit) {
    page_release(&visit->page);
    free(visit);
}

static size_t page_bytes(const struct page *page) {
    return page->body.room + page->n_lines * sizeof(*page->lines) +
           page->menu.n_items * sizeof(*page->menu.items);
}

static size_t distance(size_t a, size_t b) {
    return a > b ? a - b : b - a;
}

/* Drops pages, the one furthest from the place first, never the current one, until they fit. */
static void history_trim(struct history *history) {
    for (;;) {
        size_t total = 0;
        size_t furthest = history->place;
        for (size_t i = 0; i < history->n_visits; i++) {
            const struct visit *visit = history->visits[i];
            total += visit->has_page ? page_bytes(&visit->page) : 0;
            if (visit->has_page &&
                distance(i, history->place) > distance(furthest, history->place)) {
                furthest = i;
            }
        }
        if (total <= HISTORY_BYTES_MAX || furthest == history->place) {
            return;
        }
        page_release(&history->visits[furthest]->page);
        history->visits[furthest]->has_page = false;
    }
}

bool history_add(struct history *history, const struct gopher_url *url, struct page *page) {
    struct visit *visit = malloc(sizeof(*visit));
    if (visit == NULL) {
        page_release(page);
        return false;
    }
    while (history->n_visits > history->place + 1) {
        visit_free(history->visits[--history->n_visits]);
    }
    if (history->n_visits == HISTORY_MAX) {
        visit_free(history->visits[0]);
        history->n_visits--;
        for (size_t i = 0; i < history->n_visits; i++) {
            history->visits[i] = history->visits[i + 1];
        }
    }
    *visit = (struct visit){.url = *url, .selected = NO_ITEM};
    history->place = history->n_visits;
    history->visits[history->n_visits++] = visit;
    history_set_page(history, visit, page);
    return true;
}

void history_set_page(struct history *history, struct visit *visit, struct page *page) {
    page_release(&visit->page);
    visit->page = *page;
    visit->has_page = true;
    *page = (struct page){0};
    history_trim(history);
}

void history_release(struct history *history) {
    for (size_t i = 0; i < history->n_visits; i++) {
        visit_free(history->visits[i]);
    }
    *history = (struct history){0};
}

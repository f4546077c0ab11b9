/* SPDX-License-Identifier: MIT */
/*
 * Where the reader has been: a row of visits with a place in it. Going back and forward moves the
 * place; a new page cuts off what lay ahead. Each visit keeps its page, so that going back is
 * instant and exact, until the pages together are too many bytes: then those furthest from the
 * place are dropped (their visits stay, and are fetched again when they are returned to).
 *
 * Invariant: n_visits is 0, or place < n_visits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/gopher/page.h"
#include "programs/gopher/url.h"

#define HISTORY_MAX       100u
#define HISTORY_BYTES_MAX (16u << 20)
#define NO_ITEM           ((size_t)-1)

struct visit {
    struct gopher_url url;
    struct page page;
    bool has_page;
    size_t top;      /* first line on the screen */
    size_t selected; /* index of the selected menu item, or NO_ITEM */
};

struct history {
    struct visit *visits[HISTORY_MAX];
    size_t n_visits;
    size_t place;
};

/* The visit that is on the screen; NULL before the first. */
struct visit *history_current(const struct history *history);

/*
 * Adds a visit after the place and goes there. Takes the page over, also when it fails for want of
 * memory (false).
 */
bool history_add(struct history *history, const struct gopher_url *url, struct page *page)
    __attribute__((warn_unused_result));

/* Gives a visit a new page (taken over), and drops others if they are now too many bytes. */
void history_set_page(struct history *history, struct visit *visit, struct page *page);

void history_release(struct history *history);

/* SPDX-License-Identifier: MIT */
/*
 * The lines typed so far, oldest first. A zeroed struct is an empty history.
 */
#pragma once

#include <stddef.h>

#define HISTORY_LIMIT 1000 /* lines kept; older ones are forgotten */

struct history {
    char **lines;
    size_t n;
    size_t n_forgotten; /* so that a line keeps its number */
};

/* Adds a copy of the line, unless it is blank or the same as the newest. */
void history_add(struct history *history, const char *line);

void history_free(struct history *history);

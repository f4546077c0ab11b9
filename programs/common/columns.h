/* SPDX-License-Identifier: MIT */
/*
 * A list of names set in columns, down and then across, as ls does. Pure.
 */
#pragma once

#include <stddef.h>

#include "programs/common/text.h"

struct columns_entry {
    const char *shown; /* may hold escape sequences */
    size_t width;      /* columns it takes on the screen */
};

/* Appends the n entries to *output*, as few lines as fit into *screen_width* columns, two spaces
 * between columns, each line ended with "\n". */
void columns_format(struct text *output, const struct columns_entry *entries, size_t n,
                    size_t screen_width);

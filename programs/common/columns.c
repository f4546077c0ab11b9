/* SPDX-License-Identifier: MIT */
#include "programs/common/columns.h"

#include <stdlib.h>

#include "programs/common/allocate.h"

#define GAP 2

static size_t column_width(const struct columns_entry *entries, size_t n, size_t first,
                           size_t n_rows) {
    size_t width = 0;

    for (size_t i = first; i < n && i < first + n_rows; i++) {
        if (entries[i].width > width) {
            width = entries[i].width;
        }
    }
    return width;
}

/* Do the columns fit when each is n_rows long? Stops at the first that does not. */
static int fits(const struct columns_entry *entries, size_t n, size_t n_rows, size_t screen_width) {
    size_t total = 0;

    for (size_t first = 0; first < n; first += n_rows) {
        total += column_width(entries, n, first, n_rows) + (first > 0 ? GAP : 0);
        if (total > screen_width) {
            return 0;
        }
    }
    return 1;
}

static void print_rows(struct text *output, const struct columns_entry *entries, size_t n,
                       size_t n_rows) {
    size_t *widths = checked_realloc(NULL, (n + n_rows - 1) / n_rows, sizeof *widths);

    for (size_t first = 0; first < n; first += n_rows) {
        widths[first / n_rows] = column_width(entries, n, first, n_rows);
    }
    for (size_t row = 0; row < n_rows && row < n; row++) {
        for (size_t i = row; i < n; i += n_rows) {
            text_append_string(output, entries[i].shown);
            for (size_t used = entries[i].width; i + n_rows < n && used < widths[i / n_rows] + GAP;
                 used++) {
                text_append_byte(output, ' ');
            }
        }
        text_append_byte(output, '\n');
    }
    free(widths);
}

void columns_format(struct text *output, const struct columns_entry *entries, size_t n,
                    size_t screen_width) {
    /* Every column takes at least one place and the gap, so fewer rows than this cannot fit;
     * starting there keeps long lists from costing n * n. */
    size_t n_rows = n * (1 + GAP) / (screen_width + GAP);

    if (n_rows == 0) {
        n_rows = 1;
    }
    while (n_rows < n && !fits(entries, n, n_rows, screen_width)) {
        n_rows++;
    }
    print_rows(output, entries, n, n_rows);
}

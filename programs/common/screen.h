/* SPDX-License-Identifier: MIT */
/*
 * The terminal behind a descriptor.
 */
#pragma once

struct screen_size {
    unsigned rows;
    unsigned columns;
};

/* The terminal's size. Where it cannot tell (a serial line), LINES and COLUMNS from the
 * environment, else 24 by 80. Both are between 1 and 10,000. */
struct screen_size screen_size(int fd);

/* Is the descriptor a terminal? isatty() in musl asks for the size, which not every one knows. */
int screen_is_terminal(int fd);

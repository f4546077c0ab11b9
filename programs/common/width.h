/* SPDX-License-Identifier: MIT */
/*
 * How much room UTF-8 text takes on a terminal. Pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "programs/common/text.h"

/* Columns a character takes: 0 for combining marks, 2 for East Asian wide ones and emoji, 1 for
 * everything else. Control characters count 1. */
unsigned width_of(uint32_t code_point);

/* The length of the first character together with the combining marks that follow it, in length >=
 * 1 bytes; *width is how many columns they take. Bytes that are not UTF-8 count 1. */
size_t width_cluster(const char *bytes, size_t length, unsigned *width);

/* Appends text from anywhere in a form that cannot steer the terminal: control characters and what
 * is not UTF-8 become '?'. Returns the columns it takes. */
size_t width_visible(struct text *output, const char *bytes, size_t length);

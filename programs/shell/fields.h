/* SPDX-License-Identifier: MIT */
/*
 * A growing list of strings, such as the arguments of a command. The array and the strings belong
 * to an arena. A zeroed struct is an empty list.
 */
#pragma once

#include <stddef.h>

#include "programs/shell/arena.h"

struct fields {
    char **items; /* n strings and then a null pointer; null while nothing was added */
    size_t n;
    size_t capacity;
};

/* Adds the string itself, not a copy. */
void fields_add(struct fields *fields, struct arena *arena, char *string);

/* Sorts those from *first* on by their bytes. */
void fields_sort(struct fields *fields, size_t first);

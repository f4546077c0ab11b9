/* SPDX-License-Identifier: MIT */
#include "programs/shell/fields.h"

#include <stdlib.h>
#include <string.h>

void fields_add(struct fields *fields, struct arena *arena, char *string) {
    if (fields->n + 1 >= fields->capacity) {
        size_t capacity = fields->capacity == 0 ? 8 : fields->capacity * 2;
        char **items = arena_allocate(arena, capacity * sizeof *items);

        if (fields->n > 0) {
            memcpy(items, fields->items, fields->n * sizeof *items);
        }
        fields->items = items;
        fields->capacity = capacity;
    }
    fields->items[fields->n++] = string;
    fields->items[fields->n] = NULL;
}

static int compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void fields_sort(struct fields *fields, size_t first) {
    if (fields->n > first) {
        qsort(fields->items + first, fields->n - first, sizeof *fields->items, compare);
    }
}

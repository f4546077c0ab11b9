/* SPDX-License-Identifier: MIT */
/* Invariant: a list of size class i holds `kept` blocks of (i + 1) * STEP bytes each. */
#include "lib/native/recycle.h"

#include <stdlib.h>

#include "lib/base/string.h"

enum { STEP = 32, CLASSES = 32, KEPT_MAX = 32 };

struct spare {
    struct spare *next;
};

/* A step of a block; blocks are so small that a loop is quicker than a call. */
struct step {
    uint64_t words[STEP / sizeof(uint64_t)];
};

static struct {
    struct spare *first;
    unsigned kept;
} classes[CLASSES];

static size_t class_of(size_t bytes) {
    return bytes == 0 ? 0 : (bytes - 1) / STEP;
}

void *recycle_allocate(size_t bytes) {
    size_t i = class_of(bytes);

    if (i >= CLASSES) {
        return calloc(1, bytes);
    }
    struct spare *spare = classes[i].first;

    if (spare == NULL) {
        return calloc(1, (i + 1) * STEP);
    }
    classes[i].first = spare->next;
    classes[i].kept--;
    for (size_t at = 0; at <= i; at++) {
        ((struct step *)(void *)spare)[at] = (struct step){{0}};
    }
    return spare;
}

void recycle_free(void *memory, size_t bytes) {
    size_t i = class_of(bytes);
    struct spare *spare = memory;

    if (memory == NULL || i >= CLASSES || classes[i].kept == KEPT_MAX) {
        free(memory);
        return;
    }
    spare->next = classes[i].first;
    classes[i].first = spare;
    classes[i].kept++;
}

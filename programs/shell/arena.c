/* SPDX-License-Identifier: MIT */
#include "programs/shell/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/allocate.h"

#define BLOCK_SIZE 4000

struct arena_block {
    struct arena_block *next;
    size_t size; /* of bytes */
    alignas(max_align_t) char bytes[];
};

static void add_block(struct arena *arena, size_t least) {
    size_t size = least > BLOCK_SIZE ? least : BLOCK_SIZE;
    struct arena_block *block = NULL;

    if (size > SIZE_MAX - sizeof *block) {
        size = SIZE_MAX - sizeof *block; /* cannot be had: ends the program with the message */
    }
    block = checked_malloc(sizeof *block + size);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used = 0;
}

void *arena_allocate(struct arena *arena, size_t size) {
    size_t start = (arena->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    if (arena->blocks == NULL || start > arena->blocks->size ||
        size > arena->blocks->size - start) {
        add_block(arena, size);
        start = 0;
    }
    arena->used = start + size;
    return memset(arena->blocks->bytes + start, 0, size);
}

char *arena_copy(struct arena *arena, const char *string, size_t length) {
    char *copy = arena_allocate(arena, length + 1);

    memcpy(copy, string, length);
    return copy;
}

void arena_free(struct arena *arena) {
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}

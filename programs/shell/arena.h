/* SPDX-License-Identifier: MIT */
/*
 * Memory that is released all at once: what belongs to one command line (its tree, its expanded
 * words) comes from one arena. A zeroed struct is an empty arena. Running out of memory ends the
 * program, as with checked_malloc.
 */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes of the newest block in use */
};

/* Returns size bytes, cleared, aligned for every type. */
void *arena_allocate(struct arena *arena, size_t size);

/* A null-terminated copy of the first length bytes. */
char *arena_copy(struct arena *arena, const char *string, size_t length);

/* Releases everything; the arena is then empty and may be used again. */
void arena_free(struct arena *arena);

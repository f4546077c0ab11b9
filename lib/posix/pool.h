/* SPDX-License-Identifier: MIT */
/*
 * Memory for the library itself: malloc belongs to the program, which may be inside it when a
 * signal comes.
 */
#pragma once

#include "lib/base/types.h"

enum { POOL_BYTES_MAX = 4096 };

/* Zeroed, 16-byte aligned; up to POOL_BYTES_MAX bytes. NULL: out of memory. */
void *pool_allocate(size_t bytes);
/* `bytes` as in pool_allocate. NULL is allowed. */
void pool_free(void *memory, size_t bytes);

char *pool_copy_string(const char *text); /* NULL if too long or out of memory */
void pool_free_string(char *text);

/* Whole pages, for as long as something is done. NULL: out of memory. */
void *pool_map_pages(size_t bytes);
void pool_unmap_pages(void *pages, size_t bytes);

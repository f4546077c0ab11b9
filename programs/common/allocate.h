/* SPDX-License-Identifier: MIT */
/*
 * Allocation for programs that cannot do anything useful without memory: on failure each function
 * prints "NAME: out of memory" and ends the program with status 1. The caller owns the result and
 * releases it with free().
 */
#pragma once

#include <stddef.h>

/* Returns size bytes, not cleared. A size of 0 gives a pointer that may be passed to free(). */
void *checked_malloc(size_t size);

/* Grows or shrinks *memory* (which may be null) to n elements of size bytes; n * size is checked
 * for overflow. */
void *checked_realloc(void *memory, size_t n, size_t size);

char *checked_strdup(const char *string);

/* A null-terminated copy of the first length bytes. */
char *checked_strndup(const char *string, size_t length);

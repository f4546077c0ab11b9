/* SPDX-License-Identifier: MIT */
/*
 * Memory for objects that come and go with every request of a server: an open file, a waiting
 * request. What is given back is kept, up to a small number of each size, and given out again; with
 * malloc alone the same costs some hundred instructions, and over a thousand where an object is the
 * only one of its size.
 *
 * Not for programs with threads or upcalls: there is no lock.
 */
#pragma once

#include <stddef.h>

/* Zeroed. NULL: out of memory. The caller gives it back with recycle_free and the same size. */
void *recycle_allocate(size_t bytes);

/* NULL is allowed. */
void recycle_free(void *memory, size_t bytes);

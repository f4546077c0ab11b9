/* SPDX-License-Identifier: MIT */
/*
 * Slabs: equal slots cut from single frames, one cache per kind of object. Take and give are O(1).
 *
 * Invariant: a slab is in its cache's `partial` list iff it has a free slot. A slab with no slot in
 * use is kept iff no other has room (a take-give pair moves no frames), and is then `empty`. So how
 * many frames a cache holds depends on the slots in use only, not on the order of what was freed.
 */
#pragma once

#include "kernel/types.h"
#include "lib/base/list.h"

struct slab_cache {
    struct list partial;
    struct slab *empty; /* in `partial`, no slot in use; NULL: none */
    uint32_t slot_size; /* bytes; 0 until first used */
    uint32_t n_slots;   /* per slab */
};

/* A zeroed slot of `size` bytes (the same in every call for a cache, at most 3 KiB), NULL if there
 * is no frame. */
WARN_UNUSED void *slab_take(struct slab_cache *cache, uint32_t size);

/* Gives back what slab_take gave. A double free of the same slot panics in debug builds. */
void slab_give(struct slab_cache *cache, void *slot);

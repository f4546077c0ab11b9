/* SPDX-License-Identifier: MIT */
#include "kernel/slab.h"

#include "kernel/frame.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

/* At the start of each slab's frame; the slots follow. */
struct slab {
    struct list_node link; /* in the cache's partial list iff n_used < n_slots */
    void *free;            /* first free slot; each holds the address of the next */
    uint32_t n_used;
};

/* Slots start at a multiple of 64, which suits every object (FXSAVE wants 16). */
#define SLAB_HEADER 64
#define SLAB_POISON 0xf5

_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "slots start behind the header");

static struct slab *slab_create(struct slab_cache *cache) {
    paddr_t frame = frame_take();
    struct slab *slab;

    if (frame == PADDR_NONE) {
        return NULL;
    }
    slab = paddr_to_pointer(frame);
    slab->n_used = 0;
    slab->free = NULL;
    list_node_init(&slab->link);
    for (uint32_t i = cache->n_slots; i-- > 0;) {
        void **slot = (void **)((char *)slab + SLAB_HEADER + i * cache->slot_size);

        *slot = slab->free;
        slab->free = slot;
    }
    list_push_front(&cache->partial, &slab->link);
    return slab;
}

/* Gives the frame of an empty slab back. */
static void slab_free(struct slab_cache *cache, struct slab *slab) {
    list_remove(&slab->link);
    if (cache->empty == slab) {
        cache->empty = NULL;
    }
    frame_put(pointer_to_paddr(slab));
}

void *slab_take(struct slab_cache *cache, uint32_t size) {
    struct slab *slab;
    void **slot;

    if (UNLIKELY(cache->slot_size == 0)) {
        list_init(&cache->partial);
        cache->slot_size = ALIGN_UP(size, 16u);
        cache->n_slots = (uint32_t)(PAGE_SIZE - SLAB_HEADER) / cache->slot_size;
        ASSERT(cache->n_slots != 0);
    }
    slab = LIST_FIRST(&cache->partial, struct slab, link);
    if (slab == NULL) {
        slab = slab_create(cache);
        if (slab == NULL) {
            return NULL;
        }
    }
    if (slab == cache->empty) {
        cache->empty = NULL;
    }
    slot = slab->free;
    slab->free = *slot;
    if (++slab->n_used == cache->n_slots) {
        list_remove(&slab->link);
    }
    memset(slot, 0, cache->slot_size);
    return slot;
}

void slab_give(struct slab_cache *cache, void *slot) {
    struct slab *slab = (struct slab *)ALIGN_DOWN((uint64_t)slot, PAGE_SIZE);

    ASSERT(slab->n_used != 0);
    if (DEBUG_KERNEL) {
        memset(slot, SLAB_POISON, cache->slot_size);
    }
    *(void **)slot = slab->free;
    slab->free = slot;
    if (slab->n_used-- == cache->n_slots) {
        list_push_back(&cache->partial, &slab->link);
        if (cache->empty != NULL && cache->empty != slab) {
            slab_free(cache, cache->empty);
        }
    }
    if (slab->n_used == 0) {
        if (list_first(&cache->partial) != list_last(&cache->partial)) {
            slab_free(cache, slab);
        } else {
            cache->empty = slab;
        }
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator's front and the slabs as they are, around which AddressSanitizer is told what
 * of the direct map is free: nobody may touch it but the two themselves.
 */
#include <sanitizer/asan_interface.h>

#define frame_take        frame_take_of_kernel
#define frame_take_zeroed frame_take_zeroed_of_kernel
#define frame_take_run    frame_take_run_of_kernel
#define frame_free        frame_free_of_kernel
#define frame_put_zeroed  frame_put_zeroed_of_kernel
#define slab_take         slab_take_of_kernel
#define slab_give         slab_give_of_kernel
#include "kernel/frame.c"
#include "kernel/slab.c"
#undef frame_take
#undef frame_take_zeroed
#undef frame_take_run
#undef frame_free
#undef frame_put_zeroed
#undef slab_take
#undef slab_give

paddr_t frame_take(void);
paddr_t frame_take_zeroed(void);
paddr_t frame_take_run(uint64_t n, uint64_t alignment, uint64_t below);
void frame_free(paddr_t frame);
void frame_put_zeroed(paddr_t frame);
status_t slab_take(struct budget *budget, unsigned kind, uint32_t size, void **slot);
void slab_give(struct budget *budget, unsigned kind, void *slot);

static paddr_t frames_taken(paddr_t frame, uint64_t n) {
    if (frame != PADDR_NONE) {
        ASAN_UNPOISON_MEMORY_REGION(paddr_to_pointer(frame), n * PAGE_SIZE);
    }
    return frame;
}

paddr_t frame_take(void) {
    return frames_taken(frame_take_of_kernel(), 1);
}

paddr_t frame_take_zeroed(void) {
    return frames_taken(frame_take_zeroed_of_kernel(), 1);
}

paddr_t frame_take_run(uint64_t n, uint64_t alignment, uint64_t below) {
    return frames_taken(frame_take_run_of_kernel(n, alignment, below), n);
}

void frame_free(paddr_t frame) {
    frame_free_of_kernel(frame);
    ASAN_POISON_MEMORY_REGION(paddr_to_pointer(frame), PAGE_SIZE);
}

void frame_put_zeroed(paddr_t frame) {
    const uint64_t *words = paddr_to_pointer(frame);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
        ASSERT(words[i] == 0);
    }
    frame_put_zeroed_of_kernel(frame);
    ASAN_POISON_MEMORY_REGION(paddr_to_pointer(frame), PAGE_SIZE);
}

/* The slots that slab.c may touch are those in use, and the links at the beginning of those that
 * were. */
status_t slab_take(struct budget *budget, unsigned kind, uint32_t size, void **slot) {
    const struct slab *slab = LIST_FIRST(partial_list(budget, kind), struct slab, link);
    status_t status;

    if (slab != NULL) {
        ASSERT(slab->slot_size == ALIGN_UP(size, 16u));
        ASAN_UNPOISON_MEMORY_REGION(slab->free != NULL ? slab->free : slab->fresh, slab->slot_size);
    }
    status = slab_take_of_kernel(budget, kind, size, slot);
    if (status == OK) {
        slab = (struct slab *)ALIGN_DOWN((uint64_t)*slot, PAGE_SIZE);
        if (slab->n_used == 1 && slab->free == NULL) { /* a new one */
            ASAN_POISON_MEMORY_REGION((char *)slab + SLAB_HEADER, PAGE_SIZE - SLAB_HEADER);
        }
        ASAN_UNPOISON_MEMORY_REGION(*slot, size);
    }
    return status;
}

void slab_give(struct budget *budget, unsigned kind, void *slot) {
    struct slab *slab = (struct slab *)ALIGN_DOWN((uint64_t)slot, PAGE_SIZE);
    bool last = slab->n_used == 1;
    uint32_t size = slab->slot_size;

    /* Padding behind it, and the whole slab if it goes, become slab.c's again. */
    ASAN_UNPOISON_MEMORY_REGION(last ? (void *)slab : slot, last ? PAGE_SIZE : size);
    slab_give_of_kernel(budget, kind, slot);
    if (!last) {
        ASAN_POISON_MEMORY_REGION((char *)slot + sizeof(void *), size - sizeof(void *));
    }
}

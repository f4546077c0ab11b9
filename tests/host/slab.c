/* SPDX-License-Identifier: MIT */
/* kernel/slab.c as it is, around which AddressSanitizer is told which slots are free. */
#include <sanitizer/asan_interface.h>

#define slab_take slab_take_of_kernel
#define slab_give slab_give_of_kernel
#include "kernel/slab.c"
#undef slab_take
#undef slab_give

status_t slab_take(struct budget *budget, unsigned kind, uint32_t size, void **slot);
void slab_give(struct budget *budget, unsigned kind, void *slot);

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

/* [book:host-slab] */
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
/* [/book] */

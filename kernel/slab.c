/* SPDX-License-Identifier: MIT */
#include "kernel/slab.h"

#include "kernel/budget.h"
#include "kernel/debug/check.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

/* At the start of each slab's frame; the slots follow. */
struct slab {
    struct list_node link; /* in its kind's list iff n_used < n_slots */
    void *free;  /* first free slot that was used before; each holds the address of the next */
    void *fresh; /* slots from here on were never used */
    uint32_t slot_size; /* bytes */
    uint32_t n_slots;
    uint32_t n_used;
};

/* Slots start at a multiple of 64, which suits every object (FXSAVE wants 16). */
#define SLAB_HEADER 64
#define SLAB_POISON 0xf5

_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "slots start behind the header");

/* What the kernel made for itself at boot. */
static struct list kernel_slabs[SLAB_KINDS];

void slab_lists_init(struct list *lists) {
    for (unsigned kind = 0; kind < SLAB_KINDS; kind++) {
        list_init(&lists[kind]);
    }
}

static struct list *partial_list(struct budget *budget, unsigned kind) {
    if (budget == NULL && UNLIKELY(kernel_slabs[kind].head.next == NULL)) {
        slab_lists_init(kernel_slabs);
    }
    return budget == NULL ? &kernel_slabs[kind] : &budget->slabs[kind];
}

static status_t slab_create(struct budget *budget, uint32_t size, struct slab **slab) {
    paddr_t frame;

    if (!budget_charge(budget, PAGE_SIZE)) {
        return ERROR_OUT_OF_BUDGET;
    }
    frame = frame_take();
    if (frame == PADDR_NONE) {
        budget_refund(budget, PAGE_SIZE);
        return ERROR_NO_MEMORY;
    }
    *slab = paddr_to_pointer(frame);
    **slab = (struct slab){.slot_size = ALIGN_UP(size, 16u)};
    (*slab)->n_slots = (uint32_t)(PAGE_SIZE - SLAB_HEADER) / (*slab)->slot_size;
    (*slab)->fresh = (char *)*slab + SLAB_HEADER;
    ASSERT((*slab)->n_slots != 0);
    if (DEBUG_KERNEL) {
        memset((*slab)->fresh, SLAB_POISON, PAGE_SIZE - SLAB_HEADER);
    }
    return OK;
}

status_t slab_take(struct budget *budget, unsigned kind, uint32_t size, void **slot) {
    struct list *partial = partial_list(budget, kind);
    struct slab *slab = LIST_FIRST(partial, struct slab, link);

    *slot = NULL;
    if (slab == NULL) {
        status_t status = slab_create(budget, size, &slab);

        if (status != OK) {
            return status;
        }
        list_push_front(partial, &slab->link);
    }
    if (slab->free != NULL) {
        *slot = slab->free;
        slab->free = *(void **)*slot;
    } else {
        *slot = slab->fresh;
        slab->fresh = (char *)slab->fresh + slab->slot_size;
    }
    if (++slab->n_used == slab->n_slots) {
        list_remove(&slab->link);
    }
    if (DEBUG_KERNEL) {
        debug_fill_check((void **)*slot + 1, slab->slot_size - sizeof(void *), SLAB_POISON);
    }
    memset(*slot, 0, slab->slot_size);
    return OK;
}

void slab_give(struct budget *budget, unsigned kind, void *slot) {
    struct slab *slab = (struct slab *)ALIGN_DOWN((uint64_t)slot, PAGE_SIZE);

    ASSERT(slab->n_used != 0);
    if (DEBUG_KERNEL) {
        memset(slot, SLAB_POISON, slab->slot_size);
    }
    *(void **)slot = slab->free;
    slab->free = slot;
    if (slab->n_used-- == slab->n_slots) {
        list_push_back(partial_list(budget, kind), &slab->link);
    }
    if (slab->n_used == 0) {
        list_remove(&slab->link);
        frame_put(pointer_to_paddr(slab));
        budget_refund(budget, PAGE_SIZE);
    }
}

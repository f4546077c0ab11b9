/* SPDX-License-Identifier: MIT */
#include "kernel/memory.h"

#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/panic.h"
#include "kernel/reaper.h"
#include "kernel/space.h"
#include "kernel/syscall.h"

#define NODE_BITS  9
#define NODE_SLOTS 512
#define STEP_PAGES 16
/* Slots of a tree that are looked at in one step, and what a node, or a page that goes, counts for.
 */
#define STEP_SLOTS     256
#define SLOTS_PER_NODE 16

/* DMA memory, until memory_release_quarantine; what of it is dead is in quarantine. */
static struct list dma_memory = LIST_INITIALIZER(dma_memory);
static uint64_t n_quarantined;

static status_t memory_create(struct budget *budget, enum memory_kind kind, uint64_t n_pages,
                              struct memory **memory) {
    struct object *object;
    status_t status = object_create(OBJECT_MEMORY, budget, &object);

    if (status != OK) {
        return status;
    }
    *memory = CONTAINER_OF(object, struct memory, object);
    (*memory)->kind = (uint8_t)kind;
    (*memory)->n_pages = n_pages;
    list_init(&(*memory)->mappings);
    return OK;
}

status_t memory_create_demand(struct budget *budget, uint64_t n_pages, struct memory **memory) {
    if (n_pages > MEMORY_PAGES_MAX) {
        return ERROR_TOO_MANY;
    }
    return memory_create(budget, MEMORY_KIND_DEMAND, n_pages, memory);
}

status_t memory_create_contiguous(struct budget *budget, uint64_t n_pages, uint64_t below,
                                  struct memory **memory) {
    status_t status = ERROR_TOO_MANY;

    if (n_pages != 0 && n_pages <= MEMORY_CONTIGUOUS_MAX) {
        status = memory_create(budget, MEMORY_KIND_CONTIGUOUS, n_pages, memory);
    }
    if (status == OK) {
        (*memory)->n_zeroed = below == 0 ? UINT64_MAX : below / PAGE_SIZE;
    }
    return status;
}

/* Looks for the frames a bit further. Until they are found n_zeroed is where to go on, downwards.
 */
static status_t run_take_step(struct memory *memory) {
    struct budget *budget = memory->object.budget;
    uint64_t size = memory->n_pages * PAGE_SIZE;
    enum frame_run_result result;

    if (!budget_charge(budget, size)) {
        return ERROR_OUT_OF_BUDGET;
    }
    result = frame_take_run(memory->n_pages, &memory->n_zeroed, &memory->root);
    if (result != FRAME_RUN_TAKEN) {
        budget_refund(budget, size);
        return result == FRAME_RUN_MORE ? RESULT_RESTART : ERROR_NO_MEMORY;
    }
    memory->n_frames = memory->n_pages;
    memory->n_zeroed = 0;
    return RESULT_RESTART;
}

status_t memory_contiguous_step(struct memory *memory) {
    paddr_t frame;

    if (memory->n_frames == 0) {
        return run_take_step(memory);
    }
    frame = memory->root + memory->n_zeroed++ * PAGE_SIZE;
    arch_frame_zero(frame);
    *frame_count(frame) = 1;
    return memory->n_zeroed == memory->n_pages ? OK : RESULT_RESTART;
}

status_t memory_create_device(struct budget *budget, paddr_t start, uint64_t n_pages,
                              unsigned caching, struct memory **memory) {
    status_t status = memory_create(budget, MEMORY_KIND_DEVICE, n_pages, memory);

    if (status == OK) {
        (*memory)->root = start;
        (*memory)->caching = (uint8_t)caching;
    }
    return status;
}

status_t memory_adopt(paddr_t start, uint64_t n_pages, struct memory **memory) {
    status_t status = memory_create(NULL, MEMORY_KIND_CONTIGUOUS, n_pages, memory);

    if (status != OK) {
        return status;
    }
    (*memory)->root = start;
    (*memory)->n_zeroed = n_pages;
    (*memory)->n_frames = n_pages;
    for (uint64_t i = 0; i < n_pages; i++) {
        *frame_count(start + i * PAGE_SIZE) = 1;
    }
    return OK;
}

static status_t frame_take_charged(struct memory *memory, paddr_t *frame) {
    status_t status = budget_frame_take(memory->object.budget, frame);

    memory->n_frames += status == OK;
    return status;
}

static void frame_put_charged(struct memory *memory, paddr_t frame) {
    frame_put(frame);
    memory->n_frames--;
    budget_refund(memory->object.budget, PAGE_SIZE);
}

/* Makes the tree high enough for `index`. */
static status_t radix_grow(struct memory *memory, uint64_t index) {
    while (memory->levels == 0 || index >> (NODE_BITS * memory->levels) != 0) {
        paddr_t node;
        status_t status = frame_take_charged(memory, &node);

        if (status != OK) {
            return status;
        }
        if (memory->levels != 0) {
            *(paddr_t *)paddr_to_pointer(node) = memory->root;
        }
        memory->root = node;
        memory->levels++;
        memory->n_nodes++;
    }
    return OK;
}

status_t memory_page_demand(struct memory *memory, uint64_t index, bool make, paddr_t *frame) {
    paddr_t *slot = &memory->root;
    status_t status;

    *frame = PADDR_NONE;
    if (memory->levels == 0 || index >> (NODE_BITS * memory->levels) != 0) {
        if (!make) {
            return OK;
        }
        status = radix_grow(memory, index);
        if (status != OK) {
            return status;
        }
    }
    for (unsigned level = memory->levels; level-- > 0;) {
        slot = (paddr_t *)paddr_to_pointer(*slot) +
               ((index >> (NODE_BITS * level)) & (NODE_SLOTS - 1));
        if (*slot == PADDR_NONE) {
            if (!make) {
                return OK;
            }
            status = frame_take_charged(memory, slot);
            if (status != OK) {
                return status;
            }
            memory->n_nodes += level > 0;
        }
    }
    *frame = *slot;
    return OK;
}

/*
 * The slot of the first page >= *index below `end` that exists; NULL if there is none, or when
 * *n_slots are looked at (*index then tells where to go on).
 */
static paddr_t *radix_next(struct memory *memory, uint64_t *index, uint64_t end,
                           uint64_t *n_slots) {
    if (memory->n_frames == memory->n_nodes) {
        *index = end; /* there is no page anywhere */
        return NULL;
    }
    while (*index < end && *index >> (NODE_BITS * memory->levels) == 0 && *n_slots > 0) {
        paddr_t *slot = &memory->root;
        unsigned level = memory->levels;

        *n_slots -= MIN(*n_slots, (uint64_t)SLOTS_PER_NODE);
        while (level > 0 && *slot != PADDR_NONE) {
            level--;
            slot = (paddr_t *)paddr_to_pointer(*slot) +
                   ((*index >> (NODE_BITS * level)) & (NODE_SLOTS - 1));
        }
        if (level == 0) {
            /* The rest of the leaf is looked at in place. */
            uint64_t leaf_end = MIN(end, (*index | (NODE_SLOTS - 1)) + 1);

            for (; *index < leaf_end && *n_slots != 0 && *slot == PADDR_NONE; slot++) {
                ++*index;
                --*n_slots;
            }
            if (*index < leaf_end && *slot != PADDR_NONE) {
                return slot;
            }
            continue;
        }
        *index = ALIGN_DOWN(*index, 1ULL << (NODE_BITS * level)) + (1ULL << (NODE_BITS * level));
    }
    if (*index >> (NODE_BITS * memory->levels) != 0) {
        *index = end;
    }
    return NULL;
}

bool memory_discard_step(struct memory *memory, uint64_t *first, uint64_t n) {
    uint64_t end = *first + n, n_slots = STEP_SLOTS;

    while (*first < end && n_slots != 0) {
        paddr_t *slot = radix_next(memory, first, end, &n_slots);

        if (slot == NULL || !space_unmap_memory_page(memory, *first, *slot, &n_slots)) {
            break;
        }
        frame_put_charged(memory, *slot);
        *slot = PADDR_NONE;
        ++*first;
    }
    return *first >= end;
}

/* Frees one node of the tree that has no nodes below it but leaves already dropped; true when the
 * tree is gone. */
static bool radix_free_step(struct memory *memory) {
    paddr_t *slot = &memory->root;

    if (memory->levels == 0) {
        return true;
    }
    for (unsigned level = memory->levels; level > 1; level--) {
        paddr_t *node = paddr_to_pointer(*slot);
        unsigned i = 0;

        while (i < NODE_SLOTS && node[i] == PADDR_NONE) {
            i++;
        }
        if (i == NODE_SLOTS) {
            break;
        }
        slot = &node[i];
    }
    frame_put_zeroed(*slot); /* what it led to is gone, entry by entry */
    budget_refund(memory->object.budget, PAGE_SIZE);
    memory->n_frames--;
    memory->n_nodes--;
    *slot = PADDR_NONE;
    if (slot == &memory->root) {
        memory->levels = 0;
    }
    return memory->levels == 0;
}

static bool destroy_step(struct reapable *reapable) {
    struct memory *memory = CONTAINER_OF(reapable, struct memory, reapable);

    if (memory->kind == MEMORY_KIND_DEMAND) {
        /* The slots before n_zeroed are free already: the count has no other use here. There may be
         * pages beyond n_pages, if a resize was cut short by its thread's death. */
        if (!memory_discard_step(memory, &memory->n_zeroed, MEMORY_PAGES_MAX - memory->n_zeroed)) {
            return false;
        }
        if (!radix_free_step(memory)) {
            return false;
        }
    }
    for (unsigned i = 0; i < STEP_PAGES && memory->n_frames > 0; i++) {
        paddr_t frame = memory->root + (memory->n_frames - 1) * PAGE_SIZE;

        *frame_count(frame) = 1; /* 0 if it was never zeroed */
        frame_put_charged(memory, frame);
    }
    if (memory->n_frames > 0) {
        return false;
    }
    object_free(&memory->object);
    return true;
}

void memory_destroy(struct object *object) {
    struct memory *memory = CONTAINER_OF(object, struct memory, object);

    ASSERT(list_is_empty(&memory->mappings));
    memory->reapable.step = destroy_step;
    memory->n_zeroed = 0;
    if (list_is_linked(&memory->reapable.link)) {
        /* A device may still write there: nobody else gets these frames until the pci server says
         * that it cannot. */
        n_quarantined += memory->n_frames;
        return;
    }
    if (memory->n_frames <= STEP_PAGES && memory->levels <= 1) {
        while (!destroy_step(&memory->reapable)) {
        }
        return;
    }
    reaper_add(&memory->reapable);
}

void memory_use_dma(struct memory *memory) {
    list_push_back(&dma_memory, &memory->reapable.link);
}

void memory_release_quarantine(uint32_t owner) {
    struct memory *memory;

    LIST_FOR_EACH_SAFE(memory, &dma_memory, reapable.link) {
        if (memory->dma_owner == owner) {
            list_remove(&memory->reapable.link);
            if (memory->object.references == 0) {
                n_quarantined -= memory->n_frames;
                reaper_add(&memory->reapable);
            }
        }
    }
}

uint64_t memory_n_quarantined(void) {
    return n_quarantined;
}

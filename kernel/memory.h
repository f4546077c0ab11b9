/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: a run of pages that several address spaces can map.
 *
 *   demand     pages appear zeroed at the first touch; a radix tree from page index to frame
 *   contiguous one physical run, made at once (DMA)
 *   device     physical addresses that are not RAM
 *
 * Invariant: the object holds one reference to each of its frames and its budget is charged for
 * them and for the tree's nodes. Invariant: `mappings` lists every region that maps the object;
 * each holds a reference to it.
 */
#pragma once

#include "kernel/object.h"
#include "lib/base/tree.h"

enum memory_kind { MEMORY_KIND_DEMAND, MEMORY_KIND_CONTIGUOUS, MEMORY_KIND_DEVICE };

struct memory {
    struct object object;
    struct reapable reapable;
    uint8_t kind;       /* enum memory_kind */
    uint8_t levels;     /* demand: height of the tree, 0 if there is none */
    uint8_t caching;    /* device: memory_create_device flags */
    uint32_t dma_owner; /* process that made it, if it is DMA memory; else 0 */
    uint64_t n_pages;
    paddr_t root; /* demand: top node of the tree; else the first byte */
    union {
        uint64_t n_zeroed; /* contiguous: pages zeroed so far, all when it can be used */
        uint64_t cut_at;   /* demand: where a resize goes on in the first mapping, an address */
    };
    uint64_t n_frames;    /* charged */
    uint32_t n_nodes;     /* demand: of them nodes of the tree */
    uint32_t n_mappings;  /* how many `mappings` are */
    struct list mappings; /* of struct region, by memory_link; in no order */
    struct tree waiters;  /* for shared words: see kernel/futex.h */
};

/* Most pages of a demand object: what three tree levels reach. */
#define MEMORY_PAGES_MAX      (1ULL << 27)
#define MEMORY_CONTIGUOUS_MAX 4096

WARN_UNUSED status_t memory_create_demand(struct budget *budget, uint64_t n_pages,
                                          struct memory **memory);

/* It has no pages yet: call memory_contiguous_step until it says OK before anybody else sees the
 * object. RESTART: more is to be done. Fails: OUT_OF_BUDGET, NO_MEMORY. */
WARN_UNUSED status_t memory_create_contiguous(struct budget *budget, uint64_t n_pages,
                                              uint64_t below, struct memory **memory);
WARN_UNUSED status_t memory_contiguous_step(struct memory *memory);

WARN_UNUSED status_t memory_create_device(struct budget *budget, paddr_t start, uint64_t n_pages,
                                          unsigned caching, struct memory **memory);

/* Wraps frames that the boot loader filled (the boot archive): the object owns them from now on. */
WARN_UNUSED status_t memory_adopt(paddr_t start, uint64_t n_pages, struct memory **memory);

/*
 * The frame of page `index`; with `make` a missing one is made (zeroed). *frame = PADDR_NONE if it
 * is missing and not to be made. Fails: NOT_FOUND beyond the end, OUT_OF_BUDGET, NO_MEMORY. The
 * reference stays the object's.
 */
WARN_UNUSED status_t memory_page_demand(struct memory *memory, uint64_t index, bool make,
                                        paddr_t *frame);
WARN_UNUSED static inline status_t memory_page(struct memory *memory, uint64_t index, bool make,
                                               paddr_t *frame) {
    if (index >= memory->n_pages) {
        return ERROR_NOT_FOUND;
    }
    if (memory->kind == MEMORY_KIND_DEMAND) {
        return memory_page_demand(memory, index, make, frame);
    }
    *frame = memory->root + index * PAGE_SIZE;
    return OK;
}

/* Drops pages [first, first + n), unmapping them everywhere first; some frames and mappings a
 * step. True when all are gone. */
bool memory_discard_step(struct memory *memory, uint64_t *first, uint64_t n);

void memory_destroy(struct object *object);

/* From now on a device of its owner may write there: when the object dies, it goes to quarantine.
 */
void memory_use_dma(struct memory *memory);

/* The bus mastering of process `owner`, which is dead, is off: its DMA memory can be freed, that of
 * which others still hold handles as any other. One step looks at all DMA memory: as many objects
 * as DMA budgets, which manifests give out, have pages. */
void memory_release_quarantine(uint32_t owner);
uint64_t memory_n_quarantined(void);

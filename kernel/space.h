/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: what is mapped where (regions), and what is there now (page tables).
 *
 * Invariant: regions do not overlap, are not empty, and lie in [USER_BOTTOM, INFO_PAGE_ADDRESS).
 * Invariant: every present page lies in a region that allows what its entry allows (but for a
 * protect that a fault of its own thread cut short: the rest of its pages keeps the old rights).
 * Invariant: `n_frames` = owned pages + page tables (root included), all charged to `budget`.
 * Long operations work in steps of at most SPACE_STEP pages; between steps all invariants hold.
 */
#pragma once

#include "abi/kernel.h"
#include "kernel/arch/x86_64/page_table.h"
#include "kernel/budget.h"
#include "kernel/object.h"
#include "lib/base/tree.h"

#define SPACE_STEP 32

/* A range of whole pages below the kernel's pages. */
static inline bool user_range_is_valid(uint64_t address, uint64_t length) {
    return length != 0 && IS_ALIGNED(address | length, PAGE_SIZE) &&
           u64_range_is_within(address, length, INFO_PAGE_ADDRESS);
}

struct memory;

struct region {
    struct tree_node node; /* key = start */
    struct list_node memory_link;
    struct space *space;
    struct memory *memory; /* referenced; NULL: anonymous */
    uint64_t start, end;
    uint64_t offset;         /* of `start` in the memory object, in pages */
    uint32_t flags;          /* MAP_READ ... MAP_GUARD, MAP_PRIVATE */
    uint32_t protection_max; /* what the handle allowed */
};

/* A leaf page table that was used before: most look-ups of a page need no walk. */
struct leaf {
    uint64_t span; /* address / PAGE_TABLE_SPAN, or LEAF_NONE */
    pte_t *table;
};
#define LEAF_NONE UINT64_MAX
#define N_LEAVES  4 /* that of a span is leaves[span % N_LEAVES], or not there */

struct space {
    paddr_t root;
    struct tree regions;
    struct budget *budget; /* referenced until the root is freed */
    struct tree waiters;   /* for private words: see kernel/futex.h */
    uint64_t n_frames;
    struct leaf leaves[N_LEAVES]; /* those of tables that went are LEAF_NONE */
    struct region *hint;          /* found last; NULL: none, or one is gone since */
    uint64_t cursor;              /* where the next mapping without an address is tried */
};

/* Why memory is touched. */
enum access { ACCESS_READ = MAP_READ, ACCESS_WRITE = MAP_WRITE, ACCESS_EXECUTE = MAP_EXECUTE };

/* An empty address space. Fails: OUT_OF_BUDGET, NO_MEMORY. */
WARN_UNUSED status_t space_create(struct budget *budget, struct space **space);

/*
 * Frees a bounded part of everything mapped; true when all is gone, `space` itself too. No thread
 * may use it any more.
 */
bool space_destroy_step(struct space *space);

struct map_request {
    struct memory *memory;            /* NULL: anonymous */
    uint64_t address, length, offset; /* bytes */
    uint32_t flags;
    uint32_t protection_max;
    bool wrapped; /* the search for a place was at the end once: kept over WOULD_BLOCK */
};

/*
 * Adds a region; *address gets its start. The range must be free, or with REPLACE is unmapped when
 * all is checked. WOULD_BLOCK: no place found yet, or more to unmap; call again. NO_MEMORY: there
 * is no place.
 */
WARN_UNUSED status_t space_map(struct space *space, struct map_request *request, uint64_t *address);

/* Unmaps a bounded part of [*address, end), and moves *address on; done when it reaches end. */
WARN_UNUSED status_t space_unmap_step(struct space *space, uint64_t *address, uint64_t end);

/* The same for a change of protection. Fails with BAD_ADDRESS where nothing is mapped, NO_RIGHT
 * above protection_max; what lies before is changed then. */
WARN_UNUSED status_t space_protect_step(struct space *space, uint64_t *address, uint64_t end,
                                        uint32_t protection);

/* Drops private pages of [*address, end): zero (or the object's content) at the next touch. */
WARN_UNUSED status_t space_discard_step(struct space *space, uint64_t *address, uint64_t end);

/*
 * Makes the page at `address` accessible as a fault there would.
 * Fails: BAD_ADDRESS, NO_RIGHT, OUT_OF_BUDGET, NO_MEMORY; NOT_FOUND: the memory object that is
 * mapped there ends before.
 */
WARN_UNUSED status_t space_fault(struct space *space, uint64_t address, enum access access);

/* Makes a bounded part of [*address, end) accessible, with all that its region allows, and moves
 * *address on. Fails as a fault does. */
WARN_UNUSED status_t space_populate_step(struct space *space, uint64_t *address, uint64_t end);

/*
 * Copies a bounded part of `from` to `to` for fork: *cursor (0 at first) moves on; *done at the
 * end. NO_FORK memory (DMA) is left out. Fails: OUT_OF_BUDGET, NO_MEMORY; `to` is then to be
 * destroyed.
 */
WARN_UNUSED status_t space_clone_step(struct space *from, struct space *to, uint64_t *cursor,
                                      bool *done);

/* Unmaps what lies beyond the object's end in the first of its mappings, private copies too: a
 * bounded part. True when that mapping is through; it is the last one then. */
bool space_cut_step(struct memory *memory);

/* Takes page `index` of the object, in `frame`, out of every space that maps it; each look at a
 * mapping counts some steps. True when nobody has it any more, false when *n_steps went down to 0.
 */
bool space_unmap_memory_page(struct memory *memory, uint64_t index, paddr_t frame,
                             uint64_t *n_steps);

/* The region that contains the address, or NULL. */
struct region *space_region_search(struct space *space, uint64_t address);
static inline struct region *space_region(struct space *space, uint64_t address) {
    struct region *region = space->hint;

    if (LIKELY(region != NULL && address >= region->start && address < region->end)) {
        return region;
    }
    return space_region_search(space, address);
}

static inline struct leaf *space_leaf(struct space *space, uint64_t address) {
    return &space->leaves[address / PAGE_TABLE_SPAN % N_LEAVES];
}

/* The page table entry for the address (which may be not present), NULL if there is no table for
 * it. */
pte_t *space_entry_search(struct space *space, uint64_t address);
static ALWAYS_INLINE pte_t *space_entry(struct space *space, uint64_t address) {
    const struct leaf *leaf = space_leaf(space, address);

    if (LIKELY(leaf->span == address / PAGE_TABLE_SPAN)) {
        return &leaf->table[page_table_index(address, 0)];
    }
    return space_entry_search(space, address);
}

WARN_UNUSED static inline bool space_charge(struct space *space, uint64_t n_frames) {
    if (!budget_charge(space->budget, n_frames * PAGE_SIZE)) {
        return false;
    }
    space->n_frames += n_frames;
    return true;
}
void space_refund(struct space *space, uint64_t n_frames);

/* SPDX-License-Identifier: MIT */
/*
 * Page tables (Intel SDM 3A 4.5, four levels), and the one way in which rights are taken away:
 * tlb_gather.
 *
 * Invariant: the upper half of every root is the same 256 entries, made at boot and never changed;
 * those of the direct map and of the image are in use.
 * Invariant: an entry that is not present is 0.
 * Invariant: the reference count of a table's frame is 1 + the number of its entries in use, so
 * that an empty table is known. Invariant: every leaf entry of the lower half that maps RAM holds
 * one reference to its frame; PTE_DEVICE ones hold none.
 */
#pragma once

#include "kernel/frame.h"
#include "kernel/types.h"

typedef uint64_t pte_t;

#define PTE_PRESENT       (1ULL << 0)
#define PTE_WRITE         (1ULL << 1)
#define PTE_USER          (1ULL << 2)
#define PTE_WRITE_THROUGH (1ULL << 3)
#define PTE_NO_CACHE      (1ULL << 4)
#define PTE_ACCESSED      (1ULL << 5)
#define PTE_DIRTY         (1ULL << 6)
#define PTE_LARGE         (1ULL << 7)
#define PTE_GLOBAL        (1ULL << 8)
#define PTE_OWNED         (1ULL << 9)  /* ours: a private frame, charged to this address space */
#define PTE_DEVICE        (1ULL << 10) /* ours: not RAM of the frame allocator */
#define PTE_NO_EXECUTE    (1ULL << 63)
#define PTE_ADDRESS       0x000ffffffffff000ULL

/* The first entry of a root that belongs to the kernel: the direct map of the first GiBs. */
#define KERNEL_HALF 256
/* Bytes that one last-level table maps. */
#define PAGE_TABLE_SPAN (2 * MiB)

struct boot_info;
struct budget;
struct space;

/*
 * Builds the kernel's own page tables: image with its segments' rights, direct map of all RAM and
 * of the first 4 GiB, and loads them. Called once by frame_init, when the frames below 4 GiB can be
 * taken.
 */
void page_table_init(const struct boot_info *boot);

extern paddr_t page_table_kernel_root;

/* A root with the kernel's half, which the budget pays for. Fails: OUT_OF_BUDGET, NO_MEMORY. */
WARN_UNUSED status_t page_table_create(struct budget *budget, paddr_t *root);

/* Frees a root with nothing in the lower half, which no CPU has loaded. The caller refunds it. */
void page_table_destroy(paddr_t root);

#define PAGE_TABLE_ENTRIES 512

/* Which entry of a table of this level (0: leaves) is for `address`. */
static ALWAYS_INLINE unsigned page_table_index(uint64_t address, unsigned level) {
    return (address >> (PAGE_SHIFT + 9 * level)) & (PAGE_TABLE_ENTRIES - 1);
}

/* Fills a frame with zeros. */
static inline void arch_frame_zero(paddr_t frame) {
    void *to = paddr_to_pointer(frame);
    uint64_t n_words = PAGE_SIZE / sizeof(uint64_t);

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(n_words) : "a"(0ULL) : "memory");
}

/* The table that a present entry leads to. */
static ALWAYS_INLINE pte_t *page_table_of(pte_t entry) {
    return paddr_to_pointer(entry & PTE_ADDRESS);
}

/* The leaf entry for `address` (which may be not present), NULL if a table on the way is missing.
 * See space_entry. */
pte_t *page_table_find(paddr_t root, uint64_t address);

/* The same, making the missing tables, each charged to the space. Fails: OUT_OF_BUDGET, NO_MEMORY.
 */
WARN_UNUSED status_t page_table_make(struct space *space, uint64_t address, pte_t **entry);

/* After a failed fault: frees the tables that page_table_make made for an entry which stayed empty.
 */
void page_table_trim(struct space *space, uint64_t address, pte_t *entry);

/* Stores a present entry where there was none. */
static inline void page_table_set(pte_t *entry, pte_t value) {
    frame_get(ALIGN_DOWN(pointer_to_paddr(entry), PAGE_SIZE));
    *entry = value;
}

/*
 * The first present leaf at or above `address` and below `end`; its address in *found. NULL: none,
 * or *n_steps went down to 0: then *found tells where to go on. Each present entry looked at counts
 * one step, and each eight that are not.
 */
pte_t *page_table_next(struct space *space, uint64_t address, uint64_t end, uint64_t *found,
                       uint32_t *n_steps);

/* What a gather holds until the flush. */
#define TLB_GATHER_MAX 48

/*
 * Taking rights away: every edit that removes a present entry or makes one weaker or point
 * elsewhere goes through a gather. tlb_gather_end flushes the addresses on every CPU that may hold
 * them, and only then frees frames and tables.
 */
struct tlb_gather {
    struct space *space;
    uint32_t n_addresses;
    uint32_t n_frames;
    uint32_t n_tables;
    uint32_t n_owned; /* to be refunded: tables and owned frames */
    uint64_t addresses[TLB_GATHER_MAX];
    paddr_t frames[TLB_GATHER_MAX]; /* each loses a reference */
    paddr_t tables[TLB_GATHER_MAX]; /* empty ones, which go */
};

void tlb_gather_begin(struct tlb_gather *gather, struct space *space);

/* There is room for one more unmap. */
static inline bool tlb_gather_has_room(const struct tlb_gather *gather) {
    return gather->n_addresses < TLB_GATHER_MAX && gather->n_tables + 3 <= TLB_GATHER_MAX;
}

/*
 * Clears what is present of [address, end) in the table of `entry`, which is that of `address`, as
 * far as the gather has room; each entry looked at counts one step. The frames, and
 * tables that became empty, go when the gather ends. Returns where to go on.
 */
uint64_t page_table_clear(struct tlb_gather *gather, uint64_t address, uint64_t end, pte_t *entry,
                          uint32_t *n_steps);

/* Replaces a present leaf by `value`; `old_frame` (or PADDR_NONE) loses a reference at the end. */
void page_table_replace(struct tlb_gather *gather, uint64_t address, pte_t *entry, pte_t value,
                        paddr_t old_frame);

void tlb_gather_end(struct tlb_gather *gather);

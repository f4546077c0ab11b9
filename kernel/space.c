/* SPDX-License-Identifier: MIT */
#include "kernel/space.h"

#include "abi/kernel.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

/* Mappings without an address go here, far from programs (low) and from the first stack (high). */
#define PLACE_START 0x0000100000000000ULL
#define PLACE_END   0x00007f0000000000ULL
/* Entries of page tables looked at in one step, as page_table_next counts them. */
#define STEP_ENTRIES 128
/* The same for a fork; what a region, and a page table, cost against that. */
#define CLONE_ENTRIES   96
#define STEPS_PER_CLONE 16
#define STEPS_PER_TABLE 24
/* What a region that goes counts for, its memory object included. */
#define STEPS_PER_REGION 32
/* What a look at a mapping of a memory object counts for. */
#define STEPS_PER_MAPPING 32
/* Regions looked at for one free place before the caller restarts. */
#define PLACE_STEPS 16

#define REGION_FLAGS (MAP_PROTECTION | MAP_PRIVATE | MAP_GUARD)

void space_refund(struct space *space, uint64_t n_frames) {
    space->n_frames -= n_frames;
    budget_refund(space->budget, n_frames * PAGE_SIZE);
}

status_t space_create(struct budget *budget, struct space **space) {
    void *memory;
    struct space *new;
    status_t status = slab_take(budget, SLAB_SPACE, sizeof(*new), &memory);

    if (status != OK) {
        return status;
    }
    new = memory;
    status = page_table_create(budget, &new->root);
    if (status != OK) {
        slab_give(budget, SLAB_SPACE, new);
        return status;
    }
    new->budget = budget;
    new->n_frames = 1;
    new->cursor = PLACE_START;
    tree_init(&new->regions);
    for (unsigned i = 0; i < N_LEAVES; i++) {
        new->leaves[i].span = LEAF_NONE;
    }
    object_get(&budget->object);
    budget_spender_add(budget);
    *space = new;
    return OK;
}

pte_t *space_entry_search(struct space *space, uint64_t address) {
    /* The kernel's half is nobody's to look up. */
    pte_t *entry = address < USER_TOP ? page_table_find(space->root, address) : NULL;

    if (entry != NULL) {
        *space_leaf(space, address) =
            (struct leaf){address / PAGE_TABLE_SPAN, entry - page_table_index(address, 0)};
    }
    return entry;
}

static struct region *region_of(struct tree_node *node) {
    return node == NULL ? NULL : CONTAINER_OF(node, struct region, node);
}

struct region *space_region_search(struct space *space, uint64_t address) {
    struct region *region = region_of(tree_find_le(&space->regions, address));

    if (region == NULL || address >= region->end) {
        return NULL;
    }
    space->hint = region;
    return region;
}

/* The first region that ends above `address`. */
static struct region *region_at_or_after(struct space *space, uint64_t address) {
    struct region *region = space_region(space, address);

    return region != NULL ? region : region_of(tree_find_ge(&space->regions, address));
}

/* The region's pages are unmapped, and it is out of the tree. */
static void region_free(struct region *region) {
    struct space *space = region->space;

    if (region->memory != NULL) {
        list_remove(&region->memory_link);
        region->memory->n_mappings--;
        object_put(&region->memory->object);
    }
    space->hint = NULL;
    slab_give(space->budget, SLAB_REGION, region);
}

/* Moves the start of a region up, which leaves its place among the others; its pages below are
 * unmapped. */
static void region_trim_front(struct region *region, uint64_t start) {
    region->offset += (start - region->start) / PAGE_SIZE;
    region->start = region->node.key = start;
}

/* A region as `like` says, where none is. */
static status_t region_make(struct space *space, const struct region *like) {
    struct region *region;
    void *memory;
    status_t status = slab_take(space->budget, SLAB_REGION, sizeof(*region), &memory);

    if (status != OK) {
        return status;
    }
    region = memory;
    *region = *like;
    region->node = (struct tree_node){0};
    region->memory_link = (struct list_node){0};
    region->space = space;
    tree_insert(&space->regions, &region->node, region->start);
    if (region->memory != NULL) {
        object_get(&region->memory->object);
        list_push_back(&region->memory->mappings, &region->memory_link);
        region->memory->n_mappings++;
    }
    return OK;
}

/* Cuts a region in two at `address`, inside it. */
static status_t region_split(struct region *region, uint64_t address) {
    struct region upper = *region;
    status_t status;

    upper.start = address;
    upper.offset += (address - region->start) / PAGE_SIZE;
    status = region_make(region->space, &upper);
    if (status == OK) {
        region->end = address;
    }
    return status;
}

/* Finds a free place of `length` bytes (and an unmapped page behind it). WOULD_BLOCK: not yet; call
 * again. NO_MEMORY: it came round to the beginning a second time. */
static status_t place_find(struct space *space, uint64_t length, bool *wrapped, uint64_t *address) {
    uint64_t start = space->cursor;

    for (unsigned i = 0; i < PLACE_STEPS; i++) {
        struct region *region;

        /* A program may have put a region across the end, or behind it. */
        if (start > PLACE_END || length + PAGE_SIZE > PLACE_END - start) {
            space->cursor = start = PLACE_START;
            if (*wrapped) {
                return ERROR_NO_MEMORY;
            }
            *wrapped = true;
        }
        region = region_at_or_after(space, start);
        if (region == NULL || region->start >= start + length + PAGE_SIZE) {
            *address = start;
            space->cursor = start + length + PAGE_SIZE;
            return OK;
        }
        start = region->end + PAGE_SIZE;
    }
    space->cursor = start;
    return ERROR_WOULD_BLOCK;
}

static status_t map_check(struct space *space, const struct map_request *request) {
    const struct memory *memory = request->memory;

    if (request->length == 0 ||
        !IS_ALIGNED(request->address | request->length | request->offset, PAGE_SIZE)) {
        return ERROR_BAD_ARGUMENT;
    }
    if ((request->flags & (MAP_WRITE | MAP_EXECUTE)) == (MAP_WRITE | MAP_EXECUTE)) {
        return ERROR_NO_RIGHT;
    }
    if (memory != NULL) {
        uint64_t first = request->offset / PAGE_SIZE;

        if (first > MEMORY_PAGES_MAX || request->length / PAGE_SIZE > MEMORY_PAGES_MAX) {
            return ERROR_BAD_ARGUMENT;
        }
        /* The others have a size that changes: beyond its end a mapping just has no pages. */
        if (memory->kind != MEMORY_KIND_DEMAND &&
            !u64_range_is_within(first, request->length / PAGE_SIZE, memory->n_pages)) {
            return ERROR_BAD_ARGUMENT;
        }
        if ((request->flags & MAP_PROTECTION & ~request->protection_max) != 0) {
            return ERROR_NO_RIGHT;
        }
    }
    if (request->length > PLACE_END - PLACE_START - PAGE_SIZE) {
        return ERROR_BAD_ARGUMENT;
    }
    if ((request->flags & MAP_FIXED) != 0) {
        if (request->address < USER_BOTTOM ||
            !u64_range_is_within(request->address, request->length, INFO_PAGE_ADDRESS)) {
            return ERROR_BAD_ADDRESS;
        }
        if ((request->flags & MAP_REPLACE) == 0) {
            const struct region *last =
                region_of(tree_find_le(&space->regions, request->address + request->length - 1));

            if (last != NULL && last->end > request->address) {
                return ERROR_BUSY;
            }
        }
    }
    return OK;
}

/* Unmaps what is to be replaced: WOULD_BLOCK as long as more is left. */
static status_t replaced_unmap(struct space *space, const struct map_request *request) {
    uint64_t next = request->address, end = request->address + request->length;
    status_t status = space_unmap_step(space, &next, end);

    return status == OK && next < end ? ERROR_WOULD_BLOCK : status;
}

status_t space_map(struct space *space, struct map_request *request, uint64_t *address) {
    status_t status = map_check(space, request);

    *address = request->address;
    if (status == OK && (request->flags & MAP_FIXED) == 0) {
        status = place_find(space, request->length, &request->wrapped, address);
    } else if (status == OK && (request->flags & MAP_REPLACE) != 0) {
        /* All is checked. If anything was unmapped, a region went in this very step, and its memory
         * is what the new one needs: nothing can fail any more. */
        status = replaced_unmap(space, request);
    }
    if (status != OK) {
        return status;
    }
    return region_make(space, &(struct region){.start = *address,
                                               .end = *address + request->length,
                                               .memory = request->memory,
                                               .offset = request->offset / PAGE_SIZE,
                                               .flags = request->flags & REGION_FLAGS,
                                               .protection_max = request->protection_max});
}

/* Unmaps present pages of [*address, end), and those up to `beyond` that are in the same table, as
 * far as gather and steps go; *address moves to where to go on. */
static void pages_clear(struct tlb_gather *gather, uint32_t *n_steps, uint64_t *address,
                        uint64_t end, uint64_t beyond) {
    while (*address < end && *n_steps != 0 && tlb_gather_has_room(gather)) {
        pte_t *entry = page_table_next(gather->space, *address, end, address, n_steps);

        if (entry != NULL) {
            *address = page_table_clear(gather, *address, beyond, entry, n_steps);
        }
    }
}

static void pages_clear_step(struct space *space, uint64_t *address, uint64_t end) {
    uint32_t n_steps = STEP_ENTRIES;
    struct tlb_gather gather;

    tlb_gather_begin(&gather, space);
    pages_clear(&gather, &n_steps, address, end, end);
    tlb_gather_end(&gather);
}

/* Cuts the region that lies across `address`, if there is one. */
static status_t border_cut(struct space *space, uint64_t address) {
    struct region *region = space_region(space, address);

    return region == NULL || region->start == address ? OK : region_split(region, address);
}

/* Cuts regions at both ends of a range: what is then done to the regions between cannot fail. */
static status_t range_isolate(struct space *space, uint64_t start, uint64_t end) {
    status_t status = border_cut(space, start);

    return status == OK ? border_cut(space, end) : status;
}

status_t space_unmap_step(struct space *space, uint64_t *address, uint64_t end) {
    struct region *region;
    status_t status = range_isolate(space, *address, end);

    if (status != OK) {
        return status;
    }
    region = region_at_or_after(space, *address);
    if (region != NULL && region->start < end) {
        *address = region->start;
        if (region->start >= PLACE_START) {
            /* These addresses are used again first, and so are their page tables: else a program
             * that maps and unmaps would walk through its whole space, and leave page tables behind
             * all along. */
            space->cursor = MIN(space->cursor, region->start);
        }
        pages_clear_step(space, address, region->end);
        if (*address < region->end) {
            region_trim_front(region, *address);
            return OK;
        }
        tree_remove(&space->regions, &region->node);
        region_free(region);
        region = region_at_or_after(space, *address);
    }
    /* At once, not by one step more: see space_map. */
    if (region == NULL || region->start >= end) {
        *address = end;
    }
    return OK;
}

/* Gives the present pages of a region's part the rights that its flags now allow. */
static void pages_protect_step(struct space *space, uint64_t *address, uint64_t end,
                               uint32_t protection) {
    uint32_t n_steps = STEP_ENTRIES / 12; /* a page costs more than a look at its entry */
    struct tlb_gather gather;

    tlb_gather_begin(&gather, space);
    while (*address < end && n_steps > 0 && tlb_gather_has_room(&gather)) {
        pte_t *entry = page_table_next(space, *address, end, address, &n_steps);
        pte_t value;

        if (entry == NULL) {
            break;
        }
        /* No access at all: the page stays, but the CPU must not see it. A supervisor page is just
         * that. */
        value = *entry & ~PTE_USER;
        if (protection != 0) {
            /* Write access comes back through a fault, which knows whether the page is shared. */
            value = (*entry | PTE_USER | PTE_NO_EXECUTE) & ~PTE_WRITE;
            value &= (protection & MAP_EXECUTE) != 0 ? ~PTE_NO_EXECUTE : ~0ULL;
        }
        page_table_replace(&gather, *address, entry, value, PADDR_NONE);
        *address += PAGE_SIZE;
    }
    tlb_gather_end(&gather);
}

status_t space_protect_step(struct space *space, uint64_t *address, uint64_t end,
                            uint32_t protection) {
    struct region *region = space_region(space, *address);
    status_t status;

    if (region == NULL || (region->flags & MAP_GUARD) != 0) {
        return ERROR_BAD_ADDRESS;
    }
    if ((protection & ~region->protection_max) != 0 ||
        (protection & (MAP_WRITE | MAP_EXECUTE)) == (MAP_WRITE | MAP_EXECUTE)) {
        return ERROR_NO_RIGHT;
    }
    status = range_isolate(space, *address, end);
    if (status != OK) {
        return status;
    }
    region = space_region(space, *address);
    region->flags = (region->flags & ~(uint32_t)MAP_PROTECTION) | protection;
    pages_protect_step(space, address, region->end, protection);
    return OK;
}

status_t space_discard_step(struct space *space, uint64_t *address, uint64_t end) {
    struct region *region = region_at_or_after(space, *address);

    if (region == NULL || region->start >= end) {
        *address = end;
        return OK;
    }
    *address = MAX(*address, region->start);
    pages_clear_step(space, address, MIN(end, region->end));
    return OK;
}

/* Unmaps what fits into a step, regions and all; true when there are no more. */
static bool regions_destroy(struct space *space) {
    uint32_t n_steps = STEP_ENTRIES;
    uint64_t address = 0; /* nothing is left below */
    struct region *region;
    struct tlb_gather gather;

    tlb_gather_begin(&gather, space);
    while ((region = region_of(tree_first(&space->regions))) != NULL && n_steps > 0) {
        address = MAX(address, region->start);
        n_steps -= MIN(n_steps, (uint32_t)STEPS_PER_REGION);
        pages_clear(&gather, &n_steps, &address, region->end, USER_TOP);
        if (address < region->end) {
            region_trim_front(region, address);
            break;
        }
        if (region->memory != NULL && region->memory->object.references == 1) {
            /* The object ends with it, and wants all references to its frames. */
            tlb_gather_end(&gather);
            tlb_gather_begin(&gather, space);
        }
        tree_drop_first(&space->regions);
        region_free(region);
    }
    tlb_gather_end(&gather);
    return region == NULL;
}

bool space_destroy_step(struct space *space) {
    struct budget *budget = space->budget;
    uint64_t address = INFO_PAGE_ADDRESS;

    arch_space_request(space->root, CPU_LEAVE_SPACE);
    if (cpu_this()->space_root == space->root) {
        /* A kernel thread still runs on the tables of the last process. */
        arch_space_load(page_table_kernel_root);
    }
    if (!regions_destroy(space)) {
        return false;
    }
    /* What the kernel mapped without a region: the info and process pages. */
    pages_clear_step(space, &address, USER_TOP);
    ASSERT(address == USER_TOP);
    page_table_destroy(space->root);
    space_refund(space, 1);
    ASSERT(space->n_frames == 0);
    slab_give(budget, SLAB_SPACE, space);
    budget_spender_drop(budget);
    object_put(&budget->object);
    return true;
}

/* [book:fork-table] */
/* Clones the pages of [*address, end) that are in the table of `entry`, that of *address: shared,
 * and what the process owns is read-only in both from now on. */
static status_t table_clone(struct tlb_gather *gather, struct space *to, uint64_t *address,
                            uint64_t end, pte_t *entry, uint32_t *n_steps) {
    uint64_t start = *address, n_before = to->n_frames, n, i;
    uint32_t n_shared = 0;
    pte_t *copy;
    status_t status = page_table_make(to, start, &copy);

    if (status != OK) {
        return status;
    }
    *n_steps -= (uint32_t)MIN(*n_steps, STEPS_PER_TABLE * (to->n_frames - n_before));
    end = MIN(end, ALIGN_DOWN(start, PAGE_TABLE_SPAN) + PAGE_TABLE_SPAN);
    n = MIN((end - start) / PAGE_SIZE, TLB_GATHER_MAX - gather->n_addresses);
    n = MIN(n, MAX(*n_steps, 1u));
    for (i = 0; i < n; i++) {
        pte_t shared = entry[i];

        if ((shared & (PTE_PRESENT | PTE_DEVICE)) != PTE_PRESENT) {
            continue;
        }
        if ((shared & PTE_OWNED) != 0) {
            if (!space_charge(to, 1)) {
                status = ERROR_OUT_OF_BUDGET;
                break;
            }
            if ((shared & PTE_WRITE) != 0) {
                shared &= ~PTE_WRITE;
                page_table_replace(gather, start + i * PAGE_SIZE, &entry[i], shared, PADDR_NONE);
            }
        }
        frame_get(shared & PTE_ADDRESS);
        copy[i] = shared;
        n_shared++;
    }
    *frame_count(ALIGN_DOWN(pointer_to_paddr(copy), PAGE_SIZE)) += n_shared;
    *n_steps -= (uint32_t)MIN(*n_steps, i);
    *address = start + i * PAGE_SIZE;
    if (n_shared == 0) {
        page_table_trim(to, start, copy);
    }
    return status;
}
/* [/book] */

/* Clones a region from *address, in it, on: as much as there is room and steps for. */
static status_t region_clone(struct tlb_gather *gather, const struct region *region,
                             struct space *to, uint64_t *address, uint32_t *n_steps) {
    const struct region *last;
    status_t status = OK;

    if (region->memory != NULL && region->memory->kind != MEMORY_KIND_DEMAND &&
        region->memory->object.budget != NULL) {
        *address = region->end;
        return OK;
    }
    last = region_of(tree_last(&to->regions));
    if (last == NULL || last->end <= region->start) { /* else an earlier step made it */
        status = region_make(to, region);
    }
    while (status == OK && *address < region->end && *n_steps != 0 && tlb_gather_has_room(gather)) {
        pte_t *entry = page_table_next(region->space, *address, region->end, address, n_steps);

        if (entry != NULL) {
            status = table_clone(gather, to, address, region->end, entry, n_steps);
        }
    }
    return status;
}

status_t space_clone_step(struct space *from, struct space *to, uint64_t *cursor, bool *done) {
    const struct region *region = region_at_or_after(from, *cursor);
    uint32_t n_steps = CLONE_ENTRIES;
    struct tlb_gather gather;
    status_t status = OK;

    tlb_gather_begin(&gather, from);
    while (region != NULL && status == OK && n_steps > 0 && tlb_gather_has_room(&gather)) {
        *cursor = MAX(*cursor, region->start);
        n_steps -= MIN(n_steps, (uint32_t)STEPS_PER_CLONE);
        status = region_clone(&gather, region, to, cursor, &n_steps);
        if (*cursor >= region->end) {
            region = region_of(tree_next(&region->node));
        }
    }
    tlb_gather_end(&gather);
    to->cursor = from->cursor;
    *done = region == NULL;
    return status;
}

static void mapping_to_back(struct memory *memory, struct region *region) {
    list_remove(&region->memory_link);
    list_push_back(&memory->mappings, &region->memory_link);
}

bool space_cut_step(struct memory *memory) {
    struct region *region = LIST_FIRST(&memory->mappings, struct region, memory_link);
    uint64_t at;

    if (region == NULL) {
        return true;
    }
    at = region->start + (MAX(memory->n_pages, region->offset) - region->offset) * PAGE_SIZE;
    at = MAX(at, memory->cut_at);
    if (at < region->end) {
        pages_clear_step(region->space, &at, region->end);
    }
    memory->cut_at = at;
    if (at < region->end) {
        return false;
    }
    memory->cut_at = 0;
    mapping_to_back(memory, region);
    return true;
}

bool space_unmap_memory_page(struct memory *memory, uint64_t index, paddr_t frame,
                             uint64_t *n_steps) {
    /* The object has one reference, each entry that maps the page another: the count says when all
     * are gone, and it does not matter where the search goes on after a pause. */
    while (*frame_count(frame) > 1) {
        struct region *region = LIST_FIRST(&memory->mappings, struct region, memory_link);
        uint64_t address = region->start + (index - region->offset) * PAGE_SIZE;
        pte_t *entry;

        if (*n_steps == 0) {
            return false;
        }
        *n_steps -= MIN(*n_steps, (uint64_t)STEPS_PER_MAPPING);
        mapping_to_back(memory, region);
        if (index < region->offset || address >= region->end) {
            continue;
        }
        entry = space_entry(region->space, address);
        if (entry != NULL && (*entry & PTE_PRESENT) != 0 && (*entry & PTE_OWNED) == 0) {
            pages_clear_step(region->space, &address, address + PAGE_SIZE);
        }
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * How pages come: demand-zero, pages of memory objects, copy-on-write.
 *
 * A private page that two spaces share is charged in full to both, so breaking the sharing needs a
 * frame but no budget; and since budgets never promise more RAM than there is, the frame is there.
 */
#include "kernel/space.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

static ALWAYS_INLINE pte_t entry_flags(const struct region *region, uint32_t protection) {
    pte_t flags = PTE_PRESENT | PTE_USER | PTE_ACCESSED;

    if ((protection & MAP_WRITE) != 0) {
        flags |= PTE_WRITE | PTE_DIRTY;
    }
    if ((protection & MAP_EXECUTE) == 0) {
        flags |= PTE_NO_EXECUTE;
    }
    if (region->memory != NULL && region->memory->kind == MEMORY_KIND_DEVICE) {
        flags |= PTE_DEVICE;
        if (region->memory->caching == 0) {
            flags |= PTE_NO_CACHE | PTE_WRITE_THROUGH;
        } else if (region->memory->caching == MEMORY_WRITE_COMBINING) {
            flags |= PTE_WRITE_THROUGH; /* entry 1 of the PAT: see PAT_VALUE in cpu.c */
        }
    }
    return flags;
}

/* A new private frame with the content of `source`, charged unless it replaces an owned one. */
static status_t private_frame(struct space *space, paddr_t source, bool charge, paddr_t *frame) {
    if (charge && !space_charge(space, 1)) {
        return ERROR_OUT_OF_BUDGET;
    }
    *frame = frame_take();
    if (*frame == PADDR_NONE) {
        if (charge) {
            space_refund(space, 1);
        }
        return ERROR_NO_MEMORY;
    }
    memcpy(paddr_to_pointer(*frame), paddr_to_pointer(source), PAGE_SIZE);
    return OK;
}

/* [book:fault-write] */
/* The page is present but does not allow a write that its region allows. */
static status_t fault_write(struct space *space, struct region *region, uint64_t address,
                            pte_t *entry) {
    paddr_t old = *entry & PTE_ADDRESS;
    bool owned = (*entry & PTE_OWNED) != 0;
    bool is_private = region->memory == NULL || (region->flags & MAP_PRIVATE) != 0;
    pte_t flags = entry_flags(region, region->flags);
    struct tlb_gather gather;
    paddr_t frame;
    status_t status;

    if (!is_private || (owned && *frame_count(old) == 1)) {
        /* Not shared (any more): more rights for the same frame need no flush, a stale entry only
         * faults once more. */
        *entry = old | flags | (*entry & (PTE_OWNED | PTE_DEVICE));
        return OK;
    }
    status = private_frame(space, old, !owned, &frame);
    if (status != OK) {
        return status;
    }
    tlb_gather_begin(&gather, space);
    page_table_replace(&gather, address, entry, frame | flags | PTE_OWNED, old);
    tlb_gather_end(&gather);
    return OK;
}
/* [/book] */

/* Nothing is there yet, and zeros belong there. */
static inline status_t fault_zero(struct space *space, const struct region *region, pte_t *entry) {
    paddr_t frame;
    status_t status = budget_frame_take(space->budget, &frame);

    if (LIKELY(status == OK)) {
        space->n_frames++;
        page_table_set(entry, frame | entry_flags(region, region->flags) | PTE_OWNED);
    }
    return status;
}

/*
 * Enters pages of a memory object that exist into the table of `entry`, which is that of `address`,
 * up to `end` or the first that needs more than that: a copy, a frame, or nothing at all. Returns
 * where it stopped.
 */
static uint64_t pages_enter(const struct region *region, uint64_t address, uint64_t end,
                            pte_t *entry) {
    uint32_t *n_entries = frame_count(ALIGN_DOWN(pointer_to_paddr(entry), PAGE_SIZE));
    uint64_t index = region->offset + (address - region->start) / PAGE_SIZE;
    /* Private pages are the object's until they are written to. */
    pte_t flags = entry_flags(region, (region->flags & MAP_PRIVATE) == 0
                                          ? region->flags
                                          : region->flags & ~(uint32_t)MAP_WRITE);
    paddr_t frame;

    end = MIN(end, ALIGN_DOWN(address, PAGE_TABLE_SPAN) + PAGE_TABLE_SPAN);
    for (; address < end && *entry == 0; address += PAGE_SIZE, entry++, index++) {
        if (memory_page(region->memory, index, false, &frame) != OK || frame == PADDR_NONE) {
            break;
        }
        if ((flags & PTE_DEVICE) == 0) {
            frame_get(frame);
        }
        *entry = frame | flags;
        ++*n_entries;
    }
    return address;
}

/* Nothing is there yet of a memory object. */
static status_t fault_missing(struct space *space, struct region *region, uint64_t address,
                              enum access access, pte_t *entry) {
    uint64_t index = region->offset + (address - region->start) / PAGE_SIZE;
    paddr_t frame;
    status_t status = memory_page(region->memory, index, true, &frame);

    if (status == OK && (region->flags & MAP_PRIVATE) != 0 && access == ACCESS_WRITE) {
        status = private_frame(space, frame, true, &frame);
        if (status == OK) {
            page_table_set(entry, frame | entry_flags(region, region->flags) | PTE_OWNED);
        }
    } else if (status == OK) {
        pages_enter(region, address, address + PAGE_SIZE, entry);
    }
    return status;
}

/* The page is present, but without a right to read or run it that its region gives: a protect was
 * cut short. Writing comes back by a fault of its own. */
static status_t fault_present(struct space *space, const struct region *region, uint64_t address,
                              pte_t *entry) {
    pte_t kept = *entry & (PTE_ADDRESS | PTE_OWNED | PTE_DEVICE);
    struct tlb_gather gather;

    tlb_gather_begin(&gather, space);
    page_table_replace(&gather, address, entry,
                       kept | entry_flags(region, region->flags & ~(uint32_t)MAP_WRITE),
                       PADDR_NONE);
    tlb_gather_end(&gather);
    return OK;
}

/* [book:fault-space] */
status_t space_fault(struct space *space, uint64_t address, enum access access) {
    struct region *region = space_region(space, address);
    status_t status;
    pte_t *entry;

    if (region == NULL || (region->flags & MAP_GUARD) != 0) {
        return ERROR_BAD_ADDRESS;
    }
    if ((region->flags & (uint32_t)access) == 0) {
        return ERROR_NO_RIGHT;
    }
    entry = space_entry(space, address);
    if (UNLIKELY(entry == NULL)) {
        status = page_table_make(space, address, &entry);
        if (status != OK) {
            return status;
        }
    }
    address = ALIGN_DOWN(address, PAGE_SIZE);
    if ((*entry & PTE_PRESENT) != 0) {
        if (access == ACCESS_WRITE && (*entry & (PTE_WRITE | PTE_USER)) != (PTE_WRITE | PTE_USER)) {
            return fault_write(space, region, address, entry);
        }
        return (*entry & PTE_USER) == 0 ||
                       (access == ACCESS_EXECUTE && (*entry & PTE_NO_EXECUTE) != 0)
                   ? fault_present(space, region, address, entry)
                   : OK;
    }
    status = region->memory == NULL ? fault_zero(space, region, entry)
                                    : fault_missing(space, region, address, access, entry);
    if (UNLIKELY(status != OK)) {
        page_table_trim(space, address, entry);
    }
    return status;
}
/* [/book] */

/* What a page costs that has to be zeroed or copied, against one that is just entered. */
#define STEPS_PER_FILL 32

status_t space_populate_step(struct space *space, uint64_t *address, uint64_t end) {
    const struct region *region = space_region(space, *address);
    int n_steps = SPACE_STEP;
    enum access access;
    bool is_as_it_is;

    if (region == NULL) {
        return ERROR_BAD_ADDRESS;
    }
    access = (region->flags & MAP_WRITE) != 0  ? ACCESS_WRITE
             : (region->flags & MAP_READ) != 0 ? ACCESS_READ
                                               : ACCESS_EXECUTE;
    is_as_it_is = region->memory != NULL && (region->flags & MAP_GUARD) == 0 &&
                  (region->flags & (uint32_t)access) != 0 &&
                  !((region->flags & MAP_PRIVATE) != 0 && access == ACCESS_WRITE);
    end = MIN(end, region->end);
    while (*address < end && n_steps > 0) {
        pte_t *entry = is_as_it_is ? space_entry(space, *address) : NULL;
        uint64_t from = *address;

        if (entry != NULL) {
            *address =
                pages_enter(region, from, MIN(end, from + (uint64_t)n_steps * PAGE_SIZE), entry);
            n_steps -= (int)((*address - from) / PAGE_SIZE);
        }
        if (*address == from) {
            status_t status = space_fault(space, from, access);

            if (status != OK) {
                return status;
            }
            *address += PAGE_SIZE;
            n_steps -= STEPS_PER_FILL;
        }
    }
    return OK;
}

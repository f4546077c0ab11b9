/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/page_table.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/budget.h"
#include "kernel/kernel_threads.h"
#include "kernel/panic.h"
#include "kernel/space.h"
#include "lib/base/string.h"

#define LEVELS      4
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER)

#define LARGE_PAGE (2 * MiB)

/* More pages than this are not worth an instruction each: the whole TLB is flushed. */
#define TLB_FLUSH_SINGLE_MAX 8

paddr_t page_table_kernel_root;
/* What a root's upper half has: entries of the direct map up to this one, and that of the image. */
static unsigned direct_map_end = PAGE_TABLE_ENTRIES - 1;
#define IMAGE_ENTRY (PAGE_TABLE_ENTRIES - 1)

/* The kernel's own tables: made at boot, never freed, so their frames' counts do not matter. */
static pte_t *kernel_entry_make(uint64_t address, unsigned leaf_level) {
    pte_t *table = paddr_to_pointer(page_table_kernel_root);

    for (unsigned level = LEVELS - 1; level > leaf_level; level--) {
        pte_t *entry = &table[page_table_index(address, level)];

        if ((*entry & PTE_PRESENT) == 0) {
            paddr_t frame = frame_take_zeroed();

            if (frame == PADDR_NONE) {
                panic("no memory for the kernel's page tables");
            }
            *entry = frame | PTE_PRESENT | PTE_WRITE;
        }
        table = page_table_of(*entry);
    }
    return &table[page_table_index(address, leaf_level)];
}

static void map_image(const char *start, const char *end, pte_t flags) {
    for (uint64_t address = (uint64_t)start; address < (uint64_t)end; address += PAGE_SIZE) {
        if (!cpu_is_guard(address) && !kernel_thread_is_guard(address)) {
            *kernel_entry_make(address, 0) =
                (address - KERNEL_BASE) | flags | PTE_PRESENT | PTE_GLOBAL;
        }
    }
}

static void map_direct(paddr_t start, paddr_t end) {
    for (paddr_t paddr = ALIGN_DOWN(start, LARGE_PAGE); paddr < end; paddr += LARGE_PAGE) {
        bool is_apic = paddr >= APICS_START && paddr < APICS_END;
        pte_t caching = is_apic ? PTE_NO_CACHE | PTE_WRITE_THROUGH : 0;

        *kernel_entry_make(DIRECT_MAP_BASE + paddr, 1) =
            paddr | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_GLOBAL | PTE_NO_EXECUTE | caching;
    }
}

void page_table_init(const struct boot_info *boot) {
    pte_t *root;

    page_table_kernel_root = frame_take_zeroed();
    ASSERT(page_table_kernel_root != PADDR_NONE);
    root = paddr_to_pointer(page_table_kernel_root);
    map_image(kernel_text_start, kernel_text_end, 0);
    map_image(kernel_rodata_start, kernel_rodata_end, PTE_NO_EXECUTE);
    map_image(kernel_data_start, kernel_end, PTE_WRITE | PTE_NO_EXECUTE);
    /* Devices below 4 GiB (APIC, VGA text) are reached through the direct map too; the MTRRs say
     * how to cache. */
    map_direct(0, 4 * GiB);
    for (uint32_t i = 0; i < boot->n_ranges; i++) {
        if (boot->ranges[i].type == BOOT_RANGE_USABLE && boot->ranges[i].end > 4 * GiB) {
            map_direct(MAX(boot->ranges[i].start, 4 * GiB), boot->ranges[i].end);
        }
    }
    while (direct_map_end > KERNEL_HALF && root[direct_map_end - 1] == 0) {
        direct_map_end--;
    }
    arch_space_load(page_table_kernel_root);
}

status_t page_table_create(struct budget *budget, paddr_t *root) {
    status_t status = budget_frame_take(budget, root);

    if (status == OK) {
        pte_t *table = paddr_to_pointer(*root);
        const pte_t *kernel = paddr_to_pointer(page_table_kernel_root);

        for (unsigned i = KERNEL_HALF; i < direct_map_end; i++) {
            table[i] = kernel[i];
        }
        table[IMAGE_ENTRY] = kernel[IMAGE_ENTRY];
    }
    return status;
}

void page_table_destroy(paddr_t root) {
    pte_t *table = paddr_to_pointer(root);

    memset(table + KERNEL_HALF, 0, (direct_map_end - KERNEL_HALF) * sizeof(pte_t));
    table[IMAGE_ENTRY] = 0;
    frame_put_zeroed(root);
}

pte_t *page_table_find(paddr_t root, uint64_t address) {
    pte_t *table = paddr_to_pointer(root);

    for (unsigned level = LEVELS - 1; level > 0; level--) {
        pte_t entry = table[page_table_index(address, level)];

        if ((entry & PTE_PRESENT) == 0) {
            return NULL;
        }
        table = page_table_of(entry);
    }
    return &table[page_table_index(address, 0)];
}

/* The `n` tables from an empty slot down to the leaf: all of them, or none, as nobody would find an
 * empty table again. */
static status_t tables_make(struct space *space, uint64_t address, unsigned n, pte_t *slot) {
    paddr_t frames[LEVELS - 1];

    if (!space_charge(space, n)) {
        return ERROR_OUT_OF_BUDGET;
    }
    for (unsigned i = 0; i < n; i++) {
        frames[i] = frame_take_zeroed();
        if (frames[i] == PADDR_NONE) {
            while (i-- > 0) {
                frame_put(frames[i]);
            }
            space_refund(space, n);
            return ERROR_NO_MEMORY;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        page_table_set(slot, frames[i] | TABLE_FLAGS);
        slot = &page_table_of(*slot)[page_table_index(address, n - 1 - i)];
    }
    return OK;
}

status_t page_table_make(struct space *space, uint64_t address, pte_t **entry) {
    pte_t *table = paddr_to_pointer(space->root);

    for (unsigned level = LEVELS - 1; level > 0; level--) {
        pte_t *slot = &table[page_table_index(address, level)];

        if (UNLIKELY((*slot & PTE_PRESENT) == 0)) {
            status_t status = tables_make(space, address, level, slot);

            if (status != OK) {
                return status;
            }
        }
        table = page_table_of(*slot);
    }
    *entry = &table[page_table_index(address, 0)];
    return OK;
}

/* Entries that are skipped together. */
#define SKIP 8

/* How many entries from `entry` on, which is not present, to the next that is; at most `n`. */
static uint64_t entries_skip(const pte_t *entry, uint64_t n) {
    const pte_t *at = entry + 1;
    const pte_t *end = entry + n;

    for (; at + SKIP <= end; at += SKIP) {
        if ((at[0] | at[1] | at[2] | at[3] | at[4] | at[5] | at[6] | at[7]) != 0) {
            break;
        }
    }
    while (at < end && *at == 0) {
        at++;
    }
    return (uint64_t)(at - entry);
}

pte_t *page_table_next(struct space *space, uint64_t address, uint64_t end, uint64_t *found,
                       uint32_t *n_steps) {
    struct leaf *leaf = space_leaf(space, address);
    pte_t *table = leaf->span == address / PAGE_TABLE_SPAN ? leaf->table : NULL;
    unsigned level = 0;

    while (address < end && *n_steps != 0) {
        unsigned index, shift;
        uint64_t n;

        if (table == NULL) {
            table = paddr_to_pointer(space->root);
            level = LEVELS - 1;
        }
        index = page_table_index(address, level);
        shift = PAGE_SHIFT + 9 * level;
        if (table[index] != 0) {
            --*n_steps;
            if (level == 0) {
                *space_leaf(space, address) = (struct leaf){address / PAGE_TABLE_SPAN, table};
                *found = address;
                return &table[index];
            }
            table = page_table_of(table[index]);
            level--;
            continue;
        }
        /* Nothing here: on to the next entry that is, and where the table ends from the root. */
        n = MIN((end - 1) >> shift, (address >> shift) + PAGE_TABLE_ENTRIES - 1 - index) -
            (address >> shift);
        n = entries_skip(&table[index], MIN(n + 1, (uint64_t)*n_steps * SKIP));
        *n_steps -= (uint32_t)DIV_ROUND_UP(n, SKIP);
        address = ((address >> shift) + n) << shift;
        if (page_table_index(address, level) == 0) {
            table = NULL;
        }
    }
    *found = MIN(address, end);
    return NULL;
}

void tlb_gather_begin(struct tlb_gather *gather, struct space *space) {
    gather->space = space;
    gather->n_addresses = gather->n_frames = gather->n_tables = gather->n_owned = 0;
}

/* The last entry of the leaf table for `address` is gone: it is unlinked from the one above, and so
 * on. An empty table's last reference goes when no CPU can walk through it any more. */
static void tables_drop(struct tlb_gather *gather, uint64_t address) {
    pte_t *slots[LEVELS];
    pte_t *table = paddr_to_pointer(gather->space->root);
    paddr_t above;

    space_leaf(gather->space, address)->span = LEAF_NONE;
    for (unsigned level = LEVELS - 1; level > 0; level--) {
        slots[level] = &table[page_table_index(address, level)];
        table = page_table_of(*slots[level]);
    }
    for (unsigned level = 1; level < LEVELS; level++) {
        gather->tables[gather->n_tables++] = *slots[level] & PTE_ADDRESS;
        gather->n_owned++;
        *slots[level] = 0;
        above = ALIGN_DOWN(pointer_to_paddr(slots[level]), PAGE_SIZE);
        if (--*frame_count(above) > 1) {
            return;
        }
    }
}

void page_table_trim(struct space *space, uint64_t address, pte_t *entry) {
    struct tlb_gather gather;

    if (*frame_count(ALIGN_DOWN(pointer_to_paddr(entry), PAGE_SIZE)) > 1) {
        return;
    }
    /* No translation was ever in a TLB, but the way to this table may be (SDM 3, 4.10.3.1): the
     * address is flushed for that. */
    tlb_gather_begin(&gather, space);
    gather.addresses[gather.n_addresses++] = address;
    tables_drop(&gather, address);
    tlb_gather_end(&gather);
}

/* [book:page-table-clear] */
uint64_t page_table_clear(struct tlb_gather *gather, uint64_t address, uint64_t end, pte_t *entry,
                          uint32_t *n_steps) {
    uint32_t *n_entries = frame_count(ALIGN_DOWN(pointer_to_paddr(entry), PAGE_SIZE)); /* + 1 */
    uint32_t n = gather->n_addresses, n_frames = gather->n_frames, n_left = *n_entries;
    uint64_t start = address, last;

    end = MIN(end, ALIGN_DOWN(address, PAGE_TABLE_SPAN) + PAGE_TABLE_SPAN);
    /* As many as there is room and steps for; each at most fills the gather by one page. */
    last = MIN(end, address + PAGE_SIZE * MIN(*n_steps, TLB_GATHER_MAX - n));
    for (; address < last && n_left > 1; address += PAGE_SIZE, entry++) {
        pte_t old = *entry;

        if (old == 0) {
            continue;
        }
        *entry = 0;
        n_left--;
        gather->addresses[n++] = address;
        gather->frames[n_frames] = old & PTE_ADDRESS;
        n_frames += (old & PTE_DEVICE) == 0;
        gather->n_owned += (old & PTE_OWNED) != 0;
    }
    *n_steps -= (uint32_t)((address - start) / PAGE_SIZE);
    *n_entries = n_left;
    gather->n_addresses = n;
    gather->n_frames = n_frames;
    if (n_left == 1) {
        tables_drop(gather, start);
        return end; /* there is nothing else in this table */
    }
    return address;
}
/* [/book] */

void page_table_replace(struct tlb_gather *gather, uint64_t address, pte_t *entry, pte_t value,
                        paddr_t old_frame) {
    ASSERT(tlb_gather_has_room(gather));
    *entry = value;
    gather->addresses[gather->n_addresses++] = address;
    if (old_frame != PADDR_NONE) {
        gather->frames[gather->n_frames++] = old_frame;
    }
}

/* [book:tlb-gather-end] */
void tlb_gather_end(struct tlb_gather *gather) {
    /* A TLB holds entries of this space only while the space is loaded. */
    if (gather->n_addresses != 0 && UNLIKELY(cpu_n > 1)) {
        arch_space_request(gather->space->root, CPU_FLUSH);
    }
    if (gather->space->root == cpu_this()->space_root) {
        if (gather->n_addresses > TLB_FLUSH_SINGLE_MAX) {
            arch_tlb_flush_all();
        } else {
            for (uint32_t i = 0; i < gather->n_addresses; i++) {
                arch_tlb_flush_page(gather->addresses[i]);
            }
        }
    }
    for (uint32_t i = 0; i < gather->n_frames; i++) {
        frame_put(gather->frames[i]);
    }
    for (uint32_t i = 0; i < gather->n_tables; i++) {
        frame_put_zeroed(gather->tables[i]); /* each of its entries was cleared */
    }
    if (gather->n_owned != 0) {
        space_refund(gather->space, gather->n_owned);
    }
}
/* [/book] */

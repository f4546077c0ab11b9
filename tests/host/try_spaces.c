/* SPDX-License-Identifier: MIT */
/*
 * Address spaces and memory objects: what is mapped where, with which rights, and what is read
 * there; fork and copy-on-write between several spaces. The model is an array of pages for each
 * space, and one word of content for each. A TLB remembers what was allowed: a flush too few shows.
 */
#include "tests/host/tries.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/space.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "tests/host/kernel.h"

#define N_SPACES     3
#define N_MEMORIES   3 /* demand, demand, contiguous */
#define MEMORY_PAGES 16
#define WINDOW       24 /* pages */
#define N_WINDOWS    4
#define N_PAGES      (N_WINDOWS * WINDOW)
#define PLACES       0x0000100000000000ULL /* where mappings without an address begin */
#define BUDGET_BYTES (6 * MiB)

/* Low; across the end of a page table, and of a directory; where the kernel finds a place. */
static const uint64_t windows[N_WINDOWS] = {0x10000, 5 * PAGE_TABLE_SPAN - 12 * PAGE_SIZE,
                                            3 * GiB - 12 * PAGE_SIZE, PLACES};

struct page {
    bool is_mapped, is_own; /* own: a private copy of the memory object's page, or anonymous */
    uint32_t flags, protection_max;
    int memory; /* -1: anonymous */
    uint64_t offset;
    uint64_t value; /* if own */
};

struct model {
    struct space *spaces[N_SPACES];
    struct page pages[N_SPACES][N_PAGES];
    struct memory *memories[N_MEMORIES];
    uint64_t values[N_MEMORIES][MEMORY_PAGES];
    uint64_t last_value;
};

/* The first page in use of each object: the second goes across the end of a node of its tree. */
static const uint64_t bases[N_MEMORIES] = {0, 505, 0};

static struct model m;
static struct budget *budget;

static uint64_t address_of(unsigned page) {
    return windows[page / WINDOW] + (uint64_t)(page % WINDOW) * PAGE_SIZE;
}

/* Where the word is that the model knows. */
static uint64_t word_of(unsigned page) {
    return address_of(page) + PAGE_SIZE - sizeof(uint64_t);
}

/* --- the page tables, looked at whole
 * -------------------------------------------------------------- */

/* Owned frames and tables below (and with) this one. */
static uint64_t table_count(paddr_t table, unsigned level) {
    const pte_t *entries = paddr_to_pointer(table);
    uint64_t n_frames = 1;
    uint32_t n_used = 0;

    for (unsigned i = 0; i < (level == 3 ? 256 : PAGE_TABLE_ENTRIES); i++) {
        if ((entries[i] & PTE_PRESENT) == 0) {
            SAME(entries[i], 0);
            continue;
        }
        n_used++;
        if (level > 0) {
            n_frames += table_count(entries[i] & PTE_ADDRESS, level - 1);
        } else {
            n_frames += (entries[i] & PTE_OWNED) != 0;
            HOLDS(*frame_count(entries[i] & PTE_ADDRESS) != 0);
        }
    }
    SAME(*frame_count(table), n_used + 1);
    HOLDS(level == 3 || n_used > 0);
    return n_frames;
}

static void check(void) {
    uint64_t n_frames = 0;

    host_tlb_check();
    for (unsigned s = 0; s < N_SPACES; s++) {
        struct space *space = m.spaces[s];

        if (space == NULL) {
            continue;
        }
        SAME(space->n_frames, table_count(space->root, 3));
        n_frames += space->n_frames;
        for (unsigned i = 0; i < N_PAGES; i++) {
            const struct region *region = space_region(space, address_of(i));
            const struct page *page = &m.pages[s][i];

            SAME(region != NULL, page->is_mapped);
            if (region != NULL) {
                HOLDS(region->start <= address_of(i) && address_of(i) < region->end);
                SAME(region->flags, page->flags);
                SAME(region->protection_max, page->protection_max);
                SAME(region->memory, page->memory < 0 ? NULL : m.memories[page->memory]);
            }
        }
    }
    for (unsigned i = 0; i < N_MEMORIES; i++) {
        n_frames += m.memories[i]->n_frames;
    }
    HOLDS(budget->used >= n_frames * PAGE_SIZE); /* and slabs */
    HOLDS(budget->used <= n_frames * PAGE_SIZE + 16 * PAGE_SIZE);
}

/* --- what programs do ----------------------------------------------------------------------------
 */

static bool is_reachable(const struct page *page) {
    return page->is_mapped && (page->flags & MAP_GUARD) == 0 &&
           (page->memory < 0 || page->offset < m.memories[page->memory]->n_pages);
}

static uint64_t *content_of(const struct page *page) {
    return &m.values[page->memory][page->offset - bases[page->memory]];
}

/* [book:host-touch] */
/* Reads or writes the word of a page, and finds what the model says. */
static void touch(unsigned s, unsigned i, bool write) {
    struct space *space = m.spaces[s];
    struct page *page = &m.pages[s][i];
    uint32_t needed = write ? MAP_WRITE : MAP_READ;
    bool works = is_reachable(page) && (page->flags & needed) != 0;
    uint64_t value = 0;
    status_t status;

    if (write) {
        value = ++m.last_value;
        status = copy_out(space, user_ptr(word_of(i)), &value, sizeof(value));
    } else {
        status = copy_in(space, &value, user_ptr(word_of(i)), sizeof(value));
    }
    SAME(status, works ? OK : ERROR_BAD_ADDRESS);
    if (!works) {
        return;
    }
    if (write && (page->memory < 0 || (page->flags & MAP_PRIVATE) != 0)) {
        page->is_own = true;
        page->value = value;
    } else if (write) {
        *content_of(page) = value;
    } else {
        SAME(value, page->is_own ? page->value : page->memory < 0 ? 0 : *content_of(page));
    }
    if (cpu_this()->space_root == space->root) {
        host_tlb_note(word_of(i));
    }
}
/* [/book] */

static void pages_set(struct page *pages, unsigned n, const struct map_request *request, int memory,
                      bool replace) {
    for (unsigned i = 0; i < n; i++) {
        HOLDS(replace || !pages[i].is_mapped);
        pages[i] =
            (struct page){.is_mapped = true,
                          .flags = request->flags & (MAP_PROTECTION | MAP_PRIVATE | MAP_GUARD),
                          .protection_max = request->protection_max,
                          .memory = memory < 0 ? -1 : memory,
                          .offset = request->offset / PAGE_SIZE + i};
    }
}

static void map(unsigned s, unsigned first, unsigned n, struct choice *choice) {
    static const uint32_t protections[] = {
        MAP_READ | MAP_WRITE,   MAP_READ | MAP_WRITE, MAP_READ, MAP_READ | MAP_EXECUTE, 0,
        MAP_WRITE | MAP_EXECUTE};
    int memory = (int)choose(choice, 2 + N_MEMORIES) - 2;
    uint64_t offset = choose(choice, MEMORY_PAGES) + (memory < 0 ? 0 : bases[memory]);
    uint32_t how = (uint32_t)choose(choice, 4);
    struct map_request request = {
        .memory = memory < 0 ? NULL : m.memories[memory],
        .address = address_of(first),
        .length = n * PAGE_SIZE,
        .offset = offset * PAGE_SIZE,
        .flags = protections[choose(choice, ARRAY_SIZE(protections))] | (how == 0 ? 0 : MAP_FIXED) |
                 (how >= 2 ? MAP_REPLACE : 0) |
                 (memory >= 0 && choose_one_in(choice, 2) ? MAP_PRIVATE : 0) |
                 (choose_one_in(choice, 16) ? MAP_GUARD : 0),
        .protection_max = memory >= 0 && choose_one_in(choice, 3) ? MAP_READ : MAP_PROTECTION};
    status_t status, expected = OK;
    uint64_t address;

    if ((request.flags & MAP_WRITE) != 0 && (request.flags & MAP_EXECUTE) != 0) {
        expected = ERROR_NO_RIGHT;
    } else if (memory == 2 && offset + n > MEMORY_PAGES) {
        expected = ERROR_BAD_ARGUMENT;
    } else if ((request.flags & MAP_PROTECTION & ~request.protection_max) != 0) {
        expected = ERROR_NO_RIGHT;
    }
    for (unsigned i = first; how == 1 && expected == OK && i < first + n; i++) {
        expected = m.pages[s][i].is_mapped ? ERROR_BUSY : OK;
    }
    do {
        status = space_map(m.spaces[s], &request, &address);
    } while (status == ERROR_WOULD_BLOCK);
    SAME(status, expected);
    if (status != OK) {
        return;
    }
    if (how == 0) {
        uint64_t end = address + request.length;

        HOLDS(address >= PLACES);
        if (end > address_of(N_PAGES - 1) + PAGE_SIZE) { /* beyond the window: not kept */
            while (address < end) {
                SAME(space_unmap_step(m.spaces[s], &address, end), OK);
            }
            return;
        }
        first = 3 * WINDOW + (unsigned)((address - PLACES) / PAGE_SIZE);
    } else {
        SAME(address, request.address);
    }
    pages_set(&m.pages[s][first], n, &request, memory, how >= 2);
}

static void unmap(unsigned s, unsigned first, unsigned n) {
    uint64_t address = address_of(first), end = address + n * PAGE_SIZE;

    while (address < end) {
        SAME(space_unmap_step(m.spaces[s], &address, end), OK);
    }
    for (unsigned i = first; i < first + n; i++) {
        m.pages[s][i] = (struct page){.is_mapped = false};
    }
}

static void protect(unsigned s, unsigned first, unsigned n, struct choice *choice) {
    static const uint32_t protections[] = {MAP_READ, 0, MAP_READ | MAP_WRITE,
                                           MAP_READ | MAP_EXECUTE, MAP_WRITE | MAP_EXECUTE};
    uint32_t protection = protections[choose(choice, ARRAY_SIZE(protections))];
    uint64_t address = address_of(first), end = address + n * PAGE_SIZE;
    status_t status = OK, expected = OK;

    for (unsigned i = first; expected == OK && i < first + n; i++) {
        struct page *page = &m.pages[s][i];

        if (!page->is_mapped || (page->flags & MAP_GUARD) != 0) {
            expected = ERROR_BAD_ADDRESS;
        } else if ((protection & ~page->protection_max) != 0 ||
                   protection == (MAP_WRITE | MAP_EXECUTE)) {
            expected = ERROR_NO_RIGHT;
        } else {
            page->flags = (page->flags & ~(uint32_t)MAP_PROTECTION) | protection;
        }
    }
    while (status == OK && address < end) {
        status = space_protect_step(m.spaces[s], &address, end, protection);
    }
    SAME(status, expected);
}

static void discard(unsigned s, unsigned first, unsigned n) {
    uint64_t address = address_of(first), end = address + n * PAGE_SIZE;

    while (address < end) {
        SAME(space_discard_step(m.spaces[s], &address, end), OK);
    }
    for (unsigned i = first; i < first + n; i++) {
        m.pages[s][i].is_own = false;
    }
}

static void memory_clear(unsigned which) {
    uint64_t first = 0, end = bases[which] + MEMORY_PAGES;

    if (which < 2) {
        while (!memory_discard_step(m.memories[which], &first, end - first)) {
        }
        for (unsigned i = 0; i < MEMORY_PAGES; i++) {
            m.values[which][i] = 0;
        }
    }
}

static void destroy(unsigned s) {
    while (!space_destroy_step(m.spaces[s])) {
    }
    m.spaces[s] = NULL;
}

/* fork: private pages are shared until one side writes; DMA memory stays the parent's. */
static void clone(unsigned from, unsigned to) {
    uint64_t cursor = 0;
    bool done = false;

    if (m.spaces[to] != NULL) {
        destroy(to);
    }
    SAME(space_create(budget, &m.spaces[to]), OK);
    while (!done) {
        SAME(space_clone_step(m.spaces[from], m.spaces[to], &cursor, &done), OK);
    }
    for (unsigned i = 0; i < N_PAGES; i++) {
        m.pages[to][i] = m.pages[from][i];
        if (m.pages[to][i].is_mapped && m.pages[to][i].memory == 2) {
            m.pages[to][i] = (struct page){.is_mapped = false};
        }
    }
}

static void begin(void) {
    m = (struct model){0};
    SAME(budget_create(budget_root, BUDGET_BYTES, &budget), OK);
    budget_spender_add(budget);
    for (unsigned i = 0; i < N_MEMORIES; i++) {
        SAME(i < 2 ? memory_create_demand(budget, bases[i] + MEMORY_PAGES - i, &m.memories[i])
                   : memory_create_contiguous(budget, MEMORY_PAGES, 0, &m.memories[i]),
             OK);
    }
    while (memory_contiguous_step(m.memories[2]) == RESULT_RESTART) {
    }
    SAME(space_create(budget, &m.spaces[0]), OK);
}

static void end(void) {
    for (unsigned s = 0; s < N_SPACES; s++) {
        if (m.spaces[s] != NULL) {
            destroy(s);
        }
    }
    for (unsigned i = 0; i < N_MEMORIES; i++) {
        object_put(&m.memories[i]->object);
    }
    host_reap();
    SAME(budget->used, 0);
    budget_spender_drop(budget);
    object_put(&budget->object);
}

static void step(struct choice *choice) {
    uint64_t what = choose(choice, 32);
    unsigned s = (unsigned)choose(choice, N_SPACES), other = (unsigned)choose(choice, N_SPACES);
    unsigned at = (unsigned)choose(choice, N_PAGES);
    unsigned n = 1 + (unsigned)choose(
                         choice, MIN(choose_one_in(choice, 4) ? 24u : 4u, WINDOW - at % WINDOW));

    if (m.spaces[s] == NULL) {
        return;
    }
    if (what < 16) {
        for (unsigned i = at; i < at + n; i++) {
            touch(s, i, what < 8);
        }
    } else if (what < 21) {
        map(s, at, n, choice);
    } else if (what < 23) {
        unmap(s, at, n);
    } else if (what < 26) {
        protect(s, at, n, choice);
    } else if (what < 28) {
        discard(s, at, n);
    } else if (what < 29) {
        memory_clear((unsigned)choose(choice, N_MEMORIES));
    } else if (what < 30) {
        arch_space_load(m.spaces[s]->root);
    } else if (s != other && what < 31) {
        clone(s, other);
    } else if (s != other && m.spaces[other] != NULL) {
        destroy(s);
    }
}

void spaces_try(struct choice *choice) {
    uint64_t n_free, used;

    host_kernel_start();
    n_free = frame_n_free();
    used = budget_root->used;
    begin();
    while (choice_more(choice)) {
        step(choice);
        check();
    }
    end();
    SAME(budget_root->used, used);
    SAME(frame_n_free(), n_free);
}

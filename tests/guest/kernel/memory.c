/* SPDX-License-Identifier: MIT */
/* Mappings, memory objects, rights of pages. Budgets are in budget.c, lent memory in lent.c. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#define READ_WRITE (MAP_READ | MAP_WRITE)
/* The kernel places mappings without an address between these two (kernel/space.c). */
#define PLACE_START 0x0000100000000000ULL
#define PLACE_END   0x00007f0000000000ULL

static status_t map_at(uint64_t address, uint64_t length, uint32_t flags) {
    uint64_t mapped = 0;

    return sys_map(HANDLE_NONE, HANDLE_NONE, address, length, 0, flags, &mapped);
}

static void map_flags(void) {
    struct death_record record;
    char *pages = pages_map(HANDLE_NONE, 3, READ_WRITE);
    uint64_t at = (uint64_t)(uintptr_t)pages;

    for (unsigned i = 0; i < 3 * PAGE_BYTES; i++) {
        CHECK(pages[i] == 0);
    }
    pages[0] = (char)0xc3; /* ret */
    CHECK(!probe_works(PROBE_RUN, pages, &record) && record.vector == 14 &&
          record.fault_address == at && (record.error_code & 0x10) != 0);
    CHECK_STATUS(map_at(at + PAGE_BYTES, PAGE_BYTES, MAP_FIXED | MAP_READ), ERROR_BUSY);
    CHECK_STATUS(map_at(at, PAGE_BYTES, MAP_REPLACE | MAP_READ), ERROR_BAD_ARGUMENT);
    pages[PAGE_BYTES] = 1;
    pages[2 * PAGE_BYTES] = 2;
    CHECK_OK(map_at(at + PAGE_BYTES, PAGE_BYTES, MAP_FIXED | MAP_REPLACE | MAP_READ));
    CHECK(pages[0] == (char)0xc3 && pages[PAGE_BYTES] == 0 && pages[2 * PAGE_BYTES] == 2);
    CHECK_READ_ONLY(pages + PAGE_BYTES);
    CHECK_WRITABLE(pages + 2 * PAGE_BYTES);
    pages_unmap(pages, 3);
    CHECK_UNREADABLE(pages);
    pages_unmap(pages, 3); /* what is not there can be unmapped */
}

static void map_refusals(void) {
    static const struct {
        uint64_t address, length;
        uint32_t flags;
        status_t status;
    } rows[] = {
        {0, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {USER_TOP, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {USER_TOP - PAGE_BYTES, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {INFO_PAGE_ADDRESS, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {PROCESS_PAGE_ADDRESS, PAGE_BYTES, MAP_FIXED | MAP_REPLACE | MAP_READ, ERROR_BAD_ADDRESS},
        {INFO_PAGE_ADDRESS - PAGE_BYTES, 2 * PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {0xffff800000000000, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {0xfffffffffffff000, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {0xfffffffffffff000, 2 * PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ADDRESS},
        {0x20000000, 0, MAP_FIXED | MAP_READ, ERROR_BAD_ARGUMENT},
        {0x20000001, PAGE_BYTES, MAP_FIXED | MAP_READ, ERROR_BAD_ARGUMENT},
        {0x20000000, 1, MAP_FIXED | MAP_READ, ERROR_BAD_ARGUMENT},
        {0x20000000, PAGE_BYTES, MAP_FIXED | MAP_WRITE | MAP_EXECUTE, ERROR_NO_RIGHT},
        {0, PAGE_BYTES, MAP_PROTECTION, ERROR_NO_RIGHT},
        {0, 0xfffffffffffff000, MAP_READ, ERROR_BAD_ARGUMENT},
        {0, PLACE_END - PLACE_START, MAP_READ, ERROR_BAD_ARGUMENT},
        {0, PAGE_BYTES, MAP_READ | 256, ERROR_BAD_ARGUMENT},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK_STATUS(map_at(rows[i].address, rows[i].length, rows[i].flags), rows[i].status);
    }
}

static void guard_pages(void) {
    char *pages = pages_map(HANDLE_NONE, 4, MAP_GUARD);
    uint64_t at = (uint64_t)(uintptr_t)pages;

    CHECK_UNREADABLE(pages);
    CHECK_STATUS(map_at(at, PAGE_BYTES, MAP_FIXED | MAP_READ), ERROR_BUSY);
    CHECK_STATUS(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_READ), ERROR_BAD_ADDRESS);
    CHECK_OK(map_at(at + PAGE_BYTES, PAGE_BYTES, MAP_FIXED | MAP_REPLACE | READ_WRITE));
    CHECK_WRITABLE(pages + PAGE_BYTES);
    CHECK_UNREADABLE(pages + 2 * PAGE_BYTES);
    pages_unmap(pages, 4);
}

static void protect_splits(void) {
    char *pages = pages_map(HANDLE_NONE, 200, READ_WRITE);
    uint64_t at = (uint64_t)(uintptr_t)pages;

    for (unsigned i = 0; i < 200; i++) {
        pages[i * PAGE_BYTES] = (char)i;
    }
    /* More pages than one step does, then pieces of it, across pieces, and back. */
    CHECK_OK(sys_protect(HANDLE_NONE, at + 10 * PAGE_BYTES, 150 * PAGE_BYTES, MAP_READ));
    CHECK_OK(sys_protect(HANDLE_NONE, at + 50 * PAGE_BYTES, 10 * PAGE_BYTES, 0));
    CHECK_OK(sys_protect(HANDLE_NONE, at + 55 * PAGE_BYTES, 20 * PAGE_BYTES, MAP_EXECUTE));
    CHECK_WRITABLE(pages + 9 * PAGE_BYTES);
    CHECK_READ_ONLY(pages + 10 * PAGE_BYTES);
    CHECK_UNREADABLE(pages + 50 * PAGE_BYTES);
    CHECK_UNREADABLE(pages + 54 * PAGE_BYTES);
    CHECK(!probe_works(PROBE_WRITE, pages + 55 * PAGE_BYTES, NULL));
    CHECK_READ_ONLY(pages + 75 * PAGE_BYTES);
    CHECK_READ_ONLY(pages + 159 * PAGE_BYTES);
    CHECK_WRITABLE(pages + 160 * PAGE_BYTES);
    CHECK_STATUS(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_PROTECTION), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_FIXED), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_protect(HANDLE_NONE, at + 199 * PAGE_BYTES, 2 * PAGE_BYTES, MAP_READ),
                 ERROR_BAD_ADDRESS);
    CHECK_STATUS(sys_protect(HANDLE_NONE, INFO_PAGE_ADDRESS, PAGE_BYTES, READ_WRITE),
                 ERROR_BAD_ARGUMENT);
    CHECK_OK(sys_protect(HANDLE_NONE, at, 200 * PAGE_BYTES, READ_WRITE));
    for (unsigned i = 0; i < 200; i++) {
        CHECK(pages[i * PAGE_BYTES] == (char)i);
        pages[i * PAGE_BYTES]++;
    }
    CHECK_OK(sys_unmap(HANDLE_NONE, at + 20 * PAGE_BYTES, 100 * PAGE_BYTES));
    CHECK_WRITABLE(pages + 19 * PAGE_BYTES);
    CHECK_UNREADABLE(pages + 20 * PAGE_BYTES);
    CHECK(pages[120 * PAGE_BYTES] == 121);
    pages_unmap(pages, 200);
}

/* Data becomes code only by losing write access. */
static void write_xor_execute(void) {
    char *page = pages_map(HANDLE_NONE, 1, READ_WRITE);
    uint64_t at = (uint64_t)(uintptr_t)page;

    page[0] = (char)0xc3;
    CHECK(!probe_works(PROBE_RUN, page, NULL));
    CHECK_OK(sys_protect(HANDLE_NONE, at, PAGE_BYTES, MAP_READ | MAP_EXECUTE));
    CHECK(probe_works(PROBE_RUN, page, NULL));
    CHECK(!probe_works(PROBE_WRITE, page, NULL));
    CHECK_OK(sys_protect(HANDLE_NONE, at, PAGE_BYTES, READ_WRITE));
    CHECK(!probe_works(PROBE_RUN, page, NULL));
    page[0] = 1;
    pages_unmap(page, 1);
}

static void populate(void) {
    uint64_t before = budget_used(test_budget);
    char *pages = pages_map(HANDLE_NONE, 300, READ_WRITE | MAP_POPULATE);

    CHECK(budget_used(test_budget) - before >= 300);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(pages[i * PAGE_BYTES] == 0);
    }
    CHECK(budget_used(test_budget) - before < 310);
    pages_unmap(pages, 300);
    pages = pages_map(HANDLE_NONE, 300, READ_WRITE);
    CHECK(budget_used(test_budget) - before < 10);
    pages_unmap(pages, 300);
}

/* Populating a mapping of an object: pages that are there and pages that are not, in any order,
 * more than a step's worth, over the end of a page table. */
static void populate_object(void) {
    enum { N = 700 };
    handle_t memory = memory_new(N);
    uint64_t at = 0;
    char *whole = pages_map(memory, N, READ_WRITE);

    for (unsigned i = 0; i < N; i += i % 97 == 0 ? 5 : 1) {
        whole[i * PAGE_BYTES] = (char)(i + 1);
    }
    for (unsigned kind = 0; kind < 3; kind++) {
        uint32_t flags = kind == 0 ? MAP_READ : kind == 1 ? READ_WRITE : READ_WRITE | MAP_PRIVATE;
        uint64_t before = budget_used(test_budget);
        char *pages = pages_map(memory, N, flags | MAP_POPULATE);
        uint64_t charged = budget_used(test_budget) - before;

        CHECK(kind == 2 ? charged >= N : kind == 0 || charged < 10);
        for (unsigned i = 0; i < N; i++) {
            CHECK(pages[i * PAGE_BYTES] == whole[i * PAGE_BYTES]);
        }
        if (kind != 0) {
            pages[3 * PAGE_BYTES]++;
            CHECK((whole[3 * PAGE_BYTES] == pages[3 * PAGE_BYTES]) == (kind == 1));
        }
        pages_unmap(pages, N);
    }
    /* What may not be touched is not entered either. */
    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, 4 * PAGE_BYTES, 0, MAP_POPULATE, &at),
                 ERROR_NO_RIGHT);
    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, 4 * PAGE_BYTES, 0,
                         READ_WRITE | MAP_GUARD | MAP_POPULATE, &at),
                 ERROR_BAD_ADDRESS);
    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, 90 * PAGE_BYTES, (N - 80) * PAGE_BYTES,
                         MAP_READ | MAP_POPULATE, &at),
                 ERROR_NOT_FOUND);
    pages_unmap(whole, N);
    closed(memory);
}

/* Frames that come back clean are given out again without being zeroed: what lay in page tables,
 * handle tables, trees of memory objects and the pages of processes must not show. */
static void fresh_is_zero(void) {
    for (unsigned round = 0; round < 12; round++) {
        handle_t process = HANDLE_NONE, number;
        handle_t memory = memory_new(1000);
        uint64_t at = 0;

        CHECK_OK(sys_process_create(HANDLE_NONE, "fresh", &process));
        CHECK_OK(sys_process_identify(test_identity, process, 0x5a5a5a5a, UINT64_MAX));
        for (unsigned i = 0; i < 20; i++) {
            CHECK_OK(sys_process_give(process, memory, RIGHTS_ALL, &number));
        }
        CHECK_OK(sys_map(process, memory, 0, 900 * PAGE_BYTES, 0, READ_WRITE | MAP_POPULATE, &at));
        CHECK_OK(sys_process_kill(process, 0));
        closed(process);
        closed(memory);
        const uint64_t *words = (const uint64_t *)pages_map(HANDLE_NONE, 60, READ_WRITE);

        for (unsigned i = 0; i < 60 * PAGE_BYTES / sizeof *words; i++) {
            CHECK(words[i] == 0);
        }
        pages_unmap((void *)(uintptr_t)words, 60);
    }
}

/* The rights of the handle are the most that any mapping of it ever gets. */
static void object_rights(void) {
    handle_t memory = memory_new(2), read = HANDLE_NONE, none = HANDLE_NONE;
    uint64_t at = 0;

    CHECK_OK(sys_handle_copy(memory, RIGHT_READ, 0, &read));
    CHECK_OK(sys_handle_copy(memory, RIGHT_MANAGE, 0, &none));
    CHECK_STATUS(sys_map(HANDLE_NONE, read, 0, PAGE_BYTES, 0, READ_WRITE, &at), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_map(HANDLE_NONE, read, 0, PAGE_BYTES, 0, MAP_READ | MAP_EXECUTE, &at),
                 ERROR_NO_RIGHT);
    CHECK_STATUS(sys_map(HANDLE_NONE, none, 0, PAGE_BYTES, 0, MAP_READ, &at), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_map(HANDLE_NONE, none, 0, PAGE_BYTES, 0, MAP_READ | MAP_PRIVATE, &at),
                 ERROR_NO_RIGHT);
    CHECK_STATUS(sys_memory_control(read, MEMORY_RESIZE, 1, NULL), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_memory_control(read, MEMORY_DISCARD, 1ULL << 32, NULL), ERROR_NO_RIGHT);
    char *writer = pages_map(memory, 2, READ_WRITE), *reader = pages_map(read, 2, MAP_READ);
    char *private = pages_map(read, 2, READ_WRITE | MAP_PRIVATE);

    CHECK_STATUS(sys_protect(HANDLE_NONE, (uint64_t)(uintptr_t)reader, PAGE_BYTES, READ_WRITE),
                 ERROR_NO_RIGHT);
    writer[0] = 1;
    CHECK(reader[0] == 1 && private[0] == 1);
    private[0] = 2;
    CHECK(reader[0] == 1 && writer[0] == 1);
    writer[0] = 3;
    writer[PAGE_BYTES] = 4;
    CHECK(reader[0] == 3 && private[0] == 2 && private[PAGE_BYTES] == 4);
    CHECK_READ_ONLY(reader);
    pages_unmap(writer, 2);
    pages_unmap(reader, 2);
    pages_unmap(private, 2);
    closed(memory);
    closed(read);
    closed(none);
}

/* Cut off while mapped, thrown away while mapped; and fork with mappings beyond the end. */
static void resize_and_discard(void) {
    handle_t memory = memory_new(1000);
    char *pages = pages_map(memory, 1000, READ_WRITE);
    uint64_t used = budget_used(test_budget), n = 0;

    for (unsigned i = 0; i < 1000; i++) {
        pages[i * PAGE_BYTES] = (char)i;
    }
    CHECK_OK(sys_memory_control(memory, MEMORY_DISCARD, 100 | 500ULL << 32, NULL));
    CHECK(pages[99 * PAGE_BYTES] == 99 && pages[100 * PAGE_BYTES] == 0);
    CHECK(pages[599 * PAGE_BYTES] == 0 && pages[600 * PAGE_BYTES] == (char)600);
    CHECK_STATUS(sys_memory_control(memory, MEMORY_DISCARD, 999 | 2ULL << 32, NULL),
                 ERROR_BAD_ARGUMENT);
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 5, NULL));
    CHECK_OK(sys_memory_control(memory, MEMORY_SIZE, 0, &n));
    CHECK(n == 5 && pages[4 * PAGE_BYTES] == 4);
    CHECK(budget_used(test_budget) - used < 20);
    CHECK_UNREADABLE(pages + 5 * PAGE_BYTES);
    CHECK_UNREADABLE(pages + 999 * PAGE_BYTES);
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 1000, NULL));
    for (unsigned i = 5; i < 1000; i++) {
        CHECK(pages[i * PAGE_BYTES] == 0);
    }
    /* Two regions, the second of which begins beyond the end: no reason for a fork to fail. */
    CHECK_OK(sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)pages + 500 * PAGE_BYTES, PAGE_BYTES));
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 3, NULL));
    CHECK_READABLE(pages);
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 0, NULL));
    CHECK_UNREADABLE(pages);
    CHECK_STATUS(sys_memory_control(memory, MEMORY_RESIZE, UINT64_MAX, NULL), ERROR_TOO_MANY);
    pages_unmap(pages, 1000);
    closed(memory);
}

/* A hole of terabytes costs nothing to cut off. */
static void resize_sparse(void) {
    handle_t memory = memory_new(1 << 20);
    uint64_t start = time_now_ns();
    char *page = NULL;

    for (unsigned i = 0; i < 20; i++) {
        uint64_t index = ((1 << 20) - 1) >> i, address = 0;

        CHECK_OK(
            sys_map(HANDLE_NONE, memory, 0, PAGE_BYTES, index * PAGE_BYTES, READ_WRITE, &address));
        page = (char *)(uintptr_t)address;
        *page = 1;
        pages_unmap(page, 1);
    }
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 1, NULL));
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 1 << 20, NULL));
    page = pages_map(memory, 3, READ_WRITE);
    CHECK(page[0] == 0 && page[PAGE_BYTES] == 0);
    pages_unmap(page, 3);
    closed(memory);
    CHECK(time_now_ns() - start < NS_PER_S);
}

static void contiguous(void) {
    handle_t memory = HANDLE_NONE;
    uint64_t first = 0, physical = 0;

    CHECK_OK(sys_memory_create(100, MEMORY_CONTIGUOUS, 16 << 20, HANDLE_NONE, &memory));
    CHECK_OK(sys_memory_control(memory, MEMORY_PHYSICAL, 0, &first));
    for (unsigned i = 0; i < 100; i++) {
        CHECK_OK(sys_memory_control(memory, MEMORY_PHYSICAL, i, &physical));
        CHECK(physical == first + i * PAGE_BYTES && physical + PAGE_BYTES <= 16 << 20);
    }
    CHECK_STATUS(sys_memory_control(memory, MEMORY_PHYSICAL, 100, &physical), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_memory_control(memory, MEMORY_RESIZE, 10, NULL), ERROR_NOT_SUPPORTED);
    CHECK_STATUS(sys_memory_control(memory, MEMORY_DISCARD, 1ULL << 32, NULL), ERROR_NOT_SUPPORTED);
    char *pages = pages_map(memory, 100, READ_WRITE);
    char *private = pages_map(memory, 100, READ_WRITE | MAP_PRIVATE);

    for (unsigned i = 0; i < 100 * PAGE_BYTES; i += 64) {
        CHECK(pages[i] == 0);
    }
    pages[0] = 5;
    CHECK(private[0] == 5);
    private[0] = 6;
    CHECK(pages[0] == 5);
    CHECK_UNREADABLE(pages); /* no child gets a device's memory */
    pages_unmap(pages, 100);
    pages_unmap(private, 100);
    closed(memory);
    CHECK_STATUS(sys_memory_create(1, MEMORY_CONTIGUOUS, PAGE_BYTES, HANDLE_NONE, &memory),
                 ERROR_LIMIT_LOW);
    CHECK_STATUS(sys_memory_create(0, MEMORY_CONTIGUOUS, 0, HANDLE_NONE, &memory), ERROR_TOO_MANY);
    CHECK_STATUS(sys_memory_create(UINT64_MAX, MEMORY_CONTIGUOUS, 0, HANDLE_NONE, &memory),
                 ERROR_TOO_MANY);
    CHECK_STATUS(sys_memory_create(1, MEMORY_DMA, 0, HANDLE_NONE, &memory), ERROR_BAD_ARGUMENT);
}

static uint64_t n_quarantined(void) {
    struct system_info info = {0};

    CHECK_OK(sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&info, 0, 0, NULL));
    return info.frames_quarantined;
}

/* Only a budget's handle with WRITE gives it, and that right is not to be won by splitting. */
static void dma_right(void) {
    uint32_t flags = MEMORY_CONTIGUOUS | MEMORY_DMA;
    handle_t memory = HANDLE_NONE, plain = HANDLE_NONE, part = HANDLE_NONE, own = HANDLE_NONE;

    CHECK_STATUS(sys_memory_create(1, flags, 0, HANDLE_NONE, &memory), ERROR_NO_RIGHT);
    CHECK_OK(sys_handle_copy(test_budget, RIGHTS_ALL & ~(uint32_t)RIGHT_WRITE, 0, &plain));
    CHECK_STATUS(sys_memory_create(1, flags, 0, plain, &memory), ERROR_NO_RIGHT);
    CHECK_OK(sys_budget_create(plain, 10, &part));
    CHECK_STATUS(sys_memory_create(1, flags, 0, part, &memory), ERROR_NO_RIGHT);
    CHECK_OK(sys_budget_create(HANDLE_NONE, 10, &own));
    CHECK_STATUS(sys_memory_create(1, flags, 0, own, &memory), ERROR_NO_RIGHT);
    CHECK_OK(sys_memory_create(1, MEMORY_CONTIGUOUS, 0, own, &memory));
    closed(memory);
    closed(own);
    closed(part);
    /* With it a budget of its own bounds it. */
    CHECK_OK(sys_budget_create(test_budget, 3, &part));
    CHECK_STATUS(sys_memory_create(4, flags, 0, part, &memory), ERROR_OUT_OF_BUDGET);
    closed(part);
    closed(plain);
}

static int dma_child(uint64_t n_pages) {
    handle_t memory = HANDLE_NONE;

    CHECK_OK(sys_memory_create(n_pages, MEMORY_CONTIGUOUS | MEMORY_DMA, 0, test_budget, &memory));
    char *pages = pages_map(memory, n_pages, READ_WRITE);

    pages[0] = 1;
    test_shared[0] = ((struct process_page *)PROCESS_PAGE_ADDRESS)->id;
    return 0;
}

/* What a device may still write to stays nobody's until its bus mastering is off. */
static void dma_quarantine(void) {
    uint64_t before = n_quarantined();

    CHECK(child_run(dma_child, 70) == 0);
    CHECK(n_quarantined() == before + 70);
    CHECK_OK(sys_system_control(test_system, SYSTEM_RELEASE_DMA, test_shared[0] + 1, 0, 0, NULL));
    CHECK(n_quarantined() == before + 70);
    CHECK_OK(sys_system_control(test_system, SYSTEM_RELEASE_DMA, test_shared[0], 0, 0, NULL));
    CHECK(n_quarantined() == before);
}

static handle_t dma_endpoint, dma_gate;

static int dma_giver(uint64_t unused) {
    struct message m = {
        .gate = dma_gate, .control = MESSAGE_SEND_HANDLES(1), .deadline = DEADLINE_NEVER};

    (void)unused;
    CHECK_OK(sys_memory_create(1, MEMORY_CONTIGUOUS | MEMORY_DMA, 0, test_budget, &m.handles[0]));
    test_shared[0] = ((struct process_page *)PROCESS_PAGE_ADDRESS)->id;
    CHECK_OK(message_send(&m));
    return 0;
}

/* Given to somebody who holds it for longer than its maker lives, and the bus mastering of whose
 * device is off by then: it is plain memory, and no quarantine waits for a word that was said. */
static void dma_outlives_maker(void) {
    uint64_t before = n_quarantined();
    struct message m = {.control = MESSAGE_ACCEPT(1), .deadline = DEADLINE_NEVER};
    handle_t child;

    dma_endpoint = endpoint_new();
    dma_gate = gate_new(dma_endpoint, 1);
    child = child_start(dma_giver, 0);
    m.gate = dma_endpoint;
    CHECK_OK(message_receive(&m));
    CHECK(child_wait(child).status == 0 && n_quarantined() == before);
    CHECK_OK(sys_system_control(test_system, SYSTEM_RELEASE_DMA, test_shared[0], 0, 0, NULL));
    closed(message_handle(&m, OK, 0));
    CHECK(n_quarantined() == before);
    closed(dma_gate);
    closed(dma_endpoint);
}

static void device_memory(void) {
    handle_t memory = HANDLE_NONE;
    uint64_t at = 0, n = 0;
    const struct {
        uint64_t start, n_pages, flags;
        status_t status;
    } rows[] = {
        {0x1000, 1, 0, ERROR_DENIED},   /* RAM */
        {0x100000, 1, 0, ERROR_DENIED}, /* the kernel */
        {0xff000, 2, 0, ERROR_DENIED},  /* ROM, then RAM */
        {0, 0x100000, 0, ERROR_DENIED}, /* everything below 4 GiB */
        {0xb8000, 0, 0, ERROR_BAD_ARGUMENT},
        {0xb8001, 1, 0, ERROR_BAD_ARGUMENT},
        {0xb8000, UINT64_MAX, 0, ERROR_BAD_ARGUMENT},
        {0xb8000, 1ULL << 52, 0, ERROR_BAD_ARGUMENT},
        {1ULL << 52, 1, 0, ERROR_BAD_ARGUMENT},
        {0xfffffffffffff000, 1, 0, ERROR_BAD_ARGUMENT},
        {0xb8000, 1, 3, ERROR_BAD_ARGUMENT},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK_STATUS(sys_memory_create_device(test_system, rows[i].start, rows[i].n_pages,
                                              (uint32_t)rows[i].flags, &memory),
                     rows[i].status);
    }
    CHECK_OK(sys_memory_create_device(test_system, 0xb8000, 8, 0, &memory));
    CHECK_OK(sys_memory_control(memory, MEMORY_PHYSICAL, 7, &n));
    CHECK(n == 0xbf000);
    volatile uint16_t *screen = (volatile uint16_t *)pages_map(memory, 8, READ_WRITE);

    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, 9 * PAGE_BYTES, 0, MAP_READ, &at),
                 ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, PAGE_BYTES, 8 * PAGE_BYTES, MAP_READ, &at),
                 ERROR_BAD_ARGUMENT);
    screen[8000] = 0x0741;
    CHECK(screen[8000] == 0x0741);
    /* The kernel never touches a device for a program. */
    CHECK_STATUS(sys_handle_info(memory, (struct handle_info *)(uintptr_t)screen),
                 ERROR_BAD_ADDRESS);
    CHECK_UNREADABLE(screen);
    pages_unmap((void *)(uintptr_t)screen, 8);
    closed(memory);
    /* Where the kernel has no mapping, and copies of what is not memory. */
    CHECK_OK(sys_memory_create_device(test_system, 1ULL << 38, 1, 0, &memory));
    CHECK_STATUS(sys_map(HANDLE_NONE, memory, 0, PAGE_BYTES, 0, READ_WRITE | MAP_PRIVATE, &at),
                 ERROR_NOT_SUPPORTED);
    closed(memory);
}

/* Whatever lies at the end of the places for mappings, the next one is below the user half's end.
 */
static int placement_child(uint64_t end) {
    uint64_t address = 0, first = PLACE_START + (1ULL << 40);

    CHECK_OK(map_at(first, PLACE_END - first - (1 << 20), MAP_FIXED | MAP_READ));
    CHECK_OK(map_at(PLACE_END - (1 << 20), end - (PLACE_END - (1 << 20)), MAP_FIXED | MAP_READ));
    status_t status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, 1ULL << 40, 0, READ_WRITE, &address);
    CHECK(status == ERROR_NO_MEMORY ||
          (status == OK && address + (1ULL << 40) <= INFO_PAGE_ADDRESS && address >= USER_BOTTOM));
    return 0;
}

static void placement(void) {
    /* Behind the end there is the stack, and behind that the kernel's pages. */
    CHECK(child_run(placement_child, PLACE_END) == 0);
    CHECK(child_run(placement_child, PLACE_END + PAGE_BYTES) == 0);
    CHECK(child_run(placement_child, PLACE_END + (1ULL << 34)) == 0);
}

/* Many small regions, then no room: an error, not a search for ever. */
static int full_child(uint64_t unused) {
    uint64_t address = 0, step = 1ULL << 38;
    uint64_t n = 0;

    (void)unused;
    for (uint64_t at = PLACE_START + step; at < PLACE_END; at += step) {
        CHECK_OK(map_at(at, PAGE_BYTES, MAP_FIXED | MAP_READ));
        n++;
    }
    CHECK(n > 400);
    CHECK_STATUS(sys_map(HANDLE_NONE, HANDLE_NONE, 0, step, 0, MAP_READ, &address),
                 ERROR_NO_MEMORY);
    CHECK_OK(sys_map(HANDLE_NONE, HANDLE_NONE, 0, step / 2, 0, MAP_READ, &address));
    return 0;
}

static void address_space_full(void) {
    CHECK(child_run(full_child, 0) == 0);
}

/* Random maps, protections and unmappings in a small window, against what should be there. */
static int random_child(uint64_t seed) {
    enum { PAGES = 64 };
    static char content[PAGES];
    static uint8_t rights[PAGES]; /* 0xff: not mapped */
    const uint64_t base = 0x300000000000;

    memset(rights, 0xff, sizeof(rights));
    for (unsigned n = 0; n < 1500; n++) {
        uint64_t r = random_next(&seed);
        unsigned first = r % PAGES, count = 1 + (r >> 8) % (PAGES - first);
        uint32_t protection = (r >> 16) % 3 == 0 ? READ_WRITE : (r >> 16) % 3 == 1 ? MAP_READ : 0;
        uint64_t at = base + first * PAGE_BYTES, length = (uint64_t)count * PAGE_BYTES;

        if ((r >> 24) % 4 == 0) {
            CHECK_OK(map_at(at, length, MAP_FIXED | MAP_REPLACE | protection));
            memset(rights + first, (int)protection, count);
            memset(content + first, 0, count);
        } else if ((r >> 24) % 4 == 1) {
            CHECK_OK(sys_unmap(HANDLE_NONE, at, length));
            memset(rights + first, 0xff, count);
        } else {
            bool holes = memchr(rights + first, 0xff, count) != NULL;

            CHECK_STATUS(sys_protect(HANDLE_NONE, at, length, protection),
                         holes ? ERROR_BAD_ADDRESS : OK);
            for (unsigned i = first; i < first + count && rights[i] != 0xff; i++) {
                rights[i] = (uint8_t)protection;
            }
        }
        for (unsigned i = 0; i < PAGES; i++) {
            volatile char *page = (volatile char *)(uintptr_t)(base + i * PAGE_BYTES);

            if (rights[i] != 0xff && (rights[i] & MAP_READ) != 0) {
                CHECK(*page == content[i]);
            }
            if (rights[i] == READ_WRITE && (r >> 32) % 4 == 0) {
                *page = content[i] = (char)n;
            }
        }
    }
    return 0;
}

static void random_mappings(void) {
    for (unsigned i = 1; i <= 4; i++) {
        CHECK(child_run(random_child, i) == 0);
    }
}

const struct test memory_tests[] = {
    {"memory map flags", map_flags},
    {"memory map refusals", map_refusals},
    {"memory guard pages", guard_pages},
    {"memory protect splits", protect_splits},
    {"memory write xor execute", write_xor_execute},
    {"memory populate", populate},
    {"memory populate an object", populate_object},
    {"memory fresh is zero", fresh_is_zero},
    {"memory rights of objects", object_rights},
    {"memory resize and discard", resize_and_discard},
    {"memory resize a sparse one", resize_sparse},
    {"memory contiguous", contiguous},
    {"memory dma right", dma_right},
    {"memory dma quarantine", dma_quarantine},
    {"memory dma outlives its maker", dma_outlives_maker},
    {"memory of devices", device_memory},
    {"memory placement", placement},
    {"memory address space full", address_space_full},
    {"memory random mappings", random_mappings},
    {NULL, NULL},
};

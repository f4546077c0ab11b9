/* SPDX-License-Identifier: MIT */
/* Fork: what is copied, what is shared, what stays behind; while other threads work. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#define READ_WRITE (MAP_READ | MAP_WRITE)

static char *cow_pages;

static int cow_child(uint64_t value) {
    for (unsigned i = 0; i < 100; i++) {
        CHECK(cow_pages[i * PAGE_BYTES] == (char)i);
        cow_pages[i * PAGE_BYTES] = (char)value;
    }
    sleep_us(3000);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(cow_pages[i * PAGE_BYTES] == (char)value);
    }
    return 0;
}

/* Neither sees what the other writes after the fork, whoever writes first. */
static void copy_on_write(void) {
    handle_t children[3];

    cow_pages = pages_map(HANDLE_NONE, 100, READ_WRITE);
    for (unsigned i = 0; i < 100; i++) {
        cow_pages[i * PAGE_BYTES] = (char)i;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = child_make(cow_child, 100 + i);
    }
    /* The first child starts before the parent writes, the others after. */
    CHECK_OK(sys_process_start(children[0], 0, 0, 0));
    sleep_us(1000);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(cow_pages[i * PAGE_BYTES] == (char)i);
        cow_pages[i * PAGE_BYTES] = (char)-1;
    }
    CHECK_OK(sys_process_start(children[1], 0, 0, 0));
    CHECK_OK(sys_process_start(children[2], 0, 0, 0));
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        CHECK(child_wait(children[i]).status == 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        CHECK(cow_pages[i * PAGE_BYTES] == (char)-1);
    }
    pages_unmap(cow_pages, 100);
}

static handle_t kept_handles[4];

static int shared_child(uint64_t value) {
    struct handle_info info;

    CHECK_OK(sys_notify(kept_handles[0], value));
    CHECK_OK(sys_handle_info(kept_handles[1], &info));
    CHECK(info.type == OBJECT_MEMORY);
    CHECK_STATUS(sys_handle_info(kept_handles[2], &info), ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_handle_info(kept_handles[3], &info), ERROR_BAD_HANDLE);
    char *again = pages_map(kept_handles[1], 1, READ_WRITE);

    CHECK(again[0] == 55);
    again[1] = (char)value;
    test_shared[100] = value;
    return 0;
}

static void shared_and_kept(void) {
    handle_t endpoint = endpoint_new();
    struct message m = {.gate = endpoint, .deadline = 0};

    kept_handles[0] = gate_new(endpoint, 5);
    kept_handles[1] = memory_new(1);
    CHECK_OK(sys_handle_copy(kept_handles[0], RIGHTS_ALL, HANDLE_NO_FORK, &kept_handles[2]));
    kept_handles[3] = endpoint;
    char *page = pages_map(kept_handles[1], 1, READ_WRITE);

    page[0] = 55;
    CHECK(child_run(shared_child, 99) == 0);
    CHECK(page[1] == 99 && test_shared[100] == 99);
    CHECK_OK(message_receive(&m));
    CHECK(m.badge == 5 && m.words[0] == 99);
    pages_unmap(page, 1);
    for (unsigned i = 0; i < 3; i++) {
        closed(kept_handles[i]);
    }
    closed(endpoint);
}

static volatile char *shared_pages;

static int shared_pages_child(uint64_t unused) {
    struct death_record record;

    (void)unused;
    for (unsigned i = 0; i < 80; i++) {
        CHECK(shared_pages[i * PAGE_BYTES] == (i == 7 ? 0 : (char)(i + 1)));
    }
    CHECK(!probe_works(PROBE_READ, &shared_pages[80 * PAGE_BYTES], &record));
    shared_pages[9 * PAGE_BYTES] = 77;
    return 0;
}

/* Pages of memory objects come along in the page tables: what is cut off or dropped afterwards goes
 * from the child too, and both go on seeing one another's writing. */
static void shared_pages_come_along(void) {
    handle_t memory = memory_new(90);
    handle_t child;

    shared_pages = pages_map(memory, 90, READ_WRITE);
    for (unsigned i = 0; i < 90; i++) {
        shared_pages[i * PAGE_BYTES] = 1;
    }
    child = child_make(shared_pages_child, 0);
    for (unsigned i = 0; i < 90; i++) {
        shared_pages[i * PAGE_BYTES] = (char)(i + 1);
    }
    CHECK_OK(sys_memory_control(memory, MEMORY_DISCARD, 7 | (uint64_t)1 << 32, NULL));
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 80, NULL));
    CHECK_OK(sys_process_start(child, 0, 0, 0));
    CHECK(child_wait(child).status == 0);
    CHECK(shared_pages[9 * PAGE_BYTES] == 77);
    pages_unmap((void *)(uintptr_t)shared_pages, 90);
    closed(memory);
}

static volatile uint32_t mapper_stop;

/* Keeps two pages equal, one of which always moves. */
static void mapper_main(void *argument) {
    volatile uint64_t *count = argument;
    unsigned n = 0;

    while (mapper_stop == 0) {
        char *pages = pages_map(HANDLE_NONE, 40, READ_WRITE);

        memset(pages, 7, 3 * PAGE_BYTES);
        CHECK_OK(sys_protect(HANDLE_NONE, (uint64_t)(uintptr_t)pages, PAGE_BYTES, MAP_READ));
        count[0]++;
        count[512] = count[0];
        pages_unmap(pages, 40);
        if (++n % 16 == 0) {
            sleep_us(50);
        }
    }
}

static volatile uint64_t *mapper_counts;

static int snapshot_child(uint64_t i) {
    volatile uint64_t *count = mapper_counts + i * 1024;

    /* One instruction may be between the two; and nobody changes them here. */
    CHECK(count[0] - count[512] <= 1);
    uint64_t seen = count[0];

    sleep_us(300);
    CHECK(count[0] == seen);
    return 0;
}

static void fork_with_threads(void) {
    struct thread threads[3];

    mapper_stop = 0;
    mapper_counts = (volatile uint64_t *)pages_map(HANDLE_NONE, 6, READ_WRITE | MAP_POPULATE);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], mapper_main,
                              (void *)(uintptr_t)(mapper_counts + i * 1024), 0));
    }
    for (unsigned i = 0; i < 25; i++) {
        sleep_us(200);
        CHECK(child_run(snapshot_child, i % 3) == 0);
    }
    mapper_stop = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
        CHECK(mapper_counts[i * 1024] > 10);
    }
    pages_unmap((void *)(uintptr_t)mapper_counts, 6);
}

static volatile uint64_t chain_words[2048];

/* A child of a child of ...: each page is shared by all of them, and changed by each. */
static int chain_child(uint64_t depth) {
    for (unsigned i = 0; i < ARRAY_SIZE(chain_words); i += 64) {
        CHECK(chain_words[i] == depth);
        chain_words[i] = depth + 1;
    }
    if (depth < 40) {
        CHECK(child_run(chain_child, depth + 1) == 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(chain_words); i += 64) {
        CHECK(chain_words[i] == depth + 1);
    }
    return 0;
}

static void deep_chain(void) {
    for (unsigned i = 0; i < ARRAY_SIZE(chain_words); i++) {
        chain_words[i] = 0;
    }
    CHECK(child_run(chain_child, 0) == 0);
    CHECK(chain_words[0] == 0);
}

static int only_exit(uint64_t status) {
    return (int)status;
}

static void thousand_forks(void) {
    for (unsigned i = 0; i < 1000; i++) {
        struct process_status status = child_wait(child_start(only_exit, i & 127));

        CHECK(status.cause == DEATH_EXIT && status.status == (int)(i & 127));
    }
}

/* A fork that does not fit into the budget leaves nothing behind. */
static int forking_beyond(uint64_t unused) {
    handle_t budget = HANDLE_NONE, child = HANDLE_NONE;
    struct handle_info info;
    char *pages = pages_map(HANDLE_NONE, 4000, READ_WRITE | MAP_POPULATE);

    (void)unused;
    /* Leaves 3,000 frames: not enough for what is touched already. */
    CHECK_OK(sys_handle_info(test_budget, &info));
    CHECK_OK(sys_budget_create(test_budget, info.budget.limit - info.budget.used - 3000, &budget));
    uint64_t before = budget_used(test_budget);

    for (unsigned i = 0; i < 3; i++) {
        CHECK_STATUS(sys_process_fork(&child), ERROR_OUT_OF_BUDGET);
        for (unsigned j = 0; j < 1000 && budget_used(test_budget) > before; j++) {
            sleep_us(1000);
        }
        CHECK(budget_used(test_budget) <= before);
    }
    for (unsigned i = 0; i < 4000; i++) {
        CHECK(pages[i * PAGE_BYTES] == 0);
        pages[i * PAGE_BYTES] = 1; /* still its own, and writable */
    }
    closed(budget);
    return 0;
}

static void fork_beyond_budget(void) {
    CHECK(child_run(forking_beyond, 0) == 0);
}

/* Processes that are never started: forgotten, given to themselves, given to each other. */
static int never_started(uint64_t unused) {
    handle_t first = HANDLE_NONE, second = HANDLE_NONE, number = HANDLE_NONE;

    (void)unused;
    (void)child_make(only_exit, 0);
    CHECK_OK(sys_process_create(HANDLE_NONE, "first", &first));
    CHECK_OK(sys_process_create(HANDLE_NONE, "second", &second));
    CHECK_OK(sys_process_give(first, first, RIGHTS_ALL, &number));
    CHECK_OK(sys_process_give(first, first, RIGHTS_ALL, &number));
    CHECK_STATUS(sys_process_give(first, second, RIGHTS_ALL, &number), ERROR_BAD_STATE);
    CHECK_STATUS(sys_process_give(second, first, RIGHTS_ALL, &number), ERROR_BAD_STATE);
    CHECK_OK(sys_process_give(second, second, RIGHTS_ALL, &number));
    closed(second); /* nobody else can start it: it dies */
    return 0;
}

static void never_started_ones_die(void) {
    CHECK(child_run(never_started, 0) == 0);
    handle_t child = child_make(only_exit, 0);

    closed(child);
}

static void forks_empty(uint64_t unused) {
    handle_t child = HANDLE_NONE;

    (void)unused;
    CHECK_OK(sys_process_fork(&child));
    CHECK(child != HANDLE_NONE);
}

/* A handle table that never had a handle has no page to be copied. */
static void without_handles(void) {
    struct image image = image_make(HANDLE_NONE, forks_empty, 0);

    CHECK(child_wait(image_start(&image)).status == OK);
}

const struct test fork_tests[] = {
    {"fork copy on write", copy_on_write},
    {"fork shares and keeps", shared_and_kept},
    {"fork takes shared pages", shared_pages_come_along},
    {"fork while threads map", fork_with_threads},
    {"fork deep chain", deep_chain},
    {"fork thousand times", thousand_forks},
    {"fork beyond the budget", fork_beyond_budget},
    {"fork never started", never_started_ones_die},
    {"fork without handles", without_handles},
    {NULL, NULL},
};

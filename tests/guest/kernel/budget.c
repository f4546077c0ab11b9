/* SPDX-License-Identifier: MIT */
/* Budgets: who pays, how much, until when; and what happens when there is none left. */
#include "tests/guest/kernel/kernel_test.h"
#include "tests/guest/sleeper.h"

#include <string.h>

#define READ_WRITE   (MAP_READ | MAP_WRITE)
#define IMAGE_FRAMES 400 /* more than a process of image_make costs */

static struct budget_figures figures(handle_t budget) {
    struct handle_info info = {0};

    CHECK_OK(sys_handle_info(budget, &info));
    return info.budget;
}

/* Waits for the reaper. */
static bool settles_at(handle_t budget, uint64_t used) {
    for (unsigned i = 0; i < 500 && budget_used(budget) != used; i++) {
        sleep_us(1000);
    }
    return budget_used(budget) == used;
}

static void split(void) {
    uint64_t before = budget_used(test_budget);
    handle_t first = budget_new(test_budget, 1000), second = budget_new(first, 600);
    handle_t third = HANDLE_NONE;

    CHECK(figures(first).limit == 1000 && figures(second).limit == 600);
    CHECK(figures(first).used >= 600 && figures(second).used == 0);
    CHECK(budget_used(test_budget) >= before + 1000);
    CHECK_STATUS(sys_budget_create(first, 401, &third), ERROR_OUT_OF_BUDGET);
    CHECK_STATUS(sys_budget_create(second, 601, &third), ERROR_OUT_OF_BUDGET);
    CHECK_OK(sys_budget_create(first, 399, &third));
    CHECK_STATUS(sys_budget_create(first, 1, &third), ERROR_OUT_OF_BUDGET);
    closed(third);
    /* The handle may go: what was split off lives on, and is paid for. */
    closed(first);
    CHECK(budget_used(test_budget) >= before + 600);
    closed(second);
    CHECK(budget_used(test_budget) == before);
}

/* The same number of objects every time: nothing is lost, not even bytes. */
static void refunded_to_the_byte(void) {
    handle_t budget = budget_new(test_budget, 3), memories[300];
    unsigned counts[5];

    for (unsigned round = 0; round < ARRAY_SIZE(counts); round++) {
        unsigned n = 0;

        while (n < ARRAY_SIZE(memories) && sys_memory_create(5, 0, 0, budget, &memories[n]) == OK) {
            n++;
        }
        counts[round] = n;
        CHECK(n > 20 && n < ARRAY_SIZE(memories) && counts[0] == n);
        for (unsigned i = 0; i < n; i++) {
            closed(memories[i]);
        }
        CHECK(figures(budget).used == 0);
    }
    closed(budget);
}

static uint64_t frames_free(void) {
    struct system_info info = {0};

    CHECK_OK(sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&info, 0, 0, NULL));
    return info.frames_free;
}

static handle_t objects[2000];

/* Makes as many small objects as the budget pays for, and keeps one in `stride`, or none if that is
 * 0. Returns how many it made. */
static unsigned objects_thin_out(handle_t budget, unsigned stride) {
    unsigned n = 0;

    while (n < ARRAY_SIZE(objects) && sys_memory_create(5, 0, 0, budget, &objects[n]) == OK) {
        n++;
    }
    CHECK(n > 100 && n < ARRAY_SIZE(objects));
    for (unsigned i = 0; i < n; i++) {
        if (stride == 0 || i % stride != 0) {
            closed(objects[i]);
        }
    }
    return n;
}

/* One object left in each of the kernel's pages: they are still paid for, every one of them. */
static void fragments_paid(void) {
    handle_t budget = budget_new(test_budget, 30), memory = HANDLE_NONE;

    (void)objects_thin_out(budget, 0); /* this process's handle table has grown now */
    CHECK(budget_used(budget) == 0);
    uint64_t before = frames_free();
    unsigned n = objects_thin_out(budget, 15); /* there are more than 15 in a page */

    CHECK(before - frames_free() == 30 && budget_used(budget) == 30);
    CHECK_STATUS(sys_memory_create(1, MEMORY_CONTIGUOUS, 0, budget, &memory), ERROR_OUT_OF_BUDGET);
    /* The free slots are there for objects all the same. */
    CHECK_OK(sys_memory_create(5, 0, 0, budget, &memory));
    closed(memory);
    for (unsigned i = 0; i < n; i += 15) {
        closed(objects[i]);
    }
    CHECK(before == frames_free() && budget_used(budget) == 0);
    closed(budget);
}

static void use_all_pages(uint64_t unused) {
    char *pages = pages_map(HANDLE_NONE, 100000, READ_WRITE);

    (void)unused;
    for (unsigned i = 0; i < 100000; i++) {
        pages[(uint64_t)i * PAGE_BYTES] = 1;
        test_shared[0]++;
    }
}

/* Every call that makes something, until nothing more can be made: errors, never death. */
static void use_all_objects(uint64_t which) {
    handle_t endpoint = endpoint_new(), handle = HANDLE_NONE;
    status_t status = OK;
    uint64_t address = 0;

    test_shared[1] = 2; /* the tables for that page are there */
    for (unsigned i = 0; status == OK && i < 1000000; i++) {
        switch (which) {
        case 0:
            status = sys_endpoint_create(&handle);
            break;
        case 1:
            status = sys_gate_create(endpoint, i, &handle);
            break;
        case 2:
            status = sys_memory_create(1, 0, 0, HANDLE_NONE, &handle);
            break;
        case 3:
            status = sys_memory_create(1, MEMORY_CONTIGUOUS, 0, HANDLE_NONE, &handle);
            break;
        case 4:
            status = sys_process_create(HANDLE_NONE, "x", &handle);
            break;
        case 5:
            status = sys_budget_create(HANDLE_NONE, 3, &handle);
            break;
        case 6:
            status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, PAGE_BYTES, 0, MAP_READ, &address);
            break;
        case 7:
            status = sys_handle_copy(endpoint, RIGHTS_ALL, 0, &handle);
            break;
        case 8:
            status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, 64 * PAGE_BYTES, 0,
                             READ_WRITE | MAP_POPULATE, &address);
            break;
        default:
            status = sys_process_fork(&handle);
            if (status == OK && handle == HANDLE_NONE) {
                return;
            }
            break;
        }
    }
    CHECK(status == ERROR_OUT_OF_BUDGET || (which == 7 && status == ERROR_TOO_MANY));
    test_shared[1] = 1;
}

static void exhausted(void) {
    for (unsigned which = 0; which <= 10; which++) {
        handle_t budget = budget_new(test_budget, 2 * IMAGE_FRAMES);
        struct image image =
            image_make(budget, which == 10 ? use_all_pages : use_all_objects, which);

        test_shared[1] = 0;
        struct process_status status = child_wait(image_start(&image));

        if (which == 10) {
            CHECK(status.cause == DEATH_BUDGET && test_shared[0] > 100);
        } else {
            CHECK(status.cause == DEATH_EXIT && status.status == 0 && test_shared[1] == 1);
        }
        CHECK(settles_at(budget, 0));
        closed(budget);
    }
}

/* Gives 50 pages to the parent, and dies: it pays until the parent lets go. */
static void give_away(uint64_t gate) {
    handle_t memory = memory_new(50);
    char *pages = pages_map(memory, 50, READ_WRITE | MAP_POPULATE);
    struct message m = {.gate = (handle_t)gate, .deadline = DEADLINE_NEVER};

    memset(pages, 7, 50 * PAGE_BYTES);
    pages_unmap(pages, 50);
    m.handles[0] = memory;
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_OK(message_call(&m));
}

static void creator_pays(void) {
    handle_t budget = budget_new(test_budget, 2 * IMAGE_FRAMES), endpoint = endpoint_new();
    handle_t gate = gate_new(endpoint, 1), number = HANDLE_NONE;
    struct message m = {
        .gate = endpoint, .deadline = time_deadline(5 * NS_PER_S), .control = MESSAGE_ACCEPT(1)};
    /* The first handle of a new process has the number 1. */
    struct image image = image_make(budget, give_away, 1);

    CHECK_OK(sys_process_give(image.process, gate, RIGHTS_ALL, &number));
    CHECK(number == 1);
    (void)image_start(&image);
    CHECK_OK(message_receive(&m));
    CHECK(MESSAGE_RESULT_HANDLES(m.control) == 1 && MESSAGE_RESULT_EXCLUSIVE(m.control, 0));
    handle_t memory = m.handles[0];

    m = (struct message){0};
    CHECK_OK(message_reply(&m));
    CHECK(child_wait(image.process).status == 0);
    uint64_t others = budget_used(test_budget);

    for (unsigned i = 0; i < 100 && budget_used(budget) > 60; i++) {
        sleep_us(1000);
    }
    CHECK(budget_used(budget) >= 50 && budget_used(budget) <= 60);
    char *pages = pages_map(memory, 50, READ_WRITE);

    CHECK(pages[49 * PAGE_BYTES] == 7);
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 200, NULL));
    for (unsigned i = 0; i < 50; i++) {
        pages[i * PAGE_BYTES] = 1;
    }
    closed(memory);
    CHECK(budget_used(budget) >= 50); /* still mapped */
    pages_unmap(pages, 50);
    CHECK(settles_at(budget, 0));
    CHECK(others >= budget_used(test_budget) || others + 5 > budget_used(test_budget));
    closed(gate);
    closed(endpoint);
    closed(budget);
}

/* Lends pages that it has no budget for; then answers with one more call to say what came. */
static void lend_beyond(uint64_t gate) {
    char *pages = pages_map(HANDLE_NONE, 2000, READ_WRITE);
    struct message m = {.gate = (handle_t)gate, .deadline = DEADLINE_NEVER};

    m.segments[0] = MESSAGE_LEND(pages, 2000 * PAGE_BYTES, LENT_WRITABLE);
    m.control = MESSAGE_SEGMENTS(1);
    CHECK_OK(message_call(&m));
    test_shared[0] = 0x900d;
}

/* A server whose own buffer is beyond its budget. Handle 1: the endpoint. */
static void serve_beyond(uint64_t endpoint) {
    char *pages = pages_map(HANDLE_NONE, 2000, READ_WRITE);
    struct message m = {.gate = (handle_t)endpoint, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_receive(&m));
    CHECK_STATUS(sys_lent_read(HANDLE_NONE, 0, pages, 2000 * PAGE_BYTES, NULL),
                 ERROR_OUT_OF_BUDGET);
    m = (struct message){.label = 44};
    CHECK_OK(message_reply(&m));
}

/* The budget ends within a lent copy: PEER_FAULT if it is the lender's, else OUT_OF_BUDGET. */
static void ends_in_a_lent_copy(void) {
    handle_t budget = budget_new(test_budget, 2 * IMAGE_FRAMES), endpoint = endpoint_new();
    handle_t gate = gate_new(endpoint, 1), number = HANDLE_NONE;
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    char *pages = pages_map(HANDLE_NONE, 2000, READ_WRITE);
    struct image image = image_make(budget, lend_beyond, 1);

    CHECK_OK(sys_process_give(image.process, gate, RIGHTS_ALL, &number));
    (void)image_start(&image);
    CHECK_OK(message_receive(&m));
    CHECK_STATUS(sys_lent_write(HANDLE_NONE, 0, pages, 2000 * PAGE_BYTES, NULL), ERROR_PEER_FAULT);
    m = (struct message){0};
    CHECK_OK(message_reply(&m));
    CHECK(child_wait(image.process).status == 0 && test_shared[0] == 0x900d);
    CHECK(settles_at(budget, 0));

    image = image_make(budget, serve_beyond, 1);
    CHECK_OK(sys_process_give(image.process, endpoint, RIGHTS_ALL, &number));
    (void)image_start(&image);
    m = (struct message){.gate = gate, .deadline = time_deadline(5 * NS_PER_S)};
    m.segments[0] = MESSAGE_LEND(pages, 2000 * PAGE_BYTES, LENT_READABLE);
    m.control = MESSAGE_SEGMENTS(1);
    CHECK_OK(message_call(&m));
    CHECK(m.label == 44);
    CHECK(child_wait(image.process).status == 0);
    CHECK(settles_at(budget, 0));
    pages_unmap(pages, 2000);
    closed(gate);
    closed(endpoint);
    closed(budget);
}

/* --- what things cost: rows of tools/bench ---------------------------------------------------- */

#define N_WAITERS 300

/* All that the kernel has for a thread that waits; in whole pages, of which a slab is one. */
static void thread_cost(void) {
    static struct sleeper sleeper;
    uint64_t before = budget_used(test_budget), bytes, n_woken;
    uint32_t id;

    sleeper = (struct sleeper){.deadline = DEADLINE_NEVER};
    for (unsigned i = 0; i < N_WAITERS; i++) {
        CHECK_OK(sys_thread_create((uint64_t)(uintptr_t)sleeper_main, 0,
                                   (uint64_t)(uintptr_t)&sleeper, 0, &id));
    }
    sleep_us(MACHINE_PAUSE_US);
    bytes = (budget_used(test_budget) - before) * PAGE_BYTES / N_WAITERS;
    test_print("bench memory_thread %llu\n", (unsigned long long)bytes);
    CHECK(bytes > 600 && bytes <= 1024);
    sleeper.word = 1;
    CHECK_OK(sys_futex_wake(&sleeper.word, N_WAITERS, 0, &n_woken));
}

/* A process without memory of its own: its page tables, the pages that the kernel shows it, and a
 * table of handles. */
static void process_cost(void) {
    handle_t budget = budget_new(test_budget, 100), process = HANDLE_NONE;
    uint64_t bytes;

    CHECK_OK(sys_process_create(budget, "empty", &process));
    bytes = budget_used(budget) * PAGE_BYTES;
    test_print("bench memory_process %llu\n", (unsigned long long)bytes);
    CHECK(bytes > PAGE_BYTES && bytes <= 40 * 1024);
    closed(process);
    CHECK(settles_at(budget, 0));
    closed(budget);
}

const struct test budget_tests[] = {
    {"budget split", split},
    {"budget refunded to the byte", refunded_to_the_byte},
    {"budget fragments paid", fragments_paid},
    {"budget used up by every call", exhausted},
    {"budget of the creator", creator_pays},
    {"budget ends in a lent copy", ends_in_a_lent_copy},
    {"budget of a thread", thread_cost},
    {"budget of a process", process_cost},
    {NULL, NULL},
};

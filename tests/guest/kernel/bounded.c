/* SPDX-License-Identifier: MIT */
/* What takes many steps: it ends, for all who are concerned, and others go on meanwhile. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#include "lib/native/block.h"

#define READ_WRITE (MAP_READ | MAP_WRITE)
#define N_THREADS  200 /* several steps' worth */

/* --- the reaper behind a busy thread --------------------------------------------------------- */

static int fat_child(uint64_t n_pages) {
    char *pages = pages_map(HANDLE_NONE, n_pages, READ_WRITE);

    for (uint64_t i = 0; i < n_pages; i++) {
        pages[i * PAGE_BYTES] = 1;
    }
    test_shared[0] = 1;
    while (test_shared[0] == 1) {
        sleep_us(NS_PER_S / NS_PER_US);
    }
    return 0;
}

/* Asks again and again, and never waits: at any priority the dead must go all the same. */
static void reaper_goes_on(void) {
    static const unsigned priorities[] = {30, 50, PRIORITY_MAX};
    struct process_status status = {0};

    for (unsigned i = 0; i < ARRAY_SIZE(priorities); i++) {
        handle_t child;
        uint64_t deadline;

        test_shared[0] = 0;
        child = child_start(fat_child, 600);
        while (test_shared[0] == 0) {
            sleep_us(200);
        }
        priority_set(priorities[i]);
        CHECK_OK(sys_process_kill(child, 7));
        deadline = time_deadline(8 * NS_PER_S);
        do {
            CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL,
                                      NULL));
        } while (status.state != PROCESS_DEAD && time_now_ns() < deadline);
        CHECK(status.state == PROCESS_DEAD && status.status == 7);
        closed(child);
    }
    priority_set(PRIORITY_MAX);
}

/* --- many threads ----------------------------------------------------------------------------- */

static volatile uint32_t gate_word, n_upcalls;
static volatile uint64_t turns[N_THREADS];
static struct thread members[N_THREADS];

static void member_main(void *number) {
    while (gate_word == 0) {
        turns[(uintptr_t)number]++;
        sleep_us(500);
    }
}

static void members_start(void (*function)(void *)) {
    for (uintptr_t i = 0; i < N_THREADS; i++) {
        CHECK_OK(thread_start(&members[i], function, (void *)i, 8192));
    }
}

static void members_join(void) {
    for (unsigned i = 0; i < N_THREADS; i++) {
        thread_join(&members[i]);
    }
}

static int stopped_child(uint64_t unused) {
    uint64_t before[N_THREADS], deadline;

    (void)unused;
    members_start(member_main);
    test_shared[0] = 1;
    while (test_shared[1] == 0) {
        sleep_us(1000);
    }
    /* All of them run again. */
    for (unsigned i = 0; i < N_THREADS; i++) {
        before[i] = turns[i];
    }
    deadline = time_deadline(8 * NS_PER_S);
    for (unsigned i = 0; i < N_THREADS; i++) {
        while (turns[i] == before[i]) {
            CHECK(time_now_ns() < deadline);
            sleep_us(1000);
        }
    }
    gate_word = 1;
    members_join();
    return 0;
}

/* Stopped, made to run, stopped again before all do, and let go: nobody is forgotten. Its threads'
 * priority changes too. */
static void many_stopped(void) {
    handle_t child = child_start(stopped_child, 0);

    while (test_shared[0] == 0) {
        sleep_us(500);
    }
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
        sleep_us(3000);
        CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, 20 + i, 0, NULL));
        CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    }
    test_shared[1] = 1;
    struct process_status status = child_wait(child);

    CHECK(status.cause == DEATH_EXIT && status.status == 0);
}

static void counting_handler(struct upcall_frame *frame) {
    __atomic_fetch_add(&n_upcalls, 1, __ATOMIC_RELAXED);
    sys_upcall_return(frame);
}

/* Each thread has bits from before there was a handler, and waits; all are told. */
static int early_bits_child(uint64_t unused) {
    uint64_t deadline = time_deadline(8 * NS_PER_S);

    (void)unused;
    members_start(member_main);
    for (unsigned i = 0; i < N_THREADS; i++) {
        CHECK_OK(sys_thread_upcall(thread_opened(members[i].id), 1));
    }
    CHECK_OK(sys_upcall_set((uint64_t)(uintptr_t)counting_handler,
                            (uint64_t)(uintptr_t)native_block_begin,
                            (uint64_t)(uintptr_t)native_block_end));
    while (n_upcalls < N_THREADS) {
        CHECK(time_now_ns() < deadline);
        sleep_us(1000);
    }
    gate_word = 1;
    members_join();
    CHECK(n_upcalls == N_THREADS);
    return 0;
}

static void many_upcalls(void) {
    CHECK(child_run(early_bits_child, 0) == 0);
}

/* --- many mappings ---------------------------------------------------------------------------- */

#define N_MAPPINGS 300

/* Pages of an object that is mapped in many places are cut off, and are gone in all of them. */
static int many_mappings_child(uint64_t unused) {
    handle_t memory = memory_new(20);
    char *pages[N_MAPPINGS];
    struct death_record record;

    (void)unused;
    for (unsigned i = 0; i < N_MAPPINGS; i++) {
        pages[i] = pages_map(memory, 20, i % 3 == 0 ? MAP_READ | MAP_PRIVATE : READ_WRITE);
        for (unsigned page = 0; page < 20; page++) {
            CHECK(pages[i][page * PAGE_BYTES] == (i == 0 ? 0 : (char)page));
            if (i == 1) {
                pages[i][page * PAGE_BYTES] = (char)page;
            }
            if (i == 0) {
                char *here = pages_map(memory, 20, READ_WRITE);

                here[page * PAGE_BYTES] = (char)page;
                pages_unmap(here, 20);
            }
        }
    }
    CHECK_OK(sys_memory_control(memory, MEMORY_DISCARD, 5 | (uint64_t)10 << 32, NULL));
    for (unsigned i = 0; i < N_MAPPINGS; i++) {
        CHECK(pages[i][4 * PAGE_BYTES] == 4 && pages[i][15 * PAGE_BYTES] == 15);
        CHECK(pages[i][5 * PAGE_BYTES] == 0 && pages[i][14 * PAGE_BYTES] == 0);
    }
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 3, NULL));
    for (unsigned i = 0; i < N_MAPPINGS; i += 17) {
        CHECK(!probe_works(PROBE_READ, pages[i] + 3 * PAGE_BYTES, &record) && record.vector == 14);
        CHECK(pages[i][2 * PAGE_BYTES] == 2);
    }
    return 0;
}

static void many_mappings(void) {
    CHECK(child_run(many_mappings_child, 0) == 0);
}

/* Pages that one mapping has, and a page of which thousands are: cut off in the sum of both. */
static int resize_mapped_child(uint64_t unused) {
    enum { PAGES = 4000, MAPPINGS = 5000 };
    uint64_t *at = (uint64_t *)pages_map(HANDLE_NONE, MAPPINGS / 512 + 1, READ_WRITE);

    (void)unused;
    handle_t memory = memory_new(PAGES);
    char *pages = pages_map(memory, PAGES, READ_WRITE);
    char *private = pages_map(memory, PAGES, READ_WRITE | MAP_PRIVATE);

    for (unsigned i = 0; i < PAGES; i++) {
        pages[i * PAGE_BYTES] = 1;
    }
    private[0] = private[(PAGES - 1) * PAGE_BYTES] = 2;
    for (unsigned i = 0; i < MAPPINGS; i++) {
        CHECK_OK(sys_map(HANDLE_NONE, memory, 0, PAGE_BYTES, 0, READ_WRITE, &at[i]));
        CHECK(*(char *)(uintptr_t)at[i] == 1);
    }
    uint64_t start = time_now_ns();

    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 1, NULL));
    CHECK_READABLE(pages);
    CHECK_UNREADABLE(pages + PAGE_BYTES);
    CHECK(private[0] == 2);
    CHECK_UNREADABLE(private + (PAGES - 1) * PAGE_BYTES);
    CHECK(*(char *)(uintptr_t)at[MAPPINGS / 2] == 1);
    CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 0, NULL));
    CHECK(time_now_ns() - start < NS_PER_S);
    CHECK_UNREADABLE((char *)(uintptr_t)at[0]);
    CHECK_UNREADABLE((char *)(uintptr_t)at[MAPPINGS / 2]);
    CHECK_UNREADABLE((char *)(uintptr_t)at[MAPPINGS - 1]);
    return 0;
}

static void resize_mapped(void) {
    CHECK(child_run(resize_mapped_child, 0) == 0);
}

/* --- futexes ---------------------------------------------------------------------------------- */

static volatile uint32_t private_words[N_THREADS];

static void private_main(void *number) {
    volatile uint32_t *word = &private_words[(uintptr_t)number];

    while (*word == 0) {
        (void)syscall_do(SYSCALL_futex_wait, (uint64_t)(uintptr_t)word, 0, DEADLINE_NEVER, 0, 0, 0);
    }
}

static uint32_t wake(volatile void *word, uint64_t n, uint32_t flags) {
    return (uint32_t)syscall_do(SYSCALL_futex_wake, (uint64_t)(uintptr_t)word, n, flags, 0, 0, 0)
        .value;
}

/* Waits in memory that goes away: the object lives as long as somebody waits. */
static int gone_child(uint64_t unused) {
    static struct thread thread;
    handle_t memory = memory_new(1);

    (void)unused;
    uint32_t *word = (uint32_t *)(uintptr_t)pages_map(memory, 1, READ_WRITE);

    closed(memory);
    test_shared[2] = (uint64_t)(uintptr_t)word;
    CHECK_OK(thread_start(&thread, (void (*)(void *))(uintptr_t)test_shared[3], word, 0));
    sleep_us(MACHINE_PAUSE_US);
    pages_unmap(word, 1);
    CHECK(wake(&private_words[0], 10, 0) == 0);
    return 0; /* the thread waits on, until the process ends */
}

static void shared_wait_main(void *word) {
    (void)syscall_do(SYSCALL_futex_wait, (uint64_t)(uintptr_t)word, 0, DEADLINE_NEVER, FUTEX_SHARED,
                     0, 0);
}

/* Each word wakes its own, among many. */
static int many_words_child(uint64_t unused) {
    (void)unused;
    members_start(private_main);
    sleep_us(MACHINE_PAUSE_US);
    for (unsigned i = N_THREADS; i-- > 0;) {
        uint64_t deadline = time_deadline(8 * NS_PER_S);

        while (wake(&private_words[i], 10, 0) == 0) {
            CHECK(time_now_ns() < deadline);
            sleep_us(500);
        }
        private_words[i] = 1;
        (void)wake(&private_words[i], 10, 0);
    }
    members_join();
    return 0;
}

static void many_words(void) {
    CHECK(child_run(many_words_child, 0) == 0);
    test_shared[3] = (uint64_t)(uintptr_t)shared_wait_main;
    CHECK(child_run(gone_child, 0) == 0);
}

/* --- a crowded end ---------------------------------------------------------------------------- */

#define N_OBJECTS    40
#define OBJECT_PAGES 16

static void spin_main(void *unused) {
    (void)unused;
    priority_set(20); /* so that who starts them does not have to take turns with them */
    for (;;) {
    }
}

/* Many threads that are ready to run, many handles whose objects have many pages. */
static int crowded_child(uint64_t unused) {
    (void)unused;
    members_start(spin_main);
    for (unsigned i = 0; i < N_OBJECTS; i++) {
        char *pages = pages_map(memory_new(OBJECT_PAGES), OBJECT_PAGES, READ_WRITE);

        for (unsigned page = 0; page < OBJECT_PAGES; page++) {
            pages[page * PAGE_BYTES] = 1;
        }
    }
    test_shared[0] = 1;
    spin_main(NULL);
    return 0;
}

/* All of that goes, a little at a time (tools/stretch sees whether it is little), and a thread that
 * has to run meanwhile does. */
static void many_ends(void) {
    handle_t child = child_start(crowded_child, 0);
    uint64_t asked;

    while (test_shared[0] == 0) {
        sleep_us(500);
    }
    CHECK_OK(sys_process_kill(child, 7));
    asked = time_now_ns();
    sleep_us(100);
    CHECK(time_now_ns() - asked < NS_PER_S);
    CHECK(child_wait_quietly(child).status == 7);
}

const struct test bounded_tests[] = {
    {"reaper goes on", reaper_goes_on}, {"bounded thaw", many_stopped},
    {"bounded upcalls", many_upcalls},  {"bounded mappings", many_mappings},
    {"bounded resize", resize_mapped},  {"bounded futex words", many_words},
    {"bounded ends", many_ends},        {NULL, NULL},
};

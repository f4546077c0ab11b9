/* SPDX-License-Identifier: MIT */
/* Processes and threads: fork, exit, kill, stop, become. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

static volatile uint64_t shared_words[1024];

static int fork_child(uint64_t argument) {
    for (unsigned i = 0; i < ARRAY_SIZE(shared_words); i++) {
        CHECK(shared_words[i] == i + argument);
        shared_words[i] = 0;
    }
    return (int)argument;
}

static void fork_copies_memory(void) {
    for (unsigned n = 0; n < 10; n++) {
        for (unsigned i = 0; i < ARRAY_SIZE(shared_words); i++) {
            shared_words[i] = i + n;
        }
        CHECK(child_run(fork_child, n) == (int)n);
        for (unsigned i = 0; i < ARRAY_SIZE(shared_words); i++) {
            CHECK(shared_words[i] == i + n);
        }
    }
}

static int exit_child(uint64_t status) {
    return (int)status;
}

static void exit_status(void) {
    CHECK(child_run(exit_child, 0) == 0);
    CHECK(child_run(exit_child, 255) == 255);
    CHECK(child_run(exit_child, (uint64_t)-5) == -5);
}

static int spin_child(uint64_t unused) {
    (void)unused;
    for (;;) {
        __asm__ volatile("pause");
    }
    return 0;
}

static void kill_running(void) {
    handle_t child = child_start(spin_child, 0);
    struct process_status status;

    time_sleep_until(time_deadline(5 * NS_PER_MS));
    CHECK_OK(sys_process_kill(child, 9));
    status = child_wait(child);
    CHECK(status.cause == DEATH_KILLED && status.status == 9 && status.cpu_ns > 1000000);
}

static void unstarted_child_dies(void) {
    handle_t child = child_make(exit_child, 1);

    CHECK_OK(sys_process_kill(child, 3));
    CHECK(child_wait(child).status == 3);
}

static void stop_and_continue(void) {
    handle_t child = child_start(spin_child, 0);
    struct process_status before, after;

    time_sleep_until(time_deadline(5 * NS_PER_MS));
    CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
    CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &before, sizeof(before), 0, NULL, NULL));
    CHECK(before.state == PROCESS_STOPPED);
    time_sleep_until(time_deadline(20 * NS_PER_MS));
    CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &after, sizeof(after), 0, NULL, NULL));
    CHECK(after.cpu_ns - before.cpu_ns < NS_PER_MS);
    CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    time_sleep_until(time_deadline(20 * NS_PER_MS));
    CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &before, sizeof(before), 0, NULL, NULL));
    CHECK(before.cpu_ns - after.cpu_ns > 10 * NS_PER_MS);
    CHECK_OK(sys_process_kill(child, 0));
    (void)child_wait(child);
}

static void spin_thread(void *unused) {
    (void)unused;
    for (;;) {
    }
}

/* Stops itself, while its other threads run. */
static int self_stopping_child(uint64_t unused) {
    static struct thread threads[4];

    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], spin_thread, NULL, 0));
    }
    time_sleep_until(time_deadline(MACHINE_PAUSE_US * NS_PER_US));
    CHECK_OK(sys_process_control(HANDLE_NONE, PROCESS_STOP, 0, 0, NULL));
    return 6;
}

/* One STOP is one stop, also of oneself. */
static void stop_oneself(void) {
    handle_t child = child_start(self_stopping_child, 0);
    struct process_status status = {0};

    while (status.state != PROCESS_STOPPED) {
        sleep_us(1000);
        CHECK_OK(
            sys_process_info(child, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    }
    sleep_us(MACHINE_PAUSE_US);
    CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    CHECK(child_wait(child).status == 6);
}

static void thread_main(void *argument) {
    ++*(volatile unsigned *)argument;
}

static void many_threads(void) {
    static struct thread threads[100];
    static unsigned counts[100];

    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        counts[i] = i;
        CHECK_OK(thread_start(&threads[i], thread_main, &counts[i], 0));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
        CHECK(counts[i] == i + 1);
    }
}

static void wait_on(void *argument) {
    volatile uint32_t *word = argument;

    while (*word == 0) {
        status_t status = sys_futex_wait(word, 0, DEADLINE_NEVER, 0);

        CHECK(status == OK || status == ERROR_WOULD_BLOCK);
    }
}

static void futex(void) {
    static struct thread threads[10];
    static volatile uint32_t word;
    uint64_t start = time_now_ns();

    word = 0;
    CHECK_STATUS(sys_futex_wait(&word, 1, DEADLINE_NEVER, 0), ERROR_WOULD_BLOCK);
    CHECK_STATUS(sys_futex_wait(&word, 0, time_deadline(10 * NS_PER_MS), 0), ERROR_TIMEOUT);
    CHECK(time_now_ns() - start >= 10 * NS_PER_MS);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], wait_on, (void *)(uintptr_t)&word, 0));
    }
    time_sleep_until(time_deadline(5 * NS_PER_MS));
    word = 1;
    CHECK_OK(sys_futex_wake(&word, UINT32_MAX, 0, NULL));
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
}

/* What a process holds, by number. */
static uint32_t type_of(const handle_t *handles, unsigned i) {
    struct handle_info info = {0};

    CHECK_OK(sys_handle_info(handles[i], &info));
    return info.type | info.rights << 8;
}

/* Finds at the numbers in test_shared what was given. */
static void given_check(uint64_t n) {
    handle_t handles[PROCESS_GIVE_MAX];

    for (unsigned i = 0; i < n; i++) {
        handles[i] = (handle_t)test_shared[i];
    }
    CHECK(type_of(handles, 0) == (OBJECT_GATE | (RIGHTS_ALL & ~RIGHT_RECEIVE) << 8));
    CHECK(n < 2 || type_of(handles, 1) == (OBJECT_MEMORY | RIGHT_READ << 8));
    CHECK(n < 3 || type_of(handles, 2) == (OBJECT_GATE | (RIGHT_SEND | RIGHT_COPY) << 8));
    CHECK(n < 4 || type_of(handles, 3) == (OBJECT_MEMORY | RIGHTS_ALL << 8));
}

static void give_all(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1), memory = memory_new(1);
    const struct process_gift gifts[] = {{gate, RIGHTS_ALL},
                                         {memory, RIGHT_READ},
                                         {gate, RIGHT_SEND | RIGHT_COPY},
                                         {memory, RIGHTS_ALL}};

    for (size_t n = 1; n <= ARRAY_SIZE(gifts); n++) {
        struct image image = image_make(test_budget, given_check, n);
        handle_t numbers[PROCESS_GIVE_MAX] = {0};

        CHECK_OK(sys_process_give_all(image.process, gifts, n, numbers));
        for (unsigned i = 0; i < PROCESS_GIVE_MAX; i++) {
            CHECK((numbers[i] != HANDLE_NONE) == (i < n));
            test_shared[i] = numbers[i];
        }
        CHECK(child_wait(image_start(&image)).status == 0);
    }
    closed(memory);
    closed(gate);
    closed(endpoint);
}

/* If one of the list cannot be given, none is. */
static void give_none(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1), bare = HANDLE_NONE;
    handle_t first = HANDLE_NONE, second = HANDLE_NONE, numbers[PROCESS_GIVE_MAX];
    struct process_status before = {0}, after = {0};

    CHECK_OK(sys_handle_copy(gate, RIGHT_SEND, 0, &bare));
    CHECK_OK(sys_process_create(HANDLE_NONE, "first", &first));
    CHECK_OK(sys_process_create(HANDLE_NONE, "second", &second));
    CHECK_OK(sys_process_info(first, PROCESS_INFO_STATUS, &before, sizeof before, 0, NULL, NULL));
    const struct process_gift no_right[] = {{gate, RIGHTS_ALL}, {gate, 0}, {bare, RIGHTS_ALL}};
    const struct process_gift unstarted[] = {
        {gate, RIGHTS_ALL}, {first, RIGHTS_ALL}, {gate, 0}, {second, RIGHTS_ALL}};

    CHECK_STATUS(sys_process_give_all(first, no_right, 3, numbers), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_process_give_all(first, unstarted, 4, numbers), ERROR_BAD_STATE);
    CHECK_OK(sys_process_info(first, PROCESS_INFO_STATUS, &after, sizeof after, 0, NULL, NULL));
    CHECK(after.n_handles == before.n_handles);
    CHECK_OK(sys_process_give_all(first, unstarted, 3, numbers));
    CHECK_OK(sys_process_info(first, PROCESS_INFO_STATUS, &after, sizeof after, 0, NULL, NULL));
    CHECK(after.n_handles == before.n_handles + 3);
    closed(second);
    closed(first); /* but for itself nobody holds it: it dies */
    closed(bare);
    closed(gate);
    closed(endpoint);
}

enum { WRITTEN_AT = 0x40000000, WRITTEN_PAGES = 40, WRITTEN_BYTES = WRITTEN_PAGES * PAGE_BYTES };

/* Writes across pages on both sides; into private pages of an object, which stays as it is. */
static void write_other(void) {
    enum { N_BYTES = WRITTEN_BYTES - 300 };
    handle_t memory = memory_new(WRITTEN_PAGES), process = HANDLE_NONE;
    char *shared = pages_map(memory, WRITTEN_PAGES, MAP_READ | MAP_WRITE);
    char *bytes = pages_map(HANDLE_NONE, WRITTEN_PAGES, MAP_READ | MAP_WRITE);

    for (unsigned i = 0; i < N_BYTES; i++) {
        bytes[i] = (char)(i * 7 + i / 256);
    }
    memset(shared, 3, WRITTEN_BYTES);
    CHECK_OK(sys_process_create(HANDLE_NONE, "written", &process));
    CHECK_OK(sys_map(process, memory, WRITTEN_AT, WRITTEN_BYTES, 0,
                     MAP_READ | MAP_WRITE | MAP_PRIVATE | MAP_FIXED, NULL));
    CHECK_OK(sys_process_write(process, WRITTEN_AT + 123, bytes, N_BYTES));
    CHECK(shared[0] == 3 && shared[123] == 3 && memcmp(shared, shared + 1, WRITTEN_BYTES - 1) == 0);
    CHECK_OK(sys_unmap(process, WRITTEN_AT, WRITTEN_BYTES));
    CHECK_OK(sys_map(process, memory, WRITTEN_AT, WRITTEN_BYTES, 0,
                     MAP_READ | MAP_WRITE | MAP_FIXED, NULL));
    CHECK_OK(sys_process_write(process, WRITTEN_AT + 123, bytes, N_BYTES));
    CHECK(shared[122] == 3 && memcmp(shared + 123, bytes, N_BYTES) == 0 &&
          shared[123 + N_BYTES] == 3);
    CHECK_OK(sys_process_write(process, 0, bytes, 0)); /* nothing, nowhere */
    /* What it may not write itself nobody writes for it. */
    CHECK_OK(sys_protect(process, WRITTEN_AT, PAGE_BYTES, MAP_READ));
    CHECK_STATUS(sys_process_write(process, WRITTEN_AT, bytes, 1), ERROR_BAD_ADDRESS);
    CHECK_STATUS(sys_process_write(process, WRITTEN_AT - 1, bytes, 1), ERROR_BAD_ADDRESS);
    CHECK_OK(sys_process_kill(process, 0));
    CHECK_STATUS(sys_process_write(process, WRITTEN_AT + 123, bytes, 1), ERROR_BAD_STATE);
    (void)child_wait_quietly(process);
    pages_unmap(bytes, WRITTEN_PAGES);
    pages_unmap(shared, WRITTEN_PAGES);
    closed(memory);
}

/* A private page that was never touched is made, and its budget pays, or does not. */
static void write_beyond_budget(void) {
    handle_t budget = budget_new(test_budget, 60), process = HANDLE_NONE;
    const uint64_t n_pages = 100;
    char *bytes = pages_map(HANDLE_NONE, n_pages, MAP_READ);

    CHECK_OK(sys_process_create(budget, "poor", &process));
    CHECK_OK(sys_map(process, HANDLE_NONE, WRITTEN_AT, n_pages * PAGE_BYTES, 0,
                     MAP_READ | MAP_WRITE | MAP_FIXED, NULL));
    CHECK_STATUS(sys_process_write(process, WRITTEN_AT, bytes, n_pages * PAGE_BYTES),
                 ERROR_OUT_OF_BUDGET);
    CHECK(budget_used(budget) == 60);
    CHECK_OK(sys_process_kill(process, 0));
    (void)child_wait_quietly(process);
    pages_unmap(bytes, n_pages);
    closed(budget);
}

const struct test process_tests[] = {
    {"process fork copies memory", fork_copies_memory},
    {"process exit status", exit_status},
    {"process kill a running one", kill_running},
    {"process kill one not started", unstarted_child_dies},
    {"process stop and continue", stop_and_continue},
    {"process stop oneself", stop_oneself},
    {"process given several handles", give_all},
    {"process given none of them", give_none},
    {"process written to", write_other},
    {"process written to beyond its budget", write_beyond_budget},
    {"thread many", many_threads},
    {"thread futex", futex},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Processes and threads: fork, exit, kill, stop, become. */
#include "tests/guest/kernel/kernel_test.h"

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

const struct test process_tests[] = {
    {"process fork copies memory", fork_copies_memory},
    {"process exit status", exit_status},
    {"process kill a running one", kill_running},
    {"process kill one not started", unstarted_child_dies},
    {"process stop and continue", stop_and_continue},
    {"thread many", many_threads},
    {"thread futex", futex},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Futexes: private and shared, requeued, timed, in great numbers; and how threads end. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#define READ_WRITE (MAP_READ | MAP_WRITE)

static volatile uint32_t words[4];
static volatile uint32_t n_through;

static void wait_once(void *argument) {
    volatile uint32_t *word = argument;

    CHECK_OK(sys_futex_wait(word, 0, DEADLINE_NEVER, 0));
    __atomic_add_fetch(&n_through, 1, __ATOMIC_SEQ_CST);
}

/* Wakes exactly as many as asked for, in the order in which they came; moves the others. */
static void requeue(void) {
    static struct thread threads[150];
    uint64_t n = 0;

    memset((void *)(uintptr_t)words, 0, sizeof(words));
    n_through = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], wait_once, (void *)(uintptr_t)&words[0], 16384));
    }
    sleep_us(2 * MACHINE_PAUSE_US);
    CHECK_OK(sys_futex_wake(&words[1], 10, 0, &n));
    CHECK(n == 0);
    CHECK_OK(sys_futex_wake(&words[0], 3, 0, &n));
    CHECK(n == 3);
    sleep_us(MACHINE_PAUSE_US);
    CHECK(n_through == 3);
    CHECK_OK(sys_futex_requeue(&words[0], 2, &words[1], 100, 0, &n));
    CHECK(n == 102);
    sleep_us(MACHINE_PAUSE_US);
    CHECK(n_through == 5);
    CHECK_OK(sys_futex_wake(&words[1], UINT32_MAX, 0, &n));
    CHECK(n == 100);
    CHECK_OK(sys_futex_requeue(&words[0], 0, &words[0], 1000, 0, &n));
    CHECK(n == 0); /* onto itself: nothing moves, nothing loops */
    CHECK_OK(sys_futex_requeue(&words[0], UINT32_MAX, &words[1], UINT32_MAX, 0, &n));
    CHECK(n == 45);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
    CHECK(n_through == ARRAY_SIZE(threads));
}

/* Shared between processes through a memory object at two addresses; private is not. */
static int shared_child(uint64_t unused) {
    volatile uint32_t *word = (volatile uint32_t *)&test_shared[8];

    (void)unused;
    while (test_shared[9] < 1000) {
        CHECK(sys_futex_wait(word, 0, time_deadline(NS_PER_S), FUTEX_SHARED) != ERROR_TIMEOUT);
        *word = 0;
        test_shared[9]++;
        test_shared[10] = 1;
        CHECK_OK(sys_futex_wake((volatile uint32_t *)&test_shared[10], 1, FUTEX_SHARED, NULL));
    }
    return 0;
}

static void shared(void) {
    volatile uint32_t *answer = (volatile uint32_t *)&test_shared[10];
    handle_t child = child_start(shared_child, 0);
    /* The parent uses another mapping of the same memory. */
    volatile uint64_t *again = (volatile uint64_t *)pages_map(test_shared_memory, 1, READ_WRITE);

    for (unsigned i = 0; i < 1000; i++) {
        again[8] = 1;
        CHECK_OK(sys_futex_wake((volatile uint32_t *)&again[8], 1, FUTEX_SHARED, NULL));
        while (*answer == 0) {
            CHECK(sys_futex_wait(answer, 0, time_deadline(NS_PER_S), FUTEX_SHARED) !=
                  ERROR_TIMEOUT);
        }
        *answer = 0;
    }
    CHECK(child_wait(child).status == 0);
    pages_unmap((void *)(uintptr_t)again, 1);
}

static int private_child(uint64_t unused) {
    uint64_t n = 1;

    (void)unused;
    CHECK_OK(sys_futex_wake(&words[2], 10, 0, &n));
    CHECK(n == 0);
    CHECK_OK(sys_futex_wake(&words[2], 10, FUTEX_SHARED, &n));
    CHECK(n == 0); /* private memory is nobody else's, whatever the flag */
    return 0;
}

static void private_to_a_process(void) {
    struct thread thread;

    words[2] = 0;
    n_through = 0;
    CHECK_OK(thread_start(&thread, wait_once, (void *)(uintptr_t)&words[2], 0));
    sleep_us(MACHINE_PAUSE_US);
    CHECK(child_run(private_child, 0) == 0);
    CHECK(n_through == 0);
    CHECK_OK(sys_futex_wake(&words[2], 1, 0, NULL));
    thread_join(&thread);
}

/* Two threads that hand a word back and forth: no wake is lost in 20,000. */
static void ping_main(void *unused) {
    (void)unused;
    for (uint32_t i = 0; i < 10000; i++) {
        while (words[3] != 2 * i + 1) {
            status_t status = sys_futex_wait(&words[3], 2 * i, time_deadline(NS_PER_S), 0);

            CHECK(status == OK || status == ERROR_WOULD_BLOCK);
        }
        words[3] = 2 * i + 2;
        CHECK_OK(sys_futex_wake(&words[3], 1, 0, NULL));
    }
}

static void thousands_of_wakes(void) {
    struct thread thread;

    words[3] = 0;
    CHECK_OK(thread_start(&thread, ping_main, NULL, 0));
    for (uint32_t i = 0; i < 10000; i++) {
        words[3] = 2 * i + 1;
        CHECK_OK(sys_futex_wake(&words[3], 1, 0, NULL));
        while (words[3] != 2 * i + 2) {
            status_t status = sys_futex_wait(&words[3], 2 * i + 1, time_deadline(NS_PER_S), 0);

            CHECK(status == OK || status == ERROR_WOULD_BLOCK);
        }
    }
    thread_join(&thread);
}

static void sleeper_main(void *argument) {
    uint64_t deadline = *(uint64_t *)argument;
    static volatile uint32_t never;

    CHECK_STATUS(sys_futex_wait(&never, 0, deadline, 0), ERROR_TIMEOUT);
    CHECK(time_now_ns() >= deadline);
}

/* 500 threads with deadlines of their own, in no order: none ends early, all end. */
static void many_deadlines(void) {
    static struct thread threads[500];
    static uint64_t deadlines[ARRAY_SIZE(threads)];
    uint64_t random = 7, start = time_now_ns(), last = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        deadlines[i] = start + 20 * NS_PER_MS + random_next(&random) % (30 * NS_PER_MS);
        last = deadlines[i] > last ? deadlines[i] : last;
        CHECK_OK(thread_start(&threads[i], sleeper_main, &deadlines[i], 8192));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
    CHECK(time_now_ns() - last < 200 * NS_PER_MS);
}

/* 500 threads at once, again and again. */
static void count_main(void *argument) {
    __atomic_add_fetch((volatile uint32_t *)argument, 1, __ATOMIC_SEQ_CST);
    while (*(volatile uint32_t *)argument < 500) {
        status_t status = sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL);

        CHECK_OK(status);
    }
}

static void five_hundred_threads(void) {
    static struct thread threads[500];
    static volatile uint32_t count;

    for (unsigned round = 0; round < 5; round++) {
        count = 0;
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            CHECK_OK(thread_start(&threads[i], count_main, (void *)(uintptr_t)&count, 8192));
        }
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            thread_join(&threads[i]);
        }
        CHECK(count == 500);
    }
}

/* A thread that takes its own stack away: the word is cleared, the waiter woken, the memory gone.
 */
struct leaving {
    volatile uint32_t running;
    char *stack;
};

static void leaving_main(struct leaving *leaving) {
    sleep_us(1000);
    sys_thread_exit(&leaving->running, (uint64_t)(uintptr_t)leaving->stack, 200 * PAGE_BYTES);
}

static void exit_unmaps(void) {
    struct leaving leaving = {.running = 1};
    handle_t thread = HANDLE_NONE;
    uint64_t used, fs_base;
    uint32_t id = 0;

    __asm__("movq %%fs:0, %0" : "=r"(fs_base));
    used = budget_used(test_budget);
    leaving.stack = pages_map(HANDLE_NONE, 200, READ_WRITE | MAP_POPULATE);
    CHECK_OK(sys_thread_create((uint64_t)(uintptr_t)leaving_main,
                               (uint64_t)(uintptr_t)leaving.stack + 200 * PAGE_BYTES - 8,
                               (uint64_t)(uintptr_t)&leaving, fs_base, &id));
    thread = thread_opened(id);
    CHECK_OK(sys_futex_wait(&leaving.running, 1, time_deadline(NS_PER_S), 0));
    CHECK(leaving.running == 0);
    CHECK_UNREADABLE(leaving.stack);
    CHECK_UNREADABLE(leaving.stack + 199 * PAGE_BYTES);
    CHECK_STATUS(sys_thread_control(thread, THREAD_GET_ID, 0, NULL), ERROR_BAD_STATE);
    CHECK_STATUS(sys_thread_control(HANDLE_NONE, THREAD_OPEN, id, NULL), ERROR_NOT_FOUND);
    CHECK_STATUS(sys_thread_control(HANDLE_NONE, THREAD_OPEN, 1ULL << 32 | id, NULL),
                 ERROR_NOT_FOUND);
    CHECK_STATUS(sys_thread_upcall(thread, 1), ERROR_CLOSED);
    closed(thread);
    CHECK(budget_used(test_budget) < used + 20);
}

/* The last thread ends: so does the process. */
static int last_thread_child(uint64_t unused) {
    (void)unused;
    sys_thread_exit(NULL, 0, 0);
}

static void last_thread(void) {
    struct process_status status = child_wait(child_start(last_thread_child, 0));

    CHECK(status.cause == DEATH_EXIT && status.status == 0);
}

const struct test futex_tests[] = {
    {"futex requeue", requeue},
    {"futex shared", shared},
    {"futex private", private_to_a_process},
    {"futex thousands of wakes", thousands_of_wakes},
    {"futex many deadlines", many_deadlines},
    {"thread 500 again and again", five_hundred_threads},
    {"thread exit unmaps", exit_unmaps},
    {"thread last of its process", last_thread},
    {NULL, NULL},
};

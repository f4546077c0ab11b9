/* SPDX-License-Identifier: MIT */
/* Who runs when. Figures are of TCG on a machine that does other things too: what is measured gets
 * several attempts, what must never be is checked always. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#define ATTEMPTS 5

static int spin_child(uint64_t unused) {
    (void)unused;
    while (test_shared[17] == 0) {
        test_shared[16]++;
    }
    return 0;
}

static uint64_t cpu_ns(handle_t process) {
    struct process_status status;

    CHECK_OK(
        sys_process_info(process, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    return status.cpu_ns;
}

/* Two programs for each processor: each gets a half, within `percent` of one; so nobody else used a
 * processor either. For two seconds on one processor: emulated ones take turns of 100 ms. */
static bool shares_fairly(uint64_t percent) {
    enum { PER_CPU = 2, N_MAX = PER_CPU * 8 };
    uint32_t n = PER_CPU * info_page()->n_cpus;
    handle_t children[N_MAX];
    uint64_t used[N_MAX], start, whole;
    bool is_fair = true;

    CHECK(n <= N_MAX);
    for (uint32_t i = 0; i < n; i++) {
        children[i] = child_start(spin_child, 0);
    }
    sleep_us(20000);
    start = time_now_ns();
    for (uint32_t i = 0; i < n; i++) {
        used[i] = cpu_ns(children[i]);
    }
    sleep_us(2000000 * (n / PER_CPU));
    whole = time_now_ns() - start;
    for (uint32_t i = 0; i < n; i++) {
        used[i] = cpu_ns(children[i]) - used[i];
        is_fair &=
            used[i] * 100 >= whole * (50 - percent) && used[i] * 100 <= whole * (50 + percent);
    }
    for (uint32_t i = 0; i < n; i++) {
        CHECK_OK(sys_process_kill(children[i], 0));
        (void)child_wait(children[i]);
    }
    return is_fair;
}

static void programs_share(void) {
    unsigned n = 0;

    while (n < ATTEMPTS && !shares_fairly(info_page()->n_cpus == 1 ? 5 : 10)) {
        n++;
    }
    CHECK(n < ATTEMPTS);
}

/* A process with many threads gets its turns by threads, but none of them starves. */
static void turn_main(void *argument) {
    volatile uint64_t *count = argument;

    while (test_shared[0] == 0) {
        ++*count;
    }
}

static int turns_child(uint64_t unused) {
    static struct thread threads[20];
    static volatile uint64_t counts[ARRAY_SIZE(threads)];

    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], turn_main, (void *)(uintptr_t)&counts[i], 8192));
    }
    sleep_us(400000); /* two rounds of 10 ms each */
    test_shared[0] = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
        CHECK(counts[i] != 0);
    }
    return 0;
}

static void nobody_starves(void) {
    test_shared[0] = 0;
    CHECK(child_run(turns_child, 0) == 0);
}

static volatile uint64_t order[16], n_order;

static void note_main(void *argument) {
    order[n_order++] = (uint64_t)(uintptr_t)argument;
}

/* What is ready with a higher priority runs at once; a change of priority takes effect at once. */
static int priorities_child(uint64_t unused) {
    struct thread threads[8];

    (void)unused;
    priority_set(20);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], note_main, (void *)(uintptr_t)i, 8192));
    }
    CHECK(n_order == 0); /* same priority: none ran yet, unless the slice ended */
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(
            sys_thread_control(thread_opened(threads[i].id), THREAD_SET_PRIORITY, 10 + i, NULL));
    }
    CHECK(n_order == 0);
    priority_set(5);
    CHECK(n_order == 8);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK(order[i] == 7 - i); /* the highest first */
        thread_join(&threads[i]);
    }
    n_order = 0;
    CHECK_OK(thread_start(&threads[0], note_main, (void *)(uintptr_t)0, 8192));
    CHECK(n_order == 0);
    CHECK_OK(sys_thread_control(thread_opened(threads[0].id), THREAD_SET_PRIORITY, 6, NULL));
    CHECK(n_order == 1); /* pre-empted us */
    thread_join(&threads[0]);
    CHECK_STATUS(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, 31, NULL), ERROR_NO_RIGHT);
    return 0;
}

/* Slices of 10 ms may end in between if the machine is busy: then once more. */
static void priorities(void) {
    unsigned n = 0;

    for (; n < ATTEMPTS; n++) {
        handle_t child = child_make(priorities_child, 0);

        CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, 30, 0, NULL));
        CHECK_OK(sys_process_start(child, 0, 0, 0));
        if (child_wait_quietly(child).status == 0) {
            break;
        }
    }
    CHECK(n < ATTEMPTS);
}

/* Two threads that give way to each other at each step take turns. */
static volatile uint64_t last_turn, n_changes;

static void yield_main(void *argument) {
    for (unsigned i = 0; i < 1000; i++) {
        if (last_turn != (uint64_t)(uintptr_t)argument) {
            n_changes++;
        }
        last_turn = (uint64_t)(uintptr_t)argument;
        CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL));
    }
}

/* On several processors each may have its own for a while: then once more. */
static void yielding(void) {
    struct thread first, second;
    unsigned n = 0;

    do {
        n_changes = 0;
        CHECK_OK(thread_start(&first, yield_main, (void *)1, 8192));
        CHECK_OK(thread_start(&second, yield_main, (void *)2, 8192));
        thread_join(&first);
        thread_join(&second);
    } while (n_changes <= 1900 && ++n < ATTEMPTS);
    CHECK(n < ATTEMPTS);
}

/* Never early; and not late, most of the time. */
static void deadlines_kept(void) {
    unsigned n_late = 0;

    for (unsigned i = 0; i < 100; i++) {
        uint64_t deadline = time_deadline((i % 10 + 1) * 200 * NS_PER_US);

        time_sleep_until(deadline);
        uint64_t now = time_now_ns();

        CHECK(now >= deadline);
        n_late += now - deadline > 2 * NS_PER_MS;
    }
    CHECK(n_late < 50);
}

/* A deadline is met also while somebody of lower priority never gives way. */
static void deadlines_pre_empt(void) {
    handle_t child = child_make(spin_child, 0);
    unsigned n_late = 0;

    CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, PRIORITY_PROGRAM, 0, NULL));
    CHECK_OK(sys_process_start(child, 0, 0, 0));
    for (unsigned i = 0; i < 50; i++) {
        uint64_t deadline = time_deadline(500 * NS_PER_US);

        time_sleep_until(deadline);
        n_late += time_now_ns() - deadline > 3 * NS_PER_MS; /* a slice has 10 */
    }
    /* Emulated processors take turns of 100 ms: there it would be a measure of QEMU. */
    CHECK(n_late < 25 || info_page()->n_cpus > 1);
    CHECK_OK(sys_process_kill(child, 0));
    (void)child_wait(child);
}

/* A server, more important than its two clients: it keeps the first call, and answers it when the
 * second client makes its first one. */
struct waker {
    handle_t endpoint, gate;
    struct thread client;
    volatile bool was_woken;
};
enum { LABEL_LAST = 1 };

static void waker_main(void *argument) {
    struct waker *waker = argument;
    struct message m = {.gate = waker->endpoint, .deadline = DEADLINE_NEVER}, saved = {0};

    CHECK_OK(message_receive(&m));
    CHECK_OK(sys_reply_save(0, &saved.gate));
    m = (struct message){.gate = waker->endpoint, .deadline = DEADLINE_NEVER};
    CHECK_OK(message_receive(&m));
    CHECK_OK(message_reply(&saved));
    while (m.label != LABEL_LAST) {
        m = (struct message){.gate = waker->endpoint, .deadline = DEADLINE_NEVER};
        CHECK_OK(message_reply_receive(&m));
    }
    m = (struct message){.gate = HANDLE_NONE};
    CHECK_OK(message_reply(&m));
}

static void woken_main(void *argument) {
    struct waker *waker = argument;
    struct message m = {.gate = waker->gate, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_call(&m));
    waker->was_woken = true;
}

/* Who calls and calls without end shares its slice with whom its server has woken. */
static void callers_share(void) {
    static struct waker waker;
    struct thread server;
    uint64_t start;

    waker = (struct waker){.endpoint = endpoint_new()};
    waker.gate = gate_new(waker.endpoint, 1);
    CHECK_OK(thread_start(&server, waker_main, &waker, 0));
    sleep_us(MACHINE_PAUSE_US); /* it waits now */
    priority_set(PRIORITY_PROGRAM - 1);
    CHECK_OK(thread_start(&waker.client, woken_main, &waker, 0));
    sleep_us(MACHINE_PAUSE_US);
    CHECK(!waker.was_woken);
    start = time_now_ns();
    while (!waker.was_woken && time_now_ns() - start < NS_PER_S) {
        struct message m = {.gate = waker.gate, .deadline = DEADLINE_NEVER};

        CHECK_OK(message_call(&m));
    }
    CHECK(waker.was_woken); /* a slice has 10 ms */
    struct message m = {.gate = waker.gate, .label = LABEL_LAST, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_call(&m));
    thread_join(&server);
    thread_join(&waker.client);
    priority_set(PRIORITY_MAX);
    closed(waker.gate);
    closed(waker.endpoint);
}

static void sleepers_main(void *argument) {
    uint64_t *deadlines = argument;

    for (unsigned i = 0; i < 4; i++) {
        time_sleep_until(deadlines[i]);
        CHECK(time_now_ns() >= deadlines[i]);
    }
}

/* 2,000 threads that sleep at once, four times each. */
static void thousands_sleep(void) {
    enum { N = 2000 };
    static struct thread threads[N];
    static uint64_t deadlines[N][4];
    uint64_t random = 99, start = time_now_ns();

    for (unsigned i = 0; i < N; i++) {
        for (unsigned j = 0; j < 4; j++) {
            deadlines[i][j] =
                start + 50 * NS_PER_MS * (j + 1) + random_next(&random) % (50 * NS_PER_MS);
        }
        CHECK_OK(thread_start(&threads[i], sleepers_main, deadlines[i], 4096));
    }
    for (unsigned i = 0; i < N; i++) {
        thread_join(&threads[i]);
    }
}

/* An idle system idles. */
static void idle_counts(void) {
    struct system_info before, after;
    unsigned n = 0;

    for (; n < ATTEMPTS; n++) {
        CHECK_OK(
            sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&before, 0, 0, NULL));
        sleep_us(200000);
        CHECK_OK(
            sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&after, 0, 0, NULL));
        if (after.idle_ns - before.idle_ns > 180 * NS_PER_MS * info_page()->n_cpus &&
            after.context_switches - before.context_switches < 20) {
            break;
        }
    }
    CHECK(n < ATTEMPTS);
}

const struct test schedule_tests[] = {
    {"schedule programs share", programs_share},
    {"schedule nobody starves", nobody_starves},
    {"schedule priorities", priorities},
    {"schedule yielding", yielding},
    {"schedule callers share", callers_share},
    {"schedule deadlines kept", deadlines_kept},
    {"schedule deadlines pre-empt", deadlines_pre_empt},
    {"schedule thousands sleep", thousands_sleep},
    {"schedule idle", idle_counts},
    {NULL, NULL},
};

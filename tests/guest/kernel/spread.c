/* SPDX-License-Identifier: MIT */
/*
 * Which thread runs on which processor, and what it costs that they share one lock. Figures are of
 * emulated processors that take turns of 100 ms: times are long against that, what is measured gets
 * several attempts, and what must never be is checked always.
 */
#include "tests/guest/kernel/kernel_test.h"

enum { ATTEMPTS = 5, CPUS_MAX = 8, SETTLE_US = 500000 };
/* Below the tests' own priority, so that they go on when they want to. */
enum { IMPORTANT = 30, UNIMPORTANT = 20 };
enum { GO = 0, READY = 1 }; /* words of test_shared */

static int spin_child(uint64_t unused) {
    (void)unused;
    while (test_shared[GO] == 0) {
    }
    return 0;
}

static handle_t spinner_start(unsigned priority) {
    handle_t child = child_make(spin_child, 0);

    CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, priority, 0, NULL));
    CHECK_OK(sys_process_start(child, 0, 0, 0));
    return child;
}

static void spinner_end(handle_t child) {
    CHECK_OK(sys_process_kill(child, 0));
    (void)child_wait(child);
}

static uint64_t cpu_ns(handle_t process) {
    struct process_status status;

    CHECK_OK(
        sys_process_info(process, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    return status.cpu_ns;
}

static struct system_info figures(void) {
    struct system_info info = {0};

    CHECK_OK(sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&info, 0, 0, NULL));
    return info;
}

/* While somebody more important is ready anywhere, or there is one for each processor, who is less
 * important does not run at all. Else he does. */
static void priorities_hold(void) {
    uint32_t n = info_page()->n_cpus + 1;
    handle_t important[CPUS_MAX + 1], other;
    uint64_t before;

    for (uint32_t i = 0; i < n; i++) {
        important[i] = spinner_start(IMPORTANT);
    }
    other = spinner_start(UNIMPORTANT);
    for (uint32_t n_left = n; n_left >= n - 1 && n_left > 0; n_left--) {
        sleep_us(SETTLE_US);
        before = cpu_ns(other);
        sleep_us(SETTLE_US);
        CHECK(cpu_ns(other) == before);
        spinner_end(important[n_left - 1]);
    }
    before = cpu_ns(other);
    for (unsigned i = 0; i < 50 && cpu_ns(other) == before; i++) {
        sleep_us(SETTLE_US / 10);
    }
    CHECK(cpu_ns(other) != before);
    for (uint32_t i = 0; i + 2 < n; i++) {
        spinner_end(important[i]);
    }
    spinner_end(other);
}

/* How much processor time each of `n` programs gets while `us` pass. */
static void used_meanwhile(const handle_t *children, uint32_t n, uint64_t us, uint64_t *used) {
    for (uint32_t i = 0; i < n; i++) {
        used[i] = cpu_ns(children[i]);
    }
    sleep_us(us);
    for (uint32_t i = 0; i < n; i++) {
        used[i] = cpu_ns(children[i]) - used[i];
    }
}

/* `n` programs that compute: each gets its part of all processors, within `percent` of it. */
static bool shares_fairly(uint32_t n, uint64_t percent) {
    uint32_t n_cpus = info_page()->n_cpus;
    handle_t children[2 * CPUS_MAX];
    uint64_t used[2 * CPUS_MAX], start, fair;
    bool is_fair = true;

    for (uint32_t i = 0; i < n; i++) {
        children[i] = spinner_start(IMPORTANT);
    }
    sleep_us(SETTLE_US / 25);
    start = time_now_ns();
    used_meanwhile(children, n, 3 * SETTLE_US * n_cpus, used);
    fair = (time_now_ns() - start) * n_cpus / n;
    for (uint32_t i = 0; i < n; i++) {
        is_fair &=
            used[i] * 100 >= fair * (100 - percent) && used[i] * 100 <= fair * (100 + percent);
    }
    for (uint32_t i = 0; i < n; i++) {
        spinner_end(children[i]);
    }
    return is_fair;
}

/* One more than there are processors: who has one to himself has to share it in turn. */
static void one_too_many(void) {
    unsigned n = 0;

    while (n < ATTEMPTS && !shares_fairly(info_page()->n_cpus + 1, 10)) {
        n++;
    }
    CHECK(n < ATTEMPTS);
}

/* Threads that are woken by somebody on another processor, while theirs has nothing else to do. */
enum { ROUNDS = 100 };
static struct sleeper {
    struct thread thread;
    uint32_t word;
    volatile uint32_t n_woken;
} sleepers[CPUS_MAX];

static void sleeper_main(void *argument) {
    struct sleeper *sleeper = argument;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        while (__atomic_load_n(&sleeper->word, __ATOMIC_ACQUIRE) == i) {
            status_t status = sys_futex_wait(&sleeper->word, i, DEADLINE_NEVER, 0);

            CHECK(status == OK || status == ERROR_WOULD_BLOCK);
        }
        sleeper->n_woken++;
    }
}

static uint64_t moves_of_sleepers(uint32_t n) {
    uint64_t n_woken;

    for (uint32_t i = 0; i < n; i++) {
        sleepers[i].word = sleepers[i].n_woken = 0;
        CHECK_OK(thread_start(&sleepers[i].thread, sleeper_main, &sleepers[i], 8192));
    }
    sleep_us(MACHINE_PAUSE_US);
    uint64_t before = figures().moves;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (uint32_t i = 0; i < n; i++) {
            __atomic_store_n(&sleepers[i].word, round, __ATOMIC_RELEASE);
            CHECK_OK(sys_futex_wake(&sleepers[i].word, 1, 0, &n_woken));
            while (sleepers[i].n_woken != round && info_page()->n_cpus > 1) {
                __asm__ volatile("pause"); /* gives an emulated processor's turn away */
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        thread_join(&sleepers[i].thread);
    }
    return figures().moves - before;
}

static void threads_stay(void) {
    uint32_t n = info_page()->n_cpus > 1 ? info_page()->n_cpus - 1 : 1;
    unsigned attempt = 0;

    while (attempt < ATTEMPTS && moves_of_sleepers(n) > ROUNDS * n / 10) {
        attempt++;
    }
    CHECK(attempt < ATTEMPTS);
}

/*
 * Pairs of processes, each a client that calls its server, one pair for each processor, against a
 * single pair; and two programs for each processor that only compute. What is printed says what the
 * lock costs; the book's chapter on processors tells what it means, and has the figures. The test
 * is that each gets what it asks for, and that nobody waits for the lock where there is one
 * processor.
 */
enum { ROUND_TRIPS = 5000 };

static int client_child(uint64_t gate) {
    __atomic_fetch_add(&test_shared[READY], 1, __ATOMIC_RELAXED);
    while (test_shared[GO] == 0) {
        sleep_us(1000);
    }
    for (uint64_t i = 0; i < ROUND_TRIPS; i++) {
        struct message m = {
            .gate = (handle_t)gate, .label = 1, .words = {i, 0, 0, 0}, .deadline = DEADLINE_NEVER};

        CHECK_OK(message_call_short(&m));
        CHECK(m.words[0] == i + 1);
    }
    return 0;
}

static int server_child(uint64_t unused) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);
    handle_t client = child_start(client_child, gate);
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};

    (void)unused;
    CHECK_OK(message_receive(&m));
    for (uint64_t i = 1; i <= ROUND_TRIPS; i++) {
        m = (struct message){
            .gate = endpoint, .words = {m.words[0] + 1, 0, 0, 0}, .deadline = DEADLINE_NEVER};
        if (i < ROUND_TRIPS) {
            CHECK_OK(message_reply_receive(&m));
        }
    }
    m.gate = HANDLE_NONE;
    CHECK_OK(message_reply(&m));
    return child_wait(client).status;
}

static void pairs_run(uint32_t n) {
    handle_t servers[CPUS_MAX];
    struct system_info before, after;
    uint64_t start, ticks;

    test_shared[GO] = test_shared[READY] = 0;
    for (uint32_t i = 0; i < n; i++) {
        servers[i] = child_start(server_child, 0);
    }
    while (test_shared[READY] != n) {
        sleep_us(1000);
    }
    before = figures();
    start = time_read_tsc();
    test_shared[GO] = 1;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(child_wait(servers[i]).status == 0);
    }
    ticks = time_read_tsc() - start;
    after = figures();
    CHECK(info_page()->n_cpus > 1 || after.lock_ticks == 0);
    test_print("# %u pairs on %u processors: %llu ticks, %llu waiting for the lock\n", n,
               info_page()->n_cpus, (unsigned long long)ticks,
               (unsigned long long)(after.lock_ticks - before.lock_ticks));
}

static void programs(void) {
    uint32_t n = 2 * info_page()->n_cpus;
    handle_t children[2 * CPUS_MAX];
    uint64_t used[2 * CPUS_MAX], least = UINT64_MAX, most = 0;
    struct system_info before, after;

    for (uint32_t i = 0; i < n; i++) {
        children[i] = spinner_start(IMPORTANT);
    }
    sleep_us(SETTLE_US / 10);
    before = figures();
    used_meanwhile(children, n, 2 * SETTLE_US, used);
    for (uint32_t i = 0; i < n; i++) {
        least = used[i] < least ? used[i] : least;
        most = used[i] > most ? used[i] : most;
    }
    after = figures();
    test_print(
        "# %u programs on %u processors, a second: %llu to %llu ms each, %llu switches, %llu "
        "ticks waiting for the lock\n",
        n, info_page()->n_cpus, (unsigned long long)(least / NS_PER_MS),
        (unsigned long long)(most / NS_PER_MS),
        (unsigned long long)(after.context_switches - before.context_switches),
        (unsigned long long)(after.lock_ticks - before.lock_ticks));
    CHECK(least != 0);
    for (uint32_t i = 0; i < n; i++) {
        spinner_end(children[i]);
    }
}

static void pairs(void) {
    pairs_run(1);
    pairs_run(info_page()->n_cpus);
}

const struct test spread_tests[] = {
    {"spread priorities hold", priorities_hold},
    {"spread one too many", one_too_many},
    {"spread threads stay", threads_stay},
    {"lock pairs", pairs},
    {"lock programs", programs},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Several processors: what one does to what another is just using. All of it holds on one, too,
 * where it shows little.
 *
 * `stress=SECONDS` on the command line is how long one run of the stress test takes; two otherwise.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/native/startup.h"

#define READ_WRITE (MAP_READ | MAP_WRITE)

/* A page that is replaced under a thread that reads it: once the call has returned, nobody sees the
 * old one any more. */
enum { FLUSH_ROUNDS = 50 };
static volatile uint64_t *flushed_page;
static volatile uint64_t flush_round, n_flush_reads, n_flush_stale;

static void flush_reader(void *unused) {
    (void)unused;
    while (flush_round < FLUSH_ROUNDS) {
        uint64_t begun = flush_round;

        n_flush_stale += *flushed_page < begun;
        n_flush_reads++;
    }
}

static void nothing_stale(void) {
    enum { N_MEMORY = 2 };
    handle_t memory[N_MEMORY];
    volatile uint64_t *content[N_MEMORY];
    struct thread reader;
    uint64_t address;

    for (unsigned i = 0; i < N_MEMORY; i++) {
        memory[i] = memory_new(1);
        content[i] = (volatile uint64_t *)pages_map(memory[i], 1, READ_WRITE);
    }
    flush_round = n_flush_reads = n_flush_stale = 0;
    flushed_page = (volatile uint64_t *)pages_map(memory[0], 1, MAP_READ);
    address = (uint64_t)(uintptr_t)flushed_page;
    CHECK_OK(thread_start(&reader, flush_reader, NULL, 0));
    for (uint64_t i = 1; i <= FLUSH_ROUNDS; i++) {
        uint64_t n_reads = n_flush_reads;

        *content[i % N_MEMORY] = i;
        CHECK_OK(sys_map(HANDLE_NONE, memory[i % N_MEMORY], address, PAGE_BYTES, 0,
                         MAP_FIXED | MAP_REPLACE | MAP_READ, &address));
        flush_round = i;
        while (i < FLUSH_ROUNDS && n_flush_reads == n_reads) {
            sleep_us(10); /* also one that has to share the processor reads now and then */
        }
    }
    thread_join(&reader);
    CHECK(n_flush_stale == 0 && n_flush_reads >= FLUSH_ROUNDS - 1);
    pages_unmap((void *)(uintptr_t)flushed_page, 1);
    for (unsigned i = 0; i < N_MEMORY; i++) {
        pages_unmap((void *)(uintptr_t)content[i], 1);
        closed(memory[i]);
    }
}

/* A process that is stopped does not run, from when the call returns until it is continued. */
static void count_main(void *word) {
    volatile uint64_t *count = word;

    for (;;) {
        ++*count;
    }
}

static int count_child(uint64_t n_threads) {
    static struct thread threads[8];

    for (uint64_t i = 1; i < n_threads; i++) {
        CHECK_OK(thread_start(&threads[i], count_main, (void *)(uintptr_t)&test_shared[i], 8192));
    }
    count_main((void *)(uintptr_t)&test_shared[0]);
    return 0;
}

static uint64_t counted(void) {
    uint64_t sum = 0;

    for (unsigned i = 0; i < 8; i++) {
        sum += test_shared[i];
    }
    return sum;
}

static void stop_is_at_once(void) {
    handle_t child = child_start(count_child, 4);

    for (unsigned i = 0; i < 20; i++) {
        uint64_t n = counted();

        while (counted() == n) {
            sleep_us(100);
        }
        CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
        n = counted();
        sleep_us(1000);
        CHECK(counted() == n);
        CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    }
    CHECK_OK(sys_process_kill(child, 0));
    (void)child_wait(child);
}

/* A fork while the other threads run on other processors: the child's memory is of one moment. Two
 * words that are always written one after the other differ by one at most. */
static volatile uint64_t pair[2] ALIGNED(PAGE_BYTES);
static volatile bool pair_ends;

static void pair_main(void *unused) {
    (void)unused;
    priority_set(5); /* on one processor it must not keep the others waiting */
    while (!pair_ends) {
        pair[0]++;
        pair[1]++;
    }
}

static int pair_child(uint64_t unused) {
    (void)unused;
    return pair[0] - pair[1] <= 1 && pair[0] != 0 ? 0 : 1;
}

static int pair_parent(uint64_t unused) {
    struct thread writer;

    (void)unused;
    CHECK_OK(thread_start(&writer, pair_main, NULL, 0));
    for (unsigned i = 0; i < 10; i++) {
        uint64_t n = pair[1];

        while (pair[1] == n) {
            sleep_us(100);
        }
        CHECK(child_run(pair_child, 0) == 0);
    }
    pair_ends = true;
    thread_join(&writer);
    return 0;
}

static void fork_is_of_one_moment(void) {
    CHECK(child_run(pair_parent, 0) == 0);
}

/*
 * The stress test: workers that do what comes, each by its own seeded numbers, to each other too;
 * and a bystander whose memory must stay what it is.
 */
enum { WORKERS_PER_CPU = 2, WORKERS_MAX = 16, N_FUTEXES = 4, BYSTANDER_WORDS = 4096 };
/* What they did, counted behind the futexes and the word of spin_child. */
enum stress_deed {
    DEED_KILL,
    DEED_WAIT,
    DEED_TIMEOUT,
    DEED_WAKE,
    DEED_KINDS,
    DEEDS = DEED_KINDS + 8
};
enum { DEED_FIRST = 8 };

static void deed(unsigned which) {
    __atomic_fetch_add(&test_shared[DEED_FIRST + which], 1, __ATOMIC_RELAXED);
}
static handle_t stress_gate;
static uint64_t stress_end_ns;
static struct thread server;
static handle_t stress_endpoint;

static void server_main(void *unused) {
    struct message m = {.gate = stress_endpoint, .deadline = DEADLINE_NEVER};
    status_t status = message_receive(&m);

    (void)unused;
    while (status == OK) {
        m.words[0]++;
        m.control = 0;
        m.gate = stress_endpoint;
        m.deadline = DEADLINE_NEVER;
        if (m.kind == MESSAGE_CALL && m.label == 0) {
            break;
        }
        status = m.kind == MESSAGE_CALL ? message_reply_receive(&m) : message_receive(&m);
    }
    m.gate = HANDLE_NONE;
    CHECK_OK(message_reply(&m));
}

static void stress_call(uint64_t r) {
    struct message m = {.gate = stress_gate,
                        .label = 1,
                        .words = {r, 0, 0, 0},
                        .deadline = time_deadline(r % 3 == 0 ? r % 100000 : 10 * NS_PER_S)};
    status_t status = message_call(&m);

    CHECK(status == OK ? m.words[0] == r + 1
                       : r % 3 == 0 && (status == ERROR_TIMEOUT || status == ERROR_INTERRUPTED));
}

static int spin_child(uint64_t unused) {
    (void)unused;
    while (test_shared[N_FUTEXES] == 0) {
    }
    return 0;
}

static int exit_child(uint64_t r) {
    return (int)(r % 50);
}

static void stress_fork(uint64_t r) {
    if (r % 2 == 0) {
        CHECK(child_run(exit_child, r) == (int)(r % 50));
        return;
    }
    handle_t child = child_start(spin_child, 0);

    if (r % 4 == 1) {
        sleep_us(r % 300);
    }
    CHECK_OK(sys_process_kill(child, 3));
    CHECK(child_wait(child).cause == DEATH_KILLED);
    deed(DEED_KILL);
}

static void stress_memory(uint64_t r) {
    uint64_t n = 1 + r % 16;
    char *pages = pages_map(HANDLE_NONE, n, READ_WRITE);

    for (uint64_t i = 0; i < n; i++) {
        pages[i * PAGE_BYTES] = (char)i;
    }
    CHECK_OK(sys_protect(HANDLE_NONE, (uint64_t)(uintptr_t)pages, n * PAGE_BYTES, MAP_READ));
    for (uint64_t i = 0; i < n; i++) {
        CHECK(pages[i * PAGE_BYTES] == (char)i);
    }
    pages_unmap(pages, n);
}

static void brief_main(void *word) {
    __atomic_fetch_add((uint32_t *)word, 1, __ATOMIC_RELAXED);
}

static void stress_threads(void) {
    struct thread threads[3];
    static uint32_t n_run;
    uint32_t before = n_run;

    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], brief_main, &n_run, 8192));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
    CHECK(n_run == before + ARRAY_SIZE(threads));
}

static void stress_futex(uint64_t r) {
    volatile uint32_t *word = (volatile uint32_t *)&test_shared[r / 2 % N_FUTEXES];
    status_t status = OK;
    uint64_t n;

    if (r % 2 == 0) {
        status = sys_futex_wait(word, *word, time_deadline(r % 200000), FUTEX_SHARED);
        deed(status == OK ? DEED_WAIT : DEED_TIMEOUT);
    } else {
        __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
        CHECK_OK(sys_futex_wake(word, 2, FUTEX_SHARED, &n));
        deed(DEED_WAKE);
    }
    CHECK(status == OK || status == ERROR_TIMEOUT || status == ERROR_WOULD_BLOCK);
}

static int worker_child(uint64_t seed) {
    while (time_now_ns() < stress_end_ns) {
        uint64_t r = random_next(&seed);

        deed(DEED_KINDS + (r >> 32 & 7));
        switch (r >> 32 & 7) {
        case 0:
            stress_fork(r);
            break;
        case 1:
            stress_memory(r);
            break;
        case 2:
            stress_threads();
            break;
        case 3:
            stress_futex(r);
            break;
        case 4:
            CHECK_OK(sys_notify(stress_gate, 1ULL << (r % 32)));
            break;
        case 5:
            CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, 5 + r % 3, NULL));
            break;
        default:
            stress_call(r);
            break;
        }
    }
    return 0;
}

/* Writes, waits, looks: in memory, and in vector registers. */
static int bystander_child(uint64_t seed) {
    static uint64_t words[BYSTANDER_WORDS];

    while (time_now_ns() < stress_end_ns) {
        uint64_t first = seed;
        double sum = 0;

        for (unsigned i = 0; i < BYSTANDER_WORDS; i++) {
            words[i] = random_next(&seed);
        }
        for (unsigned i = 1; i <= 1000; i++) {
            sum += i;
        }
        sleep_us(first % 500);
        for (unsigned i = 0; i < BYSTANDER_WORDS; i++) {
            CHECK(words[i] == random_next(&first));
        }
        CHECK(sum == 500500);
    }
    return 0;
}

static uint64_t stress_seconds(void) {
    const char *line = (const char *)(uintptr_t)startup_block()->command_line;
    const char *wanted = strstr(line, "stress=");

    return wanted == NULL ? 2 : strtoull(wanted + strlen("stress="), NULL, 10);
}

static void stress(void) {
    uint32_t n = WORKERS_PER_CPU * info_page()->n_cpus;
    struct message end = {.label = 0, .deadline = DEADLINE_NEVER};
    handle_t workers[WORKERS_MAX], bystander;
    static uint64_t seed;

    for (unsigned i = 0; i < DEEDS; i++) {
        test_shared[DEED_FIRST + i] = 0;
    }
    stress_endpoint = endpoint_new();
    stress_gate = gate_new(stress_endpoint, 1);
    CHECK_OK(thread_start(&server, server_main, NULL, 0));
    stress_end_ns = time_now_ns() + stress_seconds() * NS_PER_S;
    bystander = child_start(bystander_child, 1);
    for (uint32_t i = 0; i < n; i++) {
        workers[i] = child_start(worker_child, ++seed);
    }
    time_sleep_until(stress_end_ns);
    for (uint32_t i = 0; i < n; i++) {
        struct process_status status = child_wait(workers[i]);

        CHECK(status.cause == DEATH_EXIT && status.status == 0);
    }
    CHECK(child_wait(bystander).status == 0);
    for (unsigned i = 0; i < DEEDS; i++) {
        /* It was stress indeed; on a slow machine nobody waits when somebody wakes. */
        CHECK(test_shared[DEED_FIRST + i] != 0 || i == DEED_WAIT);
    }
    end.gate = stress_gate;
    CHECK_OK(message_call(&end));
    thread_join(&server);
    closed(stress_gate);
    closed(stress_endpoint);
}

const struct test smp_tests[] = {
    {"smp nothing stale", nothing_stale},
    {"smp stop is at once", stop_is_at_once},
    {"smp fork is of one moment", fork_is_of_one_moment},
    {"smp stress", stress},
    {NULL, NULL},
};

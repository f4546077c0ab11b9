/* SPDX-License-Identifier: MIT */
/*
 * The EuraliOS column of `make bench`: /tests/bench of the test image.
 *
 *   null_call                     sys_null
 *   ipc_round_trip                call and reply of four words, two processes
 *   ipc_round_trip_same_process   the same, two threads of one process
 *   ipc_round_trip_deadline       two processes, the call with a finite deadline
 *   lent_4k                       4 KiB lent, read by another process, answered with a word
 *   lent_4k_unaligned             the same, each side's 4 KiB in two pages, at different offsets
 *   page_fault_pooled             first touch of a page, zeroed before by the page scrubber
 *   page_fault                    first touch of a page that has to be zeroed
 *   notify_to_run                 from before a notify to the waiting, higher-priority thread
 *   timer_to_run                  from a deadline until the thread that slept goes on
 *   fork_1m                       fork with 1 MiB touched, the child's exit, waiting for it
 *   program_start                 look-up of this program's file, spawn, its exit, waiting for it
 *   thread_create_join            thread_start, thread_join
 *   clock_read                    time_now_ns
 *   posix_...                     tests/bench/posix.c
 *
 * boot_to_ready is what the kernel says of itself in its "EuraliOS ready" line.
 */
#include "tests/bench/measure.h"
#include "tests/bench/posix.h"

#include "abi/generated/file.h"
#include "lib/native/message.h"
#include "lib/native/namespace.h"
#include "lib/native/spawn.h"
#include "lib/native/syscall.h"
#include "lib/native/thread.h"
#include "lib/native/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    FAULT_PAGES = 2048, /* more than the scrubber keeps ready */
    FORK_BYTES = 1 << 20,
    LABEL_NONE = 0,
    LABEL_SHORT = 1,
    LABEL_LENT = 2,
    LABEL_LENT_UNALIGNED = 3,
    LABEL_QUIT = 4,
    LENT_OFFSET = 1000, /* in its page, of what is lent unaligned */
    SERVER_OFFSET = 3,  /* and where that goes */
    EXIT_BIT = 1,
    EXIT_BADGE = 2,
};

static volatile uint64_t clock_sink; /* the compiler must not leave the reading out */
static char lent_pages[2 * PAGE] __attribute__((aligned(PAGE)));
static char server_pages[2 * PAGE] __attribute__((aligned(PAGE)));

static const char *only; /* a row to be measured alone, for tools/profile; NULL: all */

static bool is_wanted(const char *name) {
    return only == NULL || strcmp(name, only) == 0;
}

#define ROW(name, n, statement)                                                                    \
    do {                                                                                           \
        if (is_wanted(name)) {                                                                     \
            bench_row(name, MEASURE(n, statement));                                                \
        }                                                                                          \
    } while (false)

static void must(status_t status, const char *what) {
    if (status != OK) {
        printf("bench failed: %s: %d\n", what, (int)status);
        exit(1);
    }
}

/* --- the server of the round trips --- */

/*
 * Answers the current request with OK and waits for the next, registers only, for as long as short
 * requests come, which are given their own words back: the loop of a server that is built for
 * speed. Returns the label of another request, LABEL_NONE for a notification.
 */
static uint32_t serve_short(handle_t endpoint) {
    register uint64_t word1 __asm__("r10") = 0;
    register uint64_t word2 __asm__("r8") = 0;
    register uint64_t word3 __asm__("r9") = 0;
    uint64_t rax, label, word0 = 0;

    do {
        register uint64_t deadline __asm__("r12") = DEADLINE_NEVER;
        register uint64_t control __asm__("r13") = 0;
        uint64_t rdi = endpoint;

        rax = SYSCALL_reply_receive;
        label = OK;
        __asm__ volatile("syscall"
                         : "+a"(rax), "+D"(rdi), "+S"(label), "+d"(word0), "+r"(word1), "+r"(word2),
                           "+r"(word3), "+r"(deadline), "+r"(control)
                         :
                         : "rbx", "rcx", "r11", "r14", "r15", "memory");
    } while (rax == MESSAGE_CALL && (uint32_t)label == LABEL_SHORT);
    must((int64_t)rax < 0 ? (status_t)rax : OK, "reply_receive");
    return rax == MESSAGE_CALL ? (uint32_t)label : LABEL_NONE;
}

/* Serves until LABEL_QUIT, which is answered too. */
static void serve(handle_t endpoint) {
    struct message first = {.gate = endpoint, .deadline = DEADLINE_NEVER};

    must(message_receive(&first), "receive");
    for (uint32_t label = first.label; label != LABEL_QUIT; label = serve_short(endpoint)) {
        if (label == LABEL_LENT || label == LABEL_LENT_UNALIGNED) {
            char *to = server_pages + (label == LABEL_LENT_UNALIGNED ? SERVER_OFFSET : 0);

            must(sys_lent_read(HANDLE_NONE, 0, to, PAGE, NULL), "lent_read");
        }
    }
    struct message last = {.gate = HANDLE_NONE, .label = OK};
    must(message_reply(&last), "reply");
}

/* --- its client --- */

static void call_short(handle_t gate, uint32_t label, uint64_t deadline) {
    struct message m = {.gate = gate, .label = label, .words = {1, 2, 3, 4}, .deadline = deadline};

    must(message_call_short(&m), "call");
}

static void call_lent(handle_t gate, uint32_t label, const char *from) {
    struct message m = {.gate = gate,
                        .label = label,
                        .deadline = DEADLINE_NEVER,
                        .control = MESSAGE_LENDS,
                        .lent = MESSAGE_LEND(from, PAGE, LENT_READABLE)};

    must(message_call(&m), "call with a lent page");
}

static void measure_two_processes(handle_t gate) {
    uint64_t deadline = time_deadline(1000 * NS_PER_S);

    memset(lent_pages, 1, sizeof lent_pages);
    ROW("ipc_round_trip", 1000, call_short(gate, LABEL_SHORT, DEADLINE_NEVER));
    ROW("ipc_round_trip_deadline", 1000, call_short(gate, LABEL_SHORT, deadline));
    ROW("lent_4k", 1000, call_lent(gate, LABEL_LENT, lent_pages));
    ROW("lent_4k_unaligned", 1000, call_lent(gate, LABEL_LENT_UNALIGNED, lent_pages + LENT_OFFSET));
    fflush(stdout);
    call_short(gate, LABEL_QUIT, DEADLINE_NEVER);
}

static void await_exit(handle_t endpoint, handle_t process) {
    handle_t gate;

    must(sys_gate_create(endpoint, EXIT_BADGE, &gate), "gate_create");
    must(sys_process_watch(process, gate, EXIT_BIT), "process_watch");
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};
    do {
        must(message_receive(&m), "receive");
    } while (m.kind != MESSAGE_NOTIFICATION || m.badge != EXIT_BADGE);
    must(sys_handle_close(gate), "close");
    must(sys_handle_close(process), "close");
}

/* The child is the client, which measures; gates are copied at their numbers, endpoints are not. */
static void bench_two_processes(handle_t endpoint) {
    handle_t gate, child;

    fflush(stdout);
    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    must(sys_process_fork(&child), "fork");
    if (child == HANDLE_NONE) {
        measure_two_processes(gate);
        sys_process_exit(0);
    }
    must(sys_process_start(child, 0, 0, 0), "start");
    serve(endpoint);
    await_exit(endpoint, child);
    must(sys_handle_close(gate), "close");
}

static void serve_in_thread(void *endpoint) {
    serve((handle_t)(uintptr_t)endpoint);
}

static void bench_two_threads(handle_t endpoint) {
    struct thread thread;
    handle_t gate;

    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    must(thread_start(&thread, serve_in_thread, (void *)(uintptr_t)endpoint, 0), "thread_start");
    ROW("ipc_round_trip_same_process", 1000, call_short(gate, LABEL_SHORT, DEADLINE_NEVER));
    call_short(gate, LABEL_QUIT, DEADLINE_NEVER);
    thread_join(&thread);
    must(sys_handle_close(gate), "close");
}

/* --- the rest --- */

static int compare_ticks(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/*
 * After a rest the scrubber's pool is full: the cheapest touch found a zeroed page. Many touches
 * later the pool is empty: the median of the last ones is a fault that zeroes.
 */
static void bench_page_faults(void) {
    static uint64_t took[FAULT_PAGES];
    uint64_t address;

    must(sys_map(HANDLE_NONE, HANDLE_NONE, 0, (uint64_t)FAULT_PAGES * PAGE, 0, MAP_READ | MAP_WRITE,
                 &address),
         "map");
    memset(took, 1, sizeof took);
    time_sleep_until(time_deadline(200 * NS_PER_MS));
    batch_mark();
    for (size_t i = 0; i < FAULT_PAGES; i++) {
        volatile char *page = (volatile char *)(uintptr_t)(address + i * PAGE);
        uint64_t start = ticks_now();
        *page = 1;
        took[i] = ticks_now() - start;
    }
    batch_mark();
    must(sys_unmap(HANDLE_NONE, address, (uint64_t)FAULT_PAGES * PAGE), "unmap");

    enum { LAST = FAULT_PAGES / 4 };
    qsort(took + FAULT_PAGES - LAST, LAST, sizeof took[0], compare_ticks);
    bench_row("page_fault", took[FAULT_PAGES - LAST / 2]);
    qsort(took, FAULT_PAGES - LAST, sizeof took[0], compare_ticks);
    bench_row("page_fault_pooled", took[0]);
}

static void start_program(handle_t endpoint, char *path) {
    char *argv[] = {path, "exit", NULL};
    struct spawn_args args = {.argv = argv, .flags = SPAWN_NAMESPACE};
    handle_t process;

    must(namespace_open(path, FILE_OPEN_READ, 0, &args.source.file, NULL), "open");
    must(spawn(&args, &process), "spawn");
    must(sys_handle_close(args.source.file), "close");
    await_exit(endpoint, process);
}

/* When the notified thread went on. Other bits (CLOSED of gates before) do not end it. */
static volatile uint64_t notified_at;

static void be_notified(void *endpoint) {
    struct message m = {.gate = (handle_t)(uintptr_t)endpoint};

    do {
        m.deadline = DEADLINE_NEVER;
        m.control = 0;
        must(message_receive(&m), "receive");
        notified_at = ticks_now();
    } while (m.kind != MESSAGE_NOTIFICATION || (m.words[0] & EXIT_BIT << 1) == 0);
}

/* The cheapest of many: the receiver's thread is more important than this one. */
static void bench_notify(handle_t endpoint) {
    uint64_t best = UINT64_MAX;
    struct thread thread;
    handle_t gate;

    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    must(thread_start(&thread, be_notified, (void *)(uintptr_t)endpoint, 0), "thread_start");
    must(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, PRIORITY_PROGRAM - 1, NULL), "lower");
    batch_mark();
    for (int i = 0; i < 1000; i++) {
        uint64_t start = ticks_now();

        must(sys_notify(gate, EXIT_BIT), "notify");
        best = notified_at - start < best ? notified_at - start : best;
    }
    batch_mark();
    bench_row("notify_to_run", best);
    must(sys_notify(gate, EXIT_BIT << 1), "notify");
    thread_join(&thread);
    must(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, PRIORITY_PROGRAM, NULL), "raise");
    must(sys_handle_close(gate), "close");
}

/* A tick is a nanosecond here. */
static void bench_timer(void) {
    uint64_t best = UINT64_MAX;

    batch_mark();
    for (int i = 0; i < 100; i++) {
        uint64_t deadline = time_deadline(100 * NS_PER_US);

        time_sleep_until(deadline);
        uint64_t late = time_now_ns() - deadline;
        best = late < best ? late : best;
    }
    batch_mark();
    bench_row("timer_to_run", best);
}

static void fork_and_wait(handle_t endpoint) {
    handle_t child;

    must(sys_process_fork(&child), "fork");
    if (child == HANDLE_NONE) {
        sys_process_exit(0);
    }
    must(sys_process_start(child, 0, 0, 0), "start");
    await_exit(endpoint, child);
}

static void bench_fork(handle_t endpoint) {
    uint64_t address;

    must(sys_map(HANDLE_NONE, HANDLE_NONE, 0, FORK_BYTES, 0, MAP_READ | MAP_WRITE, &address),
         "map");
    memset((void *)(uintptr_t)address, 1, FORK_BYTES);
    ROW("fork_1m", 10, fork_and_wait(endpoint));
    must(sys_unmap(HANDLE_NONE, address, FORK_BYTES), "unmap");
}

static void nothing(void *argument) {
    (void)argument;
}

static void create_and_join(void) {
    struct thread thread;

    must(thread_start(&thread, nothing, NULL, 0), "thread_start");
    thread_join(&thread);
}

int main(int argc, char **argv) {
    handle_t endpoint;

    if (argc > 1 && strcmp(argv[1], "exit") == 0) {
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    only = argc > 1 ? argv[1] : NULL;
    must(sys_endpoint_create(&endpoint), "endpoint_create");
    ROW("null_call", 1000, must(sys_null(), "null"));
    bench_two_processes(endpoint);
    bench_two_threads(endpoint);
    if (is_wanted("page_fault") || is_wanted("page_fault_pooled")) {
        bench_page_faults();
    }
    if (is_wanted("notify_to_run")) {
        bench_notify(endpoint);
    }
    if (is_wanted("timer_to_run")) {
        bench_timer();
    }
    bench_fork(endpoint);
    ROW("program_start", 10, start_program(endpoint, "/tests/bench"));
    ROW("thread_create_join", 100, create_and_join());
    ROW("clock_read", 1000, clock_sink = time_now_ns());
    bench_posix("/tests/bench", only);
    printf("bench end 0\n");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * What an operation costs when there are already many of its kind: `make bench` runs it under
 * icount (tests/bench/measure.h) and makes build/bench-size.csv and a plot of what it prints:
 *
 *     size NAME N INSTRUCTIONS
 *
 *   thread_create_exit     with N other threads, all blocked
 *   thread_wake            one of N threads, each waiting for a word of its own, and its next wait
 *   call_among_threads     a round trip to another thread, with N others that are blocked
 *   process_create_close   with N other processes
 *   call_among_processes   a round trip to another process, with N others of one blocked thread
 *   handle_copy_close      with N handles open
 *   call_by_handle         a round trip, the gate being the last of N handles
 *   gate_create_close      with N gates of the endpoint
 *   notify_gate            notify one of N gates, and receive that
 *   wait_with_deadline     a wait with a deadline, woken before, with N threads asleep
 *   deadline_passes        from a deadline until the thread runs, with N threads asleep
 *   receive_queued         receive a message with N senders in the endpoint's queue
 *
 * Each series is measured in a process of its own, which goes with all that it made.
 */
/* clang-format on */
#include "tests/bench/measure.h"

#include "lib/native/message.h"
#include "lib/native/syscall.h"
#include "lib/native/thread.h"
#include "lib/native/time.h"
#include "tests/guest/sleeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    N_MAX = 10000,
    N_PROCESSES_MAX = 1000,
    N_SENDERS_MAX = 1000,
    TURNS = 20,
    EXIT_BIT = 1,
    QUIT = 2, /* a label */
};

static struct sleeper sleepers[N_MAX + 1];
static handle_t many[N_MAX];

static void must(status_t status, const char *what) {
    if (status != OK) {
        printf("size failed: %s: %d\n", what, (int)status);
        exit(1);
    }
}

static void size_row(const char *name, unsigned n, uint64_t instructions) {
    printf("size %s %u %llu\n", name, n, (unsigned long long)instructions);
}

/* The argument is a gate: sends empty messages to it, for ever. */
__attribute__((naked)) static void sender_main(void) {
    __asm__ volatile("movq %%rdi, %%rbx\n"
                     "1: movl %0, %%eax\n"
                     "movq %%rbx, %%rdi\n"
                     "xorl %%esi, %%esi\n"
                     "movq $-1, %%r12\n"
                     "xorl %%r13d, %%r13d\n"
                     "syscall\n"
                     "jmp 1b\n"
                     :
                     : "i"(SYSCALL_send));
}

static void thread_make(void (*entry)(void), uint64_t argument) {
    uint32_t id;

    must(sys_thread_create((uint64_t)(uintptr_t)entry, 0, argument, 0, &id), "thread_create");
}

/* Runs those that are ready, until they wait: this thread is no less important than they are. */
static void let_run(void) {
    time_sleep_until(time_deadline(2 * NS_PER_MS));
}

/* There are n sleepers from now on, and there were *n_now. */
static void sleepers_grow(unsigned *n_now, unsigned n, bool with_deadline) {
    uint64_t far = time_deadline(100000 * NS_PER_S);

    for (; *n_now < n; ++*n_now) {
        sleepers[*n_now] = (struct sleeper){0, with_deadline ? far + *n_now : DEADLINE_NEVER};
        thread_make(sleeper_main, (uint64_t)(uintptr_t)&sleepers[*n_now]);
        if (*n_now % 500 == 499) {
            let_run();
        }
    }
    let_run();
}

static void sleeper_wake(unsigned i) {
    uint64_t n_woken;

    must(sys_futex_wake(&sleepers[i].word, 1, 0, &n_woken), "futex_wake");
}

/* --- a round trip ------------------------------------------------------------------------------
 */

static void server_main(void *endpoint) {
    struct message m = {.gate = (handle_t)(uintptr_t)endpoint, .deadline = DEADLINE_NEVER};

    must(message_receive(&m), "receive");
    while (m.label != QUIT) {
        m = (struct message){.gate = (handle_t)(uintptr_t)endpoint, .deadline = DEADLINE_NEVER};
        must(message_reply_receive(&m), "reply_receive");
    }
    m = (struct message){.gate = HANDLE_NONE};
    must(message_reply(&m), "reply");
}

static void call(handle_t gate, uint32_t label) {
    struct message m = {.gate = gate, .label = label, .deadline = DEADLINE_NEVER};

    must(message_call_short(&m), "call");
}

static handle_t server_start(struct thread *thread) {
    handle_t endpoint, gate;

    must(sys_endpoint_create(&endpoint), "endpoint_create");
    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    must(thread_start(thread, server_main, (void *)(uintptr_t)endpoint, 0), "thread_start");
    return gate;
}

/* --- threads -----------------------------------------------------------------------------------
 */

/* One more thread, which has ended when its wake-up returns to us: it is as important as we are, so
 * we give way until its last word, which is that its structure is gone. */
static void thread_come_and_go(void) {
    struct sleeper *sleeper = &sleepers[N_MAX];

    *sleeper = (struct sleeper){1, 0}; /* a deadline in the past: it does not wait at all */
    thread_make(sleeper_main, (uint64_t)(uintptr_t)sleeper);
    must(sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL), "yield");
}

static void sleeper_wake_and_wait(unsigned i) {
    sleeper_wake(i);
    must(sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL), "yield");
}

static void series_threads(const unsigned *sizes, unsigned n_sizes) {
    unsigned n_now = 0, next = 0;
    struct thread server;
    handle_t gate = server_start(&server);

    for (unsigned i = 0; i < n_sizes; i++) {
        unsigned n = sizes[i];

        sleepers_grow(&n_now, n, false);
        size_row("thread_create_exit", n, MEASURE(TURNS, thread_come_and_go()));
        size_row("thread_wake", n, MEASURE(TURNS, sleeper_wake_and_wait(next++ * 7919 % n)));
        size_row("call_among_threads", n, MEASURE(TURNS, call(gate, 0)));
    }
}

static void sleep_a_little(uint64_t *best) {
    uint64_t deadline = time_deadline(50 * NS_PER_US), late;

    time_sleep_until(deadline);
    late = time_now_ns() - deadline;
    *best = late < *best ? late : *best;
}

static void series_deadlines(const unsigned *sizes, unsigned n_sizes) {
    unsigned n_now = 0, next = 0;

    for (unsigned i = 0; i < n_sizes; i++) {
        unsigned n = sizes[i];
        uint64_t best = UINT64_MAX;

        sleepers_grow(&n_now, n, true);
        size_row("wait_with_deadline", n, MEASURE(TURNS, sleeper_wake_and_wait(next++ * 7919 % n)));
        for (int turn = 0; turn < TURNS; turn++) {
            sleep_a_little(&best);
        }
        size_row("deadline_passes", n, best);
    }
}

/* --- processes ---------------------------------------------------------------------------------
 */

static void process_come_and_go(void) {
    handle_t process;

    must(sys_process_create(HANDLE_NONE, "size", &process), "process_create");
    must(sys_handle_close(process), "close");
}

/* A process whose only thread waits for ever, in a page of code that all of them share. */
static handle_t process_make(handle_t code) {
    handle_t process;
    uint64_t address;

    must(sys_process_create(HANDLE_NONE, "size", &process), "process_create");
    must(sys_map(process, code, 0, PAGE, 0, MAP_READ | MAP_EXECUTE, &address), "map");
    must(sys_process_start(process, address, 0, address + PAGE - sizeof(struct sleeper)), "start");
    return process;
}

static handle_t code_make(void) {
    struct sleeper sleeper = {0, DEADLINE_NEVER};
    uint64_t address;
    handle_t code;

    must(sys_memory_create(1, 0, 0, HANDLE_NONE, &code), "memory_create");
    must(sys_map(HANDLE_NONE, code, 0, PAGE, 0, MAP_READ | MAP_WRITE, &address), "map");
    memcpy((void *)(uintptr_t)address, (const void *)(uintptr_t)sleeper_main, 256);
    memcpy((char *)(uintptr_t)address + PAGE - sizeof sleeper, &sleeper, sizeof sleeper);
    return code;
}

static void series_processes(const unsigned *sizes, unsigned n_sizes) {
    handle_t code = code_make();
    struct thread server;
    handle_t gate = server_start(&server);
    unsigned n_now = 0;

    for (unsigned i = 0; i < n_sizes && sizes[i] <= N_PROCESSES_MAX; i++) {
        for (; n_now < sizes[i]; n_now++) {
            many[n_now] = process_make(code);
        }
        let_run();
        size_row("process_create_close", sizes[i], MEASURE(TURNS, process_come_and_go()));
        size_row("call_among_processes", sizes[i], MEASURE(TURNS, call(gate, 0)));
    }
    for (unsigned i = 0; i < n_now; i++) {
        must(sys_process_kill(many[i], 0), "kill");
    }
}

/* --- handles and gates -------------------------------------------------------------------------
 */

static void handle_come_and_go(handle_t handle) {
    handle_t copy;

    must(sys_handle_copy(handle, RIGHTS_ALL, 0, &copy), "handle_copy");
    must(sys_handle_close(copy), "close");
}

static void series_handles(const unsigned *sizes, unsigned n_sizes) {
    struct thread server;
    handle_t gate = server_start(&server);
    unsigned n_now = 0;

    for (unsigned i = 0; i < n_sizes; i++) {
        for (; n_now < sizes[i]; n_now++) {
            must(sys_handle_copy(gate, RIGHTS_ALL, 0, &many[n_now]), "handle_copy");
        }
        size_row("handle_copy_close", n_now, MEASURE(TURNS, handle_come_and_go(gate)));
        size_row("call_by_handle", n_now, MEASURE(TURNS, call(many[n_now - 1], 0)));
    }
}

/* Its end is a notification, CLOSED, which is taken too. */
static void gate_come_and_go(handle_t endpoint) {
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};
    handle_t gate;

    must(sys_gate_create(endpoint, 0, &gate), "gate_create");
    must(sys_handle_close(gate), "close");
    must(message_receive(&m), "receive");
}

static void gate_notify(handle_t endpoint, handle_t gate) {
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};

    must(sys_notify(gate, EXIT_BIT), "notify");
    must(message_receive(&m), "receive");
}

static void series_gates(const unsigned *sizes, unsigned n_sizes) {
    unsigned n_now = 0, next = 0;
    handle_t endpoint;

    must(sys_endpoint_create(&endpoint), "endpoint_create");
    for (unsigned i = 0; i < n_sizes; i++) {
        unsigned n = sizes[i];

        for (; n_now < n; n_now++) {
            must(sys_gate_create(endpoint, n_now + 1, &many[n_now]), "gate_create");
        }
        size_row("gate_create_close", n, MEASURE(TURNS, gate_come_and_go(endpoint)));
        size_row("notify_gate", n, MEASURE(TURNS, gate_notify(endpoint, many[next++ * 7919 % n])));
    }
}

/* --- senders -----------------------------------------------------------------------------------
 */

static void receive_one(handle_t endpoint) {
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};

    must(message_receive(&m), "receive");
}

/* One message of n that wait; its sender, whom that lets go on, sends the next when we give way. */
static uint64_t receive_measure(handle_t endpoint) {
    uint64_t best = UINT64_MAX;

    for (int turn = 0; turn < TURNS; turn++) {
        uint64_t start = ticks_now();

        receive_one(endpoint);
        uint64_t took = ticks_now() - start;
        best = took < best ? took : best;
        must(sys_thread_control(HANDLE_NONE, THREAD_YIELD, 0, NULL), "yield");
    }
    return best;
}

static void series_senders(const unsigned *sizes, unsigned n_sizes) {
    handle_t endpoint, gate;
    unsigned n_now = 0;

    must(sys_endpoint_create(&endpoint), "endpoint_create");
    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    for (unsigned i = 0; i < n_sizes && sizes[i] <= N_SENDERS_MAX; i++) {
        for (; n_now < sizes[i]; n_now++) {
            thread_make(sender_main, gate);
        }
        let_run();
        size_row("receive_queued", n_now, receive_measure(endpoint));
    }
}

/* --- all ---------------------------------------------------------------------------------------
 */

static void run_apart(void (*series)(const unsigned *sizes, unsigned n_sizes), handle_t endpoint) {
    static const unsigned sizes[] = {1, 10, 100, 1000, N_MAX};
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};
    struct process_status status;
    handle_t child, gate;

    fflush(stdout);
    must(sys_process_fork(&child), "fork");
    if (child == HANDLE_NONE) {
        series(sizes, sizeof sizes / sizeof sizes[0]);
        fflush(stdout);
        sys_process_exit(0);
    }
    must(sys_gate_create(endpoint, 1, &gate), "gate_create");
    must(sys_process_watch(child, gate, EXIT_BIT), "process_watch");
    must(sys_process_start(child, 0, 0, 0), "start");
    do {
        m.control = 0;
        m.deadline = DEADLINE_NEVER;
        must(message_receive(&m), "receive");
    } while (m.kind != MESSAGE_NOTIFICATION || m.words[0] != EXIT_BIT);
    must(sys_process_info(child, PROCESS_INFO_STATUS, &status, sizeof status, 0, NULL, NULL),
         "info");
    must(status.status == 0 && status.cause == DEATH_EXIT ? OK : ERROR_CLOSED, "the series");
    must(sys_handle_close(gate), "close");
    must(sys_handle_close(child), "close");
}

int main(void) {
    handle_t endpoint;

    must(sys_endpoint_create(&endpoint), "endpoint_create");
    run_apart(series_threads, endpoint);
    run_apart(series_deadlines, endpoint);
    run_apart(series_processes, endpoint);
    run_apart(series_handles, endpoint);
    run_apart(series_gates, endpoint);
    run_apart(series_senders, endpoint);
    printf("size end 0 0\n");
    return 0;
}

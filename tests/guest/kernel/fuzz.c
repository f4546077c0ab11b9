/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer's conductor: starts the programs of fuzz_program.c, each with a budget of its own and
 * what it may have, kills some, and starts others in their place, until enough calls are made. Then
 * all must be as it was (test_run compares the counts), and the bystander content.
 *
 * On the command line: `fuzz=CALLS` in all three runs together, `seed=NUMBER`.
 */
#include "tests/guest/kernel/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/native/startup.h"

enum {
    CALLS_DEFAULT = 60000,
    RUNS = 3, /* of each test: see test_run */
    PROGRAM_FRAMES = 700,
    LIFE_NS_MAX = 2000000000,
    END_NS_MAX = 2000000000,
    FIRST_PORT = 0x80, /* of these four, one is for POST codes, three unused DMA pages */
    TEXT_SCREEN = 0xb8000,
};

/* Lines on which QEMU's machines have no device that nobody has asked for. */
static const uint32_t quiet_lines[] = {3, 5, 7, 10, 11};

static struct slot {
    handle_t process;
    uint32_t id;
    uint64_t begun_ns;
    uint64_t n_counted, n_good;
} slots[FUZZ_SLOTS];

static handle_t endpoint, gate, events, event_gates[FUZZ_SLOTS], bystander;
static uint64_t seed, dice, n_calls, n_good, n_started, n_killed;

static uint64_t option(const char *name, uint64_t otherwise) {
    const char *line = (const char *)(uintptr_t)startup_block()->command_line;
    const char *found = strstr(line, name);

    return found == NULL ? otherwise : strtoull(found + strlen(name), NULL, 0);
}

static struct process_status status_of(handle_t process) {
    struct process_status status = {0};

    CHECK_OK(
        sys_process_info(process, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    return status;
}

/* The new program's next handle: of `handle`, whose own is kept or not. */
static void give(handle_t process, handle_t handle, uint32_t rights, bool keep) {
    handle_t number = HANDLE_NONE;

    CHECK_OK(sys_process_give(process, handle, rights, &number));
    CHECK(number <= FUZZ_GIVEN);
    if (!keep) {
        closed(handle);
    }
}

/* Something of a device that does no harm; if it is not to be had, a gate. */
static handle_t device_thing(uint64_t r) {
    handle_t thing = HANDLE_NONE;

    switch (r % 3) {
    case 0:
        (void)syscall_handle(syscall_do3(SYSCALL_irq_create, test_system,
                                         quiet_lines[(r >> 8) % ARRAY_SIZE(quiet_lines)],
                                         r >> 16 & 1),
                             &thing);
        break;
    case 1:
        (void)syscall_handle(
            syscall_do3(SYSCALL_ioports_create, test_system, FIRST_PORT, 1 + (r >> 8) % 4), &thing);
        break;
    default:
        (void)syscall_handle(syscall_do(SYSCALL_memory_create_device, test_system, TEXT_SCREEN,
                                        1 + (r >> 8) % 8, (r >> 16) % 3, 0, 0),
                             &thing);
    }
    if (thing == HANDLE_NONE) {
        CHECK_OK(sys_handle_copy(gate, RIGHTS_ALL, 0, &thing));
    }
    return thing;
}

static void slot_start(unsigned i) {
    const uint32_t figures = RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY;
    handle_t budget = budget_new(test_budget, PROGRAM_FRAMES), neighbour;
    handle_t program, shared = memory_new(8);
    struct image image;

    fuzz_orders.seed = random_next(&dice);
    fuzz_orders.slot = i;
    image = image_make(budget, fuzz_program, 0);
    program = image.process;
    neighbour = slots[(i + 1) % FUZZ_SLOTS].process;
    CHECK_OK(sys_process_control(program, PROCESS_SET_PRIORITY, FUZZ_PRIORITY, 0, NULL));
    CHECK_OK(sys_process_watch(program, event_gates[i], 1));
    give(program, program, RIGHTS_ALL, true);
    give(program, budget, RIGHTS_ALL, false);
    give(program, test_system, figures, true);
    give(program, test_identity, RIGHTS_ALL, true);
    give(program, endpoint, RIGHTS_ALL, true);
    give(program, gate, RIGHTS_ALL, true);
    give(program, neighbour != HANDLE_NONE ? neighbour : gate, RIGHTS_ALL, true);
    give(program, shared, RIGHTS_ALL, false);
    for (unsigned n = 0; n < 3; n++) {
        give(program, device_thing(random_next(&dice)), RIGHTS_ALL, false);
    }
    slots[i] = (struct slot){program, status_of(program).id, time_now_ns(), 0, 0};
    test_shared[i] = test_shared[FUZZ_GOOD + i] = 0;
    (void)image_start(&image);
    n_started++;
}

/* The calls that a program made since last time, as far as they can be true: others may write
 * there. */
static void slot_count(unsigned i) {
    uint64_t n = test_shared[i], good = test_shared[FUZZ_GOOD + i];

    if (n > slots[i].n_counted && n <= 4 * FUZZ_CALLS_PER_LIFE) {
        n_calls += n - slots[i].n_counted;
        slots[i].n_counted = n;
    }
    if (good > slots[i].n_good && good <= n) {
        n_good += good - slots[i].n_good;
        slots[i].n_good = good;
    }
}

static void slot_ended(unsigned i) {
    struct process_status status = status_of(slots[i].process);

    CHECK(status.state == PROCESS_DEAD);
    if (status.cause == DEATH_EXIT && (status.status & FUZZ_WRONG) != 0) {
        test_print("# system call %d answered %d\n", status.status >> 8 & 0xff,
                   (int8_t)status.status);
        CHECK(!"an answer that the kernel never gives");
    }
    slot_count(i);
    closed(slots[i].process);
    slots[i].process = HANDLE_NONE;
}

static bool is_slots(uint32_t id) {
    for (unsigned i = 0; i < FUZZ_SLOTS; i++) {
        if (slots[i].process != HANDLE_NONE && slots[i].id == id) {
            return true;
        }
    }
    return false;
}

/* Kills it and waits: without a watch, for the programs may have used all that a process has. */
static void process_end(handle_t process) {
    uint64_t deadline = time_deadline(END_NS_MAX);

    CHECK_OK(sys_process_kill(process, 1));
    while (status_of(process).state != PROCESS_DEAD && time_now_ns() < deadline) {
        sleep_us(500);
    }
    CHECK(status_of(process).state == PROCESS_DEAD);
    closed(process);
}

/* Ends what the programs have started and nobody else will. */
static void orphans_end(void) {
    struct process_status list[16];
    uint64_t next = fuzz_orders.protected_last_id + 1;

    do {
        memset(list, 0, sizeof(list));
        CHECK_OK(sys_process_info(test_identity, PROCESS_INFO_LIST, list, sizeof(list), next, &next,
                                  NULL));
        for (unsigned i = 0; i < ARRAY_SIZE(list) && list[i].id != 0; i++) {
            handle_t process = HANDLE_NONE;

            if (list[i].state != PROCESS_DEAD && !is_slots(list[i].id) &&
                sys_process_info(test_identity, PROCESS_INFO_OPEN, NULL, 0, list[i].id, NULL,
                                 &process) == OK) {
                process_end(process);
            }
        }
    } while (next != 0);
}

/* Waits for a program's end, for a while; then lets one end. */
static void conduct(void) {
    struct message m = {.gate = events};
    uint64_t r = random_next(&dice);
    unsigned i = (unsigned)(r >> 8) % FUZZ_SLOTS;

    m.deadline = time_deadline((1 + (r >> 16) % 20) * NS_PER_MS);
    if (message_receive(&m) == OK) {
        slot_ended((unsigned)m.badge);
        slot_start((unsigned)m.badge);
        return;
    }
    for (unsigned n = 0; n < FUZZ_SLOTS; n++) {
        slot_count(n);
        if (time_now_ns() - slots[n].begun_ns > LIFE_NS_MAX) {
            i = n;
            r = 0;
        }
    }
    if (r % 8 == 0) {
        CHECK_OK(sys_process_kill(slots[i].process, 1));
        n_killed++;
    } else if (r % 8 == 1) {
        orphans_end();
    } else if (r % 8 == 2) {
        status_t status = sys_process_control(slots[i].process, PROCESS_CONTINUE, 0, 0, NULL);

        CHECK(status == OK || status == ERROR_BAD_STATE); /* it is dying */
    }
}

static void bystander_start(void) {
    struct process_status status;
    handle_t memory = memory_new(1);

    fuzz_report = (struct fuzz_report *)pages_map(memory, 1, MAP_READ | MAP_WRITE);
    memset(fuzz_report, 0, sizeof(*fuzz_report)); /* this page is not to come later */
    closed(memory);
    bystander = child_start(fuzz_bystander, 0);
    status = status_of(bystander);
    fuzz_orders.protected_last_id = status.id;
}

static void bystander_ask(void) {
    struct process_status status;

    fuzz_report->end = true;
    status = child_wait(bystander);
    CHECK(status.cause == DEATH_EXIT && status.status == 0);
    if (fuzz_report->failure[0] != '\0') {
        test_print("# the bystander: %s\n", fuzz_report->failure);
    }
    CHECK(fuzz_report->n_rounds != 0);
    test_print("# fuzz seed=%llu: %llu calls, %llu did something, %llu programs, %llu killed; "
               "bystander: %llu rounds, longest answer %llu us\n",
               (unsigned long long)seed, (unsigned long long)n_calls, (unsigned long long)n_good,
               (unsigned long long)n_started, (unsigned long long)n_killed,
               (unsigned long long)fuzz_report->n_rounds,
               (unsigned long long)(fuzz_report->longest_answer_ns / NS_PER_US));
    pages_unmap(fuzz_report, 1);
}

/* What the programs bound to the log is let go: somebody else is bound. */
static void log_take_back(void) {
    handle_t own = gate_new(endpoint, 0);

    CHECK_OK(sys_system_control(test_system, SYSTEM_BIND_LOG, own, 1, 0, NULL));
    closed(own);
}

/* No device is there that could write to anybody's DMA memory. */
static void dma_release(void) {
    handle_t last = HANDLE_NONE;

    CHECK_OK(sys_process_create(HANDLE_NONE, NULL, &last));
    for (uint32_t id = fuzz_orders.protected_last_id; id <= status_of(last).id; id++) {
        CHECK_OK(sys_system_control(test_system, SYSTEM_RELEASE_DMA, id, 0, 0, NULL));
    }
    closed(last);
}

static void fuzz(void) {
    uint64_t n_wanted = option("fuzz=", CALLS_DEFAULT) / RUNS + 1;

    seed = seed == 0 ? option("seed=", 1) : seed + 1; /* each run its own */
    dice = seed * 0x9e3779b97f4a7c15ULL | 1;
    n_calls = n_good = n_started = n_killed = 0;
    endpoint = endpoint_new();
    gate = gate_new(endpoint, 1);
    events = endpoint_new();
    bystander_start();
    for (unsigned i = 0; i < FUZZ_SLOTS; i++) {
        event_gates[i] = gate_new(events, i);
        slot_start(i);
    }
    while (n_calls < n_wanted) {
        conduct();
    }
    for (unsigned i = 0; i < FUZZ_SLOTS; i++) {
        process_end(slots[i].process);
        slots[i].process = HANDLE_NONE;
        closed(event_gates[i]);
    }
    orphans_end();
    dma_release();
    bystander_ask();
    /* Numbers that only fail show nothing, nor do programs that nobody ends. */
    CHECK(n_good > n_calls / 20 && n_started > FUZZ_SLOTS &&
          (n_killed > 0 || n_wanted < CALLS_DEFAULT));
    log_take_back();
    closed(gate);
    closed(events);
    closed(endpoint);
    memset((void *)(uintptr_t)test_shared, 0, SHARED_PAGES * PAGE_BYTES); /* they wrote there */
}

const struct test fuzz_tests[] = {
    {"fuzz", fuzz},
    {NULL, NULL},
};

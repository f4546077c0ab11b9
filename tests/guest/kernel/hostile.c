/* SPDX-License-Identifier: MIT */
/* Programs that mean harm: wrong handles, wrong addresses, floods. Everything is an error of
 * theirs, and nobody else's. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

static uint64_t random_state;

static char scratch[3 * PAGE_BYTES];

/* Something that a careless or malicious program might pass. */
static uint64_t hostile_value(void) {
    static const uint64_t edges[] = {0,
                                     1,
                                     7,
                                     64,
                                     4095,
                                     4096,
                                     4097,
                                     0x7ffffffff000,
                                     0x7fffffffffff,
                                     0x800000000000,
                                     0xffff800000000000,
                                     0xffffffff80100000,
                                     0xfffffffffffff000,
                                     UINT64_MAX,
                                     INT64_MAX,
                                     UINT32_MAX,
                                     (uint64_t)1 << 63,
                                     INFO_PAGE_ADDRESS,
                                     PROCESS_PAGE_ADDRESS};
    uint64_t r = random_next(&random_state);

    switch (r % 8) {
    case 0:
        return edges[(r >> 8) % ARRAY_SIZE(edges)];
    case 1:
        return r >> 32;
    case 2:
        return r;
    case 3:
        return (uint64_t)(uintptr_t)scratch + (r >> 8) % sizeof(scratch);
    case 4:
        return (uint64_t)(uintptr_t)scratch + PAGE_BYTES - (r >> 8) % 16;
    case 5:
        return ((r >> 8) % 64) * PAGE_BYTES;
    default:
        return (r >> 8) % 40; /* a handle, perhaps */
    }
}

static int fuzz_child(uint64_t seed) {
    random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t number = random_next(&random_state) % (SYSCALL_COUNT + 2);
        uint64_t values[11];

        for (unsigned j = 0; j < ARRAY_SIZE(values); j++) {
            values[j] = hostile_value();
        }
        /* Nobody wants to wait for ever. */
        values[6] = random_next(&random_state) % 4 == 0 ? time_now_ns() + 100000 : 0;
        if (number == SYSCALL_futex_wait) {
            values[2] = values[6];
        }
        if (number == SYSCALL_process_exit || number == SYSCALL_thread_exit ||
            number == SYSCALL_upcall_return || number == SYSCALL_process_become) {
            continue; /* these end the child by design */
        }
        if (number == SYSCALL_process_control && values[1] == PROCESS_STOP) {
            continue; /* it would stop itself for good */
        }
        if (number == SYSCALL_process_fork && random_next(&random_state) % 8 != 0) {
            continue;
        }
        if (call_raw(number, values) == OK && number == SYSCALL_process_fork) {
            continue; /* in both: the child's child goes on with the same sequence */
        }
    }
    return 0;
}

static handle_t victim_endpoint, victim_gate;

/* Ends every other process: what a fuzzing child left behind. */
static void kill_others(void) {
    struct process_status list[8];
    uint64_t next = 0, own = ((struct process_page *)PROCESS_PAGE_ADDRESS)->id;

    do {
        memset(list, 0, sizeof(list));
        CHECK_OK(sys_process_info(test_identity, PROCESS_INFO_LIST, list, sizeof(list), next, &next,
                                  NULL));
        for (unsigned i = 0; i < ARRAY_SIZE(list) && list[i].id != 0; i++) {
            handle_t process = HANDLE_NONE;

            if (list[i].id == own || list[i].state == PROCESS_DEAD ||
                sys_process_info(test_identity, PROCESS_INFO_OPEN, NULL, 0, list[i].id, NULL,
                                 &process) != OK) {
                continue;
            }
            CHECK_OK(sys_process_kill(process, 1));
            (void)child_wait(process);
        }
    } while (next != 0);
}

static void fuzz(void) {
    static uint64_t seed;

    CHECK_OK(sys_endpoint_create(&victim_endpoint));
    CHECK_OK(sys_gate_create(victim_endpoint, 1, &victim_gate));
    seed = 0;
    for (unsigned i = 0; i < 1000; i++) {
        handle_t child = child_start(fuzz_child, ++seed);

        (void)child_wait(child);
        kill_others();
    }
    CHECK_OK(sys_handle_close(victim_gate));
    CHECK_OK(sys_handle_close(victim_endpoint));
}

static int gates_child(uint64_t n) {
    handle_t endpoint = HANDLE_NONE, gate = HANDLE_NONE;

    CHECK_OK(sys_endpoint_create(&endpoint));
    for (uint64_t i = 0; i < n; i++) {
        CHECK_OK(sys_gate_create(endpoint, i, &gate));
    }
    return 0;
}

static void ten_thousand_gates(void) {
    CHECK(child_run(gates_child, 10000) == 0);
}

static int handles_child(uint64_t unused) {
    handle_t endpoint = HANDLE_NONE, gate = HANDLE_NONE, copy = HANDLE_NONE;
    status_t status = OK;
    uint64_t n = 0;

    (void)unused;
    CHECK_OK(sys_endpoint_create(&endpoint));
    CHECK_OK(sys_gate_create(endpoint, 0, &gate));
    while (status == OK) {
        status = sys_handle_copy(gate, RIGHTS_ALL, 0, &copy);
        n++;
    }
    CHECK(n > 100000);
    return status;
}

static void handle_flood(void) {
    CHECK(child_run(handles_child, 0) == ERROR_TOO_MANY);
}

static int budget_child(uint64_t unused) {
    uint64_t address = 0;

    (void)unused;
    CHECK_OK(
        sys_map(HANDLE_NONE, HANDLE_NONE, 0, (uint64_t)1 << 40, 0, MAP_READ | MAP_WRITE, &address));
    for (uint64_t i = 0;; i++) {
        *(volatile char *)(uintptr_t)(address + i * PAGE_BYTES) = 1;
    }
    return 0;
}

/* All of the machine's memory, then death; and everybody else goes on. */
static void budget_exhausted(void) {
    struct death_record record;

    child_dies(budget_child, 0, &record);
    CHECK(record.cause == DEATH_BUDGET && record.vector == 14);
}

static int fork_bomb(uint64_t depth) {
    handle_t children[2];

    for (unsigned i = 0; i < 2 && depth > 0; i++) {
        children[i] = child_start(fork_bomb, depth - 1);
    }
    for (unsigned i = 0; i < 2 && depth > 0; i++) {
        (void)child_wait(children[i]);
    }
    return 0;
}

static void fork_tree(void) {
    CHECK(child_run(fork_bomb, 6) == 0);
}

const struct test hostile_tests[] = {
    {"hostile ten thousand gates", ten_thousand_gates},
    {"hostile handle flood", handle_flood},
    {"hostile budget exhausted", budget_exhausted},
    {"hostile fork tree", fork_tree},
    {"hostile fuzz", fuzz},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Programs that mean harm: wrong handles, wrong addresses, floods. Everything is an error of
 * theirs, and nobody else's. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

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
    {NULL, NULL},
};

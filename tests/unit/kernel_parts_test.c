/* SPDX-License-Identifier: MIT */
/*
 * Parts of the kernel, on the host, against their models (tests/host/tries.h), with seeds.
 *
 * Build: kernel
 */
#include "tests/unit/test.h"

#include "tests/host/tries.h"

/* Many short runs and some long ones. */
static void run(void (*try)(struct choice *), size_t n_steps) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct choice choice = {.seed = seed * 0x9e3779b97f4a7c15, .n = seed < 5 ? n_steps : seed};

        try(&choice);
    }
}

static void test_handles(void **state) {
    (void)state;
    run(handles_try, 1000);
}

static void test_budgets(void **state) {
    (void)state;
    run(budgets_try, 20000);
}

static void test_spaces(void **state) {
    (void)state;
    run(spaces_try, 4000);
}

static void test_queues(void **state) {
    (void)state;
    run(queues_try, 50000);
}

static void test_calls(void **state) {
    (void)state;
    run(calls_try, 30000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budgets), cmocka_unit_test(test_handles),
        cmocka_unit_test(test_spaces),  cmocka_unit_test(test_queues),
        cmocka_unit_test(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* lib/base/share.h and abi/tag.h: what each login can get, in any order. */
#include "tests/unit/test.h"

#include "abi/tag.h"
#include "lib/base/share.h"

enum { TOTAL = 1000, STEPS = 200000, LOGINS = 20 };

static size_t take_all(struct shares *shares, uint32_t login) {
    size_t n = 0;

    while (share_is_left(shares, login, 1)) {
        share_take(shares, login, 1);
        n++;
    }
    return n;
}

/* Each takes as much as it can: half of it, half of the rest, and so on; the services can take what
 * is left then. */
static void test_greedy(void **state) {
    struct shares shares = {.total = TOTAL};

    (void)state;
    assert_int_equal(take_all(&shares, 1), TOTAL / 2);
    assert_int_equal(take_all(&shares, 2), TOTAL / 4);
    assert_int_equal(take_all(&shares, TAG_LOGIN_MAX), TOTAL / 8);
    assert_false(share_is_left(&shares, 1, 1));
    assert_int_equal(take_all(&shares, 0), TOTAL / 8);
    assert_int_equal(shares.used, TOTAL);
    assert_false(share_is_left(&shares, 0, 1));
    assert_true(share_is_left(&shares, 0, 0));
}

/* A number that would wrap around is too many. */
static void test_large(void **state) {
    struct shares shares = {.total = TOTAL};

    (void)state;
    for (uint32_t login = 0; login <= 1; login++) {
        assert_false(share_is_left(&shares, login, SIZE_MAX));
        share_take(&shares, login, 2);
        assert_false(share_is_left(&shares, login, SIZE_MAX));
        assert_false(share_is_left(&shares, login, SIZE_MAX - 1));
        assert_true(share_is_left(&shares, login, 10));
        share_return(&shares, login, 2);
    }
    shares.total = 0;
    assert_false(share_is_left(&shares, 0, 1));
    assert_false(share_is_left(&shares, 1, 1));
}

/* Whatever they take and return: the sum is right, nobody is given more than what is then left, and
 * who has nothing gets something while the others were asked first. */
static void test_any_order(void **state) {
    struct shares shares = {.total = TOTAL};
    struct test_random random = {0x5eed5};
    size_t n_refused = 0;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        uint32_t login = (uint32_t)test_random_below(&random, LOGINS);
        size_t n = test_random_below(&random, 64), sum = 0;

        if (test_random_below(&random, 3) == 0) {
            share_return(&shares, login, MIN(n, shares.own[login]));
        } else if (share_is_left(&shares, login, n)) {
            share_take(&shares, login, n);
            assert_true(login == 0 || shares.own[login] <= TOTAL - shares.used + n);
        } else {
            n_refused++;
        }
        for (uint32_t i = 0; i <= TAG_LOGIN_MAX; i++) {
            sum += shares.own[i];
        }
        assert_int_equal(sum, shares.used);
        assert_true(shares.used <= TOTAL);
    }
    assert_true(n_refused > STEPS / 100 && n_refused < STEPS / 10 * 9);
}

static void test_tag(void **state) {
    (void)state;
    assert_int_equal(tag_make(0, 0), 0);
    assert_int_equal(tag_pid(tag_make(TAG_LOGIN_MAX, TAG_PID_MAX)), TAG_PID_MAX);
    assert_int_equal(tag_login(tag_make(TAG_LOGIN_MAX, TAG_PID_MAX)), TAG_LOGIN_MAX);
    assert_int_equal(tag_pid(tag_make(7, 4711)), 4711);
    assert_int_equal(tag_login(tag_make(7, 4711)), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

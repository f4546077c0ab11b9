/* SPDX-License-Identifier: MIT */
/* lib/base/string.c: bounded copies and numbers. */
#include "tests/unit/test.h"

#include "lib/base/string.h"

static void test_copy(void **state) {
    char buffer[8];

    (void)state;
    memset(buffer, 'x', sizeof buffer);
    assert_true(string_copy(buffer, 4, "abc"));
    assert_string_equal(buffer, "abc");
    assert_int_equal(buffer[4], 'x');
    assert_false(string_copy(buffer, 4, "abcd"));
    assert_string_equal(buffer, "abc");
    assert_int_equal(buffer[4], 'x');
    assert_true(string_copy(buffer, 1, ""));
    assert_false(string_copy(buffer, 1, "a"));
    assert_string_equal(buffer, "");
    assert_true(string_copy_n(buffer, sizeof buffer, "abcdef", 3));
    assert_string_equal(buffer, "abc");
    assert_true(string_copy_n(buffer, sizeof buffer, "ab\0def", 6));
    assert_string_equal(buffer, "ab");
    assert_false(string_copy_n(buffer, 4, "abcdef", 6));
    assert_string_equal(buffer, "abc");
}

static void test_append(void **state) {
    char buffer[8] = "";

    (void)state;
    assert_true(string_append(buffer, sizeof buffer, "abc"));
    assert_true(string_append(buffer, sizeof buffer, "defg"));
    assert_string_equal(buffer, "abcdefg");
    assert_true(string_append(buffer, sizeof buffer, ""));
    assert_false(string_append(buffer, sizeof buffer, "h"));
    assert_string_equal(buffer, "abcdefg");
}

static void test_compare(void **state) {
    (void)state;
    assert_true(string_equal("", ""));
    assert_true(string_equal("ab", "ab"));
    assert_false(string_equal("ab", "abc"));
    assert_true(string_starts_with("abc", ""));
    assert_true(string_starts_with("abc", "ab"));
    assert_true(string_starts_with("abc", "abc"));
    assert_false(string_starts_with("abc", "abcd"));
    assert_false(string_starts_with("abc", "b"));
    assert_true(string_ends_with("abc", ""));
    assert_true(string_ends_with("abc", "bc"));
    assert_true(string_ends_with("abc", "abc"));
    assert_false(string_ends_with("bc", "abc"));
    assert_false(string_ends_with("abc", "ab"));
    assert_true(string_equal_n("abcd", 3, "abc"));
    assert_false(string_equal_n("abcd", 4, "abc"));
    assert_false(string_equal_n("abcd", 2, "abc"));
    assert_true(string_equal_n("", 0, ""));
}

static void test_numbers(void **state) {
    static const struct {
        const char *digits;
        unsigned base;
        uint64_t min, max;
        enum string_number_result result;
        uint64_t value;
    } cases[] = {
        {"0", 10, 0, UINT64_MAX, STRING_NUMBER_OK, 0},
        {"007", 10, 0, UINT64_MAX, STRING_NUMBER_OK, 7},
        {"18446744073709551615", 10, 0, UINT64_MAX, STRING_NUMBER_OK, UINT64_MAX},
        {"18446744073709551616", 10, 0, UINT64_MAX, STRING_NUMBER_RANGE, 0},
        {"99999999999999999999999999", 10, 0, UINT64_MAX, STRING_NUMBER_RANGE, 0},
        {"99999999999999999999999999x", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"000000000000000000000000000001", 10, 0, UINT64_MAX, STRING_NUMBER_OK, 1},
        {"ffffffffffffffff", 16, 0, UINT64_MAX, STRING_NUMBER_OK, UINT64_MAX},
        {"DeadBeef", 16, 0, UINT64_MAX, STRING_NUMBER_OK, 0xdeadbeef},
        {"0x10", 16, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"0x10", 0, 0, UINT64_MAX, STRING_NUMBER_OK, 16},
        {"0X1f", 0, 0, UINT64_MAX, STRING_NUMBER_OK, 31},
        {"010", 0, 0, UINT64_MAX, STRING_NUMBER_OK, 10},
        {"0x", 0, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"777", 8, 0, UINT64_MAX, STRING_NUMBER_OK, 0777},
        {"8", 8, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"102", 2, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"-1", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"+1", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {" 1", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"1 ", 10, 0, UINT64_MAX, STRING_NUMBER_MALFORMED, 0},
        {"65536", 10, 1, 65535, STRING_NUMBER_RANGE, 0},
        {"65535", 10, 1, 65535, STRING_NUMBER_OK, 65535},
        {"0", 10, 1, 65535, STRING_NUMBER_RANGE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 12345;

        assert_int_equal(
            string_to_u64(cases[i].digits, cases[i].base, cases[i].min, cases[i].max, &value),
            cases[i].result);
        assert_int_equal(value, cases[i].result == STRING_NUMBER_OK ? cases[i].value : 12345);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

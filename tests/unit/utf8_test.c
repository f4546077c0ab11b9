/* SPDX-License-Identifier: MIT */
/* lib/base/utf8.h: all code points there and back, and what is not UTF-8. */
#include "tests/unit/test.h"

#include "lib/base/utf8.h"

static void test_round_trip(void **state) {
    (void)state;
    for (uint32_t code_point = 0; code_point < 0x110010; code_point++) {
        bool is_one = code_point < 0x110000 && (code_point < 0xd800 || code_point > 0xdfff);
        size_t expected = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : 3;
        char bytes[UTF8_LENGTH_MAX];
        uint32_t decoded;
        size_t encoded_length = utf8_encode(code_point, bytes);
        size_t length;

        if (is_one && code_point > 0xffff) {
            expected = 4;
        }
        assert_int_equal(encoded_length, expected);
        for (size_t n = 1; n < encoded_length; n++) {
            assert_int_equal(utf8_decode(bytes, n, &decoded, &length), UTF8_INCOMPLETE);
            assert_int_equal(length, n);
        }
        assert_int_equal(utf8_decode(bytes, encoded_length, &decoded, &length), UTF8_OK);
        assert_int_equal(length, encoded_length);
        assert_int_equal(decoded, is_one ? code_point : UTF8_REPLACEMENT);
    }
}

static void test_malformed(void **state) {
    static const struct {
        const char *bytes;
        size_t skip;
    } cases[] = {
        {"\x80zzz", 1},       {"\xbfzzz", 1},          {"\xc0\x80zz", 1},
        {"\xc1\xbfzz", 1},    {"\xc3zzz", 1},          {"\xe0\x80\x80z", 1},
        {"\xe0\x9f\xbfz", 1}, {"\xed\xa0\x80z", 1},    {"\xed\xbf\xbfz", 1},
        {"\xe2\x82zz", 2},    {"\xf0\x8f\xbf\xbf", 1}, {"\xf4\x90\x80\x80", 1},
        {"\xf0\x9f\x98z", 3}, {"\xf5\x80\x80\x80", 1}, {"\xff\xff\xff\xff", 1},
        {"\xc3\xc3\xa9z", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code_point;
        size_t length;

        assert_int_equal(utf8_decode(cases[i].bytes, 4, &code_point, &length), UTF8_MALFORMED);
        assert_int_equal(code_point, UTF8_REPLACEMENT);
        assert_int_equal(length, cases[i].skip);
    }
}

/* All four-byte sequences of interesting bytes: what decodes encodes to the same bytes. */
static void test_only_one_form(void **state) {
    static const uint8_t some[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                   0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                   0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    const size_t n = sizeof some;

    (void)state;
    for (size_t i = 0; i < n * n * n * n; i++) {
        char bytes[4] = {(char)some[i % n], (char)some[i / n % n], (char)some[i / n / n % n],
                         (char)some[i / n / n / n]};
        char again[UTF8_LENGTH_MAX];
        uint32_t code_point;
        size_t length;

        if (utf8_decode(bytes, 4, &code_point, &length) == UTF8_OK) {
            assert_int_equal(utf8_encode(code_point, again), length);
            assert_memory_equal(again, bytes, length);
        }
        assert_in_range(length, 1, 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_only_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

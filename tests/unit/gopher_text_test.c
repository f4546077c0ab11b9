/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/text.h: nothing but printable UTF-8 comes out, and it fits.
 *
 * Sources: programs/gopher/text.c programs/gopher/buffer.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "programs/gopher/text.h"

static void assert_renders(const char *data, size_t size, size_t columns, const char *expected,
                           size_t used) {
    struct buffer out = {0};
    assert_int_equal(text_render(&out, data, size, columns), used);
    buffer_append(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_release(&out);
}

#define ASSERT_RENDERS(text, columns, expected, used)                                              \
    assert_renders(text, sizeof(text) - 1, columns, expected, used)

static void test_characters(void **state) {
    (void)state;
    ASSERT_RENDERS("plain", 80, "plain", 5);
    ASSERT_RENDERS("Gr\xc3\xbc\xc3\x9f", 80, "Gr\xc3\xbc\xc3\x9f", 4);
    ASSERT_RENDERS("\xe4\xb8\x96\xe7\x95\x8c", 80, "\xe4\xb8\x96\xe7\x95\x8c", 4);
    ASSERT_RENDERS("e\xcc\x81x", 80, "e\xcc\x81x", 2);
    ASSERT_RENDERS("\xf0\x9f\x98\x80", 80, "\xf0\x9f\x98\x80", 2);
}

static void test_latin_1(void **state) {
    (void)state;
    ASSERT_RENDERS("Gr\xfc\xdf"
                   "e",
                   80,
                   "Gr\xc3\xbc\xc3\x9f"
                   "e",
                   5);
    ASSERT_RENDERS("\x80\x93\x94", 80, "\xe2\x82\xac\xe2\x80\x9c\xe2\x80\x9d", 3);
    ASSERT_RENDERS("\x81", 80, "\xef\xbf\xbd", 1);
    ASSERT_RENDERS("\xc3", 80, "\xc3\x83", 1); /* cut short */
    ASSERT_RENDERS("\xe4\xb8", 80, "\xc3\xa4\xc2\xb8", 2);
    ASSERT_RENDERS("\xc0\x80", 80, "\xc3\x80\xe2\x82\xac", 2); /* overlong is not UTF-8 */
}

static void test_controls(void **state) {
    (void)state;
    ASSERT_RENDERS("\x1b[2J", 80, "^[[2J", 5);
    ASSERT_RENDERS("a\0b\x7f", 80, "a^@b^?", 6);
    ASSERT_RENDERS("\x9b"
                   "2J",
                   80,
                   "\xe2\x80\xba"
                   "2J",
                   3);
    ASSERT_RENDERS("\xc2\x9b"
                   "2J",
                   80,
                   "\xef\xbf\xbd"
                   "2J",
                   3);
    ASSERT_RENDERS("\xe2\x80\xae", 80, "\xef\xbf\xbd", 1);
    ASSERT_RENDERS("\xef\xbb\xbf", 80, "\xef\xbf\xbd", 1);
    ASSERT_RENDERS("\xc2\xad", 80, "-", 1);
    ASSERT_RENDERS("\n\r", 80, "^J^M", 4);
}

static void test_tabs_and_cuts(void **state) {
    (void)state;
    ASSERT_RENDERS("a\tb", 80, "a       b", 9);
    ASSERT_RENDERS("\t\tb", 80, "                b", 17);
    ASSERT_RENDERS("a\tb", 5, "a", 1);
    ASSERT_RENDERS("abc", 2, "ab", 2);
    ASSERT_RENDERS("a\xe4\xb8\x96", 2, "a", 1); /* no half of a wide character */
    ASSERT_RENDERS("a\x1b", 2, "a", 1);
    ASSERT_RENDERS("abc", 0, "", 0);
    assert_int_equal(text_columns("a\tb\xc3\xbc", 5), 10);
}

static void test_fit(void **state) {
    (void)state;
    assert_int_equal(text_fit("", 0, 10), 0);
    assert_int_equal(text_fit("short", 5, 10), 5);
    assert_int_equal(text_fit("exactly10!", 10, 10), 10);
    assert_int_equal(text_fit("some words here", 15, 10), 11); /* "some words " */
    assert_int_equal(text_fit("some longer words", 17, 13), 12);
    assert_int_equal(text_fit("a longestwordofall", 18, 10), 10); /* no space in the second half */
    assert_int_equal(text_fit("\xe4\xb8\x96\xe7\x95\x8c", 6, 3), 3);
    assert_int_equal(text_fit("\xe4\xb8\x96", 3, 1), 3); /* at least one, even if it is too wide */
}

static void test_endless_accents_are_broken(void **state) {
    static char accents[20000];
    (void)state;
    for (size_t i = 0; i < sizeof(accents); i += 2) {
        memcpy(accents + i, "\xcc\x81", 2);
    }
    assert_int_equal(text_fit(accents, sizeof(accents), 80), 80 * 16);
}

/* Random bytes, and random code points in UTF-8: the output is safe, and its width as promised. */
static void test_output_is_always_safe(void **state) {
    struct test_random random = {1436};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char data[64];
        size_t size = 0;
        size_t columns = (size_t)test_random_below(&random, 100);
        struct buffer out = {0};
        while (size < sizeof(data) - 4) {
            if (round % 2 == 0) {
                data[size++] = (char)test_random(&random);
            } else {
                size += utf8_encode((uint32_t)test_random_below(&random, 0x3000), data + size);
            }
        }
        assert_true(text_render(&out, data, size, columns) <= columns);
        for (size_t at = 0; at < out.size;) {
            uint32_t code;
            size_t length;
            assert_int_equal(utf8_decode(out.data + at, out.size - at, &code, &length), UTF8_OK);
            assert_true(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
            assert_false(code >= 0x202a && code <= 0x202e);
            assert_int_not_equal(code, 0xfeff);
            at += length;
        }
        for (size_t at = 0; at < size;) {
            size_t n = text_fit(data + at, size - at, columns + 1);
            assert_true(n >= 1 && n <= size - at);
            at += n;
        }
        buffer_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_latin_1),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_tabs_and_cuts),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_endless_accents_are_broken),
        cmocka_unit_test(test_output_is_always_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

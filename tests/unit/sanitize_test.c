/* SPDX-License-Identifier: MIT */
/*
 * servers/console/sanitize: what passes, what does not, in one piece and byte by byte.
 *
 * Sources: servers/console/sanitize.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "servers/console/sanitize.h"

/* As the emulator's: combining characters take no column. */
static int width(uint32_t code_point) {
    return code_point >= 0x300 && code_point < 0x370 ? 0 : code_point >= 0x1100 ? 2 : 1;
}

static const char *clean_in_pieces(const char *text, size_t n, size_t piece) {
    static char to[8192];
    struct sanitizer sanitizer;
    size_t size = 0;

    sanitizer_init(&sanitizer, width);
    for (size_t i = 0; i < n; i += piece) {
        size_t part = n - i < piece ? n - i : piece;

        size += sanitizer_take(&sanitizer, (const uint8_t *)text + i, part, (uint8_t *)to + size);
    }
    to[size] = '\0';
    return to;
}

static void check(const char *text, const char *expected) {
    size_t n = strlen(text);

    assert_string_equal(clean_in_pieces(text, n, n), expected);
    assert_string_equal(clean_in_pieces(text, n, 1), expected);
    assert_string_equal(clean_in_pieces(text, n, 3), expected);
}

static void passes(const char *text) {
    check(text, text);
}

static void test_what_programs_send_passes(void **state) {
    (void)state;
    passes("plain text\r\n\tand controls\b\a");
    passes("\x1b[0m\x1b[1;31mred\x1b[38;5;46m\x1b[38:2:1:2:3m\x1b[H\x1b[25;80H\x1b[?1049h\x1b[2J");
    passes("\x1b[!p\x1b[1\"q\x1b(0lqk\x1b(B\x1b#8\x1b"
           "7\x1b"
           "8\x1bM\x1b=");
    passes("\xc3\xa4\xe2\x94\x82\xf0\x9f\x98\x80");
    passes("\x1b[12\x18");
}

static void test_numbers_and_parameters(void **state) {
    (void)state;
    check("\x1b[999999999999A", "\x1b[99999A");
    check("\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18m", "\x1b[1;2;3;4;5;6;7;8;9;10;11;12m");
    check("\x1b[<<<<<<<<1A", "\x1b[<<<<1A");
    check("\x1b((((((((B", "\x1b((((B");
    check("x\x1b[99999999b", "x\x1b[99999\x18"); /* REP */
}

/* The emulator's own does not end the reverse screen. */
static void test_reset(void **state) {
    (void)state;
    check("\x1b[?5hx\x1b"
          "cy",
          "\x1b[?5hx\x1b"
          "c\x1b[?5ly");
    passes("\x1b(c");
}

static void test_strings_are_dropped(void **state) {
    (void)state;
    check("a\x1b]0;title\a"
          "b",
          "ab");
    check("a\x1b]0;title\x1b\\b", "ab");
    check("a\x1bP$qm\x1b\\b\x1b_x\x1b\\c\x1b^x\x1b\\d\x1bXx\x1b\\e", "abcde");
    check("a\x1b]0;title\x1b[1mb", "a\x1b[1mb"); /* cut short by a sequence */
    check("a\x1b]0;title\x18"
          "b",
          "a\x18"
          "b");
    check("\x1b(\x1b]x\a"
          "b",
          "\x1b("
          "b"); /* ESC takes back what was begun */
}

static void test_malformed_utf8(void **state) {
    (void)state;
    check("\x80"
          "a",
          "\xef\xbf\xbd"
          "a");
    check("\xc3"
          "a",
          "\xef\xbf\xbd"
          "a");
    check("\xc0\xaf", "\xef\xbf\xbd");         /* overlong */
    check("\xed\xa0\x80", "\xef\xbf\xbd");     /* a surrogate */
    check("\xf4\x90\x80\x80", "\xef\xbf\xbd"); /* beyond the last */
    check("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
    check("\xc2\x9b"
          "31m",
          "\xef\xbf\xbd"
          "31m"); /* CSI as a C1 control */
    check("\xe2\x94\xe2\x94\x82", "\xef\xbf\xbd\xe2\x94\x82");
    check("\x1b[1\xc3\xa4", "\x1b[1\x18\xc3\xa4"); /* no sequence has such a byte */
}

static void test_combining_characters_are_dropped(void **state) {
    (void)state;
    check("e\xcc\x81\xcc\x81\xcc\x81x", "ex");
}

/* Of random bytes: well-formed, short sequences, and as bounded as it says. */
static void test_random_bytes(void **state) {
    struct test_random random = {.state = 0x5a17};
    struct sanitizer sanitizer;

    (void)state;
    sanitizer_init(&sanitizer, width);
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t bytes[16], to[sizeof bytes * SANITIZER_EXPANSION];
        size_t n = test_random_below(&random, sizeof bytes + 1);

        for (size_t j = 0; j < n; j++) {
            static const uint8_t usual[] = "\x1b[]();:0123456789mHJbP\\\x07\xc3\xa4";

            bytes[j] = test_random_below(&random, 2) == 0
                           ? (uint8_t)test_random(&random)
                           : usual[test_random_below(&random, sizeof usual - 1)];
        }
        size_t size = sanitizer_take(&sanitizer, bytes, n, to);
        assert_true(size <= n * SANITIZER_EXPANSION);
        for (size_t j = 0; j < size; j++) {
            assert_true(to[j] != 0x7f && to[j] < 0xf8);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_programs_send_passes),
        cmocka_unit_test(test_numbers_and_parameters),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_strings_are_dropped),
        cmocka_unit_test(test_malformed_utf8),
        cmocka_unit_test(test_combining_characters_are_dropped),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

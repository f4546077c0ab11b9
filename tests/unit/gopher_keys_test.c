/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/keys.h: the keys of terminals, whole and in pieces.
 *
 * Sources: programs/gopher/keys.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "programs/gopher/keys.h"

static void test_keys(void **state) {
    static const struct {
        const char *bytes;
        int key;
    } keys[] = {
        {"a", 'a'},
        {"\r", KEY_ENTER},
        {"\n", KEY_ENTER},
        {"\b", KEY_BACKSPACE},
        {"\x7f", KEY_BACKSPACE},
        {"\x0c", 0x0c},
        {"\x1b[A", KEY_UP},
        {"\x1b[B", KEY_DOWN},
        {"\x1bOC", KEY_RIGHT},
        {"\x1b[D", KEY_LEFT},
        {"\x1b[1;5D", KEY_LEFT},
        {"\x1b[H", KEY_HOME},
        {"\x1bOF", KEY_END},
        {"\x1b[1~", KEY_HOME},
        {"\x1b[7~", KEY_HOME},
        {"\x1b[4~", KEY_END},
        {"\x1b[5~", KEY_PAGE_UP},
        {"\x1b[6;2~", KEY_PAGE_DOWN},
        {"\x1b[2~", KEY_INSERT},
        {"\x1b[3~", KEY_DELETE},
        {"\x1bOP", KEY_HELP},
        {"\x1b[11~", KEY_HELP},
        {"\x1b[[A", KEY_HELP},
        {"\x1b[[B", KEY_NONE},
        {"\x1b[99999999999~", KEY_NONE},
        {"\x1b[?1;2c", KEY_NONE},
        {"\xc3\xbc", 0xfc},
        {"\xe2\x82\xac", 0x20ac},
        {"\xf0\x9f\x98\x80", 0x1f600},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char bytes[32];
        int key = -2;
        size_t size = strlen(keys[i].bytes);
        memcpy(bytes, keys[i].bytes, size);
        bytes[size] = 'x'; /* what follows is not touched */
        assert_int_equal(key_decode(bytes, size, false, &key), size);
        assert_int_equal(key, keys[i].key);
        assert_int_equal(key_decode(bytes, size + 1, false, &key), size);
        assert_int_equal(key, keys[i].key);
        for (size_t part = 1; part < size; part++) {
            assert_int_equal(key_decode(bytes, part, false, &key), 0);
            assert_int_equal(key_decode(bytes, part, true, &key), part);
            assert_int_equal(key, part == 1 && bytes[0] == 0x1b ? KEY_ESCAPE : KEY_NONE);
        }
    }
}

static void test_escape_and_another_key(void **state) {
    int key;
    (void)state;
    assert_int_equal(key_decode("\x1bq", 2, false, &key), 1);
    assert_int_equal(key, KEY_ESCAPE);
    assert_int_equal(key_decode("\x1b\x1b[A", 4, false, &key), 1);
    assert_int_equal(key, KEY_ESCAPE);
}

static void test_bad_utf_8(void **state) {
    int key;
    (void)state;
    assert_int_equal(key_decode("\xff", 1, false, &key), 1);
    assert_int_equal(key, KEY_NONE);
    assert_int_equal(key_decode("\xc3x", 2, false, &key), 1);
    assert_int_equal(key, KEY_NONE);
    assert_int_equal(key_decode("\xed\xa0\x80", 3, false, &key), 1);
    assert_int_equal(key, KEY_NONE);
}

/* Any bytes at all are taken in the end, and no key is a terminal's secret. */
static void test_random_bytes(void **state) {
    struct test_random random = {48};
    (void)state;
    for (int round = 0; round < 100000; round++) {
        char bytes[12];
        size_t at = 0;
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (char)(test_random_below(&random, 3) == 0 ? 0x1b : test_random(&random));
        }
        while (at < sizeof(bytes)) {
            int key = -2;
            size_t n = key_decode(bytes + at, sizeof(bytes) - at, true, &key);
            assert_true(n >= 1 && n <= sizeof(bytes) - at);
            assert_true(key >= KEY_NONE && key <= KEY_HELP);
            at += n;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_escape_and_another_key),
        cmocka_unit_test(test_bad_utf_8),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

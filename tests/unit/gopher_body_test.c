/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/body.h: where a body ends, dots, line ends; the same in pieces as in one.
 *
 * Sources: programs/gopher/body.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "programs/gopher/body.h"

static void assert_decodes(const char *body, const char *expected) {
    size_t size = strlen(body);
    /* In pieces of every size, in place: what is written must never overtake what is read. */
    for (size_t piece = 1; piece <= size + 1; piece++) {
        char copy[256];
        char held[2];
        struct body_scan scan = {0};
        struct body_decoder decoder;
        size_t written = 0;
        strcpy(copy, body);
        for (size_t at = 0; at < size; at += piece) {
            body_scan(&scan, body + at, at + piece < size ? piece : size - at);
        }
        assert_int_equal(scan.size, size);
        body_decoder_init(&decoder, &scan);
        size_t end = (size_t)body_size(&scan);
        for (size_t at = 0; at < end; at += piece) {
            char out[256];
            size_t n = body_decode(&decoder, copy + at, at + piece < end ? piece : end - at, out);
            assert_true(written + n <= at + piece);
            memcpy(copy + written, out, n);
            written += n;
        }
        size_t n = body_decode_end(&decoder, held);
        memcpy(copy + written, held, n);
        written += n;
        copy[written] = '\0';
        assert_string_equal(copy, expected);
    }
}

static void test_bodies(void **state) {
    (void)state;
    assert_decodes("", "");
    assert_decodes("a\r\nb\r\n.\r\n", "a\nb\n");
    assert_decodes("a\nb\n.\n", "a\nb\n");
    assert_decodes("a\r\n.", "a\n");
    assert_decodes("a\r\n.\r", "a\n");
    assert_decodes(".\r\n", "");
    assert_decodes("no end", "no end");
    assert_decodes("a\r\n", "a\n");
    assert_decodes("a.\r\n", "a.\n");
    assert_decodes("a\rb\r\r\nc\r", "a\rb\r\nc\r");
}

static void test_stuffed(void **state) {
    (void)state;
    assert_decodes("..\r\n..a\r\n...b\r\n.\r\n", ".\n.a\n..b\n");
    assert_decodes("a\n..\n.", "a\n.\n");
}

/* Servers that do not double dots: nothing is lost. */
static void test_not_stuffed(void **state) {
    (void)state;
    assert_decodes("..a\r\n.b\r\n.\r\n", "..a\n.b\n");
    assert_decodes("a\r\n.\r\nmore\r\n..\r\n.\r\n", "a\n.\nmore\n..\n");
    assert_decodes("a\r\n.\r\nmore\r\n", "a\n.\nmore\n");
    assert_decodes("..a\r\nno final dot\r\n", "..a\nno final dot\n");
    assert_decodes("..a\r\n.\rb\r\n.\r\n", "..a\n.\rb\n");
    assert_decodes("..a\r\n.\r\n.\r\n", "..a\n.\n");
    assert_decodes(".b", ".b");
}

static void test_ends(void **state) {
    struct body_scan scan = {0};
    (void)state;
    assert_false(body_is_terminated(&scan));
    body_scan(&scan, "a\r\n.", 4);
    assert_false(body_seems_ended(&scan));
    assert_true(body_is_terminated(&scan));
    body_scan(&scan, "\r", 1);
    assert_false(body_seems_ended(&scan));
    body_scan(&scan, "\n", 1);
    assert_true(body_seems_ended(&scan));
    assert_int_equal(body_size(&scan), 3);
    body_scan(&scan, "x", 1);
    assert_false(body_seems_ended(&scan));
    assert_false(body_is_terminated(&scan));
    assert_int_equal(body_size(&scan), 7);
}

static bool is_text(const char *data, size_t size) {
    struct body_scan scan = {0};
    body_scan(&scan, data, size);
    return body_is_text(&scan);
}

static void test_is_text(void **state) {
    (void)state;
    assert_true(is_text("", 0));
    assert_true(is_text("plain\ttext\r\n\f\x1b[1m", 17));
    assert_true(is_text("Latin-1 \xe4\xf6\xfc", 11));
    assert_false(
        is_text("zero \0 byte and much more text to follow, so that it is one in many", 60));
    assert_false(is_text("\x01", 1));
    assert_true(is_text("twenty characters \x01.", 20));
    assert_false(is_text("nineteen charact \x01.", 19));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),      cmocka_unit_test(test_stuffed),
        cmocka_unit_test(test_not_stuffed), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_is_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

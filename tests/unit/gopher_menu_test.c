/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/menu.h: good menus, and every way to spoil a line.
 *
 * Sources: programs/gopher/menu.c programs/gopher/url.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "programs/gopher/menu.h"

static struct menu menu;

static void parse(const char *body, size_t size) {
    menu_release(&menu);
    assert_true(menu_parse((struct slice){body, size}, &menu));
}

#define PARSE(text) parse(text, sizeof(text) - 1)

static void assert_slice(struct slice slice, const char *text) {
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void test_menu(void **state) {
    struct gopher_url url;
    (void)state;
    PARSE("iWelcome\t\terror.host\t1\r\n"
          "0About\t/about\thost.example\t70\r\n"
          "1More\tmore stuff\t10.0.2.2\t7070\t+\r\n"
          "3Sorry\t\t\t\r\n"
          ".\r\n0After the end\t/x\thost\t70\r\n");
    assert_int_equal(menu.n_items, 4);
    assert_int_equal(menu.n_links, 2);
    assert_int_equal(menu.n_malformed, 0);
    assert_true(menu_is_menu(&menu));
    assert_slice(menu.items[0].display, "Welcome");
    assert_int_equal(menu.items[0].number, 0);
    assert_slice(menu.items[2].display, "More");
    assert_int_equal(menu.items[3].type, '3');
    assert_false(menu_item_url(&menu.items[3], &url));
    assert_ptr_equal(menu_link(&menu, 2), &menu.items[2]);
    assert_null(menu_link(&menu, 0));
    assert_null(menu_link(&menu, 3));
    assert_true(menu_item_url(menu_link(&menu, 2), &url));
    assert_string_equal(url.host, "10.0.2.2");
    assert_string_equal(url.selector, "more stuff");
    assert_int_equal(url.port, 7070);
    assert_int_equal(url.type, '1');
}

static void test_forgiven(void **state) {
    (void)state;
    PARSE("0LF only\t/x\th\t70\n\n0Blank port\t/x\th\t70  \r\r\n0No line end\t/x\th\t70");
    assert_int_equal(menu.n_items, 4);
    assert_int_equal(menu.n_links, 3);
    assert_int_equal(menu.n_malformed, 0);
    PARSE("i\r\ni\ti\r\n3\r\n");
    assert_int_equal(menu.n_malformed, 0);
    PARSE("");
    assert_int_equal(menu.n_items, 0);
    assert_true(menu_is_menu(&menu));
}

static void test_malformed_lines_become_text(void **state) {
    static const char *const lines[] = {
        "0",
        "0Name",
        "0Name\t/x",
        "0Name\t/x\th",
        "0Name\t/x\th\t",
        "0N\t/x\th\t0",
        "0N\t/x\th\t65536",
        "0N\t/x\th\t7x",
        "0N\t/x\t\t70",
        "0N\t/x\th st\t70",
        "0N\t/x\t-h\t70",
        "0N\t/x\th\x1b\t70",
        "\x01N\t/x\th\t70",
        "\xffN\t/x\th\t70",
        " \t/x\th\t70",
        "0N\t/\rx\th\t70",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        parse(lines[i], strlen(lines[i]));
        assert_int_equal(menu.n_items, 1);
        if (menu.n_malformed != 1 || menu.n_links != 0) {
            fail_msg("line %zu is accepted", i);
        }
        assert_int_equal(menu.items[0].number, 0);
        assert_int_equal(menu.items[0].type, 'i');
    }
    PARSE("0N\t/\0x\th\t70\r\n");
    assert_int_equal(menu.n_malformed, 1);
    PARSE("plain text, with its first letter");
    assert_slice(menu.items[0].display, "plain text, with its first letter");
    assert_false(menu_is_menu(&menu));
}

static void test_selector_lengths(void **state) {
    static char line[GOPHER_SELECTOR_MAX + 100];
    struct gopher_url url;
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        size_t n = GOPHER_SELECTOR_MAX + extra;
        strcpy(line, "0N\t");
        memset(line + 3, 's', n);
        strcpy(line + 3 + n, "\th\t70\r\n");
        parse(line, strlen(line));
        assert_int_equal(menu.n_links, extra == 0);
        assert_int_equal(menu.n_malformed, extra);
    }
    memset(&url, 0, sizeof(url));
    assert_false(menu_item_url(&menu.items[0], &url));
}

static void test_mirrors(void **state) {
    (void)state;
    PARSE("9File\t/x\th\t70\r\n+Mirror\t/x\tg\t70\r\n+Third\t/x\tf\t70\r\n");
    assert_int_equal(menu.n_links, 3);
    assert_int_equal(menu.items[2].type, '9');
    PARSE("+Of nothing\t/x\tg\t70\r\n");
    assert_int_equal(menu.n_links, 0);
}

static void test_web(void **state) {
    struct gopher_url url;
    (void)state;
    PARSE("hWeb\tURL:http://x/\t\t\r\nhPage\t/page.html\th\t70\r\nhBad\tURL:\t\t\r\n");
    assert_int_equal(menu.n_links, 2);
    assert_slice(menu_item_web(&menu.items[0]), "http://x/");
    assert_false(menu_item_url(&menu.items[0], &url));
    assert_int_equal(menu_item_web(&menu.items[1]).size, 0);
    assert_true(menu_item_url(&menu.items[1], &url));
    assert_int_equal(menu.items[2].number, 0);
}

static bool is_error(const char *text) {
    return menu_is_error((struct slice){text, strlen(text)});
}

static void test_errors(void **state) {
    (void)state;
    assert_true(is_error("3Not found\t\terror.host\t1\r\n.\r\n"));
    assert_false(is_error("3 little pigs\r\nwent\tout\tone\tday\r\n"));
    assert_false(is_error(""));
    assert_false(is_error("0Text\t\terror.host\t1\r\n"));
}

static void test_many_lines_are_cut(void **state) {
    size_t n = MENU_ITEMS_MAX + 5;
    char *lines = malloc(n);
    (void)state;
    memset(lines, '\n', n);
    parse(lines, n);
    assert_int_equal(menu.n_items, MENU_ITEMS_MAX);
    assert_true(menu.cut);
    parse(lines, MENU_ITEMS_MAX);
    assert_false(menu.cut);
    free(lines);
    menu_release(&menu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_menu),
        cmocka_unit_test(test_forgiven),
        cmocka_unit_test(test_malformed_lines_become_text),
        cmocka_unit_test(test_selector_lengths),
        cmocka_unit_test(test_mirrors),
        cmocka_unit_test(test_web),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_many_lines_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

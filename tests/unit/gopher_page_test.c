/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/page.h, motion.h and history.h: what a page is, its lines, moving in it and
 * between pages.
 *
 * Sources: programs/gopher/page.c programs/gopher/menu.c programs/gopher/url.c
 * Sources: programs/gopher/body.c programs/gopher/buffer.c programs/gopher/text.c
 * Sources: programs/gopher/motion.c programs/gopher/history.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "programs/gopher/history.h"
#include "programs/gopher/motion.h"
#include "programs/gopher/page.h"

static struct page make_page(char type, const char *data, size_t size) {
    struct page page;
    struct buffer body = {0};
    struct body_scan scan = {0};
    assert_true(buffer_append(&body, data, size));
    body_scan(&scan, data, size);
    assert_true(page_build(&page, type, &body, &scan));
    assert_null(body.data);
    return page;
}

static struct page make_text_page(char type, const char *text) {
    return make_page(type, text, strlen(text));
}

static void assert_line(const struct page *page, size_t line, const char *expected) {
    struct buffer out = {0};
    assert_true(line < page->n_lines);
    page_render_line(page, &page->lines[line], 200, &out);
    buffer_append(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_release(&out);
}

#define MENU                                                                                       \
    "iInfo\t\terror.host\t1\r\n"                                                                   \
    "0First\t/1\th\t70\r\n"                                                                        \
    "\r\n"                                                                                         \
    "1A name that is too long for a narrow screen\t/2\th\t70\r\n"                                  \
    "nonsense\r\n"                                                                                 \
    "3Broken\t\t\t\r\n.\r\n"

static void test_menu_lines(void **state) {
    struct page page = make_text_page('1', MENU);
    (void)state;
    assert_true(page.is_menu);
    assert_int_equal(page.flags, PAGE_MALFORMED);
    assert_true(page_layout(&page, 79));
    assert_int_equal(page.n_lines, 6);
    assert_line(&page, 0, "          Info");
    assert_line(&page, 1, "    1 TXT First");
    assert_line(&page, 2, "          ");
    assert_line(&page, 3, "    2 DIR A name that is too long for a narrow screen");
    assert_line(&page, 4, "          nonsense");
    assert_line(&page, 5, "      ERR Broken");
    assert_true(page_layout(&page, 30));
    assert_int_equal(page.n_lines, 8);
    assert_line(&page, 3, "    2 DIR A name that is too ");
    assert_line(&page, 4, "          long for a narrow ");
    assert_false(page.lines[4].is_first);
    assert_int_equal(page_find_item(&page, 3), 3);
    assert_int_equal(page_find_item(&page, 4), 6);
    page_release(&page);
}

static void test_text_lines(void **state) {
    struct page page = make_text_page('0', "one\r\n\r\n..dot\r\n\tfour\r\n.\r\n");
    (void)state;
    assert_false(page.is_menu);
    assert_int_equal(page.flags, 0);
    assert_true(page_layout(&page, 79));
    assert_int_equal(page.n_lines, 4);
    assert_line(&page, 1, "");
    assert_line(&page, 2, ".dot");
    assert_line(&page, 3, "        four");
    assert_int_equal(page.body.size, strlen("one\n\n.dot\n\tfour\n"));
    assert_null(page_line_item(&page, &page.lines[0]));
    page_release(&page);
}

static void test_what_a_page_is(void **state) {
    struct page page = make_text_page('1', "<html>\r\nno menu\r\n");
    (void)state;
    assert_false(page.is_menu);
    assert_int_equal(page.flags, PAGE_NOT_MENU);
    page_release(&page);
    page = make_page('0', "bin\0ary\r\n.\r\n", 12);
    assert_int_equal(page.flags, PAGE_NOT_TEXT);
    assert_int_equal(page.body.size, 12); /* as it came */
    page_release(&page);
    page = make_text_page('0', "3Not found\t\terror.host\t1\r\n.\r\n");
    assert_true(page.is_menu);
    assert_int_equal(page.flags, PAGE_ERROR);
    page_release(&page);
    page = make_text_page('0', "");
    assert_true(page_layout(&page, 80));
    assert_int_equal(page.n_lines, 0);
    page_release(&page);
}

static void test_long_pages_are_cut(void **state) {
    size_t size = PAGE_LINES_MAX + 100;
    char *lines = malloc(size);
    (void)state;
    memset(lines, '\n', size);
    struct page page = make_page('0', lines, size);
    assert_true(page_layout(&page, 80));
    assert_int_equal(page.n_lines, PAGE_LINES_MAX);
    assert_int_equal(page.flags, PAGE_CUT);
    page_release(&page);
    free(lines);
}

/* n lines, every third a link. */
static struct visit make_visit(size_t n) {
    struct visit visit = {.has_page = true, .selected = NO_ITEM};
    struct buffer body = {0};
    for (size_t i = 0; i < n; i++) {
        buffer_format(&body, i % 3 == 1 ? "0Link %zu\t/x\th\t70\r\n" : "iInfo %zu\t\t\t\r\n", i);
    }
    visit.page = make_page('1', body.data, body.size);
    buffer_release(&body);
    return visit;
}

static void test_selection_stays_on_the_screen(void **state) {
    struct test_random random = {21};
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        struct visit visit = make_visit(n);
        for (int step = 0; step < 300; step++) {
            size_t rows = 1 + (size_t)test_random_below(&random, 12);
            switch (test_random_below(&random, 4)) {
            case 0:
                motion_layout(&visit, 20 + (size_t)test_random_below(&random, 60), rows);
                break;
            case 1:
                motion_layout(&visit, visit.page.columns, rows);
                motion_down(&visit, rows);
                break;
            case 2:
                motion_layout(&visit, visit.page.columns, rows);
                motion_up(&visit, rows);
                break;
            default:
                motion_to(&visit, rows, (size_t)test_random_below(&random, 50));
                break;
            }
            assert_true(visit.top == 0 || visit.top + rows <= visit.page.n_lines);
            if (visit.selected != NO_ITEM) {
                size_t line = page_find_item(&visit.page, visit.selected);
                assert_true(line >= visit.top && line < visit.top + rows);
                assert_true(visit.page.menu.items[visit.selected].number != 0);
            }
        }
        page_release(&visit.page);
    }
}

static void test_arrows_reach_every_link_and_line(void **state) {
    struct visit visit = make_visit(31);
    size_t n_selected = 0;
    size_t last = NO_ITEM;
    (void)state;
    motion_layout(&visit, 79, 4);
    for (int i = 0; i < 60; i++) {
        if (visit.selected != last && visit.selected != NO_ITEM) {
            assert_int_equal(visit.selected % 3, 1);
            n_selected++;
        }
        last = visit.selected;
        motion_down(&visit, 4);
    }
    assert_int_equal(n_selected, 10);
    assert_int_equal(visit.top, 27);
    for (int i = 0; i < 60; i++) {
        motion_up(&visit, 4);
    }
    assert_int_equal(visit.top, 0);
    assert_int_equal(visit.selected, 1);
    page_release(&visit.page);
}

static void test_place_survives_another_width(void **state) {
    struct visit visit = {.has_page = true, .selected = NO_ITEM};
    struct buffer body = {0};
    (void)state;
    for (int i = 0; i < 200; i++) {
        buffer_format(&body, "%03d words and words and words, more than a narrow screen holds\n",
                      i);
    }
    visit.page = make_page('0', body.data, body.size);
    buffer_release(&body);
    motion_layout(&visit, 79, 20);
    motion_to(&visit, 20, 100);
    assert_line(&visit.page, visit.top,
                "100 words and words and words, more than a narrow screen holds");
    motion_layout(&visit, 30, 20);
    assert_true(visit.top > 200);
    assert_line(&visit.page, visit.top, "100 words and words and words, ");
    motion_layout(&visit, 79, 20);
    assert_int_equal(visit.top, 100);
    page_release(&visit.page);
}

static void add(struct history *history, const char *host, size_t size) {
    struct gopher_url url;
    char *data = calloc(1, size + 1);
    struct page page = make_page('9', data, size);
    free(data);
    assert_int_equal(gopher_url_parse(host, &url), URL_OK);
    assert_true(history_add(history, &url, &page));
}

static void test_history(void **state) {
    struct history history = {0};
    (void)state;
    assert_null(history_current(&history));
    add(&history, "a", 10);
    add(&history, "b", 10);
    add(&history, "c", 10);
    assert_string_equal(history_current(&history)->url.host, "c");
    history.place = 0;
    add(&history, "d", 10); /* b and c are gone */
    assert_int_equal(history.n_visits, 2);
    assert_int_equal(history.place, 1);
    for (size_t i = 0; i < HISTORY_MAX + 10; i++) {
        add(&history, "e", 10);
    }
    assert_int_equal(history.n_visits, HISTORY_MAX);
    assert_string_equal(history.visits[0]->url.host, "e");
    history_release(&history);
    assert_null(history_current(&history));
}

static void test_history_drops_the_furthest_pages(void **state) {
    struct history history = {0};
    (void)state;
    for (int i = 0; i < 4; i++) {
        add(&history, "h", 5u << 20); /* a buffer of 8 MiB */
    }
    assert_false(history.visits[0]->has_page);
    assert_false(history.visits[1]->has_page);
    assert_true(history.visits[2]->has_page);
    assert_true(history.visits[3]->has_page);
    history.place = 0;
    struct page page = make_text_page('0', "again");
    history_set_page(&history, history.visits[0], &page);
    assert_true(history.visits[0]->has_page);
    history_release(&history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_menu_lines),
        cmocka_unit_test(test_text_lines),
        cmocka_unit_test(test_what_a_page_is),
        cmocka_unit_test(test_long_pages_are_cut),
        cmocka_unit_test(test_selection_stays_on_the_screen),
        cmocka_unit_test(test_arrows_reach_every_link_and_line),
        cmocka_unit_test(test_place_survives_another_width),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_history_drops_the_furthest_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

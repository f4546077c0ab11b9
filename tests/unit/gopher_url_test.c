/* SPDX-License-Identifier: MIT */
/*
 * programs/gopher/url.h: addresses in both forms, what is sent for them, and file names.
 *
 * Sources: programs/gopher/url.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "programs/gopher/url.h"

static void assert_url(const char *text, const char *host, unsigned port, char type,
                       const char *selector, const char *search) {
    struct gopher_url url;
    assert_int_equal(gopher_url_parse(text, &url), URL_OK);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_int_equal(url.type, type);
    assert_string_equal(url.selector, selector);
    assert_string_equal(url.search, search);
}

static void test_rfc_4266_form(void **state) {
    (void)state;
    assert_url("gopher://host", "host", 70, '1', "", "");
    assert_url("gopher://host/", "host", 70, '1', "", "");
    assert_url("GoPher://host:7070/1", "host", 7070, '1', "", "");
    assert_url("gopher://host:/0/a/b", "host", 70, '0', "/a/b", "");
    assert_url("gopher://host/0a%20b%c3%BC", "host", 70, '0', "a b\xc3\xbc", "");
    assert_url("gopher://host/7/find%09two%20words", "host", 70, '7', "/find", "two words");
    assert_url("gopher://host/7/find%09words%09+plus", "host", 70, '7', "/find", "words");
    assert_url("gopher://host/%30/x", "host", 70, '0', "/x", "");
    assert_url("gopher://host//x", "host", 70, '/', "x", "");
    assert_url("gopher://[2001:db8::1]:71/9x", "2001:db8::1", 71, '9', "x", "");
    assert_url("gopher://[fe80::1%eth0]", "fe80::1%eth0", 70, '1', "", "");
}

static void test_typed_form(void **state) {
    (void)state;
    assert_url("host", "host", 70, '1', "", "");
    assert_url("host/", "host", 70, '1', "", "");
    assert_url("10.0.2.2:7070", "10.0.2.2", 7070, '1', "", "");
    assert_url("host/0/about.txt", "host", 70, '0', "/about.txt", "");
    assert_url("host/1", "host", 70, '1', "", "");
    assert_url("host/a directory/b%20c", "host", 70, '1', "/a directory/b%20c", "");
    assert_url("host/about.txt", "host", 70, '1', "/about.txt", "");
    assert_url("host/x/http://y", "host", 70, 'x', "/http://y", "");
    assert_url("[::1]/0/x", "::1", 70, '0', "/x", "");
}

static void test_bad_addresses(void **state) {
    static const struct {
        const char *text;
        enum url_status status;
    } bad[] = {
        {"", URL_EMPTY},
        {"/0/x", URL_EMPTY},
        {":70", URL_EMPTY},
        {"gopher://", URL_EMPTY},
        {"gopher:///x", URL_EMPTY},
        {"http://host/", URL_SCHEME},
        {"gophers://host/", URL_SCHEME},
        {"gopher://ho st/", URL_BAD_HOST},
        {"gopher://h\xc3\xb6st/", URL_BAD_HOST},
        {"gopher://user@host/", URL_BAD_HOST},
        {"gopher://-rf/", URL_BAD_HOST},
        {"gopher://[::1/", URL_BAD_HOST},
        {"gopher://[::1]x/", URL_BAD_HOST},
        {"gopher://[]/", URL_EMPTY},
        {"host:0", URL_BAD_PORT},
        {"host:65536", URL_BAD_PORT},
        {"host:4294967366", URL_BAD_PORT},
        {"host:-1", URL_BAD_PORT},
        {"host:70a", URL_BAD_PORT},
        {"gopher://host/0%", URL_BAD_ENCODING},
        {"gopher://host/0%4", URL_BAD_ENCODING},
        {"gopher://host/0%4g", URL_BAD_ENCODING},
        {"gopher://host/0a%00b", URL_BAD_SELECTOR},
        {"gopher://host/0a%0d%0aQUIT", URL_BAD_SELECTOR},
        {"gopher://host/7a%09b%0a", URL_BAD_SELECTOR},
        {"gopher://host/%09x", URL_BAD_SELECTOR},
        {"host/0/two\nlines", URL_BAD_SELECTOR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gopher_url url = {.port = 4711};
        enum url_status status = gopher_url_parse(bad[i].text, &url);
        if (status != bad[i].status) {
            fail_msg("%s: status %d", bad[i].text, (int)status);
        }
        assert_int_equal(url.port, 4711); /* untouched */
        assert_true(strlen(url_status_text(status)) > 5);
    }
}

/* Builds PREFIX and n times 'a'. */
static const char *long_text(const char *prefix, size_t n) {
    static char text[20000];
    strcpy(text, prefix);
    memset(text + strlen(prefix), 'a', n);
    text[strlen(prefix) + n] = '\0';
    return text;
}

static void test_lengths(void **state) {
    struct gopher_url url;
    (void)state;
    assert_int_equal(gopher_url_parse(long_text("", GOPHER_HOST_MAX), &url), URL_OK);
    assert_int_equal(gopher_url_parse(long_text("", GOPHER_HOST_MAX + 1), &url), URL_TOO_LONG);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/0", GOPHER_SELECTOR_MAX), &url),
                     URL_OK);
    assert_int_equal(strlen(url.selector), GOPHER_SELECTOR_MAX);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/0", GOPHER_SELECTOR_MAX + 1), &url),
                     URL_TOO_LONG);
    assert_int_equal(gopher_url_parse(long_text("h/0/", GOPHER_SELECTOR_MAX), &url), URL_TOO_LONG);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/7%09", GOPHER_SEARCH_MAX), &url),
                     URL_OK);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/7%09", GOPHER_SEARCH_MAX + 1), &url),
                     URL_TOO_LONG);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/0", 19000), &url), URL_TOO_LONG);
}

static void assert_formats(const char *text, const char *expected) {
    static char formatted[GOPHER_URL_TEXT_MAX];
    struct gopher_url url;
    assert_int_equal(gopher_url_parse(text, &url), URL_OK);
    gopher_url_format(&url, formatted);
    assert_string_equal(formatted, expected);
}

static void test_format(void **state) {
    (void)state;
    assert_formats("host", "gopher://host/");
    assert_formats("host:70/1", "gopher://host/");
    assert_formats("host:71/0/a b", "gopher://host:71/0/a%20b");
    assert_formats("gopher://h/7/x%09a%25b", "gopher://h/7/x%09a%25b");
    assert_formats("gopher://[::1]:7/0%1b[2J", "gopher://[::1]:7/0%1B%5B2J");
    assert_formats("gopher://h/0%ff", "gopher://h/0%FF");
}

/* Whatever can be parsed comes back from its own text, and the text is printable ASCII. */
static void test_format_and_parse_are_inverse(void **state) {
    struct test_random random = {4266};
    static char text[GOPHER_URL_TEXT_MAX];
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct gopher_url url = {.port = (uint16_t)(1 + test_random_below(&random, 65535))};
        struct gopher_url again;
        size_t n = (size_t)test_random_below(&random, round % 10 == 0 ? GOPHER_SELECTOR_MAX : 40);
        strcpy(url.host, "some.host");
        url.type = (char)('!' + test_random_below(&random, '~' - '!'));
        for (size_t i = 0; i < n; i++) {
            char c = (char)(1 + test_random_below(&random, 255));
            url.selector[i] = c == '\t' || c == '\r' || c == '\n' ? 'x' : c;
        }
        gopher_url_format(&url, text);
        for (const char *c = text; *c != '\0'; c++) {
            assert_true(*c > ' ' && *c < 0x7f);
        }
        assert_int_equal(gopher_url_parse(text, &again), URL_OK);
        assert_memory_equal(&url, &again, sizeof(url));
    }
}

static void test_request(void **state) {
    struct gopher_url url;
    char request[GOPHER_REQUEST_MAX];
    (void)state;
    assert_int_equal(gopher_url_parse("gopher://h/", &url), URL_OK);
    assert_int_equal(gopher_url_request(&url, request), 2);
    assert_memory_equal(request, "\r\n", 2);
    assert_int_equal(gopher_url_parse("gopher://h/7/f%09a b", &url), URL_OK);
    assert_int_equal(gopher_url_request(&url, request), 8);
    assert_memory_equal(request, "/f\ta b\r\n", 8);
    assert_int_equal(gopher_url_parse(long_text("gopher://h/7", GOPHER_SELECTOR_MAX), &url),
                     URL_OK);
    memset(url.search, 'b', GOPHER_SEARCH_MAX);
    assert_int_equal(gopher_url_request(&url, request), GOPHER_REQUEST_MAX);
}

static void test_file_names(void **state) {
    static const char *const names[][2] = {
        {"gopher://h/0/a/b.txt", "b.txt"},     {"gopher://h/9x", "x"},
        {"gopher://h/9/dir/", "dir"},          {"gopher://h/0", "page.txt"},
        {"gopher://h/9", "download"},          {"gopher://h/9/..", "download"},
        {"gopher://h/9/.profile", "profile"},  {"gopher://h/9/-rf", "rf"},
        {"gopher://h/9/a%1bb%c3%bc", "a_b__"}, {"gopher://h/9/c:\\x.exe", "x.exe"},
        {"gopher://h/0/a?b=c d", "a_b_c_d"},   {"gopher://h/9///", "download"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gopher_url url;
        char name[64];
        assert_int_equal(gopher_url_parse(names[i][0], &url), URL_OK);
        gopher_url_file_name(&url, name, sizeof(name));
        assert_string_equal(name, names[i][1]);
    }
    struct gopher_url url;
    char name[16];
    assert_int_equal(gopher_url_parse(long_text("gopher://h/9", 200), &url), URL_OK);
    gopher_url_file_name(&url, name, sizeof(name));
    assert_string_equal(name, "aaaaaaaaaaaaaaa");
}

static void test_items(void **state) {
    (void)state;
    assert_int_equal(item_kind('0'), ITEM_TEXT);
    assert_int_equal(item_kind('1'), ITEM_MENU);
    assert_int_equal(item_kind('7'), ITEM_SEARCH);
    assert_int_equal(item_kind('8'), ITEM_SESSION);
    assert_int_equal(item_kind('i'), ITEM_INFO);
    assert_int_equal(item_kind('9'), ITEM_FILE);
    assert_int_equal(item_kind('\0'), ITEM_FILE);
    assert_true(item_is_dotted('0'));
    assert_false(item_is_dotted('9'));
    assert_false(item_is_dotted('\0'));
    for (int type = 0; type < 256; type++) {
        assert_int_equal(strlen(item_label((char)type)), 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_4266_form), cmocka_unit_test(test_typed_form),
        cmocka_unit_test(test_bad_addresses), cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_format),        cmocka_unit_test(test_format_and_parse_are_inverse),
        cmocka_unit_test(test_request),       cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

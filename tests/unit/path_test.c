/* SPDX-License-Identifier: MIT */
/* lib/base/path.c: normal paths, and which prefix of a name space a path belongs to. */
#include "tests/unit/test.h"

#include "lib/base/path.h"
#include "lib/base/string.h"

static void test_normalize(void **state) {
    static const struct {
        const char *directory, *path, *out;
    } cases[] = {
        {NULL, "/", "/"},
        {NULL, "//", "/"},
        {NULL, "///a", "/a"},
        {NULL, "/a/", "/a"},
        {NULL, "/a//b///c//", "/a/b/c"},
        {NULL, "/./a/./b/.", "/a/b"},
        {NULL, "/a/..", "/"},
        {NULL, "/a/../b", "/b"},
        {NULL, "/..", "/"},
        {NULL, "/../../a", "/a"},
        {NULL, "/a/b/../../../c", "/c"},
        {NULL, "/...", "/..."},
        {NULL, "/a/.../..b/c..", "/a/.../..b/c.."},
        {NULL, "/.a/.b.", "/.a/.b."},
        {"/", "a", "/a"},
        {"/", ".", "/"},
        {"/", "..", "/"},
        {"/x", "a/b", "/x/a/b"},
        {"/x/y", "..", "/x"},
        {"/x/y", "../..", "/"},
        {"/x/y", "../../../../z", "/z"},
        {"/x//y/../z/", "a", "/x/z/a"},
        {"/x/y", "/a", "/a"},
        {"relative", "/a", "/a"},
        {"/home", "tcp/example.org/70", "/home/tcp/example.org/70"},
        {"/x", "a b\xc3\xa9\x01", "/x/a b\xc3\xa9\x01"},
    };
    char out[PATH_LENGTH_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(path_normalize(out, cases[i].directory, cases[i].path), PATH_OK);
        assert_string_equal(out, cases[i].out);
        if (path_normal_length(cases[i].path) != 0) {
            assert_int_equal(path_normal_length(cases[i].path), strlen(cases[i].path));
            assert_string_equal(cases[i].out, cases[i].path);
        }
    }
    assert_int_equal(path_normal_length("/a"), 2);
    assert_int_equal(path_normal_length("/a/b.c/d.."), 10);
    assert_int_equal(path_normal_length("/tmp/file"), 9);
    static const char *const others[] = {"", "/", "a", "/a/", "/a//b", "/a/./b", "/a/.."};

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(path_normal_length(others[i]), 0);
    }
}

static void test_normalize_errors(void **state) {
    char out[PATH_LENGTH_MAX];
    char path[PATH_LENGTH_MAX + 16];

    (void)state;
    assert_int_equal(path_normalize(out, "/", ""), PATH_EMPTY);
    assert_int_equal(path_normalize(out, NULL, "a"), PATH_NOT_ABSOLUTE);
    assert_int_equal(path_normalize(out, "", "a"), PATH_NOT_ABSOLUTE);
    assert_int_equal(path_normalize(out, "a", "a"), PATH_NOT_ABSOLUTE);

    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[1 + PATH_NAME_MAX] = '\0';
    assert_int_equal(path_normalize(out, NULL, path), PATH_OK);
    assert_string_equal(out, path);
    assert_int_equal(path_normal_length(path), 1 + PATH_NAME_MAX);
    path[1 + PATH_NAME_MAX] = 'x';
    path[2 + PATH_NAME_MAX] = '\0';
    assert_int_equal(path_normalize(out, NULL, path), PATH_NAME_TOO_LONG);
    assert_int_equal(path_normal_length(path), 0);
}

static void test_length_limit(void **state) {
    char *out = malloc(PATH_LENGTH_MAX); /* exactly, for the sanitizer */
    char path[PATH_LENGTH_MAX + 16];
    char directory[PATH_LENGTH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof path; i++) {
        path[i] = i % 100 == 0 ? '/' : 'x';
    }
    path[PATH_LENGTH_MAX - 1] = '\0';
    assert_int_equal(path_normalize(out, NULL, path), PATH_OK);
    assert_string_equal(out, path);
    assert_int_equal(path_normal_length(path), PATH_LENGTH_MAX - 1);
    path[PATH_LENGTH_MAX - 1] = 'x';
    path[PATH_LENGTH_MAX] = '\0';
    assert_int_equal(path_normalize(out, NULL, path), PATH_TOO_LONG);
    assert_int_equal(path_normal_length(path), 0);

    /* Both short enough, not so together. */
    path[600] = '\0';
    assert_true(string_copy(directory, sizeof directory, path));
    assert_int_equal(path_normalize(out, directory, path + 1), PATH_TOO_LONG);
    /* A long way round that ends short. */
    assert_int_equal(path_normalize(out, directory, "../../../../../../a"), PATH_OK);
    assert_string_equal(out, "/a");
    free(out);
}

static void test_wants_directory(void **state) {
    static const char *const yes[] = {"/", "a/", ".", "..", "/.", "/..", "a/.", "a/..", "a//"};
    static const char *const no[] = {"", "a", "/a", "a.", "a..", "a/b", "...", "/...", "a/.b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        assert_true(path_wants_directory(yes[i]));
        assert_false(path_wants_directory(no[i]));
    }
}

static void test_is_relative_normal(void **state) {
    static const char *const yes[] = {"", "a", "a/b", "...", "a/.b", "..a/b..", "a.", "a..", ".a"};
    static const char *const no[] = {"/",    "/a",  "a/",   "a//b",  ".",      "..", "a/.",
                                     "a/..", "./a", "../a", "a/./b", "a/../b", "//"};
    char name[2 * PATH_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        assert_true(path_is_relative_normal(yes[i], strlen(yes[i])));
    }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
        assert_false(path_is_relative_normal(no[i], strlen(no[i])));
    }
    assert_false(path_is_relative_normal("a\0b", 3));
    assert_false(path_is_relative_normal("a/\0", 3));
    memset(name, 'x', sizeof name);
    name[PATH_NAME_MAX + 1] = '\0';
    assert_false(path_is_relative_normal(name, PATH_NAME_MAX + 1));
    name[PATH_NAME_MAX] = '\0';
    assert_true(path_is_relative_normal(name, PATH_NAME_MAX));
    assert_false(path_is_relative_normal(name, PATH_NAME_MAX + 1));
}

static void test_inner_parent(void **state) {
    static const struct {
        const char *path;
        int at; /* -1: none */
    } cases[] = {{"", -1},        {"..", -1},      {"../../a", -1},  {"/..", -1},
                 {"/../a/b", -1}, {"a..", -1},     {"a/..b", -1},    {"a/...", -1},
                 {"./../a", -1},  {"a/..", 2},     {"/a/..", 3},     {"../a/../b", 5},
                 {"a//../b", 3},  {"a/./../b", 4}, {"a/b/../..", 4}, {"..a/..", 4},
                 {".a/..", 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *found = path_inner_parent(cases[i].path);

        assert_int_equal(found == NULL ? -1 : (int)(found - cases[i].path), cases[i].at);
    }
}

static void test_split(void **state) {
    size_t parent;

    (void)state;
    assert_null(path_split_last("/", &parent));
    assert_string_equal(path_split_last("/a", &parent), "a");
    assert_int_equal(parent, 1);
    assert_string_equal(path_split_last("/a/b", &parent), "b");
    assert_int_equal(parent, 2);
    assert_string_equal(path_split_last("/ab/cd/ef", &parent), "ef");
    assert_int_equal(parent, 6);
}

static void assert_rest(const char *prefix, const char *path, const char *expected) {
    const char *rest = path_rest(prefix, path);

    if (expected == NULL) {
        assert_null(rest);
    } else {
        assert_non_null(rest);
        assert_string_equal(rest, expected);
    }
}

static void test_rest(void **state) {
    (void)state;
    assert_rest("/", "/", "");
    assert_rest("/", "/a/b", "a/b");
    assert_rest("/a", "/", NULL);
    assert_rest("/a", "/a", "");
    assert_rest("/a", "/a/b", "b");
    assert_rest("/a", "/ab", NULL);
    assert_rest("/bin", "/binary", NULL);
    assert_rest("/bin", "/bi", NULL);
    assert_rest("/a/b", "/a/b/c/d", "c/d");
    assert_rest("/a/b", "/a", NULL);
    assert_rest("/a/b", "/a/c", NULL);
}

static void test_longest(void **state) {
    static const char *const prefixes[] = {"/dev",       "/",        "/dev/nic",
                                           "/dev/nic/0", "/devices", "/dev/nic"};
    static const struct {
        const char *path;
        size_t index;
        const char *rest;
    } cases[] = {
        {"/", 1, ""},           {"/bin/ls", 1, "bin/ls"},
        {"/dev", 0, ""},        {"/dev/tty", 0, "tty"},
        {"/dev/nic", 2, ""},    {"/dev/nic/1/x", 2, "1/x"},
        {"/dev/nic/0", 3, ""},  {"/dev/nic/00", 2, "00"},
        {"/devices/a", 4, "a"}, {"/device", 1, "device"},
    };
    const char *rest;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(path_match_longest(prefixes, ARRAY_SIZE(prefixes), cases[i].path, &rest),
                         cases[i].index);
        assert_string_equal(rest, cases[i].rest);
    }
    assert_int_equal(path_match_longest(prefixes, 1, "/bin", &rest), 1);
    assert_int_equal(path_match_longest(prefixes, 0, "/bin", &rest), 0);
}

static void test_names(void **state) {
    char name[PATH_NAME_MAX + 2];

    (void)state;
    assert_true(path_name_is_valid("a"));
    assert_true(path_name_is_valid("..."));
    assert_true(path_name_is_valid(".a"));
    assert_false(path_name_is_valid(""));
    assert_false(path_name_is_valid("."));
    assert_false(path_name_is_valid(".."));
    assert_false(path_name_is_valid("a/b"));
    memset(name, 'x', sizeof name);
    name[PATH_NAME_MAX] = '\0';
    assert_true(path_name_is_valid(name));
    name[PATH_NAME_MAX] = 'x';
    name[PATH_NAME_MAX + 1] = '\0';
    assert_false(path_name_is_valid(name));
}

/* Whatever the input: a result is normal, normalising it again changes nothing, and joining step by
 * step gives the same as joining at once. */
static void test_random_paths(void **state) {
    static const char *const pieces[] = {"/", "/", ".", "..", "a", "bc", "//", "/./", "/../"};
    struct test_random random = {9};

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char path[128] = "/";
        char out[PATH_LENGTH_MAX], again[PATH_LENGTH_MAX];

        for (uint64_t n = test_random_below(&random, 20); n > 0; n--) {
            assert_true(string_append(path, sizeof path,
                                      pieces[test_random_below(&random, ARRAY_SIZE(pieces))]));
        }
        assert_int_equal(path_normalize(out, NULL, path), PATH_OK);
        assert_int_equal(out[0], '/');
        assert_int_equal(path_normalize(again, NULL, out), PATH_OK);
        assert_string_equal(again, out);
        assert_int_equal(path_normalize(again, "/", path + 1 + (path[1] == '/')),
                         path[1 + (path[1] == '/')] == '\0' ? PATH_EMPTY : PATH_OK);
        assert_true(string_equal(out, "/") || !string_ends_with(out, "/"));
        for (const char *p = out; *p != '\0'; p++) {
            assert_false(p[0] == '/' && p[1] == '/');
            assert_false(p[0] == '/' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'));
            assert_false(string_starts_with(p, "/..") && (p[3] == '/' || p[3] == '\0'));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_normalize_errors),
        cmocka_unit_test(test_length_limit),
        cmocka_unit_test(test_wants_directory),
        cmocka_unit_test(test_is_relative_normal),
        cmocka_unit_test(test_inner_parent),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_random_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

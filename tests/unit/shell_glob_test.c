/* SPDX-License-Identifier: MIT */
/*
 * The shell's search for files that match a pattern, in a directory made for it.
 *
 * Sources: programs/shell/glob.c programs/shell/pattern.c programs/shell/fields.c
 * Sources: programs/shell/arena.c programs/common/text.c programs/common/allocate.c
 * Sources: programs/common/report.c
 */
#include "programs/shell/glob.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/test.h"

#include "programs/common/text.h"

static void make_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT, 0666);

    assert_true(fd >= 0);
    close(fd);
}

static int enter_directory(void **state) {
    static char path[] = "/tmp/shell_glob_test.XXXXXX";

    assert_non_null(mkdtemp(path));
    *state = path;
    assert_int_equal(chdir(path), 0);
    assert_int_equal(mkdir("dir", 0777), 0);
    assert_int_equal(mkdir("dir/sub", 0777), 0);
    assert_int_equal(mkdir("dir2", 0777), 0);
    make_file("a.c");
    make_file("b.c");
    make_file(".hidden");
    make_file("dir/x");
    make_file("dir/sub/deep.c");
    make_file("dir2/x");
    make_file("st*r");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    return 0;
}

static int leave_directory(void **state) {
    char command[100];

    snprintf(command, sizeof command, "cd / && rm -r '%s'", (const char *)*state);
    return system(command);
}

static void check(const char *pattern, const char *expected) {
    struct arena arena = {0};
    struct fields fields = {0};
    struct text out = {0};

    glob_expand(&fields, &arena, pattern);
    for (size_t i = 0; i < fields.n; i++) {
        text_append_format(&out, "%s%s", i > 0 ? " " : "", fields.items[i]);
    }
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
    arena_free(&arena);
}

static void test_patterns(void **state) {
    (void)state;
    check("*.c", "a.c b.c");
    check("?.c", "a.c b.c");
    check("[b-z].c", "b.c");
    check("*", "a.c b.c dangling dir dir2 st*r");
    check(".h*", ".hidden");
    check("\\.h*", ".hidden");
    check(".*", ".hidden");
    check("*/x", "dir/x dir2/x");
    check("dir*/", "dir/ dir2/");
    check("*/", "dir/ dir2/");
    check("dir/*/*.c", "dir/sub/deep.c");
    check("*/*/*", "dir/sub/deep.c");
    check("./*.c", "./a.c ./b.c");
    check("dir//s*", "dir//sub");
    check("a.c/*", "");
    check("nothing*", "");
    check("nothing/*", "");
    check("*\\*?", "st*r");
    check("dang*", "dangling");
    check("/de[v]", "/dev");
    check("/de[v]/nul[l]", "/dev/null");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_patterns, enter_directory, leave_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

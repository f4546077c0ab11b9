/* SPDX-License-Identifier: MIT */
/*
 * servers/init/command_line: options and the command of run=.
 *
 * Sources: servers/init/command_line.c
 */
#include "tests/unit/test.h"

#include "servers/init/command_line.h"

static const char *option(const char *line, const char *name) {
    static char value[8];

    return command_line_option(line, name, value, sizeof value) ? value : "<none>";
}

static void test_options(void **state) {
    (void)state;
    assert_string_equal(option("keymap=de panic=halt", "keymap"), "de");
    assert_string_equal(option("a  keymap=  b", "keymap"), "");
    assert_string_equal(option("panic=halt keymap=fr", "keymap"), "fr");
    assert_string_equal(option("keymap=de keymap=fr", "keymap"), "de");
    assert_string_equal(option("xkeymap=de keymaps=fr keymap", "keymap"), "<none>");
    assert_string_equal(option("keymap=12345678", "keymap"), "<none>"); /* does not fit */
    assert_string_equal(option("", "keymap"), "<none>");
    assert_string_equal(option(NULL, "keymap"), "<none>");
}

static void test_command(void **state) {
    (void)state;
    assert_string_equal(command_line_command("keymap=de run=echo a; run=b  c "),
                        "echo a; run=b  c ");
    assert_string_equal(command_line_command("run="), "");
    assert_null(command_line_command("prerun=x run"));
    assert_null(command_line_command(NULL));
    assert_string_equal(option("run=env keymap=de", "keymap"), "<none>"); /* the command's own */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

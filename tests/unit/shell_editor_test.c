/* SPDX-License-Identifier: MIT */
/*
 * The shell's line editor: keys into text. A line is written with '|' where the cursor is.
 *
 * Sources: programs/shell/editor.c programs/shell/keys.c programs/shell/history.c
 * Sources: programs/common/width.c programs/common/text.c programs/common/allocate.c
 * Sources: programs/common/report.c
 */
#include "programs/shell/editor.h"

#include <string.h>

#include "tests/unit/test.h"

#define UP         "\033[A"
#define DOWN       "\033[B"
#define RIGHT      "\033[C"
#define LEFT       "\033[D"
#define HOME       "\033[H"
#define END        "\033[F"
#define DELETE     "\033[3~"
#define BACKSPACE  "\x7f"
#define WORD_LEFT  "\033b"
#define WORD_RIGHT "\033f"
#define A_UMLAUT   "\xc3\xa4"
#define E_ACUTE    "e\xcc\x81" /* e and a combining mark */

/* Feeds all bytes; returns what the last one did. */
static enum editor_event feed(struct editor *editor, const char *bytes) {
    enum editor_event event = EDITOR_MORE;

    for (; *bytes != '\0'; bytes++) {
        event = editor_feed(editor, (unsigned char)*bytes);
    }
    return event;
}

static void check_line(const struct editor *editor, const char *expected) {
    struct text shown = {0};

    text_append(&shown, text_string(&editor->line), editor->cursor);
    text_append_byte(&shown, '|');
    text_append_string(&shown, text_string(&editor->line) + editor->cursor);
    assert_string_equal(text_string(&shown), expected);
    text_free(&shown);
}

static void check(const char *keys, const char *expected) {
    struct editor editor = {0};

    editor_begin(&editor, NULL);
    feed(&editor, keys);
    check_line(&editor, expected);
    editor_free(&editor);
}

static void test_typing_and_moving(void **state) {
    (void)state;
    check("", "|");
    check("abc", "abc|");
    check("abc" LEFT "x", "abx|c");
    check("abc" HOME "x", "x|abc");
    check("abc" HOME RIGHT "x", "ax|bc");
    check("abc" HOME END "x", "abcx|");
    check("abc\001x\005y", "xabcy|");
    check("abc\002x\006y", "abxcy|");
    check("abc\033[1~x\033[4~y", "xabcy|");
    check("abc\033[7~x\033[8~y", "xabcy|");
    check("abc\033OHx\033OFy", "xabcy|");
    check("abc\033OD\033ODx\033OCy", "axby|c");
    check("a b_c  d" WORD_LEFT, "a b_c  |d");
    check("a b_c  d" WORD_LEFT WORD_LEFT, "a |b_c  d");
    check("a b_c  d\033[1;5D\033[1;5D\033[1;5C", "a b_c|  d");
    check("ab cd" HOME WORD_RIGHT "x", "abx| cd");
    check("a\tb", "ab|"); /* the tab is the caller's business */
}

static void test_deleting(void **state) {
    (void)state;
    check("abc" BACKSPACE, "ab|");
    check("abc\b", "ab|");
    check("abc" LEFT BACKSPACE, "a|c");
    check("abc" HOME BACKSPACE, "|abc");
    check("abc" HOME DELETE, "|bc");
    check("abc" DELETE, "abc|");
    check("abc" HOME "\004", "|bc");
    check("abc" LEFT "\013", "ab|");
    check("abc" LEFT "\025", "|c");
    check("a bc  d\027", "a bc  |");
    check("a bc  \027", "a |");
    check("/usr/lib\033\x7f", "|");
    check("ab cd" HOME "\033d", "| cd");
    check("abc def\027\031\031", "abc defdef|");
    check("abc\025\025\031", "abc|"); /* killing nothing keeps what was killed */
}

static void test_utf8(void **state) {
    (void)state;
    check("a" A_UMLAUT "b" LEFT LEFT, "a|" A_UMLAUT "b");
    check("a" A_UMLAUT BACKSPACE, "a|");
    check(A_UMLAUT "b" HOME DELETE, "|b");
    check("x" E_ACUTE BACKSPACE, "x|");
    check("x" E_ACUTE LEFT, "x|" E_ACUTE);
    check("x" E_ACUTE HOME RIGHT RIGHT "y", "x" E_ACUTE "y|");
    check("\xe4\xb8\xad\xe6\x96\x87" LEFT "x", "\xe4\xb8\xad"
                                               "x|\xe6\x96\x87");
    check("a\xff"
          "b" LEFT LEFT,
          "a|\xff"
          "b");
    check("\xff\xfe" BACKSPACE, "\xff|");
}

static void test_events(void **state) {
    struct editor editor = {0};

    (void)state;
    editor_begin(&editor, NULL);
    assert_int_equal(feed(&editor, "\004"), EDITOR_END);
    assert_int_equal(feed(&editor, "a"), EDITOR_MORE);
    assert_int_equal(feed(&editor, "\004"), EDITOR_BELL);
    assert_int_equal(feed(&editor, "\r"), EDITOR_ACCEPT);
    assert_int_equal(feed(&editor, "\n"), EDITOR_ACCEPT);
    assert_int_equal(feed(&editor, "\003"), EDITOR_CANCEL);
    assert_int_equal(feed(&editor, "\014"), EDITOR_CLEAR);
    assert_int_equal(feed(&editor, "\t"), EDITOR_COMPLETE);
    assert_int_equal(feed(&editor, UP), EDITOR_BELL);
    assert_int_equal(feed(&editor, DOWN), EDITOR_BELL);
    assert_int_equal(feed(&editor, RIGHT), EDITOR_BELL);
    check_line(&editor, "a|");
    editor_free(&editor);
}

/* Sequences that mean nothing here leave no trace in the line. */
static void test_unknown_sequences(void **state) {
    (void)state;
    check("a\033[5~b", "ab|");
    check("a\033[[Ab", "ab|");
    check("a\033[1;2Pb", "ab|");
    check("a\033OPb", "ab|");
    check("a\033xb", "ab|");
    check("a\033[?25hb", "ab|");
    check("a\033[200~b\033[201~", "ab|");
    check("a\033[99999999999999999999~b", "ab|");
    check("a\033\033[Db", "b|a");
    check("a\033[\033[Db", "b|a");
    check("\x1a\x1c\x1d\x1e\x1f\x13\x11", "|");
}

static void test_history(void **state) {
    struct editor editor = {0};
    struct history history = {0};

    (void)state;
    history_add(&history, "one");
    history_add(&history, "two");
    history_add(&history, "two");
    history_add(&history, "  ");
    editor_begin(&editor, &history);
    feed(&editor, "new" UP);
    check_line(&editor, "two|");
    feed(&editor, UP);
    check_line(&editor, "one|");
    assert_int_equal(feed(&editor, UP), EDITOR_BELL);
    feed(&editor, "x" DOWN);
    check_line(&editor, "two|");
    feed(&editor, DOWN);
    check_line(&editor, "new|");
    assert_int_equal(feed(&editor, DOWN), EDITOR_BELL);
    feed(&editor, "\020");
    check_line(&editor, "two|");
    feed(&editor, "\016");
    check_line(&editor, "new|");
    editor_begin(&editor, &history);
    feed(&editor, UP UP);
    check_line(&editor, "one|"); /* what was typed over it is gone */
    editor_free(&editor);
    history_free(&history);
}

static void test_history_is_limited(void **state) {
    struct history history = {0};

    (void)state;
    for (int i = 0; i < HISTORY_LIMIT + 5; i++) {
        char line[24];

        snprintf(line, sizeof line, "line %d", i);
        history_add(&history, line);
    }
    assert_int_equal(history.n, HISTORY_LIMIT);
    assert_int_equal(history.n_forgotten, 5);
    assert_string_equal(history.lines[0], "line 5");
    history_free(&history);
}

static void test_length_is_limited(void **state) {
    struct editor editor = {0};

    (void)state;
    editor_begin(&editor, NULL);
    for (int i = 0; i < EDITOR_LIMIT; i++) {
        assert_int_equal(feed(&editor, "a"), EDITOR_MORE);
    }
    assert_int_equal(feed(&editor, "a"), EDITOR_BELL);
    assert_int_equal(editor.line.length, EDITOR_LIMIT);
    editor_free(&editor);
}

static void test_midway(void **state) {
    struct editor editor = {0};

    (void)state;
    editor_begin(&editor, NULL);
    assert_false(editor_is_midway(&editor));
    feed(&editor, "\033");
    assert_true(editor_is_midway(&editor));
    feed(&editor, "[");
    assert_true(editor_is_midway(&editor));
    feed(&editor, "D");
    assert_false(editor_is_midway(&editor));
    feed(&editor, "\xe4");
    assert_true(editor_is_midway(&editor));
    feed(&editor, "\xb8");
    assert_true(editor_is_midway(&editor));
    feed(&editor, "\xad");
    assert_false(editor_is_midway(&editor));
    feed(&editor, "\xff");
    assert_false(editor_is_midway(&editor));
    feed(&editor, "\x80");
    assert_false(editor_is_midway(&editor));
    editor_free(&editor);
}

/* Whatever is typed, the cursor stays inside the line. */
static void test_random_keys(void **state) {
    static const char *const keys[] = {
        "a",    " ",    A_UMLAUT, E_ACUTE,   "\xff", "\xcc\x81", "\xe4",     LEFT,
        RIGHT,  HOME,   END,      BACKSPACE, DELETE, WORD_LEFT,  WORD_RIGHT, "\013",
        "\025", "\027", "\031",   "\033d",   UP,     DOWN,
    };
    struct test_random random = {.state = 77};
    struct editor editor = {0};
    struct history history = {0};

    (void)state;
    history_add(&history, "ls -l");
    history_add(&history, A_UMLAUT "x");
    editor_begin(&editor, &history);
    for (int i = 0; i < 200000; i++) {
        feed(&editor, keys[test_random_below(&random, sizeof keys / sizeof *keys)]);
        assert_true(editor.cursor <= editor.line.length);
        if (editor.line.length > 100) {
            feed(&editor, "\005\025");
            assert_int_equal(editor.line.length, 0);
        }
    }
    editor_free(&editor);
    history_free(&history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typing_and_moving),
        cmocka_unit_test(test_deleting),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_unknown_sequences),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_history_is_limited),
        cmocka_unit_test(test_length_is_limited),
        cmocka_unit_test(test_midway),
        cmocka_unit_test(test_random_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

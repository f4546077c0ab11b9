/* SPDX-License-Identifier: MIT */
/*
 * The shell's expander, with variables and files made up here; patterns; completion's quoting.
 *
 * Sources: programs/shell/expander.c programs/shell/parser.c programs/shell/lexer.c
 * Sources: programs/shell/arena.c programs/shell/fields.c programs/shell/pattern.c
 * Sources: programs/shell/complete_text.c
 * Sources: programs/common/text.c programs/common/allocate.c programs/common/report.c
 * Sources: programs/common/number.c
 */
#include "programs/shell/expander.h"

#include <string.h>

#include "tests/unit/test.h"

#include "programs/common/text.h"
#include "programs/shell/complete.h"
#include "programs/shell/pattern.h"

static const char *value(void *context, const char *name) {
    static const char *const values[] = {
        "A",    "one",   "TWO",   "two words", "BLANK", "  a  b  ",     "EMPTY", "",
        "STAR", "*",     "QUOTE", "'\"",       "HOME",  "/home/me you", "?",     "42",
        "0",    "shell", "BACK",  "a\\*",      "MANY",  "x y z",        NULL,
    };

    (void)context;
    for (size_t i = 0; values[i] != NULL; i += 2) {
        if (strcmp(values[i], name) == 0) {
            return values[i + 1];
        }
    }
    return NULL;
}

/* The directory has the files "ab", "ac", "a b" and "*". */
static void match(struct fields *fields, struct arena *arena, const char *pattern) {
    static const char *const files[] = {"*", "a b", "ab", "ac"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (pattern_match(pattern, files[i])) {
            fields_add(fields, arena, arena_copy(arena, files[i], strlen(files[i])));
        }
    }
}

static char *parameters[] = {"p 1", "", "p*", NULL};

static struct expander make_expander(size_t n_parameters) {
    return (struct expander){
        .value = value, .match = match, .parameters = parameters, .n_parameters = n_parameters};
}

/* Checks that a word becomes these fields, each written in brackets. */
static void check_with(size_t n_parameters, const char *word, const char *expected) {
    struct expander expander = make_expander(n_parameters);
    struct arena arena = {0};
    struct fields fields = {0};
    struct word list = {.text = word};
    struct text out = {0};

    assert_null(expander_words(&expander, &arena, &list, &fields));
    for (size_t i = 0; i < fields.n; i++) {
        text_append_format(&out, "[%s]", fields.items[i]);
    }
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
    arena_free(&arena);
}

static void check(const char *word, const char *expected) {
    check_with(3, word, expected);
}

static void test_quotes(void **state) {
    (void)state;
    check("abc", "[abc]");
    check("a'b c'd", "[ab cd]");
    check("''", "[]");
    check("\"\"", "[]");
    check("a\"\"", "[a]");
    check("'$A\\'", "[$A\\]");
    check("\"a 'b' $A\"", "[a 'b' one]");
    check("\\$A\\ b\\\\", "[$A b\\]");
    check("\"\\$A \\\"x\\\" \\\\ \\` \\a\"", "[$A \"x\" \\ ` \\a]");
    check("a\\\nb\"c\\\nd\"", "[abcd]");
    check("'a\nb'", "[a\nb]");
    check("\xc3\xa4'\xff'", "[\xc3\xa4\xff]");
}

static void test_parameters(void **state) {
    (void)state;
    check("$A", "[one]");
    check("${A}x$A.y", "[onexone.y]");
    check("$Ax", "");
    check("$UNSET", "");
    check("\"$UNSET\"", "[]");
    check("x$UNSET", "[x]");
    check("$EMPTY''", "[]");
    check("$?", "[42]");
    check("a$?b", "[a42b]");
    check("$0", "[shell]");
    check("$", "[$]");
    check("$.a", "[$.a]");
    check("\"$\"", "[$]");
    check("$1", "[p][1]");
    check("\"$1\"", "[p 1]");
    check("$2", "");
    check("\"$2\"", "[]");
    check("${3}", "[p*]");
    check("$4${10}", "");
    check("$12", "[p][12]");
}

static void test_splitting(void **state) {
    (void)state;
    check("$TWO", "[two][words]");
    check("\"$TWO\"", "[two words]");
    check("x$TWO\"y z\"", "[xtwo][wordsy z]");
    check("$BLANK", "[a][b]");
    check("x$BLANK.", "[x][a][b][.]");
    check("\"$BLANK\"", "[  a  b  ]");
    check("$MANY$MANY", "[x][y][zx][y][z]");
    check("$QUOTE", "['\"]");
}

static void test_all_parameters(void **state) {
    (void)state;
    check("$@", "[p][1][p*]");
    check("$*", "[p][1][p*]");
    check("\"$@\"", "[p 1][][p*]");
    check("\"$*\"", "[p 1  p*]");
    check("\"<$@>\"", "[<p 1][][p*>]");
    check("x\"$@\"y", "[xp 1][][p*y]");
    check_with(0, "$@", "");
    check_with(0, "\"$@\"", "");
    check_with(0, "\"$*\"", "[]");
    check_with(0, "\"x$@\"", "[x]");
    check_with(0, "''\"$@\"", "[]");
}

static void test_patterns_in_words(void **state) {
    (void)state;
    check("a*", "[a b][ab][ac]");
    check("a?", "[ab][ac]");
    check("a[bx]", "[ab]");
    check("a'*'", "[a*]");
    check("a\\*", "[a*]");
    check("\"a*\"", "[a*]");
    check("no*", "[no*]");
    check("'a'*", "[a b][ab][ac]");
    check("$STAR", "[*][a b][ab][ac]");
    check("\"$STAR\"", "[*]");
    check("'*'?", "[*?]");
    check("$BACK", "[a\\*]");
    check("[", "[[]");
    check("a'['b]", "[a[b]]");
    check("'[a]'b*", "[[a]b*]");
}

static void test_tilde(void **state) {
    (void)state;
    check("~", "[/home/me you]");
    check("~/x", "[/home/me you/x]");
    check("~x", "[~x]");
    check("a~", "[a~]");
    check("'~'", "[~]");
    check("\\~/x", "[~/x]");
}

static void test_bad_substitutions(void **state) {
    static const char *const words[] = {"${}", "${A:-x}", "${1A}", "\"${ A}\"", "${A-}", "${#A}"};
    struct expander expander = make_expander(0);

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct arena arena = {0};
        struct fields fields = {0};
        struct word list = {.text = words[i]};
        const char *problem = expander_words(&expander, &arena, &list, &fields);

        assert_non_null(problem);
        assert_memory_equal(problem, "bad substitution: ${", 20);
        arena_free(&arena);
    }
}

static void test_one_string(void **state) {
    static const struct {
        const char *word, *expected;
    } cases[] = {
        {"", ""},          {"$TWO", "two words"}, {"$BLANK", "  a  b  "},
        {"*", "*"},        {"a'b'$A", "abone"},   {"~/x", "/home/me you/x"},
        {"$@", "p 1  p*"}, {"\"$@\"", "p 1  p*"}, {"$UNSET", ""},
        {"a\\ b", "a b"},
    };
    struct expander expander = make_expander(3);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        char *result = NULL;

        assert_null(expander_string(&expander, &arena, cases[i].word, &result));
        assert_string_equal(result, cases[i].expected);
        arena_free(&arena);
    }
}

static void test_pattern_match(void **state) {
    static const struct {
        const char *pattern, *string;
        int matches;
    } cases[] = {
        {"", "", 1},           {"", "a", 0},
        {"*", "", 1},          {"*", "abc", 1},
        {"a*c", "abbc", 1},    {"a*c", "abbd", 0},
        {"*a*b*", "xaxbx", 1}, {"*a*b*", "xbxa", 0},
        {"?", "", 0},          {"?", "a", 1},
        {"?", "\xc3\xa4", 1},  {"??", "\xc3\xa4", 0},
        {"?", "\xff", 1},      {"\xff", "\xff", 1},
        {"\xff", "\xfe", 0},   {"[a-c]", "b", 1},
        {"[a-c]", "d", 0},     {"[!a-c]", "d", 1},
        {"[^a-c]", "b", 0},    {"[]a]", "]", 1},
        {"[!]a]", "]", 0},     {"[a-]", "-", 1},
        {"[-a]", "-", 1},      {"[a", "[a", 1},
        {"[a", "a", 0},        {"[]", "[]", 1},
        {"[\\]]", "]", 1},     {"[\\a]", "\\", 0},
        {"\\*", "*", 1},       {"\\*", "a", 0},
        {"\\", "\\", 1},       {"[\xc3\xa4-\xc3\xb6]", "\xc3\xa5", 1},
        {"[c-a]", "b", 0},     {"[a-c-e]", "-", 1},
        {"a[", "a[", 1},       {"[[]", "[", 1},
        {"*.c", "x.c", 1},     {"*.c", "x.cc", 0},
        {"[!", "[!", 1},       {"[a-", "[a-", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(pattern_match(cases[i].pattern, cases[i].string), cases[i].matches);
    }
}

/* Would take 2^30 steps if stars were tried one inside the other. */
static void test_pattern_cost(void **state) {
    (void)state;
    assert_false(
        pattern_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void check_completed(const char *line, size_t start, char quote, int is_command,
                            const char *plain) {
    struct complete_word word = complete_find_word(line, strlen(line));

    assert_int_equal(word.start, start);
    assert_int_equal(word.quote, quote);
    assert_int_equal(word.is_command, is_command);
    assert_string_equal(text_string(&word.plain), plain);
    text_free(&word.plain);
}

static void test_completion_word(void **state) {
    (void)state;
    check_completed("", 0, 0, 1, "");
    check_completed("l", 0, 0, 1, "l");
    check_completed("ls ", 3, 0, 0, "");
    check_completed("  ls", 2, 0, 1, "ls");
    check_completed("ls a\\ b", 3, 0, 0, "a b");
    check_completed("ls 'a b", 3, '\'', 0, "a b");
    check_completed("ls \"a'b", 3, '"', 0, "a'b");
    check_completed("a; b", 3, 0, 1, "b");
    check_completed("a |b", 3, 0, 1, "b");
    check_completed("a >b", 3, 0, 0, "b");
    check_completed("a && (cd", 6, 0, 1, "cd");
    check_completed("a\\", 0, 0, 1, "a\\");
}

static void test_completion_quote(void **state) {
    static const struct {
        const char *text;
        char quote;
        int whole;
        const char *expected;
    } cases[] = {
        {"abc", 0, 1, "abc "},         {"abc", 0, 0, "abc"},       {"dir/", 0, 1, "dir/"},
        {"a b", 0, 1, "a\\ b "},       {"a b", '\'', 1, "'a b' "}, {"a'b", '\'', 0, "'a'\\''b"},
        {"a$b", '"', 1, "\"a\\$b\" "}, {"dir/", '"', 1, "\"dir/"}, {"~/x", 0, 1, "~/x "},
        {"a\nb", 0, 0, "a'\n'b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text out = {0};

        complete_quote(&out, cases[i].text, cases[i].quote, cases[i].whole);
        assert_string_equal(text_string(&out), cases[i].expected);
        text_free(&out);
    }
}

static void test_completion_common(void **state) {
    char *names[] = {"abcd", "abce", "abx"};
    char *umlauts[] = {"a\xc3\xa4", "a\xc3\xb6"};

    (void)state;
    assert_int_equal(complete_common(names, 1), 4);
    assert_int_equal(complete_common(names, 2), 3);
    assert_int_equal(complete_common(names, 3), 2);
    assert_int_equal(complete_common(umlauts, 2), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_splitting),
        cmocka_unit_test(test_all_parameters),
        cmocka_unit_test(test_patterns_in_words),
        cmocka_unit_test(test_tilde),
        cmocka_unit_test(test_bad_substitutions),
        cmocka_unit_test(test_one_string),
        cmocka_unit_test(test_pattern_match),
        cmocka_unit_test(test_pattern_cost),
        cmocka_unit_test(test_completion_word),
        cmocka_unit_test(test_completion_quote),
        cmocka_unit_test(test_completion_common),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

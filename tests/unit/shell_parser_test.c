/* SPDX-License-Identifier: MIT */
/*
 * The shell's parser: trees, written out again with all structure visible, and its messages.
 *
 * Sources: programs/shell/parser.c programs/shell/lexer.c programs/shell/arena.c
 * Sources: programs/common/text.c programs/common/allocate.c programs/common/report.c
 */
#include "programs/shell/parser.h"

#include <string.h>

#include "tests/unit/test.h"

#include "programs/common/text.h"

static void show_list(struct text *out, const struct list *list);

static void show_command(struct text *out, const struct command *command) {
    static const char *const signs[] = {"<", ">", ">>", "&"};

    if (command->subshell != NULL) {
        text_append_string(out, "( ");
        show_list(out, command->subshell);
        text_append_string(out, ")");
    }
    for (const struct word *word = command->assignments; word != NULL; word = word->next) {
        text_append_format(out, "{%s}", word->text);
    }
    for (const struct word *word = command->words; word != NULL; word = word->next) {
        text_append_format(out, "[%s]", word->text);
    }
    for (const struct redirect *r = command->redirects; r != NULL; r = r->next) {
        text_append_format(out, "<%d%s %s>", r->fd, signs[r->kind], r->target);
    }
}

static void show_list(struct text *out, const struct list *list) {
    static const char *const connectors[] = {"", " AND ", " OR "};

    for (const struct statement *s = list->statements; s != NULL; s = s->next) {
        for (const struct pipeline *p = s->pipelines; p != NULL; p = p->next) {
            text_append_string(out, connectors[p->connector]);
            for (const struct command *c = p->commands; c != NULL; c = c->next) {
                show_command(out, c);
                text_append_string(out, c->next != NULL ? " | " : "");
            }
        }
        text_append_string(out, s->background ? " & " : " ; ");
    }
}

static void check_tree(const char *input, const char *expected) {
    struct arena arena = {0};
    struct text out = {0};
    struct parse parse = parser_parse(&arena, input);

    assert_int_equal(parse.result, PARSE_OK);
    show_list(&out, parse.list);
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
    arena_free(&arena);
}

static void test_trees(void **state) {
    (void)state;
    check_tree("", "");
    check_tree(" \n # nothing\n", "");
    check_tree("ls -l 'a b'", "[ls][-l]['a b'] ; ");
    check_tree("a; b & c", "[a] ; [b] & [c] ; ");
    check_tree("a\n\nb\n", "[a] ; [b] ; ");
    check_tree("a;", "[a] ; ");
    check_tree("a &\nb", "[a] & [b] ; ");
    check_tree("a | b | c", "[a] | [b] | [c] ; ");
    check_tree("a |\n\n b", "[a] | [b] ; ");
    check_tree("a && b || c; d", "[a] AND [b] OR [c] ; [d] ; ");
    check_tree("a &&\nb", "[a] AND [b] ; ");
    check_tree("a | b && c | d &", "[a] | [b] AND [c] | [d] & ");
    check_tree("a <in >out 2>>err", "[a]<0< in><1> out><2>> err> ; ");
    check_tree("a 2>&1 3<&- <&4", "[a]<2& 1><3& -><0& 4> ; ");
    check_tree(">f a b", "[a][b]<1> f> ; ");
    check_tree(">f", "<1> f> ; ");
    check_tree("A=1 B='x y' cmd C=2", "{A=1}{B='x y'}[cmd][C=2] ; ");
    check_tree("A=1", "{A=1} ; ");
    check_tree("A=1 >f B=2", "{A=1}{B=2}<1> f> ; ");
    check_tree("1A=1 'A'=1 A+=1 =1", "[1A=1]['A'=1][A+=1][=1] ; ");
    check_tree("(a; b) >f | c", "( [a] ; [b] ; )<1> f> | [c] ; ");
    check_tree("(\na\n)\n", "( [a] ; ) ; ");
    check_tree("((a))", "( ( [a] ; ) ; ) ; ");
    check_tree("(a&)", "( [a] & ) ; ");
}

static void check_problem(const char *input, enum parse_result result, const char *message,
                          unsigned line) {
    struct arena arena = {0};
    struct parse parse = parser_parse(&arena, input);

    assert_int_equal(parse.result, result);
    assert_string_equal(parse.message, message);
    assert_int_equal(parse.line, line);
    arena_free(&arena);
}

static void test_errors(void **state) {
    (void)state;
    check_problem("a\n;", PARSE_ERROR, "unexpected ';'", 2);
    check_problem("&", PARSE_ERROR, "unexpected '&'", 1);
    check_problem("| a", PARSE_ERROR, "unexpected '|'", 1);
    check_problem("a || | b", PARSE_ERROR, "unexpected '|' after '||'", 1);
    check_problem("a | ; b", PARSE_ERROR, "unexpected ';' after '|'", 1);
    check_problem("a ; ; b", PARSE_ERROR, "unexpected ';'", 1);
    check_problem("a & & b", PARSE_ERROR, "unexpected '&'", 1);
    check_problem("a )", PARSE_ERROR, "unexpected ')'", 1);
    check_problem("a ( b )", PARSE_ERROR, "unexpected '('", 1);
    check_problem("(a) b", PARSE_ERROR, "unexpected 'b'", 1);
    check_problem("()", PARSE_ERROR, "nothing between '(' and ')'", 1);
    check_problem("(a && )", PARSE_ERROR, "unexpected ')' after '&&'", 1);
    check_problem("a >\nb", PARSE_ERROR, "unexpected end of line after '>'", 1);
    check_problem("a > > b", PARSE_ERROR, "unexpected '>' after '>'", 1);
    check_problem("a 2>&", PARSE_INCOMPLETE, "unexpected end of input after '>&'", 1);
    check_problem("a 10>b", PARSE_ERROR, "a redirected descriptor must be between 0 and 9", 1);
    check_problem("a\nb $(c)", PARSE_ERROR, "command substitution is not supported", 2);
}

static void test_incomplete(void **state) {
    (void)state;
    check_problem("a |", PARSE_INCOMPLETE, "unexpected end of input after '|'", 1);
    check_problem("a &&\n", PARSE_INCOMPLETE, "unexpected end of input after '&&'", 2);
    check_problem("a; (b; c", PARSE_INCOMPLETE, "'(' is not closed", 1);
    check_problem("echo 'a\nb", PARSE_INCOMPLETE, "unterminated single quote", 1);
    check_problem("echo \\", PARSE_INCOMPLETE, "nothing follows the backslash", 1);
}

static void test_nesting_is_limited(void **state) {
    char input[100001];

    (void)state;
    memset(input, '(', sizeof input - 1);
    input[sizeof input - 1] = '\0';
    check_problem(input, PARSE_ERROR, "too many nested parentheses", 1);
}

static void test_texts(void **state) {
    struct arena arena = {0};
    struct parse parse = parser_parse(&arena, " a  'b' | c # x\n(d) && e >f &");
    const struct statement *first = parse.list->statements;

    (void)state;
    assert_string_equal(first->text, "a  'b' | c");
    assert_string_equal(first->pipelines->text, "a  'b' | c");
    assert_string_equal(first->next->text, "(d) && e >f");
    assert_string_equal(first->next->pipelines->text, "(d)");
    assert_string_equal(first->next->pipelines->next->text, "e >f");
    arena_free(&arena);
}

/* A million statements must not be a million stack frames. */
static void test_long_lists(void **state) {
    struct text input = {0};
    struct arena arena = {0};
    struct parse parse;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        text_append_string(&input, i % 3 == 0 ? "a|" : i % 3 == 1 ? "b&&" : "c;");
    }
    text_append_string(&input, "d");
    parse = parser_parse(&arena, text_string(&input));
    assert_int_equal(parse.result, PARSE_OK);
    arena_free(&arena);
    text_free(&input);
}

static void test_random_inputs(void **state) {
    static const char alphabet[] = "ab1=$'\"\\(){}|&;<>#~* \n";
    struct test_random random = {.state = 1};
    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct arena arena = {0};
        char input[24];
        size_t length = test_random_below(&random, sizeof input - 1);
        struct parse parse;

        for (size_t i = 0; i < length; i++) {
            input[i] = alphabet[test_random_below(&random, sizeof alphabet - 1)];
        }
        input[length] = '\0';
        parse = parser_parse(&arena, input);
        assert_true(parse.result == PARSE_OK ? parse.list != NULL : parse.message != NULL);
        arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_incomplete),    cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_texts),         cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_random_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

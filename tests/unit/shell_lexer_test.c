/* SPDX-License-Identifier: MIT */
/*
 * The shell's lexer: what becomes one token, and where a problem is seen.
 *
 * Sources: programs/shell/lexer.c
 */
#include "programs/shell/lexer.h"

#include <string.h>

#include "tests/unit/test.h"

static const char *const kind_names[] = {
    [TOKEN_END] = "end",        [TOKEN_NEWLINE] = "nl",      [TOKEN_WORD] = "w",
    [TOKEN_NUMBER] = "n",       [TOKEN_SEMICOLON] = ";",     [TOKEN_AMPERSAND] = "&",
    [TOKEN_AND] = "&&",         [TOKEN_OR] = "||",           [TOKEN_PIPE] = "|",
    [TOKEN_OPEN] = "(",         [TOKEN_CLOSE] = ")",         [TOKEN_LESS] = "<",
    [TOKEN_GREATER] = ">",      [TOKEN_APPEND] = ">>",       [TOKEN_LESS_AND] = "<&",
    [TOKEN_GREATER_AND] = ">&", [TOKEN_INCOMPLETE] = "more", [TOKEN_ERROR] = "error",
};

/* All tokens of the input as one string: words as "w:TEXT", the others by their names. */
static const char *lex(const char *input) {
    static char result[1000];
    struct lexer lexer = lexer_begin(input);
    struct token token;
    size_t used = 0;

    do {
        token = lexer_next(&lexer);
        used += (size_t)snprintf(result + used, sizeof result - used, "%s%s", used > 0 ? " " : "",
                                 kind_names[token.kind]);
        if (token.kind == TOKEN_WORD || token.kind == TOKEN_NUMBER) {
            used += (size_t)snprintf(result + used, sizeof result - used, ":%.*s",
                                     (int)token.length, token.start);
        }
    } while (token.kind != TOKEN_END && token.kind != TOKEN_INCOMPLETE &&
             token.kind != TOKEN_ERROR);
    return result;
}

static void test_words_and_operators(void **state) {
    static const struct {
        const char *input, *tokens;
    } cases[] = {
        {"", "end"},
        {" \t\r ", "end"},
        {"ls -l", "w:ls w:-l end"},
        {"a;b&c&&d||e|f", "w:a ; w:b & w:c && w:d || w:e | w:f end"},
        {"(a)\n\nb", "( w:a ) nl nl w:b end"},
        {"a>b>>c<d", "w:a > w:b >> w:c < w:d end"},
        {"a 2>b", "w:a n:2 > w:b end"},
        {"a2>b", "w:a2 > w:b end"},
        {"2 >b", "w:2 > w:b end"},
        {"a 2>&1 <&3", "w:a n:2 >& w:1 <& w:3 end"},
        {"123<f", "n:123 < w:f end"},
        {"a # b ; c\nd", "w:a nl w:d end"},
        {"a#b #", "w:a#b end"},
        {"#", "end"},
        {"a \\\n b", "w:a w:b end"},
        {"a\\\nb", "w:a\\\nb end"},
        {"\\ a\\;b", "w:\\ a\\;b end"},
        {"\\#", "w:\\# end"},
        {"'a b'c\"d ' e\"", "w:'a b'c\"d ' e\" end"},
        {"'a\nb'", "w:'a\nb' end"},
        {"\"a\\\"b\" c", "w:\"a\\\"b\" w:c end"},
        {"\"${A}\"$B${C}$", "w:\"${A}\"$B${C}$ end"},
        {"\"a$\"", "w:\"a$\" end"},
        {"a\r\nb", "w:a nl w:b end"},
        {"\xc3\xa4 \xff\xfe", "w:\xc3\xa4 w:\xff\xfe end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(lex(cases[i].input), cases[i].tokens);
    }
}

static void test_problems(void **state) {
    static const struct {
        const char *input;
        enum token_kind kind;
        const char *problem;
    } cases[] = {
        {"'abc", TOKEN_INCOMPLETE, "unterminated single quote"},
        {"a'", TOKEN_INCOMPLETE, "unterminated single quote"},
        {"\"abc", TOKEN_INCOMPLETE, "unterminated double quote"},
        {"\"abc\\", TOKEN_INCOMPLETE, "unterminated double quote"},
        {"\"abc\\\"", TOKEN_INCOMPLETE, "unterminated double quote"},
        {"\\", TOKEN_INCOMPLETE, "nothing follows the backslash"},
        {"ab\\", TOKEN_INCOMPLETE, "nothing follows the backslash"},
        {"${A", TOKEN_INCOMPLETE, "unterminated '${'"},
        {"\"${A", TOKEN_INCOMPLETE, "unterminated '${'"},
        {"${A\n}", TOKEN_ERROR, "unterminated '${'"},
        {"$(ls)", TOKEN_ERROR, "command substitution is not supported"},
        {"\"$(ls)\"", TOKEN_ERROR, "command substitution is not supported"},
        {"`ls`", TOKEN_ERROR, "command substitution is not supported"},
        {"\"`ls`\"", TOKEN_ERROR, "command substitution is not supported"},
        {"<< E", TOKEN_ERROR, "here-documents (<<) are not supported"},
        {"<> f", TOKEN_ERROR, "the redirection <> is not supported"},
        {">| f", TOKEN_ERROR, "the redirection >| is not supported"},
        {"&> f", TOKEN_ERROR, "the redirection &> is not supported"},
        {";;", TOKEN_ERROR, "unexpected ';;'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer lexer = lexer_begin(cases[i].input);
        struct token token = lexer_next(&lexer);

        assert_int_equal(token.kind, cases[i].kind);
        assert_string_equal(token.problem, cases[i].problem);
    }
}

static void test_lines_are_counted(void **state) {
    struct lexer lexer = lexer_begin("a 'x\ny' \\\n b\n\nc");
    static const unsigned lines[] = {1, 1, 3, 3, 4, 5, 5};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(lexer_next(&lexer).line, lines[i]);
    }
}

/* Every input of up to six of the characters that mean something comes to an end, inside its
 * bounds (AddressSanitizer watches). */
static void test_all_short_inputs_end(void **state) {
    static const char alphabet[] = "a1'\"\\$\n{}&<> ";
    size_t n = sizeof alphabet - 1;
    size_t total = 1;

    (void)state;
    for (int length = 1; length <= 5; length++) {
        total *= n;
        for (size_t number = 0; number < total; number++) {
            char input[8] = "";
            size_t rest = number;

            for (int i = 0; i < length; i++) {
                input[i] = alphabet[rest % n];
                rest /= n;
            }
            assert_non_null(lex(input));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_operators),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_lines_are_counted),
        cmocka_unit_test(test_all_short_inputs_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

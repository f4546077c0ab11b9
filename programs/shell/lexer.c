/* SPDX-License-Identifier: MIT */
#include "programs/shell/lexer.h"

#include <string.h>

static const struct {
    const char *text; /* longer operators before their beginnings */
    enum token_kind kind;
    const char *problem;
} operators[] = {
    {"&&", TOKEN_AND, NULL},
    {"||", TOKEN_OR, NULL},
    {";;", TOKEN_ERROR, "unexpected ';;'"},
    {"<<", TOKEN_ERROR, "here-documents (<<) are not supported"},
    {"<>", TOKEN_ERROR, "the redirection <> is not supported"},
    {">|", TOKEN_ERROR, "the redirection >| is not supported"},
    {"&>", TOKEN_ERROR, "the redirection &> is not supported"},
    {">>", TOKEN_APPEND, NULL},
    {"<&", TOKEN_LESS_AND, NULL},
    {">&", TOKEN_GREATER_AND, NULL},
    {"\n", TOKEN_NEWLINE, NULL},
    {";", TOKEN_SEMICOLON, NULL},
    {"&", TOKEN_AMPERSAND, NULL},
    {"|", TOKEN_PIPE, NULL},
    {"(", TOKEN_OPEN, NULL},
    {")", TOKEN_CLOSE, NULL},
    {"<", TOKEN_LESS, NULL},
    {">", TOKEN_GREATER, NULL},
};

struct lexer lexer_begin(const char *input) {
    return (struct lexer){.next = input, .line = 1};
}

/* Blanks, comments, and newlines that a backslash hides. */
static void skip_blanks(struct lexer *lexer) {
    for (;;) {
        lexer->next += strspn(lexer->next, " \t\r");
        if (lexer->next[0] == '\\' && lexer->next[1] == '\n') {
            lexer->next += 2;
            lexer->line++;
        } else if (lexer->next[0] == '#') {
            lexer->next += strcspn(lexer->next, "\n");
            return;
        } else {
            return;
        }
    }
}

/* The problems that a part of a word can have. */
static const char substitution[] = "command substitution is not supported";
static const char single_open[] = "unterminated single quote";
static const char double_open[] = "unterminated double quote";
static const char brace_open[] = "unterminated '${'";
static const char backslash_last[] = "nothing follows the backslash";

struct scan {
    const char *end; /* where the part ends, if kind is TOKEN_WORD */
    enum token_kind kind;
    const char *problem;
};

static struct scan scan_to(const char *end) {
    return (struct scan){.end = end, .kind = TOKEN_WORD};
}

static struct scan scan_stopped(enum token_kind kind, const char *problem) {
    return (struct scan){.kind = kind, .problem = problem};
}

/* Something that begins with '$'; a lone dollar sign stands for itself. */
static struct scan scan_dollar(const char *at) {
    if (at[1] == '(') {
        return scan_stopped(TOKEN_ERROR, substitution);
    }
    if (at[1] == '{') {
        const char *close = at + 2 + strcspn(at + 2, "}\n");

        return *close == '}'    ? scan_to(close + 1)
               : *close == '\n' ? scan_stopped(TOKEN_ERROR, brace_open)
                                : scan_stopped(TOKEN_INCOMPLETE, brace_open);
    }
    return scan_to(at + 1);
}

static struct scan scan_double_quoted(const char *at) {
    for (at++; *at != '"';) {
        struct scan scan = scan_to(at + 1);

        if (*at == '\0' || (at[0] == '\\' && at[1] == '\0')) {
            return scan_stopped(TOKEN_INCOMPLETE, double_open);
        }
        if (*at == '`') {
            return scan_stopped(TOKEN_ERROR, substitution);
        }
        if (*at == '\\') {
            scan.end = at + 2;
        } else if (*at == '$') {
            scan = scan_dollar(at);
        }
        if (scan.kind != TOKEN_WORD) {
            return scan;
        }
        at = scan.end;
    }
    return scan_to(at + 1);
}

/* One character of a word, or everything between two quotes. */
static struct scan scan_part(const char *at) {
    switch (*at) {
    case '\'': {
        const char *close = strchr(at + 1, '\'');

        return close == NULL ? scan_stopped(TOKEN_INCOMPLETE, single_open) : scan_to(close + 1);
    }
    case '"':
        return scan_double_quoted(at);
    case '\\':
        return at[1] == '\0' ? scan_stopped(TOKEN_INCOMPLETE, backslash_last) : scan_to(at + 2);
    case '$':
        return scan_dollar(at);
    case '`':
        return scan_stopped(TOKEN_ERROR, substitution);
    default:
        return scan_to(at + 1);
    }
}

static struct token lex_word(struct lexer *lexer, struct token token) {
    const char *at = token.start;

    /* A part never ends before a null byte it did not see, so strchr's match of the null byte
     * ends the loop at the end of the input too. */
    while (strchr(" \t\r\n;&|()<>", *at) == NULL) {
        struct scan scan = scan_part(at);

        if (scan.kind != TOKEN_WORD) {
            token.kind = scan.kind;
            token.problem = scan.problem;
            return token;
        }
        for (; at < scan.end; at++) {
            lexer->line += *at == '\n';
        }
    }
    token.kind = TOKEN_WORD;
    token.length = (size_t)(at - token.start);
    if ((*at == '<' || *at == '>') && strspn(token.start, "0123456789") >= token.length) {
        token.kind = TOKEN_NUMBER;
    }
    lexer->next = at;
    return token;
}

struct token lexer_next(struct lexer *lexer) {
    struct token token = {.kind = TOKEN_END};

    skip_blanks(lexer);
    token.start = lexer->next;
    token.line = lexer->line;
    if (*lexer->next == '\0') {
        return token;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t length = strlen(operators[i].text);

        if (strncmp(lexer->next, operators[i].text, length) == 0) {
            token.kind = operators[i].kind;
            token.problem = operators[i].problem;
            token.length = length;
            lexer->next += length;
            lexer->line += token.kind == TOKEN_NEWLINE;
            return token;
        }
    }
    return lex_word(lexer, token);
}

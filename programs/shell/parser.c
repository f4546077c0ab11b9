/* SPDX-License-Identifier: MIT */
#include "programs/shell/parser.h"

#include <stdio.h>
#include <string.h>

#include "programs/shell/lexer.h"

/* A recursive-descent parser with one token of look-ahead. The first problem found is kept and
 * ends every loop: each function returns at once when *result* is not PARSE_OK. */
struct parser {
    struct arena *arena;
    struct lexer lexer;
    struct token token; /* the next one, not yet taken */
    const char *end;    /* of the last token taken */
    unsigned depth;
    struct parse parse;
};

static int failed(const struct parser *parser) {
    return parser->parse.result != PARSE_OK;
}

static void fail(struct parser *parser, enum parse_result result, const char *message) {
    if (!failed(parser)) {
        parser->parse.result = result;
        parser->parse.message = message;
        parser->parse.line = parser->token.line;
    }
}

static void take(struct parser *parser) {
    if (parser->token.kind != TOKEN_END) {
        parser->end = parser->token.start + parser->token.length;
        parser->token = lexer_next(&parser->lexer);
    }
    if (parser->token.kind == TOKEN_INCOMPLETE) {
        fail(parser, PARSE_INCOMPLETE, parser->token.problem);
    } else if (parser->token.kind == TOKEN_ERROR) {
        fail(parser, PARSE_ERROR, parser->token.problem);
    }
}

/* The next token does not belong where it is; *after* says where that is. */
static void fail_unexpected(struct parser *parser, const char *after) {
    char message[120];
    const struct token *token = &parser->token;

    if (failed(parser)) {
        return;
    }
    if (token->kind == TOKEN_END) {
        snprintf(message, sizeof message, "unexpected end of input after '%s'", after);
    } else if (token->kind == TOKEN_NEWLINE) {
        snprintf(message, sizeof message, "unexpected end of line after '%s'", after);
    } else {
        /* Words are bounded and may be cut; the precision keeps the quotes in. */
        snprintf(message, sizeof message, "unexpected '%.*s'%s%s%s",
                 (int)(token->length < 40 ? token->length : 40), token->start,
                 *after == '\0' ? "" : " after '", after, *after == '\0' ? "" : "'");
    }
    fail(parser, token->kind == TOKEN_END ? PARSE_INCOMPLETE : PARSE_ERROR,
         arena_copy(parser->arena, message, strlen(message)));
}

static void skip_newlines(struct parser *parser) {
    while (!failed(parser) && parser->token.kind == TOKEN_NEWLINE) {
        take(parser);
    }
}

static const char *copy_since(struct parser *parser, const char *start) {
    return arena_copy(parser->arena, start, (size_t)(parser->end - start));
}

int parser_is_name(const char *string, size_t length) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    for (size_t i = 0; i < length; i++) {
        const char *found = string[i] == '\0' ? NULL : strchr(first, string[i]);

        if (found == NULL || (i == 0 && string[i] >= '0' && string[i] <= '9')) {
            return 0;
        }
    }
    return length > 0;
}

size_t parser_assignment_name(const char *word) {
    const char *equals = strchr(word, '=');

    return equals != NULL && parser_is_name(word, (size_t)(equals - word)) ? (size_t)(equals - word)
                                                                           : 0;
}

static int is_redirect(enum token_kind kind) {
    return kind == TOKEN_NUMBER || kind == TOKEN_LESS || kind == TOKEN_GREATER ||
           kind == TOKEN_APPEND || kind == TOKEN_LESS_AND || kind == TOKEN_GREATER_AND;
}

static struct redirect *parse_redirect(struct parser *parser) {
    struct redirect *redirect = arena_allocate(parser->arena, sizeof *redirect);
    const char *operator_start = NULL;

    redirect->fd = -1;
    if (parser->token.kind == TOKEN_NUMBER) {
        if (parser->token.length > 1) {
            fail(parser, PARSE_ERROR, "a redirected descriptor must be between 0 and 9");
            return redirect;
        }
        redirect->fd = *parser->token.start - '0';
        take(parser);
    }
    switch (parser->token.kind) {
    case TOKEN_LESS:
        redirect->kind = REDIRECT_INPUT;
        break;
    case TOKEN_GREATER:
        redirect->kind = REDIRECT_OUTPUT;
        break;
    case TOKEN_APPEND:
        redirect->kind = REDIRECT_APPEND;
        break;
    default:
        redirect->kind = REDIRECT_DUPLICATE;
    }
    operator_start = parser->token.start;
    if (redirect->fd < 0) {
        redirect->fd = *operator_start == '<' ? 0 : 1;
    }
    take(parser);
    if (failed(parser)) {
        return redirect;
    }
    if (parser->token.kind != TOKEN_WORD) {
        fail_unexpected(parser, copy_since(parser, operator_start));
        return redirect;
    }
    redirect->target = arena_copy(parser->arena, parser->token.start, parser->token.length);
    take(parser);
    return redirect;
}

static struct word *parse_word(struct parser *parser) {
    struct word *word = arena_allocate(parser->arena, sizeof *word);

    word->text = arena_copy(parser->arena, parser->token.start, parser->token.length);
    take(parser);
    return word;
}

/* Words, assignments and redirections in any order. */
static void parse_simple(struct parser *parser, struct command *command,
                         struct redirect **next_redirect) {
    struct word **next_word = &command->words;
    struct word **next_assignment = &command->assignments;

    while (!failed(parser)) {
        if (is_redirect(parser->token.kind)) {
            *next_redirect = parse_redirect(parser);
            next_redirect = &(*next_redirect)->next;
        } else if (parser->token.kind == TOKEN_WORD) {
            struct word *word = parse_word(parser);

            if (command->words == NULL && parser_assignment_name(word->text) > 0) {
                *next_assignment = word;
                next_assignment = &word->next;
            } else {
                *next_word = word;
                next_word = &word->next;
            }
        } else {
            return;
        }
    }
}

static struct list *parse_list(struct parser *parser, enum token_kind end);

static void parse_subshell(struct parser *parser, struct command *command) {
    struct redirect **next_redirect = &command->redirects;

    if (parser->depth == PARSER_DEPTH_LIMIT) {
        fail(parser, PARSE_ERROR, "too many nested parentheses");
        return;
    }
    parser->depth++;
    take(parser);
    command->subshell = parse_list(parser, TOKEN_CLOSE);
    parser->depth--;
    if (failed(parser)) {
        return;
    }
    if (command->subshell->statements == NULL) {
        fail(parser, PARSE_ERROR, "nothing between '(' and ')'");
        return;
    }
    take(parser);
    while (!failed(parser) && is_redirect(parser->token.kind)) {
        *next_redirect = parse_redirect(parser);
        next_redirect = &(*next_redirect)->next;
    }
}

/* *after* is the operator that asks for a command here, or "". */
static struct command *parse_command(struct parser *parser, const char *after) {
    struct command *command = arena_allocate(parser->arena, sizeof *command);

    if (parser->token.kind == TOKEN_OPEN) {
        parse_subshell(parser, command);
    } else if (parser->token.kind == TOKEN_WORD || is_redirect(parser->token.kind)) {
        parse_simple(parser, command, &command->redirects);
    } else {
        fail_unexpected(parser, after);
    }
    return command;
}

static struct pipeline *parse_pipeline(struct parser *parser, const char *after) {
    struct pipeline *pipeline = arena_allocate(parser->arena, sizeof *pipeline);
    struct command **next = &pipeline->commands;
    const char *start = parser->token.start;

    *next = parse_command(parser, after);
    while (!failed(parser) && parser->token.kind == TOKEN_PIPE) {
        take(parser);
        skip_newlines(parser);
        if (!failed(parser)) {
            next = &(*next)->next;
            *next = parse_command(parser, "|");
        }
    }
    if (!failed(parser)) {
        pipeline->text = copy_since(parser, start);
    }
    return pipeline;
}

static struct statement *parse_statement(struct parser *parser) {
    struct statement *statement = arena_allocate(parser->arena, sizeof *statement);
    struct pipeline **next = &statement->pipelines;
    const char *start = parser->token.start;

    *next = parse_pipeline(parser, "");
    while (!failed(parser) && (parser->token.kind == TOKEN_AND || parser->token.kind == TOKEN_OR)) {
        enum connector connector = parser->token.kind == TOKEN_AND ? CONNECTOR_AND : CONNECTOR_OR;

        take(parser);
        skip_newlines(parser);
        if (!failed(parser)) {
            next = &(*next)->next;
            *next = parse_pipeline(parser, connector == CONNECTOR_AND ? "&&" : "||");
            (*next)->connector = connector;
        }
    }
    if (!failed(parser)) {
        statement->text = copy_since(parser, start);
    }
    return statement;
}

/* Statements up to *end* (TOKEN_END or TOKEN_CLOSE), which is not taken. */
static struct list *parse_list(struct parser *parser, enum token_kind end) {
    struct list *list = arena_allocate(parser->arena, sizeof *list);
    struct statement **next = &list->statements;

    skip_newlines(parser);
    while (!failed(parser) && parser->token.kind != end) {
        if (end == TOKEN_CLOSE && parser->token.kind == TOKEN_END) {
            fail(parser, PARSE_INCOMPLETE, "'(' is not closed");
            return list;
        }
        *next = parse_statement(parser);
        if (failed(parser)) {
            return list;
        }
        if (parser->token.kind == TOKEN_SEMICOLON || parser->token.kind == TOKEN_AMPERSAND) {
            (*next)->background = parser->token.kind == TOKEN_AMPERSAND;
            take(parser);
        } else if (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_END &&
                   parser->token.kind != end) {
            fail_unexpected(parser, "");
        }
        next = &(*next)->next;
        skip_newlines(parser);
    }
    return list;
}

struct parse parser_parse(struct arena *arena, const char *input) {
    struct parser parser = {
        .arena = arena,
        .lexer = lexer_begin(input),
        .token = {.kind = TOKEN_NEWLINE, .start = input, .line = 1}, /* stands before the first */
        .end = input,
    };

    take(&parser);
    if (!failed(&parser)) {
        parser.parse.list = parse_list(&parser, TOKEN_END);
    }
    return parser.parse;
}

/* SPDX-License-Identifier: MIT */
/*
 * Cuts shell input into words and operators (POSIX.1-2017, Shell Command Language 2.3). Words keep
 * their quotes: taking those away is the expander's work, because what a quote protects matters
 * until then. Pure: no system calls, no memory of its own.
 */
#pragma once

#include <stddef.h>

enum token_kind {
    TOKEN_END,         /* end of the input */
    TOKEN_NEWLINE,     /* */
    TOKEN_WORD,        /* */
    TOKEN_NUMBER,      /* digits right before < or >: a descriptor */
    TOKEN_SEMICOLON,   /* ; */
    TOKEN_AMPERSAND,   /* & */
    TOKEN_AND,         /* && */
    TOKEN_OR,          /* || */
    TOKEN_PIPE,        /* | */
    TOKEN_OPEN,        /* ( */
    TOKEN_CLOSE,       /* ) */
    TOKEN_LESS,        /* < */
    TOKEN_GREATER,     /* > */
    TOKEN_APPEND,      /* >> */
    TOKEN_LESS_AND,    /* <& */
    TOKEN_GREATER_AND, /* >& */
    TOKEN_INCOMPLETE, /* the input ends inside a quote or after a backslash: *problem* says where */
    TOKEN_ERROR,      /* not part of this shell's language: *problem* says what */
};

struct token {
    enum token_kind kind;
    const char *start; /* in the input */
    size_t length;
    const char *problem; /* for TOKEN_INCOMPLETE and TOKEN_ERROR: a sentence without full stop */
    unsigned line;       /* on which it starts, from 1 */
};

struct lexer {
    const char *next;
    unsigned line;
};

/* *input* is a C string that must outlive the tokens. */
struct lexer lexer_begin(const char *input);

/* The next token. After TOKEN_END, TOKEN_INCOMPLETE or TOKEN_ERROR the lexer must not be used. */
struct token lexer_next(struct lexer *lexer);

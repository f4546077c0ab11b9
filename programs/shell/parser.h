/* SPDX-License-Identifier: MIT */
/*
 * From text to a tree. The language:
 *
 *     list      = [ statement { (";" | "&" | newline) statement } [";" | "&"] ]
 *     statement = pipeline { ("&&" | "||") pipeline }
 *     pipeline  = command { "|" command }
 *     command   = { NAME=value | redirect } { word | redirect }  |  "(" list ")" { redirect }
 *     redirect  = [digits] ("<" | ">" | ">>" | "<&" | ">&") word
 *
 * Pure: no system calls; everything comes from the arena, words and texts still quoted.
 */
#pragma once

#include <stddef.h>

#include "programs/shell/arena.h"

/* How deep "(" may nest, so that no input can exhaust the stack. */
#define PARSER_DEPTH_LIMIT 64

enum redirect_kind {
    REDIRECT_INPUT,     /* < */
    REDIRECT_OUTPUT,    /* > */
    REDIRECT_APPEND,    /* >> */
    REDIRECT_DUPLICATE, /* <& and >&: the target is a descriptor's number or "-" */
};

struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int fd; /* 0 to 9 */
    const char *target;
};

struct word {
    struct word *next;
    const char *text;
};

struct command {
    struct command *next;     /* the one this writes into, within its pipeline */
    struct word *assignments; /* NAME=value before the first word */
    struct word *words;
    struct redirect *redirects;
    struct list *subshell; /* of "( list )"; then there are no words and no assignments */
};

enum connector {
    CONNECTOR_NONE, /* the first of its statement */
    CONNECTOR_AND,  /* runs if the status before is 0 */
    CONNECTOR_OR,   /* runs if it is not */
};

struct pipeline {
    struct pipeline *next;
    enum connector connector; /* to the pipeline before it */
    struct command *commands;
    const char *text; /* as it was typed */
};

struct statement {
    struct statement *next;
    struct pipeline *pipelines;
    int background; /* ended with "&" */
    const char *text;
};

struct list {
    struct statement *statements; /* null for an empty list */
};

enum parse_result {
    PARSE_OK,
    PARSE_INCOMPLETE, /* more lines could make it right */
    PARSE_ERROR,
};

struct parse {
    enum parse_result result;
    struct list *list;   /* if PARSE_OK */
    const char *message; /* else: what is wrong, without full stop */
    unsigned line;       /* where, from 1 */
};

/* Parses a C string. *input* may be discarded afterwards, the arena must outlive the tree. */
struct parse parser_parse(struct arena *arena, const char *input);

/* Is it a variable's name (a letter or '_', then letters, digits and '_')? */
int parser_is_name(const char *string, size_t length);

/* The length of NAME if the word starts with NAME=, else 0. */
size_t parser_assignment_name(const char *word);

/* SPDX-License-Identifier: MIT */
#include "programs/shell/expander.h"

#include <stdio.h>
#include <string.h>

#include "programs/common/number.h"
#include "programs/common/text.h"

enum quoting {
    UNQUOTED, /* patterns work, and blanks from parameters separate fields */
    QUOTED,
};

struct expansion {
    const struct expander *expander;
    struct arena *arena;
    struct fields *fields;
    int whole;           /* one string is wanted: no splitting, no patterns */
    struct text plain;   /* the field being built, as it is without patterns */
    struct text pattern; /* the same with quoted special characters escaped */
    int special;         /* the pattern has an unquoted special character */
    int started;         /* there is a field, though it may be empty ('') */
    int no_parameters;   /* "$@" stood for nothing in the quotes being read */
    const char *problem;
};

static void add_byte(struct expansion *expansion, char byte, enum quoting quoting) {
    if (quoting == QUOTED ? byte != '\0' && strchr("*?[]\\!^-", byte) != NULL : byte == '\\') {
        text_append_byte(&expansion->pattern, '\\');
    } else if (byte == '*' || byte == '?' || byte == '[') {
        expansion->special = 1;
    }
    text_append_byte(&expansion->pattern, byte);
    text_append_byte(&expansion->plain, byte);
    expansion->started = 1;
}

static void end_field(struct expansion *expansion) {
    size_t before = expansion->fields->n;

    if (!expansion->started) {
        return;
    }
    if (expansion->special && !expansion->whole) {
        expansion->expander->match(expansion->fields, expansion->arena,
                                   text_string(&expansion->pattern));
    }
    if (expansion->fields->n == before) {
        fields_add(
            expansion->fields, expansion->arena,
            arena_copy(expansion->arena, text_string(&expansion->plain), expansion->plain.length));
    }
    text_clear(&expansion->plain);
    text_clear(&expansion->pattern);
    expansion->special = 0;
    expansion->started = 0;
}

/* What a parameter stands for. */
static void add_value(struct expansion *expansion, const char *value, enum quoting quoting) {
    for (; *value != '\0'; value++) {
        if (quoting == UNQUOTED && !expansion->whole && strchr(" \t\n", *value) != NULL) {
            end_field(expansion);
        } else {
            add_byte(expansion, *value, quoting);
        }
    }
}

/* $@ and $*: all parameters. Only "$*", or a context that wants one string, joins them. */
static void add_parameters(struct expansion *expansion, char which, enum quoting quoting) {
    const struct expander *expander = expansion->expander;
    int joined = expansion->whole || (which == '*' && quoting == QUOTED);

    expansion->no_parameters |= expander->n_parameters == 0 && which == '@';
    for (size_t i = 0; i < expander->n_parameters; i++) {
        if (i > 0 && joined) {
            add_byte(expansion, ' ', QUOTED);
        } else if (i > 0) {
            end_field(expansion);
        }
        expansion->started |= quoting == QUOTED; /* an empty parameter is a field here */
        add_value(expansion, expander->parameters[i], quoting);
    }
}

static void add_parameter(struct expansion *expansion, const char *name, enum quoting quoting) {
    const struct expander *expander = expansion->expander;
    const char *value = NULL;
    uint64_t position = 0;

    if (strcmp(name, "@") == 0 || strcmp(name, "*") == 0) {
        add_parameters(expansion, *name, quoting);
        return;
    }
    if (number_parse(name, SIZE_MAX, &position) == 0 && position > 0) {
        value = position <= expander->n_parameters ? expander->parameters[position - 1] : NULL;
    } else {
        value = expander->value(expander->context, name);
    }
    add_value(expansion, value == NULL ? "" : value, quoting);
}

/* The length of the parameter's name at the start of *at*, 0 if there is none. */
static size_t parameter_length(const char *at) {
    size_t length = 0;

    if (*at != '\0' && strchr("?$!#@*0123456789", *at) != NULL) {
        return 1;
    }
    while (parser_is_name(at, length + 1)) {
        length++;
    }
    return length;
}

/* Expands what begins with the '$' at *at*; returns where to go on. */
static const char *expand_dollar(struct expansion *expansion, const char *at,
                                 enum quoting quoting) {
    const char *start = at + 1;
    size_t length = 0;

    if (*start == '{') {
        const char *close = strchr(++start, '}'); /* the lexer saw to it that there is one */

        length = strspn(start, "0123456789");
        if (length == 0) {
            length = parameter_length(start);
        }
        if (length == 0 || start + length != close) {
            struct text message = {0};

            text_append_format(&message, "bad substitution: ${%.*s}", (int)(close - start), start);
            expansion->problem =
                arena_copy(expansion->arena, text_string(&message), message.length);
            text_free(&message);
            return close;
        }
        add_parameter(expansion, arena_copy(expansion->arena, start, length), quoting);
        return close + 1;
    }
    length = parameter_length(start);
    if (length == 0) {
        add_byte(expansion, '$', quoting);
        return start;
    }
    add_parameter(expansion, arena_copy(expansion->arena, start, length), quoting);
    return start + length;
}

/* From the opening quote; returns what follows the closing one. */
static const char *expand_double_quoted(struct expansion *expansion, const char *at) {
    expansion->no_parameters = 0;
    for (at++; *at != '"' && expansion->problem == NULL;) {
        if (*at == '$') {
            at = expand_dollar(expansion, at, QUOTED);
        } else if (at[0] == '\\' && at[1] == '\n') {
            at += 2;
        } else {
            at += at[0] == '\\' && strchr("$`\"\\", at[1]) != NULL;
            add_byte(expansion, *at++, QUOTED);
        }
    }
    /* "" is an empty field, but "$@" without parameters is none. */
    expansion->started |= !expansion->no_parameters;
    return at + 1;
}

static const char *expand_single_quoted(struct expansion *expansion, const char *at) {
    for (at++; *at != '\''; at++) {
        add_byte(expansion, *at, QUOTED);
    }
    expansion->started = 1;
    return at + 1;
}

/* A "~" before a slash or alone is the home directory. */
static const char *expand_tilde(struct expansion *expansion, const char *at) {
    const char *home = NULL;

    if (at[0] == '~' && (at[1] == '/' || at[1] == '\0')) {
        home = expansion->expander->value(expansion->expander->context, "HOME");
    }
    if (home == NULL || *home == '\0') {
        return at;
    }
    add_value(expansion, home, QUOTED);
    return at + 1;
}

static void expand_word(struct expansion *expansion, const char *at) {
    at = expand_tilde(expansion, at);
    while (*at != '\0' && expansion->problem == NULL) {
        switch (*at) {
        case '\'':
            at = expand_single_quoted(expansion, at);
            break;
        case '"':
            at = expand_double_quoted(expansion, at);
            break;
        case '$':
            at = expand_dollar(expansion, at, UNQUOTED);
            break;
        case '\\':
            if (at[1] != '\n') {
                add_byte(expansion, at[1], QUOTED);
            }
            at += 2;
            break;
        default:
            add_byte(expansion, *at++, UNQUOTED);
        }
    }
    end_field(expansion);
}

static void release(struct expansion *expansion) {
    text_free(&expansion->plain);
    text_free(&expansion->pattern);
}

const char *expander_words(const struct expander *expander, struct arena *arena,
                           const struct word *words, struct fields *fields) {
    struct expansion expansion = {.expander = expander, .arena = arena, .fields = fields};

    for (const struct word *word = words; word != NULL && expansion.problem == NULL;
         word = word->next) {
        expand_word(&expansion, word->text);
    }
    release(&expansion);
    return expansion.problem;
}

const char *expander_string(const struct expander *expander, struct arena *arena, const char *word,
                            char **result) {
    struct fields fields = {0};
    struct expansion expansion = {
        .expander = expander, .arena = arena, .fields = &fields, .whole = 1};

    expand_word(&expansion, word);
    *result = fields.n == 0 ? arena_copy(arena, "", 0) : fields.items[0];
    release(&expansion);
    return expansion.problem;
}

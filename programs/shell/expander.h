/* SPDX-License-Identifier: MIT */
/*
 * From the words of a tree to the arguments of a command: "~", parameters, splitting of what
 * parameters left unquoted, names for patterns, and the quotes taken away
 * (POSIX.1-2017, Shell Command Language 2.6). Pure but for its callbacks.
 */
#pragma once

#include <stddef.h>

#include "programs/shell/arena.h"
#include "programs/shell/fields.h"
#include "programs/shell/parser.h"

struct expander {
    /* The value of a variable or of one of the parameters ? $ ! # 0, or null if it has none. The
     * value must stay valid until the expansion is done. */
    const char *(*value)(void *context, const char *name);

    /* Adds the paths that match; see glob_expand. */
    void (*match)(struct fields *fields, struct arena *arena, const char *pattern);

    char *const *parameters; /* $1 and so on */
    size_t n_parameters;
    void *context; /* given to value */
};

/* Expands the words to any number of fields and adds them to *fields*. Returns null, or what is
 * wrong with a word, without full stop; then some fields may have been added. */
const char *expander_words(const struct expander *expander, struct arena *arena,
                           const struct word *words, struct fields *fields);

/* Expands to exactly one string, with no splitting and no patterns: what stands behind the '=' of
 * an assignment. Returns as expander_words does. */
const char *expander_string(const struct expander *expander, struct arena *arena, const char *word,
                            char **result);

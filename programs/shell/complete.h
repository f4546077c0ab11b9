/* SPDX-License-Identifier: MIT */
/*
 * Completion of the word before the cursor: commands where a command is expected, else files.
 */
#pragma once

#include <stddef.h>

#include "programs/common/text.h"
#include "programs/shell/arena.h"
#include "programs/shell/fields.h"
#include "programs/shell/shell.h"

/* The word that ends at the cursor. */
struct complete_word {
    size_t start;      /* its offset in the line */
    char quote;        /* the quote that is open at the cursor, or 0 */
    int is_command;    /* it is in the place of a command's name */
    struct text plain; /* without quotes and backslashes; the caller frees it */
};

/* Finds it in the first *cursor* bytes of the line. Pure. */
struct complete_word complete_find_word(const char *line, size_t cursor);

/* What to put in place of the word: *text* as it must be typed inside the quote, or with
 * backslashes if there is none. If *whole*, the word is finished: the quote is closed and a blank
 * follows, except behind a directory's "/". Appended to *output*. Pure. */
void complete_quote(struct text *output, const char *text, char quote, int whole);

/* The length of the longest common beginning of n >= 1 names, cut between characters. Pure. */
size_t complete_common(char *const *names, size_t n);

struct completion {
    size_t replaced;     /* bytes before the cursor that *text* replaces */
    struct text text;    /* same as what is there if nothing can be added; the caller frees it */
    struct fields names; /* all that are possible, for showing; sorted */
};

/* Completes. The names live in the arena. */
void complete(struct completion *completion, struct shell *shell, struct arena *arena,
              const char *line, size_t cursor);

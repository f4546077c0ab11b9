/* SPDX-License-Identifier: MIT */
/*
 * The half of completion that only looks at the line; complete.c looks at files.
 */
#include "programs/shell/complete.h"

#include <string.h>

struct complete_word complete_find_word(const char *line, size_t cursor) {
    struct complete_word word = {.is_command = 1};
    int in_word = 0;

    for (size_t i = 0; i < cursor; i++) {
        char c = line[i];

        if (word.quote == 0 && strchr(" \t\n;&|()<>", c) != NULL) {
            /* A blank behind a word: arguments follow; behind an operator: what it asks for. */
            word.is_command = c == '<' || c == '>'       ? 0
                              : strchr(" \t", c) != NULL ? word.is_command && !in_word
                                                         : 1;
            in_word = 0;
            word.start = i + 1;
            text_clear(&word.plain);
            continue;
        }
        in_word = 1;
        if (c == word.quote) {
            word.quote = 0;
        } else if (word.quote == 0 && (c == '\'' || c == '"')) {
            word.quote = c;
        } else if (c == '\\' && word.quote != '\'' && i + 1 < cursor) {
            text_append_byte(&word.plain, line[++i]);
        } else {
            text_append_byte(&word.plain, c);
        }
    }
    return word;
}

void complete_quote(struct text *output, const char *text, char quote, int whole) {
    size_t length = strlen(text);
    int directory = length > 0 && text[length - 1] == '/';

    if (quote != 0) {
        text_append_byte(output, quote);
    } else if (strncmp(text, "~/", 2) == 0) {
        text_append_byte(output, *text++);
    }
    for (; *text != '\0'; text++) {
        if (quote == '\'' && *text == '\'') {
            text_append_string(output, "'\\'");
        } else if (quote == 0 && *text == '\n') {
            text_append_string(output, "'\n'"); /* a backslash would make it disappear */
            continue;
        } else if ((quote == '"' && strchr("\"$`\\", *text) != NULL) ||
                   (quote == 0 && strchr(" \t;&|()<>'\"\\$`*?[#~=", *text) != NULL)) {
            text_append_byte(output, '\\');
        }
        text_append_byte(output, *text);
    }
    if (whole && !directory) {
        if (quote != 0) {
            text_append_byte(output, quote);
        }
        text_append_byte(output, ' ');
    }
}

size_t complete_common(char *const *names, size_t n) {
    size_t length = strlen(names[0]);

    for (size_t i = 1; i < n; i++) {
        size_t same = 0;

        while (same < length && names[i][same] == names[0][same]) {
            same++;
        }
        length = same;
    }
    /* Not between the bytes of one character: names[0][length] would be a continuation byte. */
    while (length > 0 && ((unsigned char)names[0][length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

/* SPDX-License-Identifier: MIT */
#include "programs/shell/pattern.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/utf8.h"

/* Takes one character from a non-empty string. Stray bytes get numbers beyond Unicode. */
static uint32_t take(const char **string) {
    uint32_t code = 0;
    size_t n = 0;

    if (utf8_decode(*string, strnlen(*string, UTF8_LENGTH_MAX), &code, &n) != UTF8_OK) {
        code = 0x110000 + (unsigned char)**string;
        n = 1;
    }
    *string += n;
    return code;
}

/* Like take, but in a pattern, where a backslash may stand before the character. */
static uint32_t take_escaped(const char **pattern) {
    if ((*pattern)[0] == '\\' && (*pattern)[1] != '\0') {
        ++*pattern;
    }
    return take(pattern);
}

/* Matches a character against the bracket expression after '['. Sets *pattern behind the ']'.
 * Returns -1, with *pattern unchanged, if there is no ']' and the '[' therefore is ordinary. */
static int match_bracket(const char **pattern, uint32_t code) {
    const char *at = *pattern;
    int negated = *at == '!' || *at == '^';
    int found = 0;
    const char *first = NULL;

    at += negated;
    first = at;
    while (*at != '\0' && (*at != ']' || at == first)) {
        uint32_t low = take_escaped(&at);
        uint32_t high = low;

        if (at[0] == '-' && at[1] != ']' && at[1] != '\0') {
            at++;
            high = take_escaped(&at);
        }
        found |= code >= low && code <= high;
    }
    if (*at != ']') {
        return -1;
    }
    *pattern = at + 1;
    return found != negated;
}

/* Matches one character of the string against the pattern's next element, which is not '*';
 * moves both on if it matches. */
static int match_one(const char **pattern, const char **string) {
    const char *p = *pattern;
    const char *s = *string;
    uint32_t code = take(&s);
    int matches = 0;

    if (*p == '\0') {
        return 0;
    }
    if (*p == '?') {
        p++;
        matches = 1;
    } else if (*p == '[') {
        p++;
        matches = match_bracket(&p, code);
        if (matches < 0) {
            matches = code == '[';
        }
    } else {
        matches = take_escaped(&p) == code;
    }
    if (matches) {
        *pattern = p;
        *string = s;
    }
    return matches;
}

int pattern_match(const char *pattern, const char *string) {
    /* The last '*' seen and where its match ends so far: only that one ever has to be tried
     * again, since an earlier one could not help. */
    const char *after_star = NULL;
    const char *star_end = NULL;

    while (*string != '\0') {
        if (*pattern == '*') {
            after_star = ++pattern;
            star_end = string;
        } else if (!match_one(&pattern, &string)) {
            if (after_star == NULL) {
                return 0;
            }
            take(&star_end);
            pattern = after_star;
            string = star_end;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

int pattern_is_special(const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '\\') {
            i++;
        } else if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') {
            return 1;
        }
    }
    return 0;
}

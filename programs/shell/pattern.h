/* SPDX-License-Identifier: MIT */
/*
 * Patterns for names (POSIX.1-2017, Shell Command Language 2.13): '*', '?', '[...]' with ranges and
 * '!' or '^', and a backslash that makes the next character ordinary. Characters are UTF-8; a byte
 * that is not valid UTF-8 is a character of its own. Pure.
 */
#pragma once

#include <stddef.h>

/* Does the whole string match the whole pattern? Nothing is special about '/' or a leading '.'.
 * Takes at most length(pattern) * length(string) steps. */
int pattern_match(const char *pattern, const char *string);

/* Is there a character in the first length bytes that is not ordinary? */
int pattern_is_special(const char *pattern, size_t length);

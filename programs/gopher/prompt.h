/* SPDX-License-Identifier: MIT */
/* Questions on the last line of the screen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/gopher/view.h"

struct prompt {
    struct view *view;
    bool *is_gone; /* set when the terminal went away */
};

/*
 * Lets the reader edit `text` (UTF-8, `room` bytes with its zero byte; what it holds is the
 * proposal): characters, Backspace, Ctrl-U (all), Ctrl-W (a word). True at Enter; false at Escape,
 * Ctrl-G, or when the terminal is gone. Blocks: until then.
 */
bool prompt_line(const struct prompt *prompt, const char *question, char *text, size_t room)
    __attribute__((warn_unused_result));

/* Asks; true at y or Y. */
bool prompt_yes(const struct prompt *prompt, const char *question)
    __attribute__((warn_unused_result));

/* SPDX-License-Identifier: MIT */
/*
 * Reads lines from standard input: from a person at a terminal, who can edit them, or byte by byte
 * from anything else, so that what follows the line is left for the programs that it starts.
 */
#pragma once

#include "programs/common/text.h"
#include "programs/shell/editor.h"
#include "programs/shell/display.h"
#include "programs/shell/shell.h"

enum terminal_result {
    TERMINAL_LINE,
    TERMINAL_CANCELLED, /* Ctrl-C */
    TERMINAL_END,       /* end of file, or standard input cannot be read */
};

/* A zeroed struct is ready for use. */
struct terminal {
    struct editor editor;
    struct display display;
    struct text output;
};

/* Prompts for a line and appends it, without its end, to *line*. Blocks. */
enum terminal_result terminal_read(struct terminal *terminal, struct shell *shell,
                                   const char *prompt, struct text *line);

/* The same without prompt and editing. */
enum terminal_result terminal_read_plain(struct text *line);

void terminal_free(struct terminal *terminal);

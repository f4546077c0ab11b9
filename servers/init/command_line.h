/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: words NAME=VALUE, and at its end run=COMMAND, where the command is all
 * that follows, blanks included. Pure functions of the text.
 */
#pragma once

#include "lib/base/types.h"

/* The command of run=; NULL without one (also if line is NULL). Points into the line. */
const char *command_line_command(const char *line);

/* Copies the value of the word NAME=VALUE, the first of that name and before run=. False if there
 * is none, or it does not fit. */
WARN_UNUSED bool command_line_option(const char *line, const char *name, char *to, size_t size);

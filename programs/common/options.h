/* SPDX-License-Identifier: MIT */
/*
 * Command line options. Unlike getopt this behaves the same over every C library: options may
 * stand anywhere, "--" ends them, "-" is an operand, "--help" prints the help text.
 *
 *     struct options options = options_begin(argc, argv, "rf", help);
 *     for (int c; (c = options_next(&options)) != OPTIONS_END;) { ... }
 *     options.operands[0 .. options.n_operands - 1]
 */
#pragma once

#define OPTIONS_END (-1)

struct options {
    char **operands;      /* null-terminated; complete once options_next returned OPTIONS_END */
    int n_operands;       /* */
    const char *argument; /* of the option just returned, if it takes one */

    /* private */
    const char *accepted;
    const char *help;
    char **next;
    const char *letters; /* rest of the group of letters being read, or null */
};

/* *accepted* lists the letters; one followed by ':' takes an argument. *help* is printed after
 * "usage: ": its first line is the synopsis. argv is reordered, and must outlive the result. */
struct options options_begin(int argc, char **argv, const char *accepted, const char *help);

/* The next option letter or OPTIONS_END. Ends the program for --help (status 0) and for options
 * it does not know (STATUS_USAGE). */
int options_next(struct options *options);

/* For programs without options: reads the line, so that only operands are left. */
struct options options_none(int argc, char **argv, const char *help);

/* Reports the message, then the synopsis; ends with STATUS_USAGE. */
_Noreturn void options_fail(const struct options *options, const char *message);

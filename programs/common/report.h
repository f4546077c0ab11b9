/* SPDX-License-Identifier: MIT */
/*
 * How every program here speaks about trouble: one line on standard error that begins with the
 * program's own name, and an exit status that tells.
 *
 *     NAME: PATH: reason
 *
 * Bytes of a message that could steer the terminal are shown as '?', because names come from
 * anywhere.
 */
#pragma once

/* Exit status of a program that was called wrongly. */
#define STATUS_USAGE 2

/* Sets the name that every report begins with. The string is kept, not copied. */
void report_begin(const char *name);

/* The name set by report_begin. */
const char *report_name(void);

/* "NAME: message\n" on standard error. Keeps errno. */
__attribute__((format(printf, 1, 2))) void report(const char *format, ...);

/* "NAME: PATH: what errno says\n". */
void report_errno(const char *path);

/* Ends the program with *status* after writing out standard output; if that fails it says so and
 * the status is at least 1. A pipe that nobody reads any more is not worth a message. */
_Noreturn void report_exit(int status);

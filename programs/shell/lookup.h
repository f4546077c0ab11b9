/* SPDX-License-Identifier: MIT */
/*
 * Finding programs.
 */
#pragma once

/* Finds the program for a command name: the name itself if there is a slash in it, else in the
 * directories of *search_path* (null: "/bin"; an empty entry is the current directory). Returns the
 * path, which the caller frees, or null; then *error is an errno value, 0 if there is no such
 * command at all. */
char *lookup_program(const char *name, const char *search_path, int *error);

/* Reports that a command was not found for the reason that lookup_program gave. Returns the status:
 * 126 (it is there but cannot be executed) or 127. */
int lookup_report(const char *name, int error);

/* Calls *visit* with each directory of the search path. */
void lookup_each_directory(const char *search_path,
                           void (*visit)(void *context, const char *directory), void *context);

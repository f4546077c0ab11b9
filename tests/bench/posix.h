/* SPDX-License-Identifier: MIT */
/*
 * The rows posix_... of `make bench`: plain POSIX, one source for both columns.
 */
#pragma once

/*
 * Measures and prints all rows, or the one named `row` (NULL: all). `program`: the path of the
 * calling program, which has to end at once with status 0 when its first argument is "exit". Ends
 * the program with a message if a call fails.
 */
void bench_posix(const char *program, const char *row);

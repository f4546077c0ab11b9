/* SPDX-License-Identifier: MIT */
/*
 * Tests of programs, as lines that a script can count: `ok 3 - text` or `not ok 3 - text
 * (file:line, errno)`, at the end `N passed, N failed`. These programs are plain POSIX: they run,
 * and must pass, on the Linux host too.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_passed, tap_failed;

static inline bool tap_check(bool ok, const char *text, const char *file, int line) {
    int error = errno;

    if (ok) {
        printf("ok %u - %s\n", ++tap_passed + tap_failed, text);
    } else {
        ++tap_failed;
        printf("not ok %u - %s (%s:%d, errno %d: %s)\n", tap_passed + tap_failed, text, file, line,
               error, strerror(error));
    }
    fflush(stdout);
    errno = 0;
    return ok;
}

#define CHECK(condition)            tap_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_THAT(condition, text) tap_check((condition), text, __FILE__, __LINE__)
/* The call fails with this errno. */
#define CHECK_ERROR(call, number)                                                                  \
    tap_check((call) == -1 && errno == (number), #call ": " #number, __FILE__, __LINE__)

static inline int tap_end(void) {
    printf("%u passed, %u failed\n", tap_passed, tap_failed);
    return tap_failed != 0;
}

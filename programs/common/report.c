/* SPDX-License-Identifier: MIT */
#include "programs/common/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program = "?";

void report_begin(const char *name) {
    program = name;
}

const char *report_name(void) {
    return program;
}

/* Replaces control characters except tabs; UTF-8 passes, because its bytes are all above 0x7f. */
static void make_harmless(char *message) {
    for (char *c = message; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
            *c = '?';
        }
    }
}

void report(const char *format, ...) {
    int saved_errno = errno;
    char message[4096 + 512]; /* a path of PATH_MAX bytes and some words about it */
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    make_harmless(message);
    fflush(stdout); /* so that on a terminal the two streams appear in the order of events */
    fprintf(stderr, "%s: %s\n", program, message);
    errno = saved_errno;
}

void report_errno(const char *path) {
    report("%s: %s", path, strerror(errno));
}

_Noreturn void report_exit(int status) {
    /* If an earlier write failed, errno still has the reason, unless something else failed since.
     */
    if (!ferror(stdout)) {
        errno = 0;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) {
            report("write error: %s", strerror(errno == 0 ? EIO : errno));
        }
        if (status == 0) {
            status = 1;
        }
    }
    /* Not exit(): it would try to write the rest of stdout a second time. */
    _Exit(status);
}

/* SPDX-License-Identifier: MIT */
/* date: the date and time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "programs/common/allocate.h"
#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/text.h"

static const char help[] =
    "date [-u] [+FORMAT]\n"
    "Writes date and time, which are always those of UTC.\n"
    "  +FORMAT  as strftime has it: %Y %m %d %H %M %S %a %b %j %s %F %T and more";

#define DEFAULT_FORMAT "%a %b %e %H:%M:%S UTC %Y"

/* The formatted time; the caller frees it. */
static char *format_time(const char *format, const struct tm *time) {
    struct text padded = {0};
    char *buffer = NULL;
    size_t size = 256;
    size_t length = 0;

    /* strftime returns 0 both for nothing to write and for too little room; with a character
     * added it is never nothing. */
    text_append_string(&padded, format);
    text_append_byte(&padded, '.');
    do {
        size *= 2;
        buffer = checked_realloc(buffer, size, 1);
        length = strftime(buffer, size, text_string(&padded), time);
    } while (length == 0 && size < 100 * (padded.length + 100));
    text_free(&padded);
    buffer[length == 0 ? 0 : length - 1] = '\0';
    return buffer;
}

int main(int argc, char **argv) {
    struct options options;
    const char *format = DEFAULT_FORMAT;
    struct timespec now;
    struct tm broken_down;
    char *text = NULL;

    report_begin("date");
    setenv("TZ", "UTC0", 1); /* so that %Z, %z and %s agree */
    tzset();
    options = options_begin(argc, argv, "u", help);
    while (options_next(&options) != OPTIONS_END) {
    }
    if (options.n_operands > 1) {
        options_fail(&options, "too many arguments");
    }
    if (options.n_operands == 1) {
        if (options.operands[0][0] != '+') {
            options_fail(&options, "the clock cannot be set; a format begins with +");
        }
        format = options.operands[0] + 1;
    }
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        localtime_r(&now.tv_sec, &broken_down) == NULL) {
        report_errno("clock");
        return 1;
    }
    text = format_time(format, &broken_down);
    puts(text);
    free(text);
    report_exit(0);
}

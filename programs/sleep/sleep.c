/* SPDX-License-Identifier: MIT */
/* sleep: waits. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "sleep SECONDS\n"
                           "Waits; the number may have a fraction.";

#define SECONDS_LIMIT 100000000000ull /* three thousand years */

/* Reads "1.25". Returns 0, or -1 if it is not such a number. What is beyond nanoseconds is cut. */
static int parse(const char *string, struct timespec *time) {
    uint64_t seconds = 0;
    long nanoseconds = 0;
    size_t whole = strspn(string, "0123456789");
    const char *fraction = string[whole] == '.' ? string + whole + 1 : string + whole;
    size_t places = strspn(fraction, "0123456789");
    long unit = 100000000;

    if (whole + places == 0 || fraction[places] != '\0' ||
        (places > 0 && fraction == string + whole)) {
        return -1;
    }
    for (size_t i = 0; i < whole && seconds < SECONDS_LIMIT; i++) {
        seconds = seconds * 10 + (uint64_t)(string[i] - '0');
    }
    for (size_t i = 0; i < places; i++, unit /= 10) {
        nanoseconds += (fraction[i] - '0') * unit;
    }
    time->tv_sec = (time_t)(seconds < SECONDS_LIMIT ? seconds : SECONDS_LIMIT);
    time->tv_nsec = nanoseconds;
    return 0;
}

int main(int argc, char **argv) {
    struct options options;
    struct timespec time;

    report_begin("sleep");
    options = options_none(argc, argv, help);
    if (options.n_operands != 1 || parse(options.operands[0], &time) != 0) {
        options_fail(&options, "a number of seconds is needed");
    }
    while (nanosleep(&time, &time) != 0) {
        if (errno != EINTR) {
            report_errno("sleep");
            return 1;
        }
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* uptime: how long the system has been running. */
#include <stdio.h>
#include <time.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "uptime\n"
                           "Says how long the system has been running: its monotonic clock.";

int main(int argc, char **argv) {
    struct options options;
    struct timespec now;
    long long seconds = 0;

    report_begin("uptime");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        report_errno("clock");
        return 1;
    }
    seconds = now.tv_sec;
    fputs("up ", stdout);
    if (seconds >= 86400) {
        printf("%lld day%s, ", seconds / 86400, seconds < 2 * 86400 ? "" : "s");
    }
    printf("%02lld:%02lld:%02lld\n", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    report_exit(0);
}

/* SPDX-License-Identifier: MIT */
/* clear: clears the terminal's screen. */
#include <stdio.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "clear\n"
                           "Clears the screen and what was scrolled off it.";

int main(int argc, char **argv) {
    struct options options;

    report_begin("clear");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    fputs("\033[H\033[2J\033[3J", stdout); /* CUP, ED 2, and xterm's ED 3 */
    report_exit(0);
}

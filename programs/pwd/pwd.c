/* SPDX-License-Identifier: MIT */
/* pwd: writes the working directory. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "pwd\n"
                           "Writes the name of the working directory.";

int main(int argc, char **argv) {
    char directory[PATH_MAX];
    struct options options;

    report_begin("pwd");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    if (getcwd(directory, sizeof directory) == NULL) {
        report_errno("working directory");
        return 1;
    }
    puts(directory);
    report_exit(0);
}

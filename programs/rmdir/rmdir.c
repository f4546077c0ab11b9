/* SPDX-License-Identifier: MIT */
/* rmdir: removes empty directories. */
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "rmdir DIRECTORY...\n"
                           "Removes directories that are empty.";

int main(int argc, char **argv) {
    struct options options;
    int status = 0;

    report_begin("rmdir");
    options = options_none(argc, argv, help);
    if (options.n_operands == 0) {
        options_fail(&options, "no directory given");
    }
    for (int i = 0; i < options.n_operands; i++) {
        if (rmdir(options.operands[i]) != 0) {
            report_errno(options.operands[i]);
            status = 1;
        }
    }
    report_exit(status);
}

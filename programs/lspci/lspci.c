/* SPDX-License-Identifier: MIT */
/*
 * lspci: the PCI devices. The pci server shows each as a file in /pci, whose first line says what
 * it is. Plain POSIX.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "programs/common/directory.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "lspci [-v]\n"
                           "Lists the PCI devices.\n"
                           "  -v  register ranges, interrupts, and whether there is a driver";

static const char folder[] = "/pci";

static int show(const char *name, bool all) {
    char path[PATH_MAX], line[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        report_errno(path);
        return 1;
    }
    for (bool first = true; (all || first) && fgets(line, sizeof line, file) != NULL;
         first = false) {
        fputs(line, stdout);
    }
    int failed = ferror(file);
    if (failed) {
        report_errno(path);
    }
    fclose(file);
    return failed != 0;
}

int main(int argc, char **argv) {
    struct options options;
    struct directory_names names;
    bool all = false;
    int result = 0;

    report_begin("lspci");
    options = options_begin(argc, argv, "v", help);
    while (options_next(&options) != OPTIONS_END) {
        all = true;
    }
    if (options.n_operands > 0) {
        options_fail(&options, "no operands are known");
    }
    if (directory_read(folder, &names) != 0) {
        report_errno(folder);
        report_exit(1);
    }
    for (size_t i = 0; i < names.n; i++) {
        result |= show(names.names[i], all);
    }
    directory_free(&names);
    report_exit(result);
}

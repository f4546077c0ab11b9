/* SPDX-License-Identifier: MIT */
/* cp: copies files, and with -r directories. */
#include <stdlib.h>

#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/tree.h"

static const char help[] = "cp [-r] SOURCE... TARGET\n"
                           "Copies a file to TARGET, or files into the directory TARGET.\n"
                           "  -r  directories too, with everything in them; links stay links";

static int copy(const char *source, const char *target, int recursive) {
    return recursive ? tree_copy(source, target) : tree_copy_file(source, target);
}

int main(int argc, char **argv) {
    struct options options;
    const char *target = NULL;
    int recursive = 0;
    int into = 0;
    int status = 0;

    report_begin("cp");
    options = options_begin(argc, argv, "rR", help);
    while (options_next(&options) != OPTIONS_END) {
        recursive = 1;
    }
    if (options.n_operands < 2) {
        options_fail(&options, "a source and a target are needed");
    }
    target = options.operands[options.n_operands - 1];
    into = tree_is_directory(target);
    if (options.n_operands > 2 && !into) {
        report("%s: not a directory", target);
        return 1;
    }
    for (int i = 0; i < options.n_operands - 1; i++) {
        const char *source = options.operands[i];
        char *name = path_last(source);
        char *path = into ? path_join(target, name) : NULL;

        status |= copy(source, into ? path : target, recursive);
        free(path);
        free(name);
    }
    report_exit(status);
}

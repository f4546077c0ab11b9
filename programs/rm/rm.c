/* SPDX-License-Identifier: MIT */
/* rm: removes files, and with -r directories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/tree.h"

static const char help[] = "rm [-rf] FILE...\n"
                           "Removes files for good.\n"
                           "  -r  directories too, with everything in them\n"
                           "  -f  no complaint about what is not there";

enum remove_flags { REMOVE_RECURSIVE = 1, REMOVE_FORCE = 2 };

/* The root, "." and ".." under any spelling: nobody means those. */
static int is_refused(const char *path) {
    char *last = path_last(path);
    int refused = strcmp(last, "/") == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;

    free(last);
    return refused && *path != '\0';
}

static int remove_one(const char *path, enum remove_flags flags) {
    struct stat status;

    if (is_refused(path)) {
        report("%s: refused", path);
        return 1;
    }
    if (lstat(path, &status) != 0) {
        if ((flags & REMOVE_FORCE) && (errno == ENOENT || errno == ENOTDIR)) {
            return 0;
        }
        report_errno(path);
        return 1;
    }
    if (S_ISDIR(status.st_mode) && !(flags & REMOVE_RECURSIVE)) {
        report("%s: is a directory (rm -r removes it)", path);
        return 1;
    }
    return tree_remove(path);
}

int main(int argc, char **argv) {
    struct options options;
    enum remove_flags flags = 0;
    int status = 0;

    report_begin("rm");
    options = options_begin(argc, argv, "rRf", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        flags |= c == 'f' ? REMOVE_FORCE : REMOVE_RECURSIVE;
    }
    if (options.n_operands == 0 && !(flags & REMOVE_FORCE)) {
        options_fail(&options, "nothing to remove given");
    }
    for (int i = 0; i < options.n_operands; i++) {
        status |= remove_one(options.operands[i], flags);
    }
    report_exit(status);
}

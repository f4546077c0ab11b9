/* SPDX-License-Identifier: MIT */
/* mv: renames files, also across file systems. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/tree.h"

static const char help[] =
    "mv SOURCE... TARGET\n"
    "Renames a file or directory to TARGET, or moves them into the\n"
    "directory TARGET. What TARGET was before is lost. Between file systems\n"
    "things are copied, then removed.";

/* What rename would have refused or replaced, before copying to the other file system. 0, or 1
 * after a report. */
static int make_way(const struct stat *source, const char *target) {
    struct stat status;

    if (lstat(target, &status) != 0) {
        return 0;
    }
    if (S_ISDIR(status.st_mode) && !S_ISDIR(source->st_mode)) {
        errno = EISDIR;
    } else if (!S_ISDIR(status.st_mode) && S_ISDIR(source->st_mode)) {
        errno = ENOTDIR;
    } else if ((S_ISDIR(status.st_mode) ? rmdir(target) : unlink(target)) == 0) {
        return 0;
    }
    report_errno(target);
    return 1;
}

static int move(const char *source, const char *target) {
    struct stat from, to;

    if (lstat(source, &from) != 0) {
        report_errno(source);
        return 1;
    }
    if (lstat(target, &to) == 0 && tree_is_same(&from, &to)) {
        report("%s and %s are the same file", source, target);
        return 1;
    }
    if (rename(source, target) == 0) {
        return 0;
    }
    if (errno != EXDEV) {
        report("%s to %s: %s", source, target, strerror(errno));
        return 1;
    }
    /* Only what has arrived whole is removed here. */
    return make_way(&from, target) != 0 || tree_copy(source, target) != 0 ||
           tree_remove(source) != 0;
}

int main(int argc, char **argv) {
    struct options options;
    const char *target = NULL;
    int into = 0;
    int status = 0;

    report_begin("mv");
    options = options_begin(argc, argv, "f", help); /* -f: nothing is ever asked */
    while (options_next(&options) != OPTIONS_END) {
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

        status |= move(source, into ? path : target);
        free(path);
        free(name);
    }
    report_exit(status);
}

/* SPDX-License-Identifier: MIT */
/* mkdir: makes directories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/common/allocate.h"
#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/tree.h"

static const char help[] = "mkdir [-p] DIRECTORY...\n"
                           "Makes directories.\n"
                           "  -p  those above them too; and no complaint about what is there";

static int make(const char *path) {
    if (mkdir(path, 0777) != 0) {
        report_errno(path);
        return 1;
    }
    return 0;
}

/* Makes it unless it is there. */
static int make_missing(const char *path) {
    int error = 0;

    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    /* Some file systems say that they are read-only before they say that it exists. */
    error = errno;
    if (tree_is_directory(path)) {
        return 0;
    }
    errno = error;
    report_errno(path);
    return 1;
}

static int make_with_parents(const char *path) {
    char *part = checked_strdup(path);
    int status = 0;

    for (char *at = part + strspn(part, "/"); *at != '\0' && status == 0;) {
        char *end = at + strcspn(at, "/");
        char kept = *end;

        *end = '\0';
        status = make_missing(part);
        *end = kept;
        at = end + strspn(end, "/");
    }
    if (path[strspn(path, "/")] == '\0') {
        status = make_missing(path); /* "/", or nothing at all */
    }
    free(part);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    int parents = 0;
    int status = 0;

    report_begin("mkdir");
    options = options_begin(argc, argv, "p", help);
    while (options_next(&options) != OPTIONS_END) {
        parents = 1;
    }
    if (options.n_operands == 0) {
        options_fail(&options, "no directory given");
    }
    for (int i = 0; i < options.n_operands; i++) {
        status |= parents ? make_with_parents(options.operands[i]) : make(options.operands[i]);
    }
    report_exit(status);
}

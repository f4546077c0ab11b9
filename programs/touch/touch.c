/* SPDX-License-Identifier: MIT */
/* touch: makes files, or makes them new. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] =
    "touch [-c] FILE...\n"
    "Sets the times of files to now; makes those that are not there, empty.\n"
    "  -c  makes none";

static int touch(const char *path, int create) {
    int fd = -1;

    if (utimensat(AT_FDCWD, path, NULL, 0) == 0) {
        return 0;
    }
    if (errno == ENOENT && !create) {
        return 0;
    }
    if (errno == ENOENT) {
        fd = open(path, O_WRONLY | O_CREAT, 0666);
    }
    if (fd < 0) {
        report_errno(path);
        return 1;
    }
    close(fd);
    return 0;
}

int main(int argc, char **argv) {
    struct options options;
    int create = 1;
    int status = 0;

    report_begin("touch");
    options = options_begin(argc, argv, "c", help);
    while (options_next(&options) != OPTIONS_END) {
        create = 0;
    }
    if (options.n_operands == 0) {
        options_fail(&options, "no file given");
    }
    for (int i = 0; i < options.n_operands; i++) {
        status |= touch(options.operands[i], create);
    }
    report_exit(status);
}

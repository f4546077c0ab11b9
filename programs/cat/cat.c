/* SPDX-License-Identifier: MIT */
/* cat: files one after another to standard output. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/common/tree.h"

static const char help[] = "cat [FILE...]\n"
                           "Writes files one after another to standard output; - is standard\n"
                           "input, which is also read if no file is given.";

/* Copying a file to its own end would never be done. */
static int is_output(int fd) {
    struct stat input, output;

    return fstat(fd, &input) == 0 && fstat(STDOUT_FILENO, &output) == 0 && S_ISREG(input.st_mode) &&
           tree_is_same(&input, &output) && input.st_size > 0 &&
           lseek(fd, 0, SEEK_CUR) < input.st_size;
}

/* 0, or 1 after a report. Ends the program if the output fails: the rest would, too. */
static int copy(int fd, const char *name) {
    if (is_output(fd)) {
        report("%s: input is output", name);
        return 1;
    }
    switch (stream_copy(fd, STDOUT_FILENO)) {
    case STREAM_READ_FAILED:
        report_errno(name);
        return 1;
    case STREAM_WRITE_FAILED:
        report_errno("write error");
        report_exit(1);
    default:
        return 0;
    }
}

static int copy_file(const char *path) {
    int fd = open(path, O_RDONLY);
    int status = 1;

    if (fd < 0) {
        report_errno(path);
        return 1;
    }
    status = copy(fd, path);
    close(fd);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    int status = 0;

    report_begin("cat");
    options = options_none(argc, argv, help);
    for (int i = 0; i < options.n_operands; i++) {
        status |= strcmp(options.operands[i], "-") == 0 ? copy(STDIN_FILENO, "standard input")
                                                        : copy_file(options.operands[i]);
    }
    if (options.n_operands == 0) {
        status = copy(STDIN_FILENO, "standard input");
    }
    report_exit(status);
}

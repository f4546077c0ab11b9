/* SPDX-License-Identifier: MIT */
/* env: shows the environment, or runs a program with a changed one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/report.h"

static const char help[] = "env [-i] [NAME=VALUE...] [COMMAND [ARGUMENT...]]\n"
                           "Runs a command with the environment changed; without one, shows it.\n"
                           "  -i  begin with an empty environment";

extern char **environ;

int main(int argc, char **argv) {
    static char *empty[] = {NULL};
    char **rest = argv + (argc > 0);

    report_begin("env");
    /* Options end at the first word that is none: the others are the command's. */
    for (; *rest != NULL && (*rest)[0] == '-'; rest++) {
        if (strcmp(*rest, "--help") == 0) {
            printf("usage: %s\n", help);
            report_exit(0);
        }
        if (strcmp(*rest, "-i") != 0) {
            report("unknown option %s", *rest);
            return STATUS_USAGE;
        }
        environ = empty;
    }
    for (; *rest != NULL && strchr(*rest, '=') != NULL; rest++) {
        if (**rest == '=' || putenv(*rest) != 0) {
            report("%s: %s", *rest, **rest == '=' ? "no name" : strerror(errno));
            return 1;
        }
    }
    if (*rest != NULL) {
        execvp(*rest, rest);
        report_errno(*rest);
        return errno == ENOENT ? 127 : 126;
    }
    for (char **variable = environ; *variable != NULL; variable++) {
        puts(*variable);
    }
    report_exit(0);
}

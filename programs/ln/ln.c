/* SPDX-License-Identifier: MIT */
/* ln: makes links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/tree.h"

static const char help[] = "ln [-sf] TARGET NAME\n"
                           "Gives a file another name. NAME may be a directory to put it in.\n"
                           "  -s  a symbolic link: it leads to whatever is called TARGET\n"
                           "  -f  replaces what is called NAME";

enum link_flags { LINK_SYMBOLIC = 1, LINK_FORCE = 2 };

static int make_link(const char *target, const char *name, enum link_flags flags) {
    struct stat one, other;
    int (*make)(const char *, const char *) = flags & LINK_SYMBOLIC ? symlink : link;

    if (make(target, name) == 0) {
        return 0;
    }
    if (errno == EEXIST && (flags & LINK_FORCE)) {
        if (lstat(target, &one) == 0 && lstat(name, &other) == 0 && tree_is_same(&one, &other)) {
            report("%s and %s are the same file", target, name);
            return 1;
        }
        if (unlink(name) == 0 && make(target, name) == 0) {
            return 0;
        }
    }
    report("%s: %s", errno == ENOENT && !(flags & LINK_SYMBOLIC) ? target : name, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    struct options options;
    enum link_flags flags = 0;
    char *last = NULL;
    char *path = NULL;
    int status = 0;

    report_begin("ln");
    options = options_begin(argc, argv, "sf", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        flags |= c == 's' ? LINK_SYMBOLIC : LINK_FORCE;
    }
    if (options.n_operands != 2) {
        options_fail(&options, "a target and a name are needed");
    }
    last = path_last(options.operands[0]);
    if (tree_is_directory(options.operands[1])) {
        path = path_join(options.operands[1], last);
    }
    status = make_link(options.operands[0], path == NULL ? options.operands[1] : path, flags);
    free(path);
    free(last);
    report_exit(status);
}

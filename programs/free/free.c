/* SPDX-License-Identifier: MIT */
/*
 * free: how much memory is in use. The process server tells in a file, /proc/memory: lines of a
 * name and a number of bytes, among them total_bytes and free_bytes. Others (kernel_bytes ...) are
 * shown as they come.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"

static const char help[] = "free [-h] [DIRECTORY]\n"
                           "Says how much memory there is, is free, and is used for what, in KiB.\n"
                           "  -h  in larger units where that reads better\n"
                           "  DIRECTORY  where the process server is, /proc unless told otherwise";

static void show(const char *name, uint64_t bytes, int human) {
    char size[NUMBER_HUMAN_SIZE];

    if (human) {
        printf("%-10s %8s\n", name, number_human(bytes, size));
    } else {
        printf("%-10s %10" PRIu64 " KiB\n", name, bytes / 1024);
    }
}

/* The known totals; all bits set: not seen yet. */
struct totals {
    uint64_t total, free, used;
};

/* Shows one line if it is about bytes; -1 if it is not "NAME NUMBER". */
static int show_line(const char *line, struct totals *totals, int human) {
    static const char suffix[] = "_bytes";
    char name[64];
    uint64_t value = 0;
    size_t length = 0;

    if (sscanf(line, "%63[a-z0-9_] %" SCNu64, name, &value) != 2) {
        return -1;
    }
    length = strlen(name);
    if (length <= strlen(suffix) || strcmp(name + length - strlen(suffix), suffix) != 0) {
        return 0; /* a number of something else */
    }
    name[length - strlen(suffix)] = '\0';
    if (strcmp(name, "total") == 0) {
        totals->total = value;
    } else if (strcmp(name, "free") == 0) {
        totals->free = value;
    } else if (strcmp(name, "used") == 0) {
        totals->used = value;
    }
    show(name, value, human);
    return 0;
}

static int show_file(FILE *file, const char *path, int human) {
    struct totals totals = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    char line[256];
    int status = 0;

    while (fgets(line, sizeof line, file) != NULL) {
        if (show_line(line, &totals, human) != 0) {
            line[strcspn(line, "\n")] = '\0';
            report("%s: cannot make sense of this line: %s", path, line);
            status = 1;
        }
    }
    if (ferror(file)) {
        report_errno(path);
        return 1;
    }
    if (totals.used == UINT64_MAX && totals.total != UINT64_MAX && totals.free <= totals.total) {
        show("used", totals.total - totals.free, human);
    }
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    FILE *file = NULL;
    char *path = NULL;
    int human = 0;
    int status = 1;

    report_begin("free");
    options = options_begin(argc, argv, "h", help);
    while (options_next(&options) != OPTIONS_END) {
        human = 1;
    }
    if (options.n_operands > 1) {
        options_fail(&options, "too many arguments");
    }
    path = path_join(options.n_operands == 1 ? options.operands[0] : "/proc", "memory");
    file = fopen(path, "r");
    if (file == NULL) {
        report_errno(path);
    } else {
        status = show_file(file, path, human);
        fclose(file);
    }
    free(path);
    report_exit(status);
}

/* SPDX-License-Identifier: MIT */
/* head: the beginning of files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "head [-n LINES | -c BYTES] [FILE...]\n"
                           "Writes the first lines (10 unless told otherwise) or bytes of files.\n"
                           "  -n LINES, -LINES   how many lines\n"
                           "  -c BYTES           how many bytes";

struct wanted {
    uint64_t count;
    int bytes; /* of bytes, not of lines */
};

/* Copies the beginning; 0, or 1 after a report. */
static int copy(FILE *file, const char *name, struct wanted wanted) {
    while (wanted.count > 0) {
        int c = getc(file);

        if (c == EOF) {
            break;
        }
        putchar(c);
        wanted.count -= wanted.bytes || c == '\n';
    }
    if (ferror(file)) {
        report_errno(name);
        return 1;
    }
    return 0;
}

static int copy_file(const char *name, struct wanted wanted) {
    FILE *file = fopen(name, "r");
    int status = 1;

    if (file == NULL) {
        report_errno(name);
        return 1;
    }
    status = copy(file, name, wanted);
    fclose(file);
    return status;
}

static void set_count(struct wanted *wanted, const struct options *options) {
    if (number_parse(options->argument, UINT64_MAX, &wanted->count) != 0) {
        options_fail(options, "the count must be a number");
    }
}

int main(int argc, char **argv) {
    struct options options;
    struct wanted wanted = {.count = 10};
    int old_style = 0;
    int status = 0;

    report_begin("head");
    options = options_begin(argc, argv, "n:c:0123456789", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        if (c == 'n' || c == 'c') {
            wanted.bytes = c == 'c';
            set_count(&wanted, &options);
        } else {
            wanted.count = (old_style++ ? wanted.count * 10 : 0) + (uint64_t)(c - '0');
        }
    }
    for (int i = 0; i < options.n_operands; i++) {
        if (options.n_operands > 1) {
            printf("%s==> %s <==\n", i > 0 ? "\n" : "", options.operands[i]);
        }
        status |= strcmp(options.operands[i], "-") == 0 ? copy(stdin, "standard input", wanted)
                                                        : copy_file(options.operands[i], wanted);
    }
    if (options.n_operands == 0) {
        status = copy(stdin, "standard input", wanted);
    }
    report_exit(status);
}

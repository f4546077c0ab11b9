/* SPDX-License-Identifier: MIT */
/* hexdump: shows bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "hexdump [-v] [-s SKIP] [-n LENGTH] [FILE]\n"
                           "Shows bytes as hexadecimal numbers and as characters.\n"
                           "  -s SKIP    leave out so many bytes at the start\n"
                           "  -n LENGTH  stop after so many\n"
                           "  -v         every line; else * stands for more of the same";

#define LINE_SIZE 16

static void show_line(uint64_t offset, const unsigned char *bytes, size_t n) {
    printf("%08" PRIx64 " ", offset);
    for (size_t i = 0; i < LINE_SIZE; i++) {
        if (i % 8 == 0) {
            putchar(' ');
        }
        if (i < n) {
            printf("%02x ", bytes[i]);
        } else {
            fputs("   ", stdout);
        }
    }
    fputs(" |", stdout);
    for (size_t i = 0; i < n; i++) {
        putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
    }
    fputs("|\n", stdout);
}

/* Skips by reading, which works for pipes too; 1 if there was so much. */
static int skip_bytes(FILE *file, uint64_t n) {
    while (n > 0 && getc(file) != EOF) {
        n--;
    }
    return n == 0;
}

static void dump(FILE *file, uint64_t offset, uint64_t limit, int every_line) {
    unsigned char line[LINE_SIZE];
    unsigned char previous[LINE_SIZE];
    size_t n_previous = 0; /* LINE_SIZE once there was a line */
    int repeated = 0;

    while (limit > 0) {
        size_t n = fread(line, 1, limit < LINE_SIZE ? (size_t)limit : LINE_SIZE, file);

        if (n == 0) {
            break;
        }
        if (!every_line && n == LINE_SIZE && n_previous == LINE_SIZE &&
            memcmp(line, previous, n) == 0) {
            if (!repeated) {
                puts("*");
            }
            repeated = 1;
        } else {
            show_line(offset, line, n);
            repeated = 0;
        }
        memcpy(previous, line, n);
        n_previous = n;
        offset += n;
        limit -= n;
    }
    printf("%08" PRIx64 "\n", offset);
}

int main(int argc, char **argv) {
    struct options options;
    uint64_t skip = 0;
    uint64_t limit = UINT64_MAX;
    int every_line = 0;
    const char *name = "standard input";
    FILE *file = stdin;

    report_begin("hexdump");
    options = options_begin(argc, argv, "vs:n:", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        if (c == 'v') {
            every_line = 1;
        } else if (number_parse(options.argument, UINT64_MAX, c == 's' ? &skip : &limit) != 0) {
            options_fail(&options, "the number of bytes must be a number");
        }
    }
    if (options.n_operands > 1) {
        options_fail(&options, "one file at a time");
    }
    if (options.n_operands == 1) {
        name = options.operands[0];
        file = fopen(name, "rb");
    }
    if (file == NULL) {
        report_errno(name);
        return 1;
    }
    if (skip_bytes(file, skip)) {
        dump(file, skip, limit, every_line);
    }
    if (ferror(file)) {
        report_errno(name);
        report_exit(1);
    }
    report_exit(0);
}

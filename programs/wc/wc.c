/* SPDX-License-Identifier: MIT */
/* wc: counts lines, words and bytes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"

static const char help[] = "wc [-lwc] [FILE...]\n"
                           "Counts lines, words and bytes of files, or of standard input.\n"
                           "  -l, -w, -c  only lines, words, bytes";

enum show_flags { SHOW_LINES = 1, SHOW_WORDS = 2, SHOW_BYTES = 4 };

struct counts {
    uint64_t lines, words, bytes;
};

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds what is read; 0, or 1 after a report. */
static int count(int fd, const char *name, struct counts *counts) {
    static char block[65536];
    int in_word = 0;
    ssize_t n = 0;

    while ((n = stream_read(fd, block, sizeof block)) > 0) {
        counts->bytes += (uint64_t)n;
        for (ssize_t i = 0; i < n; i++) {
            counts->lines += block[i] == '\n';
            counts->words += !in_word && !is_blank(block[i]);
            in_word = !is_blank(block[i]);
        }
    }
    if (n < 0) {
        report_errno(name);
        return 1;
    }
    return 0;
}

static void show(const struct counts *counts, const char *name, enum show_flags flags) {
    const char *separator = "";

    if (flags & SHOW_LINES) {
        printf("%7" PRIu64, counts->lines);
        separator = " ";
    }
    if (flags & SHOW_WORDS) {
        printf("%s%7" PRIu64, separator, counts->words);
        separator = " ";
    }
    if (flags & SHOW_BYTES) {
        printf("%s%7" PRIu64, separator, counts->bytes);
    }
    printf("%s%s\n", *name == '\0' ? "" : " ", name);
}

static int count_file(const char *name, struct counts *total, enum show_flags flags) {
    struct counts counts = {0};
    int is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY);
    int status = 0;

    if (fd < 0) {
        report_errno(name);
        return 1;
    }
    status = count(fd, name, &counts);
    show(&counts, name, flags);
    if (!is_stdin) {
        close(fd);
    }
    total->lines += counts.lines;
    total->words += counts.words;
    total->bytes += counts.bytes;
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    struct counts total = {0};
    enum show_flags flags = 0;
    int status = 0;

    report_begin("wc");
    options = options_begin(argc, argv, "lwc", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        flags |= c == 'l' ? SHOW_LINES : c == 'w' ? SHOW_WORDS : SHOW_BYTES;
    }
    if (flags == 0) {
        flags = SHOW_LINES | SHOW_WORDS | SHOW_BYTES;
    }
    for (int i = 0; i < options.n_operands; i++) {
        status |= count_file(options.operands[i], &total, flags);
    }
    if (options.n_operands == 0) {
        status = count(STDIN_FILENO, "standard input", &total);
        show(&total, "", flags);
    } else if (options.n_operands > 1) {
        show(&total, "total", flags);
    }
    report_exit(status);
}

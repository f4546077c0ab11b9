/* SPDX-License-Identifier: MIT */
/* tail: the end of files. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/common/text.h"

static const char help[] = "tail [-n LINES | -c BYTES] [FILE...]\n"
                           "Writes the last lines (10 unless told otherwise) or bytes of files.\n"
                           "  -n LINES, -LINES   how many lines\n"
                           "  -c BYTES           how many bytes";

#define BLOCK_SIZE 65536

struct wanted {
    uint64_t count;
    int bytes; /* of bytes, not of lines */
};

/* Where the wanted end of the text begins. */
static size_t find_start(const struct text *text, struct wanted wanted) {
    size_t at = text->length;

    if (wanted.bytes) {
        return wanted.count < text->length ? text->length - (size_t)wanted.count : 0;
    }
    if (wanted.count == 0 || at == 0) {
        return at;
    }
    /* The new line at the very end does not begin a line. */
    for (at--; at > 0; at--) {
        if (text->bytes[at - 1] == '\n' && --wanted.count == 0) {
            return at;
        }
    }
    return 0;
}

/* Keeps what may still be wanted, and forgets the rest now and then: an endless input must not
 * fill the memory. 0, or 1 after a report. */
static int copy(int fd, const char *name, struct wanted wanted) {
    static char block[BLOCK_SIZE];
    struct text text = {0};
    size_t next_cut = (size_t)BLOCK_SIZE * 4;
    size_t start = 0;
    ssize_t n = 0;

    while ((n = stream_read(fd, block, sizeof block)) > 0) {
        text_append(&text, block, (size_t)n);
        if (text.length > next_cut) {
            text_remove(&text, 0, find_start(&text, wanted));
            next_cut = text.length * 2 + (size_t)BLOCK_SIZE * 4;
        }
    }
    if (n < 0) {
        report_errno(name);
    } else {
        start = find_start(&text, wanted);
        fwrite(text_string(&text) + start, 1, text.length - start, stdout);
    }
    text_free(&text);
    return n < 0;
}

static int copy_file(const char *name, struct wanted wanted) {
    int fd = open(name, O_RDONLY);
    int status = 1;

    if (fd < 0) {
        report_errno(name);
        return 1;
    }
    status = copy(fd, name, wanted);
    close(fd);
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    struct wanted wanted = {.count = 10};
    int old_style = 0;
    int status = 0;

    report_begin("tail");
    options = options_begin(argc, argv, "n:c:0123456789", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        if (c >= '0' && c <= '9') {
            wanted.count = (old_style++ ? wanted.count * 10 : 0) + (uint64_t)(c - '0');
            continue;
        }
        wanted.bytes = c == 'c';
        if (number_parse(options.argument, UINT64_MAX, &wanted.count) != 0) {
            options_fail(&options, "the count must be a number");
        }
    }
    for (int i = 0; i < options.n_operands; i++) {
        if (options.n_operands > 1) {
            printf("%s==> %s <==\n", i > 0 ? "\n" : "", options.operands[i]);
        }
        status |= strcmp(options.operands[i], "-") == 0
                      ? copy(STDIN_FILENO, "standard input", wanted)
                      : copy_file(options.operands[i], wanted);
    }
    if (options.n_operands == 0) {
        status = copy(STDIN_FILENO, "standard input", wanted);
    }
    report_exit(status);
}

/* SPDX-License-Identifier: MIT */
/*
 * more: text, a screenful at a time.
 *
 * Input is read only as far as it is shown, so an endless one is fine; what was read is kept, for
 * going back. The text is laid out in rows of the screen's width.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/allocate.h"
#include "programs/common/options.h"
#include "programs/common/report.h"
#include "programs/common/screen.h"
#include "programs/common/stream.h"
#include "programs/common/text.h"
#include "programs/common/width.h"

static const char help[] = "more [FILE...]\n"
                           "Shows files, or standard input, a screenful at a time.\n"
                           "  space, Page Down   next screen      b, Page Up   previous screen\n"
                           "  Enter, Down        next line        Up           previous line\n"
                           "  g                  beginning        q, Ctrl-C    quit";

#define TAB_WIDTH 8

/* A row is at most so many bytes: enough for columns of letters with marks; what is longer is
 * broken there. */
#define ROW_LIMIT 4096

struct pager {
    char **files; /* still to be read */
    int fd;       /* being read, or -1 */
    const char *name;
    int is_complete; /* nothing is left to be read */
    int status;

    struct text text; /* all that was read */
    size_t *rows;     /* where the rows found so far begin */
    size_t n_rows;
    size_t rows_capacity;
    size_t top;      /* the first row on the screen */
    int keys;        /* the terminal */
    unsigned height; /* rows of text on the screen: one is left for the prompt */
    unsigned columns;
};

/* --- input --- */

static void next_file(struct pager *pager) {
    if (pager->fd > STDIN_FILENO) {
        close(pager->fd);
    }
    pager->fd = -1;
    if (*pager->files == NULL) {
        pager->is_complete = 1;
        return;
    }
    pager->name = *pager->files++;
    pager->fd =
        strcmp(pager->name, "-") == 0 ? STDIN_FILENO : open(pager->name, O_RDONLY | O_CLOEXEC);
    if (pager->fd < 0) {
        report_errno(pager->name);
        pager->status = 1;
    }
}

/* Reads on until there are *wanted* bytes or no more. */
static void read_to(struct pager *pager, size_t wanted) {
    char block[4096];

    while (pager->text.length < wanted && !pager->is_complete) {
        ssize_t n = pager->fd < 0 ? 0 : stream_read(pager->fd, block, sizeof block);

        if (n < 0) {
            report_errno(pager->name);
            pager->status = 1;
        }
        if (n <= 0) {
            next_file(pager);
        } else {
            text_append(&pager->text, block, (size_t)n);
        }
    }
}

/* --- layout --- */

/* The end of the row that starts at *start*, behind its new line if it has one. What it looks like
 * is appended to *shown* unless that is null. */
static size_t lay_out(const struct pager *pager, size_t start, struct text *shown) {
    size_t limit = pager->text.length - start < ROW_LIMIT ? pager->text.length - start : ROW_LIMIT;
    const char *bytes = text_string(&pager->text) + start;
    unsigned column = 0;
    size_t at = 0;

    while (at < limit) {
        unsigned width = 0;
        size_t n = width_cluster(bytes + at, limit - at, &width);

        if (bytes[at] == '\n') {
            return start + at + 1;
        }
        if (bytes[at] == '\t') {
            width = TAB_WIDTH - column % TAB_WIDTH;
            n = 1;
        } else if (bytes[at] == '\r') {
            width = 0;
            n = 1;
        }
        if (column + width > pager->columns && column > 0) {
            break;
        }
        column += width;
        if (shown != NULL && bytes[at] == '\t') {
            text_append(shown, "        ", width < TAB_WIDTH ? width : TAB_WIDTH);
        } else if (shown != NULL && bytes[at] != '\r') {
            width_visible(shown, bytes + at, n);
        }
        at += n;
    }
    /* A row that is exactly full takes its new line with it. */
    return start + at + (at < limit && bytes[at] == '\n');
}

/* Finds rows until there are *wanted* or the text ends. */
static void find_rows(struct pager *pager, size_t wanted) {
    while (pager->n_rows < wanted) {
        size_t start = 0;

        if (pager->n_rows > 0) {
            size_t last = pager->rows[pager->n_rows - 1];

            read_to(pager, last + ROW_LIMIT);
            start = lay_out(pager, last, NULL);
        }
        read_to(pager, start + 1);
        if (start >= pager->text.length) {
            return;
        }
        if (pager->n_rows == pager->rows_capacity) {
            pager->rows_capacity = pager->rows_capacity == 0 ? 64 : pager->rows_capacity * 2;
            pager->rows = checked_realloc(pager->rows, pager->rows_capacity, sizeof *pager->rows);
        }
        pager->rows[pager->n_rows++] = start;
    }
}

/* Takes note of the screen's size; after a change of width the rows are laid out anew. */
static void measure(struct pager *pager) {
    struct screen_size size = screen_size(pager->keys);
    size_t offset = pager->top < pager->n_rows ? pager->rows[pager->top] : 0;

    pager->height = size.rows > 1 ? size.rows - 1 : 1;
    if (size.columns == pager->columns) {
        return;
    }
    pager->columns = size.columns;
    pager->n_rows = 0;
    find_rows(pager, 1);
    for (pager->top = 0;; pager->top++) {
        find_rows(pager, pager->top + 2);
        if (pager->top + 1 >= pager->n_rows || pager->rows[pager->top + 1] > offset) {
            return;
        }
    }
}

/* --- screen --- */

static void send(const struct text *output) {
    if (stream_write(STDOUT_FILENO, text_string(output), output->length) != 0) {
        exit(1);
    }
}

static void append_rows(const struct pager *pager, struct text *output, size_t first, size_t end) {
    for (size_t row = first; row < end && row < pager->n_rows; row++) {
        lay_out(pager, pager->rows[row], output);
        text_append_byte(output, '\n');
    }
}

static void append_prompt(const struct pager *pager, struct text *output) {
    int at_end = pager->top + pager->height >= pager->n_rows;

    text_append_string(output, at_end ? "\033[7m--End--\033[m" : "\033[7m--More--\033[m");
}

/* Shows the screen from row *top* on; going forward, only what is new is written. */
static void show_from(struct pager *pager, size_t top) {
    struct text output = {0};
    size_t old_end = pager->top + pager->height;

    find_rows(pager, top + pager->height + 1);
    text_append_string(&output, "\r\033[K");
    if (top >= pager->top && top <= old_end) {
        append_rows(pager, &output, old_end, top + pager->height);
    } else {
        text_append_string(&output, "\033[H\033[2J");
        append_rows(pager, &output, top, top + pager->height);
    }
    pager->top = top;
    append_prompt(pager, &output);
    send(&output);
    text_free(&output);
}

static void show_first(struct pager *pager) {
    struct text output = {0};

    append_rows(pager, &output, 0, pager->height);
    append_prompt(pager, &output);
    send(&output);
    text_free(&output);
}

/* --- keys --- */

enum command { QUIT, NEXT_PAGE, NEXT_ROW, PREVIOUS_PAGE, PREVIOUS_ROW, BEGINNING, NOTHING };

static int read_key(const struct pager *pager) {
    unsigned char key = 0;

    return stream_read(pager->keys, &key, 1) == 1 ? key : EOF;
}

/* The rest of an escape sequence. */
static enum command read_sequence(const struct pager *pager) {
    int key = read_key(pager);
    int number = 0;

    if (key != '[' && key != 'O') {
        return NOTHING;
    }
    for (key = read_key(pager); key >= 0x20 && key < 0x40; key = read_key(pager)) {
        number = key;
    }
    return key == 'A'                    ? PREVIOUS_ROW
           : key == 'B'                  ? NEXT_ROW
           : key == '~' && number == '5' ? PREVIOUS_PAGE
           : key == '~' && number == '6' ? NEXT_PAGE
                                         : NOTHING;
}

static enum command read_command(const struct pager *pager) {
    switch (read_key(pager)) {
    case EOF:
    case 'q':
    case 'Q':
    case 3: /* Ctrl-C */
    case 4: /* Ctrl-D */
        return QUIT;
    case ' ':
    case 'f':
        return NEXT_PAGE;
    case '\r':
    case '\n':
    case 'j':
        return NEXT_ROW;
    case 'b':
        return PREVIOUS_PAGE;
    case 'k':
        return PREVIOUS_ROW;
    case 'g':
        return BEGINNING;
    case 0x1b:
        return read_sequence(pager);
    default:
        return NOTHING;
    }
}

/* Carries out a command; 0 when that was all. */
static int obey(struct pager *pager, enum command command) {
    size_t page = pager->height;
    size_t last = 0;

    find_rows(pager, pager->top + 2 * page);
    last = pager->n_rows > page ? pager->n_rows - page : 0;
    switch (command) {
    case QUIT:
        return 0;
    case NEXT_PAGE:
    case NEXT_ROW:
        if (pager->top >= last) {
            return 0;
        }
        page = command == NEXT_ROW ? 1 : page;
        show_from(pager, pager->top + page < last ? pager->top + page : last);
        return 1;
    case PREVIOUS_PAGE:
    case PREVIOUS_ROW:
        page = command == PREVIOUS_ROW ? 1 : page;
        show_from(pager, pager->top > page ? pager->top - page : 0);
        return 1;
    case BEGINNING:
        show_from(pager, 0);
        return 1;
    default:
        return 1;
    }
}

static void run(struct pager *pager) {
    struct termios modes, raw;

    if (tcgetattr(pager->keys, &modes) != 0) {
        return;
    }
    raw = modes;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(pager->keys, TCSADRAIN, &raw);
    show_first(pager);
    for (enum command command = NOTHING; obey(pager, command);) {
        command = read_command(pager);
        measure(pager);
    }
    stream_write(STDOUT_FILENO, "\r\033[K", 4);
    tcsetattr(pager->keys, TCSADRAIN, &modes);
}

/* The terminal to read keys from: standard input, unless that is the text. -1 if there is none. */
static int find_keys(int stdin_is_text) {
    int fd = -1;

    if (!stdin_is_text && screen_is_terminal(STDIN_FILENO)) {
        return STDIN_FILENO;
    }
    fd = open("/dev/tty", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && screen_is_terminal(STDERR_FILENO)) {
        return STDERR_FILENO;
    }
    return fd;
}

/* No terminal: everything at once. */
static void copy_all(struct pager *pager) {
    do {
        read_to(pager, 1);
        send(&pager->text);
        text_clear(&pager->text);
    } while (!pager->is_complete);
}

int main(int argc, char **argv) {
    static char *standard_input[] = {"-", NULL};
    struct options options;
    struct pager pager = {.fd = -1, .keys = -1};
    int stdin_is_text = 0;

    report_begin("more");
    options = options_none(argc, argv, help);
    if (options.n_operands == 0 && screen_is_terminal(STDIN_FILENO)) {
        options_fail(&options, "nothing to show");
    }
    pager.files = options.n_operands == 0 ? standard_input : options.operands;
    for (char **file = pager.files; *file != NULL; file++) {
        stdin_is_text |= strcmp(*file, "-") == 0;
    }
    if (screen_is_terminal(STDOUT_FILENO)) {
        pager.keys = find_keys(stdin_is_text);
    }
    if (pager.keys < 0) {
        copy_all(&pager);
        return pager.status;
    }
    measure(&pager);
    find_rows(&pager, pager.height + 1);
    if (pager.n_rows <= pager.height) {
        struct text output = {0};

        append_rows(&pager, &output, 0, pager.n_rows); /* it fits: nothing to ask */
        send(&output);
        text_free(&output);
    } else {
        run(&pager);
    }
    free(pager.rows);
    text_free(&pager.text);
    return pager.status;
}

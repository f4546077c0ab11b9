/* SPDX-License-Identifier: MIT */
/*
 * resize: asks the terminal how large it is, and sets that. A serial line has no other way to know:
 * nothing tells it when the window at its other end changes.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

enum { PATIENCE_MS = 3000, CELLS_MAX = 999 };

static const char help[] = "resize\n"
                           "Asks the terminal for its size, sets it, and prints it.";

/* DECSC, CUP to the last cell, DSR "where is the cursor", DECRC. */
static const char question[] = "\0337\033[999;999H\033[6n\0338";

/* Reads up to the `R` that ends the answer ESC [ row ; column R. */
static bool answer_read(char *text, size_t size) {
    struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
    size_t n = 0;

    while (n + 1 < size && poll(&entry, 1, PATIENCE_MS) == 1 &&
           read(STDIN_FILENO, &text[n], 1) == 1) {
        if (text[n++] == 'R') {
            text[n] = '\0';
            return true;
        }
    }
    return false;
}

static bool ask(int *rows, int *columns) {
    char text[32];
    const char *at = text;

    if (write(STDIN_FILENO, question, sizeof question - 1) < 0 || !answer_read(text, sizeof text)) {
        return false;
    }
    while (*at != '\0' && *at != '\033') {
        at++; /* what was typed before */
    }
    return sscanf(at, "\033[%d;%dR", rows, columns) == 2 && *rows > 0 && *rows <= CELLS_MAX &&
           *columns > 0 && *columns <= CELLS_MAX;
}

int main(int argc, char **argv) {
    struct termios old, raw;
    int rows, columns;

    report_begin("resize");
    struct options options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    if (tcgetattr(STDIN_FILENO, &old) != 0) {
        report_errno("standard input");
        report_exit(1);
    }
    raw = old;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    bool has_answered = ask(&rows, &columns);
    tcsetattr(STDIN_FILENO, TCSANOW, &old);
    if (!has_answered) {
        report("the terminal does not answer");
        report_exit(1);
    }
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (ioctl(STDIN_FILENO, TIOCSWINSZ, &size) != 0) {
        report_errno("standard input");
        report_exit(1);
    }
    printf("%d rows, %d columns\n", rows, columns);
    report_exit(0);
}

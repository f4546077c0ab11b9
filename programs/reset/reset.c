/* SPDX-License-Identifier: MIT */
/* reset: makes a terminal usable again that was left in any state. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "reset\n"
                           "Brings the terminal into its first state: modes, colours, characters,\n"
                           "and how lines are typed. Clears it, and drops what was typed before.";

#define CONTROL(letter) ((letter)&0x1f)

static const cc_t characters[NCCS] = {
    [VINTR] = CONTROL('C'),    [VQUIT] = CONTROL('\\'),  [VERASE] = 0x7f,
    [VKILL] = CONTROL('U'),    [VEOF] = CONTROL('D'),    [VMIN] = 1,
    [VSTART] = CONTROL('Q'),   [VSTOP] = CONTROL('S'),   [VSUSP] = CONTROL('Z'),
    [VREPRINT] = CONTROL('R'), [VWERASE] = CONTROL('W'), [VLNEXT] = CONTROL('V')};

/* Speed and frame of a line stay: they are right, or nobody would read this. */
static bool set_discipline(int fd) {
    struct termios mode;

    if (tcgetattr(fd, &mode) != 0) {
        return true; /* no terminal: it is reset by what is written */
    }
    mode.c_iflag = ICRNL | IXON | IUTF8 | IMAXBEL;
    mode.c_oflag = OPOST | ONLCR;
    mode.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    memcpy(mode.c_cc, characters, sizeof characters);
    if (tcsetattr(fd, TCSAFLUSH, &mode) != 0) {
        report_errno("terminal");
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct options options;

    report_begin("reset");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    fputs("\033c", stdout); /* RIS */
    fflush(stdout);
    report_exit(set_discipline(STDIN_FILENO) ? 0 : 1);
}

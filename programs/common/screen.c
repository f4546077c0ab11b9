/* SPDX-License-Identifier: MIT */
#include "programs/common/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#define SIZE_LIMIT 10000

static unsigned from_environment(const char *name, unsigned otherwise) {
    const char *value = getenv(name);
    unsigned long number = value == NULL ? 0 : strtoul(value, NULL, 10);

    return number == 0 || number > SIZE_LIMIT ? otherwise : (unsigned)number;
}

struct screen_size screen_size(int fd) {
    struct winsize window = {0};

    if (ioctl(fd, TIOCGWINSZ, &window) != 0) {
        window = (struct winsize){0};
    }
    return (struct screen_size){
        .rows = window.ws_row > 0 && window.ws_row <= SIZE_LIMIT ? window.ws_row
                                                                 : from_environment("LINES", 24),
        .columns = window.ws_col > 0 && window.ws_col <= SIZE_LIMIT
                       ? window.ws_col
                       : from_environment("COLUMNS", 80),
    };
}

int screen_is_terminal(int fd) {
    struct termios modes;

    return tcgetattr(fd, &modes) == 0;
}

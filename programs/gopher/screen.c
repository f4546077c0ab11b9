/* SPDX-License-Identifier: MIT */
/* See screen.h. */
#include "programs/gopher/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ROWS_DEFAULT    25u
#define COLUMNS_DEFAULT 80u
#define ROWS_MAX        1000u
#define COLUMNS_MAX     1000u

/* The rest of an escape sequence follows its ESC within this time, also over a serial line. */
#define SEQUENCE_MS     50
#define SIGNAL_CHECK_MS 1000

/* Alternate screen on / off; terminals without one ignore it, so the screen is cleared too. */
static const char enter_sequence[] = "\033[?1049h\033[m\033[2J\033[H";
static const char leave_sequence[] = "\033[m\033[?25h\033[2J\033[H\033[?1049l";

static struct termios saved_modes;
static struct termios raw_modes;
static volatile sig_atomic_t is_open;
static volatile sig_atomic_t is_changed; /* size changed, or continued after a stop */

static char keys[64]; /* bytes read and not yet decoded */
static size_t n_keys;

/* Async-signal-safe; errors cannot be helped at this point. */
static void give_back(void) {
    if (is_open) {
        is_open = 0;
        ssize_t ignored = write(STDOUT_FILENO, leave_sequence, sizeof(leave_sequence) - 1);
        (void)ignored;
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
    }
}

/* Async-signal-safe. */
static void take_over(void) {
    tcsetattr(STDIN_FILENO, TCSANOW, &raw_modes);
    ssize_t ignored = write(STDOUT_FILENO, enter_sequence, sizeof(enter_sequence) - 1);
    (void)ignored;
    is_open = 1;
}

/* SIGINT, SIGTERM, SIGHUP, SIGQUIT: give back, then die of it as if there were no handler. */
static void on_end(int number) {
    give_back();
    signal(number, SIG_DFL);
    raise(number); /* pending until the handler returns */
}

/* SIGTSTP: give back, stop, and when continued take over again. */
static void on_stop(int number) {
    (void)number;
    int saved_errno = errno;
    give_back();
    raise(SIGSTOP);
    take_over();
    is_changed = 1;
    errno = saved_errno;
}

static void on_resize(int number) {
    (void)number;
    is_changed = 1;
}

/* Signals that a system does not have are no loss: the error is ignored. */
static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask); /* no handler interrupts another */
    sigaction(number, &action, NULL);
}

bool screen_open(void) {
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved_modes) < 0) {
        return false;
    }
    raw_modes = saved_modes;
    /* Keys at once, no echo, Enter as CR; ISIG stays, so that Ctrl-C works while we wait. */
    raw_modes.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
    raw_modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw_modes.c_cc[VMIN] = 1;
    raw_modes.c_cc[VTIME] = 0;
    handle(SIGINT, on_end);
    handle(SIGQUIT, on_end);
    handle(SIGTERM, on_end);
    handle(SIGHUP, on_end);
    handle(SIGTSTP, on_stop);
    handle(SIGWINCH, on_resize);
    atexit(screen_close);
    take_over();
    return true;
}

void screen_close(void) {
    give_back();
}

struct screen_size screen_size(void) {
    struct winsize window = {0};
    struct screen_size size = {ROWS_DEFAULT, COLUMNS_DEFAULT};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0 && window.ws_col > 0) {
        size.rows = window.ws_row < ROWS_MAX ? window.ws_row : ROWS_MAX;
        size.columns = window.ws_col < COLUMNS_MAX ? window.ws_col : COLUMNS_MAX;
    }
    return size;
}

enum read_outcome { READ_KEYS, READ_INTERRUPTED, READ_GONE };

/* Reads what is there, blocking if nothing is. There is always room: a full buffer is decoded. */
static enum read_outcome read_keys(void) {
    ssize_t n = read(STDIN_FILENO, keys + n_keys, sizeof(keys) - n_keys);
    if (n > 0) {
        n_keys += (size_t)n;
        return READ_KEYS;
    }
    return n < 0 && errno == EINTR ? READ_INTERRUPTED : READ_GONE;
}

static bool is_readable(int timeout_ms) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) > 0;
}

/* Takes the first key of those read. */
static bool take_key(bool is_all, int *key) {
    size_t taken = n_keys > 0 ? key_decode(keys, n_keys, is_all || n_keys == sizeof(keys), key) : 0;
    n_keys -= taken;
    memmove(keys, keys + taken, n_keys);
    return taken > 0;
}

static bool is_stop_key(int key) {
    return key == KEY_ESCAPE || key == 'q' || key == 'G' - 64;
}

bool screen_key(int *key) {
    for (;;) {
        if (is_changed) {
            is_changed = 0;
            *key = KEY_NONE;
            return true;
        }
        if (take_key(false, key)) {
            if (*key != KEY_NONE) {
                return true;
            }
            continue;
        }
        if (n_keys > 0 && !is_readable(SEQUENCE_MS)) {
            take_key(true, key);
            return true;
        }
        /* poll, because it ends at SIGWINCH even where read would be restarted; and not for ever,
         * because the signal may come just before it. */
        if (is_readable(SIGNAL_CHECK_MS) && read_keys() == READ_GONE) {
            return false;
        }
    }
}

bool screen_stop_asked(void) {
    bool stop = false;
    while (is_readable(n_keys > 0 ? SEQUENCE_MS : 0)) {
        if (read_keys() == READ_GONE) {
            return true;
        }
        int key;
        while (take_key(false, &key)) {
            stop = stop || is_stop_key(key);
        }
    }
    int last;
    return stop || (take_key(true, &last) && is_stop_key(last));
}

int screen_fd(void) {
    return STDIN_FILENO;
}

void screen_write(const struct buffer *output) {
    size_t written = 0;
    while (written < output->size) {
        ssize_t n = write(STDOUT_FILENO, output->data + written, output->size - written);
        if (n < 0 && errno != EINTR) {
            return; /* the terminal is gone; the next read says so too */
        }
        written += n > 0 ? (size_t)n : 0;
    }
}

void screen_move(struct buffer *output, size_t row, size_t column) {
    buffer_format(output, "\033[%u;%uH", (unsigned)row, (unsigned)column);
}

/* SPDX-License-Identifier: MIT */
#include "programs/common/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include "programs/common/number.h"

static const char *const names[] = {
    [SIGHUP] = "HUP",       [SIGINT] = "INT",   [SIGQUIT] = "QUIT",   [SIGILL] = "ILL",
    [SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT", [SIGBUS] = "BUS",     [SIGFPE] = "FPE",
    [SIGKILL] = "KILL",     [SIGUSR1] = "USR1", [SIGSEGV] = "SEGV",   [SIGUSR2] = "USR2",
    [SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM", [SIGTERM] = "TERM",   [SIGCHLD] = "CHLD",
    [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",   [SIGTTIN] = "TTIN",
    [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",   [SIGXFSZ] = "XFSZ",
    [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH", [SIGSYS] = "SYS",
};

int signal_limit(void) {
    return sizeof names / sizeof *names;
}

const char *signal_name(int number) {
    return number < 0 || number >= signal_limit() ? NULL : names[number];
}

int signal_from_name(const char *name) {
    uint64_t number = 0;

    if (number_parse(name, 64, &number) == 0) {
        return (int)number;
    }
    if (strncasecmp(name, "SIG", 3) == 0) {
        name += 3;
    }
    for (int i = 0; i < signal_limit(); i++) {
        if (names[i] != NULL && strcasecmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Crashes where it is told to, for test_crash.py: `posix_crash null` writes through a null pointer,
 * two calls deep. Without an argument its child does, and it tells what wait says of that.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/posix/tap.h"

__attribute__((noinline)) int crash_inner(volatile int *where);
__attribute__((noinline)) int crash_outer(volatile int *where);

int crash_inner(volatile int *where) {
    *where = (int)getpid(); /* a call, so that the function has its frame by then */
    return *where;
}

int crash_outer(volatile int *where) {
    return crash_inner(where) + 1; /* so that it is a call, and not a jump */
}

int main(int argc, char **argv) {
    int status = 0;

    if (argc > 1 && strcmp(argv[1], "null") == 0) {
        return crash_outer(NULL);
    }
    pid_t child = fork();

    if (child == 0) {
        _exit(crash_outer(NULL));
    }
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    return tap_end();
}

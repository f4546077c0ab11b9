/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of few bytes through pipes and FIFOs, which travel in the message itself
 * (abi/protocols/file.idl, read_short): that they mix with long ones, wait, and are interrupted as
 * all others.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { LIMIT = 24, CAPACITY_MAX = 1 << 20 };

static volatile sig_atomic_t n_signals;

static void on_signal(int signal) {
    (void)signal;
    n_signals++;
}

/* Every size around the limit comes out as it went in, however it is cut. */
static bool sizes_are_kept(int to, int from) {
    char out[64], in[64];

    for (size_t i = 0; i < sizeof out; i++) {
        out[i] = (char)(i + 1);
    }
    for (ssize_t n = 1; n <= LIMIT + 2; n++) {
        memset(in, 0, sizeof in);
        if (write(to, out, (size_t)n) != n || read(from, in, sizeof in) != n ||
            memcmp(in, out, (size_t)n) != 0 || in[n] != 0 || write(to, out, (size_t)n) != n ||
            write(to, out + n, 1) != 1) {
            return false;
        }
        for (ssize_t i = 0; i <= n; i++) {
            if (read(from, in, 1) != 1 || in[0] != out[i]) {
                return false;
            }
        }
    }
    return true;
}

/* Around the end of the ring: an odd number of bytes at a time, more than a capacity in all. */
static bool ring_is_kept(int to, int from) {
    char bytes[7], back[7];

    for (int i = 0; i < 12000; i++) {
        memset(bytes, i, sizeof bytes);
        if (write(to, bytes, 7) != 7 || read(from, back, 7) != 7 || memcmp(bytes, back, 7) != 0) {
            return false;
        }
    }
    return true;
}

static void test_sizes(void) {
    int ends[2];

    CHECK(pipe(ends) == 0);
    CHECK(sizes_are_kept(ends[1], ends[0]));
    CHECK(ring_is_kept(ends[1], ends[0]));
    close(ends[0]);
    close(ends[1]);
    CHECK(mkfifo("/tmp/posix_short", 0600) == 0);
    int fifo = open("/tmp/posix_short", O_RDWR);
    CHECK(fifo >= 0);
    CHECK(sizes_are_kept(fifo, fifo));
    close(fifo);
    CHECK(unlink("/tmp/posix_short") == 0);
}

/* Fills the pipe; how much that is. */
static ssize_t fill(int fd) {
    ssize_t n = 0;

    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (n < CAPACITY_MAX && write(fd, "fills", 5) == 5) {
        n += 5;
    }
    while (n < CAPACITY_MAX && write(fd, "f", 1) == 1) {
        n++;
    }
    CHECK(n < CAPACITY_MAX && errno == EAGAIN);
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
    return n;
}

static void drain(int fd, ssize_t n) {
    static char bytes[4096];
    ssize_t got = 1;

    while (n > 0 && got > 0) {
        got = read(fd, bytes, n < (ssize_t)sizeof bytes ? (size_t)n : sizeof bytes);
        n -= got;
    }
    CHECK(n == 0);
}

/* Short writes wait for room, and go in whole and in order. */
static void test_full(void) {
    int ends[2];
    char in[8] = "";

    CHECK(pipe(ends) == 0);
    ssize_t capacity = fill(ends[1]);
    pid_t child = fork();
    if (child == 0) {
        _exit(write(ends[1], "abc", 3) == 3 && write(ends[1], "def", 3) == 3 ? 0 : 1);
    }
    CHECK(child > 0);
    drain(ends[0], capacity);
    CHECK(read(ends[0], in, 1) == 1 && read(ends[0], in + 1, 1) == 1);
    for (size_t n = 2; n < 6;) {
        ssize_t got = read(ends[0], in + n, 6 - n);
        CHECK(got > 0);
        n += got > 0 ? (size_t)got : 6;
    }
    CHECK(memcmp(in, "abcdef", 6) == 0);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]);
    close(ends[1]);
}

/* A signal ends a short read and a short write that wait, and nothing was moved. */
static void test_interrupted(void) {
    struct sigaction action = {.sa_handler = on_signal};
    int ends[2];
    char byte;

    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && pipe(ends) == 0);
    n_signals = 0;
    alarm(1);
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR && n_signals == 1);
    ssize_t capacity = fill(ends[1]);
    alarm(1);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EINTR && n_signals == 2);
    drain(ends[0], capacity);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 0);
    close(ends[0]);
}

static void test_broken(void) {
    struct sigaction action = {.sa_handler = on_signal};
    int ends[2];

    CHECK(sigaction(SIGPIPE, &action, NULL) == 0 && pipe(ends) == 0);
    close(ends[0]);
    n_signals = 0;
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE && n_signals == 1);
    close(ends[1]);
}

int main(void) {
    test_sizes();
    test_full();
    test_interrupted();
    test_broken();
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What a program can have a server keep for it without an object of its own: watches. It ends at
 * the login's share, and the server goes on. Runs three times; what the system counts must be the
 * same after the second and the third.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/generated/file.h"
#include "abi/generated/pipe.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "tests/guest/posix/balance.h"
#include "tests/guest/posix/tap.h"

enum { ROUNDS = 3, PIPES = 250, KEYS = 32, KIB = 1024 };

static handle_t pipes;

static void drop(handle_t handle) {
    status_t status = sys_handle_close(handle);
    (void)status;
}

/* Watches with keys up to KEYS, of both ends, for what will not come. */
static status_t watch_often(handle_t endpoint, const handle_t *ends, unsigned *n) {
    static const uint32_t events[] = {FILE_EVENT_READ, FILE_EVENT_PRIORITY};

    for (uint32_t i = 0; i < 2 * KEYS; i++) {
        handle_t gate;
        uint32_t ready;
        status_t status = sys_gate_create(endpoint, i, &gate);

        if (status == OK) {
            status = file_watch(ends[i / KEYS], events[i / KEYS], i % KEYS, gate, &ready,
                                DEADLINE_NEVER);
        }
        if (status != OK) {
            return status;
        }
        *n += 1;
    }
    return OK;
}

/* Does a pipe of these ends still carry something? */
static bool pipe_works(const handle_t *ends) {
    uint64_t n = 0;
    char byte = 0;

    return file_write(ends[1], FILE_OFFSET_CURRENT, "x", 1, &n, DEADLINE_NEVER) == OK &&
           file_read(ends[0], FILE_OFFSET_CURRENT, &byte, 1, &n, DEADLINE_NEVER) == OK &&
           byte == 'x';
}

/* That nothing can be watched any more is no event of what is polled. */
static void test_poll(void) {
    int fds[2] = {-1, -1};

    CHECK(pipe(fds) == 0);
    struct pollfd poll_fd = {.fd = fds[0], .events = POLLIN};
    CHECK(poll(&poll_fd, 1, 10) == -1 && errno == EAGAIN && poll_fd.revents == 0);
    CHECK(poll(&poll_fd, 1, 0) == 0);
    close(fds[0]);
    close(fds[1]);
}

/* How many watches there can be. */
static unsigned test_watches(void) {
    static handle_t ends[PIPES][2];
    handle_t endpoint = HANDLE_NONE;
    status_t status = OK;
    unsigned n_pipes = 0, n = 0;

    CHECK(sys_endpoint_create(&endpoint) == OK);
    while (status == OK && n_pipes < PIPES) {
        status = pipe_create(pipes, 0, &ends[n_pipes][0], &ends[n_pipes][1], DEADLINE_NEVER);
        if (status == OK) {
            status = watch_often(endpoint, ends[n_pipes++], &n);
        }
    }
    CHECK(status == ERROR_TOO_MANY && n > 1000 && n < PIPES * 2 * KEYS);
    test_poll();
    /* Which ends the watches of the first and the last. */
    CHECK(n_pipes > 0 && pipe_works(ends[0]) && pipe_works(ends[n_pipes - 1]));
    while (n_pipes-- > 0) {
        drop(ends[n_pipes][0]);
        drop(ends[n_pipes][1]);
    }
    drop(endpoint);
    return n;
}

int main(void) {
    struct balance before = {0};
    unsigned n_watches = 0;

    CHECK(namespace_open("/dev/pipe", FILE_OPEN_READ, 0, &pipes, NULL) == OK);
    for (int round = 0; round < ROUNDS; round++) {
        if (round == 1) {
            before = balance_settled();
        }
        unsigned n = test_watches();

        CHECK(round == 0 || n == n_watches);
        n_watches = n;
        printf("# %u watches\n", n);
    }
    CHECK_THAT(balance_returns(&before, 64L * KIB), "nothing is left");
    drop(pipes);
    return tap_end();
}

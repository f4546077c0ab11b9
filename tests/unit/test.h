/* SPDX-License-Identifier: MIT */
/*
 * What every host unit test includes: cmocka with the headers that it wants before it, random
 * numbers that are the same in each run, and a check that something traps.
 *
 * A test is one file tests/unit/NAME_test.c with a main() that runs a cmocka group. It is linked
 * with lib/base (without kernel_*.c) and what its head comment names:
 *
 *     Sources: kernel/frame_allocator.c     further files, from the root of the repository
 *     Build: plain                          -O2 without sanitizers (default: ASan and UBSan)
 */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* xorshift64*, seeded by each test with a constant of its own (not 0). */
struct test_random {
    uint64_t state;
};

static inline uint64_t test_random(struct test_random *random) {
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1dull;
}

/* A number in [0, limit), limit > 0. */
static inline uint64_t test_random_below(struct test_random *random, uint64_t limit) {
    return (test_random(random) >> 11) % limit;
}

/* Runs `action` in a child process and checks that it ends in a trap (#UD). */
static inline void test_traps(void (*action)(void *), void *context) {
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        action(context);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGILL);
}

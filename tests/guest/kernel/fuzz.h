/* SPDX-License-Identifier: MIT */
/*
 * The system call fuzzer: programs that make random system calls, to the kernel and to each other
 * (fuzz_program.c); somebody beside them who must not notice (fuzz_bystander.c); and who starts,
 * kills and counts them (fuzz.c).
 */
#pragma once

#include "tests/guest/kernel/kernel_test.h"

enum {
    FUZZ_GOOD = 8,     /* see struct fuzz_orders */
    FUZZ_SLOTS = 6,    /* programs at a time; their children come on top */
    FUZZ_PRIORITY = 5, /* ceiling of all of them */
    FUZZ_CALLS_PER_LIFE = 4000,
    FUZZ_STATUS_MAX = 63, /* what a program may say when it exits, or kills */
    FUZZ_WRONG =
        0x10000,     /* exit status: the kernel answered what it never may; see FUZZ_WRONG_OF */
    FUZZ_GIVEN = 12, /* handles 1 ... of a fuzzing program */
};

/* Which system call, and what it answered. */
#define FUZZ_WRONG_OF(number, status)                                                              \
    ((int32_t)(FUZZ_WRONG | ((number)&0xff) << 8 | ((uint64_t)(status)&0xff)))

/* What a fuzzing program is told: in its static memory when it starts. */
struct fuzz_orders {
    uint64_t seed;
    unsigned
        slot; /* test_shared[slot] counts the calls of this life, [FUZZ_GOOD + slot] the good */
    uint32_t protected_last_id; /* processes up to this one are not to be opened */
};
extern struct fuzz_orders fuzz_orders;

void fuzz_program(uint64_t unused);

/* In memory that the bystander shares with nobody but who started it. */
struct fuzz_report {
    volatile bool end; /* it should */
    volatile uint64_t n_rounds;
    volatile uint64_t longest_answer_ns; /* of its own server */
    char failure[256];
};
extern struct fuzz_report *fuzz_report;

int fuzz_bystander(uint64_t unused);

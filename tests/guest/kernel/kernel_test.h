/* SPDX-License-Identifier: MIT */
/*
 * Tests of the kernel from inside, by a program that the kernel starts in place of init: nothing
 * else runs, so every count must come out even. Each test runs three times: once to warm up, then
 * twice, after which frames, objects and handles are the same.
 *
 * A child made with child_start is a fork: it reports by its exit status, and may do anything to
 * itself.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/base/types.h"
#include "lib/native/message.h"
#include "lib/native/syscall.h"
#include "lib/native/thread.h"
#include "lib/native/time.h"

struct test {
    const char *name;
    void (*run)(void);
};

/* Handles that init has. */
extern handle_t test_system, test_identity, test_budget, test_self;

void test_print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Counts a failure, and says where; in a child ends it with status 99. */
void test_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_failed(__FILE__, __LINE__, #condition);                                           \
        }                                                                                          \
    } while (0)

/* The same with what came instead. */
void test_failed_status(const char *file, int line, const char *call, status_t got,
                        status_t wanted);

#define CHECK_STATUS(call, wanted)                                                                 \
    do {                                                                                           \
        status_t check_got_ = (call);                                                              \
        if (check_got_ != (wanted)) {                                                              \
            test_failed_status(__FILE__, __LINE__, #call, check_got_, (wanted));                   \
        }                                                                                          \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, OK)

/* A forked child that runs function(argument) and exits with what it returns. Not started yet. */
handle_t child_make(int (*function)(uint64_t), uint64_t argument);
handle_t child_start(int (*function)(uint64_t), uint64_t argument);

/* Waits until it is dead, gives its status and closes the handle. Fails the test after 10 s. */
struct process_status child_wait(handle_t child);

/* Runs it and returns its exit status, which must come from a normal exit. */
int child_run(int (*function)(uint64_t), uint64_t argument);

/* Runs it; it must die of a fault. The record goes to *record. */
void child_dies(int (*function)(uint64_t), uint64_t argument, struct death_record *record);

/* True in a forked child. */
extern bool test_is_child;

extern const struct test ipc_tests[], memory_tests[], process_tests[], fault_tests[],
    hostile_tests[], schedule_tests[], device_tests[];

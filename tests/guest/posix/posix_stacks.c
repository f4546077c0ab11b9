/* SPDX-License-Identifier: MIT */
/*
 * Threads one after the other, which may get the stacks of earlier ones: each starts with its
 * thread-local variables and keys as new, its guard is where it was asked for, and no two that live
 * share memory.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { PAGE = 4096, THREADS = 8, ROUNDS = 20 };

static __thread int initial = 42;
static __thread char zeros[256];
static __thread long more = -1;
static pthread_key_t key;

/* Is all as at the start of a program? Then dirties it, and a good part of the stack. */
static void *looks(void *argument) {
    char used[8 * PAGE];
    static const char none[sizeof zeros];
    bool is_new = initial == 42 && more == -1 && memcmp(zeros, none, sizeof zeros) == 0 &&
                  pthread_getspecific(key) == NULL;

    initial = 1;
    more = 2;
    memset(zeros, 3, sizeof zeros);
    memset(used, 4, sizeof used);
    __asm__ volatile("" : : "r"(used) : "memory");
    pthread_setspecific(key, argument);
    return is_new ? argument : NULL;
}

/* One thread with these sizes (0: as they come), joined. */
static bool one_looks(size_t stack_bytes, size_t guard_bytes) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *result = NULL;

    pthread_attr_init(&attributes);
    if (stack_bytes != 0) {
        pthread_attr_setstacksize(&attributes, stack_bytes);
        pthread_attr_setguardsize(&attributes, guard_bytes);
    }
    return pthread_create(&thread, &attributes, looks, &result) == 0 &&
           pthread_join(thread, &result) == 0 && result == &result;
}

static void test_new(void) {
    bool all = true;

    CHECK(pthread_key_create(&key, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        all = all && one_looks(0, 0) && one_looks(64 * PAGE, PAGE) &&
              one_looks(64 * PAGE, 2 * PAGE) && one_looks(65 * PAGE, 0) &&
              one_looks(66 * PAGE, 3 * PAGE);
    }
    CHECK_THAT(all, "every thread starts as new");
}

static pthread_barrier_t barrier;

/* Waits with all others, so that all live at once, and finds its stack as it left it. */
static void *holds(void *argument) {
    char mine[4 * PAGE];
    bool is_mine = true;

    memset(mine, (int)(long)argument, sizeof mine);
    __asm__ volatile("" : : "r"(mine) : "memory");
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < sizeof mine; i++) {
        is_mine = is_mine && mine[i] == (char)(long)argument;
    }
    pthread_barrier_wait(&barrier);
    return is_mine ? argument : NULL;
}

static void test_apart(void) {
    bool all = true;

    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        void *result;

        for (long i = 0; i < THREADS; i++) {
            all = pthread_create(&threads[i], NULL, holds, (void *)(i + 1)) == 0 && all;
        }
        for (long i = 0; i < THREADS; i++) {
            all = pthread_join(threads[i], &result) == 0 && result == (void *)(i + 1) && all;
        }
    }
    CHECK_THAT(all, "no two threads share a stack");
}

static volatile int n_detached;

static void *counts(void *argument) {
    char used[PAGE];

    memset(used, 5, sizeof used);
    __asm__ volatile("" : : "r"(used) : "memory");
    __atomic_add_fetch(&n_detached, 1, __ATOMIC_RELAXED);
    return argument;
}

/* Detached threads unmap their stacks themselves, between others that are joined. */
static void test_detached(void) {
    bool all = true;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;

        all = pthread_create(&thread, NULL, counts, NULL) == 0 && pthread_detach(thread) == 0 &&
              one_looks(0, 0) && all;
    }
    for (int i = 0; i < 10000 && n_detached != ROUNDS; i++) {
        usleep(1000);
    }
    CHECK(all && n_detached == ROUNDS);
}

/* Writes just below its stack. */
static void *oversteps(void *argument) {
    pthread_attr_t attributes;
    void *lowest;
    size_t size;

    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &lowest, &size);
    *((volatile char *)lowest - (long)argument) = 1;
    return NULL;
}

static bool faults(long below, size_t guard_bytes) {
    pid_t child = fork();
    int status;

    if (child == 0) {
        pthread_attr_t attributes;
        pthread_t thread;

        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 64 * PAGE);
        pthread_attr_setguardsize(&attributes, guard_bytes);
        pthread_create(&thread, &attributes, oversteps, (void *)below);
        pthread_join(thread, NULL);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGSEGV;
}

static void test_guard(void) {
    /* Stacks of just these sizes are there to be used again. */
    CHECK(one_looks(64 * PAGE, PAGE) && faults(1, PAGE) && faults(PAGE, PAGE));
    CHECK(one_looks(63 * PAGE, 2 * PAGE) && faults(1, PAGE) && faults(PAGE, PAGE));
    CHECK(one_looks(64 * PAGE, 4 * PAGE) && faults(4 * PAGE, 4 * PAGE) && faults(1, 4 * PAGE));
}

int main(void) {
    test_new();
    test_apart();
    test_detached();
    test_guard();
    return tap_end();
}

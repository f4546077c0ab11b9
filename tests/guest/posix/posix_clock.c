/* SPDX-License-Identifier: MIT */
/*
 * Clocks: setting the wall clock and who notices, CPU time of processes and threads; and what is
 * said about scheduling. On a Linux host this would set the clock of the machine: there it only
 * reads.
 */
#include "tests/guest/posix/tap.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll
#define YEAR_S   (365ll * 24 * 3600)

static long long ns_of(clockid_t clock) {
    struct timespec now = {0};

    if (clock_gettime(clock, &now) != 0) {
        return -1;
    }
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int set_wall(long long ns) {
    const struct timespec time = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

    return clock_settime(CLOCK_REALTIME, &time);
}

/* ---- the wall clock ---- */

static void test_set(void) {
    long long wall = ns_of(CLOCK_REALTIME), steady = ns_of(CLOCK_MONOTONIC);

    CHECK(set_wall(wall + YEAR_S * NS_PER_S) == 0);
    CHECK(ns_of(CLOCK_REALTIME) >= wall + YEAR_S * NS_PER_S);
    CHECK(time(NULL) >= (wall / NS_PER_S) + YEAR_S);
    CHECK(ns_of(CLOCK_MONOTONIC) - steady < YEAR_S * NS_PER_S);
    CHECK(set_wall(wall + ns_of(CLOCK_MONOTONIC) - steady) == 0);
    CHECK(ns_of(CLOCK_REALTIME) < wall + YEAR_S * NS_PER_S);
}

static void test_refused(void) {
    const struct timespec bad[] = {{0, -1}, {0, NS_PER_S}, {-1, 0}, {INT64_MAX, 0}};
    const struct timespec good = {1, 0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_ERROR(clock_settime(CLOCK_REALTIME, &bad[i]), EINVAL);
    }
    CHECK_ERROR(clock_settime(CLOCK_MONOTONIC, &good), EINVAL);
    CHECK_ERROR(clock_settime(12345, &good), EINVAL);
    CHECK_ERROR(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &good), EPERM);
}

/* In a child: sleeps until a time of the wall clock. */
static int sleep_until(long long until) {
    const struct timespec time = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};

    return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL);
}

/* Somebody else sets the clock: an absolute sleep ends, a relative timer does not notice. */
static void test_noticed(void) {
    long long wall = ns_of(CLOCK_REALTIME), steady = ns_of(CLOCK_MONOTONIC);
    const struct itimerspec hour = {.it_value.tv_sec = 3600};
    struct itimerspec left;
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    timer_t timer = NULL;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        _exit(sleep_until(wall + YEAR_S * NS_PER_S) == 0 ? 7 : 1); /* whenever it comes to run */
    }
    CHECK(child > 0 && timer_create(CLOCK_REALTIME, &none, &timer) == 0);
    CHECK(timer_settime(timer, 0, &hour, NULL) == 0);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(set_wall(wall + 2 * YEAR_S * NS_PER_S) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 0);
    CHECK(timer_delete(timer) == 0);
    CHECK(set_wall(wall + ns_of(CLOCK_MONOTONIC) - steady) == 0);
}

/* ---- CPU time ---- */

static void spin(clockid_t clock, long long ns) {
    long long begin = ns_of(clock);

    while (ns_of(clock) - begin < ns) {
    }
}

static void test_process_time(void) {
    clockid_t own, other;
    const struct timespec time = {0};
    long long before = ns_of(CLOCK_PROCESS_CPUTIME_ID);

    CHECK(before > 0);
    spin(CLOCK_PROCESS_CPUTIME_ID, 20 * 1000 * 1000);
    CHECK(clock_getcpuclockid(0, &own) == 0 && ns_of(own) >= before + 20 * 1000 * 1000);
    CHECK(clock_getcpuclockid(getpid(), &own) == 0 && ns_of(own) > before);
    CHECK(ns_of(own) <= ns_of(CLOCK_MONOTONIC));
    CHECK_ERROR(clock_settime(own, &time), EPERM);
    CHECK(clock_getcpuclockid(getppid(), &other) == EPERM);
    CHECK(clock_getcpuclockid(0x3ffffff, &other) == ESRCH);
    CHECK_ERROR(clock_gettime(-1, &(struct timespec){0}), EINVAL);
}

static void *thread_time(void *result) {
    clockid_t own;
    long long *ns = result;

    ns[0] = pthread_getcpuclockid(pthread_self(), &own) == 0 ? ns_of(own) : -1;
    spin(own, 10 * 1000 * 1000);
    ns[1] = ns_of(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void test_thread_time(void) {
    long long ns[2] = {-1, -1};
    pthread_t thread;

    spin(CLOCK_PROCESS_CPUTIME_ID, 20 * 1000 * 1000);
    CHECK(pthread_create(&thread, NULL, thread_time, ns) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(ns[0] >= 0 && ns[1] >= ns[0] + 10 * 1000 * 1000);
    CHECK(ns[1] <= ns_of(CLOCK_PROCESS_CPUTIME_ID));
}

/* ---- scheduling ---- */

static void test_priorities(void) {
    const int real_time[] = {SCHED_FIFO, SCHED_RR};

    for (int i = 0; i < 2; i++) {
        CHECK(sched_get_priority_min(real_time[i]) >= 0);
        CHECK(sched_get_priority_max(real_time[i]) - sched_get_priority_min(real_time[i]) >= 31);
    }
    CHECK(sched_get_priority_max(SCHED_OTHER) == 0 && sched_get_priority_min(SCHED_OTHER) == 0);
    CHECK_ERROR(sched_get_priority_max(77), EINVAL);
    CHECK_ERROR(sched_get_priority_min(-1), EINVAL);
}

static void *said_of_me(void *result) {
    struct sched_param parameters;
    int policy = -1;

    if (pthread_getschedparam(pthread_self(), &policy, &parameters) == 0) {
        *(int *)result = policy * 100 + parameters.sched_priority;
    }
    return NULL;
}

static void test_thread_scheduling(void) {
    struct sched_param parameters = {.sched_priority = 5};
    struct timespec slice = {-1, -1};
    pthread_attr_t attributes;
    pthread_t thread;
    int said = -1, policy;

    CHECK(pthread_setschedparam(pthread_self(), SCHED_RR, &parameters) == 0);
    CHECK(pthread_create(&thread, NULL, said_of_me, &said) == 0 && pthread_join(thread, NULL) == 0);
    CHECK_THAT(said == SCHED_RR * 100 + 5, "a thread inherits policy and priority");
    CHECK(pthread_setschedprio(pthread_self(), 6) == 0);
    CHECK(pthread_getschedparam(pthread_self(), &policy, &parameters) == 0 && policy == SCHED_RR &&
          parameters.sched_priority == 6);
    CHECK(sched_rr_get_interval(0, &slice) == 0 && slice.tv_sec == 0 && slice.tv_nsec > 0);
    CHECK(pthread_setschedprio(pthread_self(), 100) == EINVAL);
    CHECK(pthread_setschedparam(pthread_self(), 77, &parameters) == EINVAL);
    parameters.sched_priority = 0;
    CHECK(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == EINVAL);
    CHECK(pthread_setschedparam(pthread_self(), SCHED_OTHER, &parameters) == 0);
    CHECK_ERROR(sched_rr_get_interval(0x3ffffff, &slice), ESRCH);

    parameters.sched_priority = 9;
    CHECK(pthread_attr_init(&attributes) == 0 &&
          pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED) == 0 &&
          pthread_attr_setschedpolicy(&attributes, SCHED_FIFO) == 0 &&
          pthread_attr_setschedparam(&attributes, &parameters) == 0);
    CHECK(pthread_create(&thread, &attributes, said_of_me, &said) == 0 &&
          pthread_join(thread, NULL) == 0);
    CHECK_THAT(said == SCHED_FIFO * 100 + 9, "a thread has what its attributes say");
}

int main(void) {
#ifndef __GLIBC__
    test_set();
    test_noticed();
#endif
    test_refused();
    test_process_time();
    test_thread_time();
    test_priorities();
    test_thread_scheduling();
    return tap_end();
}

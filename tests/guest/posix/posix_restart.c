/* SPDX-License-Identifier: MIT */
/* The proc server is restarted while children run, stop and end, while one waits for them, and
 * while signals and timers are under way. Does nothing where there is no such server. */
#define _GNU_SOURCE 1
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { CHILDREN = 12, ROUNDS = 3 };

static char services[] = "/bin/services";
extern char **environ;

static volatile sig_atomic_t n_seen;
static siginfo_t seen[16];

static void note(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)context;
    seen[n_seen++ % 16] = *information;
}

static void handle(int signal) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigfillset(&action.sa_mask);
    sigaction(signal, &action, NULL);
    n_seen = 0;
}

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&time, &time) != 0) {
    }
}

static pid_t begin_restart(void) {
    char *argv[] = {services, "restart", "proc", NULL};
    pid_t pid = -1;

    return posix_spawn(&pid, services, NULL, NULL, argv, environ) == 0 ? pid : -1;
}

static bool restart(void) {
    int status;
    pid_t pid = begin_restart();

    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Children that end before, while and after proc is away. Each status comes, once. */
static void test_statuses(void) {
    pid_t pids[CHILDREN];
    int n_right = 0, status;

    for (int i = 0; i < CHILDREN; i++) {
        fflush(stdout);
        pids[i] = fork();
        if (pids[i] == 0) {
            sleep_ms(i * 10);
            _exit(40 + i);
        }
    }
    pid_t restarter = begin_restart();
    for (int i = CHILDREN - 1; i >= 0; i--) {
        n_right += waitpid(pids[i], &status, 0) == pids[i] && status == (40 + i) << 8;
    }
    CHECK_THAT(n_right == CHILDREN, "no status is lost");
    CHECK(waitpid(restarter, &status, 0) == restarter && status == 0);
    CHECK_ERROR(wait(&status), ECHILD);
}

/* What ended and stopped before, and was not asked for. */
static void test_unasked(void) {
    int status;

    fflush(stdout);
    pid_t dead = fork();
    if (dead == 0) {
        _exit(33);
    }
    pid_t stopped = fork();
    if (stopped == 0) {
        for (;;) {
            pause();
        }
    }
    siginfo_t information;
    kill(stopped, SIGSTOP);
    CHECK(waitid(P_PID, (id_t)dead, &information, WEXITED | WNOWAIT) == 0);
    CHECK(waitid(P_PID, (id_t)stopped, &information, WSTOPPED | WNOWAIT) == 0);
    CHECK(restart());
    CHECK(waitpid(dead, &status, 0) == dead && status == 33 << 8);
    CHECK(waitpid(stopped, &status, WUNTRACED | WNOHANG) == stopped && WIFSTOPPED(status));
    CHECK(kill(stopped, SIGCONT) == 0 && waitpid(stopped, &status, WCONTINUED) == stopped &&
          WIFCONTINUED(status));
    CHECK(kill(stopped, SIGTERM) == 0 && waitpid(stopped, &status, 0) == stopped &&
          WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void test_ids(void) {
    pid_t group = getpgrp(), session = getsid(0), parent = getppid();

    CHECK(restart());
    CHECK(getpgrp() == group && getsid(0) == session && getppid() == parent);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(getppid() == parent);
    }
    CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

/* Values that are queued, and an alarm that is set. */
static void test_signals(void) {
    sigset_t block, old;

    handle(SIGRTMIN);
    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &block, &old);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = i});
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    CHECK(restart());
    sigprocmask(SIG_SETMASK, &old, NULL);
    bool in_order = n_seen == 5;
    for (int i = 0; i < 5; i++) {
        in_order = in_order && seen[i].si_value.sival_int == i && seen[i].si_pid == pid;
    }
    CHECK_THAT(in_order, "queued signals stay queued");
    handle(SIGALRM);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 300000}}, NULL);
    CHECK(restart());
    while (n_seen == 0) {
        sleep_ms(10);
    }
    CHECK_THAT(n_seen == 1, "the alarm comes");
}

/* Forks into the time when nobody is there. */
static void test_forks(void) {
    int n_right = 0, n = 0, status;
    pid_t restarter = begin_restart();

    for (; n < 40; n++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            _exit(n);
        }
        n_right += pid > 0 && waitpid(pid, &status, 0) == pid && status == n << 8;
    }
    CHECK_THAT(n_right == n, "forks succeed meanwhile");
    CHECK(waitpid(restarter, &status, 0) == restarter && status == 0);
}

int main(void) {
    if (access(services, X_OK) != 0) {
        return tap_end();
    }
    for (int i = 0; i < ROUNDS; i++) {
        test_statuses();
    }
    test_unasked();
    test_ids();
    test_signals();
    test_forks();
    return tap_end();
}

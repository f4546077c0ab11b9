/* SPDX-License-Identifier: MIT */
/*
 * The window between a look and a wait, hit at random moments: a signal, or a cancellation, that
 * comes there must end the wait. Each round is woken by one event only, so that one that is lost
 * stops the test. Then each call that can wait: EINTR, or restarted with SA_RESTART. (Not sigwait
 * and its kin, which musl restarts by itself.)
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { ROUNDS = 200 };

static volatile sig_atomic_t n_seen;
static int quiet[2]; /* a pipe into which nobody writes */

static void note(int signal) {
    (void)signal;
    n_seen++;
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

/* ---- by signals of another process ---- */

static sigset_t unblocked;

static void wait_suspend(void) {
    sigsuspend(&unblocked);
}

static void wait_poll(void) {
    struct pollfd entry = {.fd = quiet[0], .events = POLLIN};

    ppoll(&entry, 1, NULL, &unblocked);
}

static void wait_select(void) {
    fd_set set;

    FD_ZERO(&set);
    FD_SET(quiet[0], &set);
    pselect(quiet[0] + 1, &set, NULL, NULL, NULL, &unblocked);
}

static void wait_sigwait(void) {
    sigset_t set;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigwait(&set, &signal) == 0) {
        n_seen++;
    }
}

/* The child sends one signal for each byte, after a moment that changes. */
static void hammer(void (*wait)(void), const char *text) {
    int fds[2], n = 0;
    char byte;
    sigset_t block;

    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    handle(SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &block, &unblocked);
    pipe(fds);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        for (unsigned i = 0; read(fds[0], &byte, 1) == 1; i++) {
            for (volatile unsigned moment = i * 37 % 1000; moment > 0; moment--) {
            }
            kill(getppid(), SIGUSR1);
        }
        _exit(0);
    }
    close(fds[0]);
    for (int i = 0; i < ROUNDS; i++) {
        n_seen = 0;
        write(fds[1], "x", 1);
        while (n_seen == 0) {
            wait();
        }
        n += n_seen;
    }
    close(fds[1]);
    waitpid(pid, NULL, 0);
    sigprocmask(SIG_SETMASK, &unblocked, NULL);
    CHECK_THAT(n == ROUNDS, text);
}

/* ---- by cancellation ---- */

static sem_t nobody_posts;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t nobody_signals = PTHREAD_COND_INITIALIZER;
static volatile int is_ready;

static void unlock(void *argument) {
    pthread_mutex_unlock(argument);
}

static void cancel_read(void) {
    char byte;

    read(quiet[0], &byte, 1);
}

static void cancel_sleep(void) {
    sleep(1000);
}

static void cancel_semaphore(void) {
    sem_wait(&nobody_posts);
}

static void cancel_condition(void) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    pthread_cond_wait(&nobody_signals, &mutex);
    pthread_cleanup_pop(1);
}

static void cancel_poll(void) {
    poll(NULL, 0, -1);
}

static void cancel_pause(void) {
    pause();
}

static void cancel_spin(void) {
    int old;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    is_ready = 1;
    for (;;) {
    }
}

static void *run(void *argument) {
    void (*const *wait)(void) = argument;

    is_ready = *wait != cancel_spin;
    for (;;) {
        (*wait)();
    }
    return NULL;
}

static void hammer_cancel(void (*wait)(void), const char *text) {
    int n = 0;

    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        pthread_t thread;
        void *result = NULL;

        is_ready = 0;
        if (pthread_create(&thread, NULL, run, &wait) != 0) {
            break;
        }
        while (is_ready == 0) {
            sched_yield();
        }
        for (volatile unsigned moment = i * 37 % 1000; moment > 0; moment--) {
        }
        if (i % 3 == 0) {
            sched_yield();
        }
        pthread_cancel(thread);
        pthread_join(thread, &result);
        n += result == PTHREAD_CANCELED;
    }
    CHECK_THAT(n == ROUNDS / 2, text);
}

/* ---- every call that waits ---- */

static int full[2], pair[2];

static int call_read(void) {
    char byte;

    return (int)read(quiet[0], &byte, 1);
}

static int call_write(void) {
    char bytes[4096] = {0};

    return (int)write(full[1], bytes, sizeof bytes);
}

static int call_receive(void) {
    char byte;

    return (int)recv(pair[0], &byte, 1, 0);
}

static int call_wait(void) {
    return (int)wait(NULL);
}

static int call_lock(void) {
    int fd = open("/tmp/posix_hammer", O_RDWR);
    int result = flock(fd, LOCK_EX), error = errno;

    close(fd);
    errno = error;
    return result;
}

static int call_poll(void) {
    struct pollfd entry = {.fd = quiet[0], .events = POLLIN};

    return poll(&entry, 1, -1);
}

static int call_select(void) {
    fd_set set;

    FD_ZERO(&set);
    FD_SET(quiet[0], &set);
    return select(quiet[0] + 1, &set, NULL, NULL, NULL);
}

static int call_sleep(void) {
    return nanosleep(&(struct timespec){1000, 0}, NULL);
}

static int call_clock(void) {
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){1000, 0}, NULL);
    return errno == 0 ? 0 : -1;
}

static int call_pause(void) {
    return pause();
}

static int call_semaphore(void) {
    return sem_wait(&nobody_posts);
}

static const struct {
    int (*call)(void);
    const char *name;
    bool restarts;
} calls[] = {
    {call_read, "read", true},        {call_write, "write", true},
    {call_receive, "recv", true},     {call_wait, "wait", true},
    {call_lock, "flock", true},       {call_semaphore, "sem_wait", true},
    {call_poll, "poll", false},       {call_select, "select", false},
    {call_sleep, "nanosleep", false}, {call_clock, "clock_nanosleep", false},
    {call_pause, "pause", false},
};

/* The timer comes again, so that a signal before the call is no loss; the test is what the call
 * says. */
static void set_timer(long us) {
    setitimer(ITIMER_REAL, &(struct itimerval){{0, us}, {0, us}}, NULL);
}

/* A signal at any moment of a call with another mask, whichever of the two masks it finds: the mask
 * is what it was when the call has ended. */
static void test_mask(void) {
    sigset_t others, mask;
    int n_wrong = 0;

    sigemptyset(&others);
    sigaddset(&others, SIGUSR2);
    handle(SIGALRM, 0);
    n_seen = 0;
    set_timer(500);
    while (n_seen < 5 * ROUNDS && n_wrong == 0) {
        ppoll(NULL, 0, &(struct timespec){0, 0}, &others);
        sigprocmask(SIG_BLOCK, NULL, &mask);
        n_wrong += sigismember(&mask, SIGUSR2);
    }
    set_timer(0);
    CHECK_THAT(n_wrong == 0, "the mask is put back");
    sigprocmask(SIG_UNBLOCK, &others, NULL);
}

/* A signal at any moment of calls that do no more than look at a table: its handler runs. */
static void test_noted(void) {
    struct sigaction action;
    int n_late = 0;
    long n;

    handle(SIGALRM, 0);
    for (int i = 0; i < ROUNDS; i++) {
        n_seen = 0;
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 300 + i}}, NULL);
        for (n = 0; n_seen == 0 && n < 20000000; n++) {
            sigaction(SIGUSR2, NULL, &action);
        }
        n_late += n_seen == 0;
    }
    CHECK_THAT(n_late == 0, "no handler waits for another call");
}

static void test_ends(void) {
    char text[64];

    handle(SIGALRM, 0);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        set_timer(10000);
        errno = 0;
        int result = calls[i].call(), error = errno;
        set_timer(0);
        snprintf(text, sizeof text, "%s ends with EINTR", calls[i].name);
        CHECK_THAT(result == -1 && error == EINTR, text);
    }
    handle(SIGALRM, SA_RESTART);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (!calls[i].restarts) {
            set_timer(10000);
            errno = 0;
            int result = calls[i].call(), error = errno;
            set_timer(0);
            snprintf(text, sizeof text, "%s does so with SA_RESTART too", calls[i].name);
            CHECK_THAT(result == -1 && error == EINTR, text);
        }
    }
}

/* A call that restarts does not return: a child in it hears many signals, and then another that
 * ends it. */
static void test_restarts(void) {
    char text[64];
    int fds[2], status;
    char byte;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (!calls[i].restarts) {
            continue;
        }
        pipe(fds);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            pid_t sleeper = calls[i].call == call_wait ? fork() : 1;

            if (sleeper == 0) {
                close(fds[1]);
                sleep(1000);
            }
            handle(SIGUSR1, SA_RESTART);
            handle(SIGUSR2, 0);
            write(fds[1], "x", 1);
            int result = calls[i].call();
            bool ok = result == -1 && errno == EINTR && n_seen > 1;

            if (sleeper > 1) {
                kill(sleeper, SIGKILL);
            }
            _exit(ok ? 7 : 1);
        }
        read(fds[0], &byte, 1);
        for (int j = 0; j < 10; j++) {
            kill(pid, SIGUSR1);
            usleep(2000);
        }
        do {
            kill(pid, SIGUSR2);
            usleep(2000);
        } while (waitpid(pid, &status, WNOHANG) == 0);
        snprintf(text, sizeof text, "%s restarts", calls[i].name);
        CHECK_THAT(status == 7 << 8, text);
        close(fds[0]);
        close(fds[1]);
    }
}

static void prepare(void) {
    char bytes[4096] = {0};

    pipe(quiet);
    pipe(full);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    fcntl(full[1], F_SETFL, O_NONBLOCK);
    while (write(full[1], bytes, sizeof bytes) > 0) {
    }
    fcntl(full[1], F_SETFL, 0);
    sem_init(&nobody_posts, 0, 0);
    int fd = open("/tmp/posix_hammer", O_CREAT | O_RDWR, 0600);
    flock(fd, LOCK_EX);
}

int main(void) {
    prepare();
    hammer(wait_suspend, "no signal is lost by sigsuspend");
    hammer(wait_poll, "no signal is lost by ppoll");
    hammer(wait_select, "no signal is lost by pselect");
    hammer(wait_sigwait, "no signal is lost by sigwait");
    hammer_cancel(cancel_read, "no cancellation is lost by read");
    hammer_cancel(cancel_sleep, "no cancellation is lost by sleep");
    hammer_cancel(cancel_semaphore, "no cancellation is lost by sem_wait");
    hammer_cancel(cancel_condition, "no cancellation is lost by pthread_cond_wait");
    hammer_cancel(cancel_poll, "no cancellation is lost by poll");
    hammer_cancel(cancel_pause, "no cancellation is lost by pause");
    hammer_cancel(cancel_spin, "no asynchronous cancellation is lost");
    fflush(stdout);
    pid_t waited_for = fork(); /* for call_wait: a child that does not end */
    if (waited_for == 0) {
        for (;;) {
            sleep(1000);
        }
    }
    test_mask();
    test_noted();
    test_ends();
    test_restarts();
    kill(waited_for, SIGKILL);
    waitpid(waited_for, NULL, 0);
    unlink("/tmp/posix_hammer");
    return tap_end();
}

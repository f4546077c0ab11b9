/* SPDX-License-Identifier: MIT */
/*
 * Storms of signals: several processes that send each other what they can, timers, children that
 * end by the hundred, signals inside handlers on an alternate stack. Realtime signals are counted:
 * each that sigqueue took arrives, with its value, in order. Data that moves meanwhile is whole.
 *
 *     posix_storm [SCALE]        as many times more of all
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "balance.h"
#include "tap.h"

static int scale = 1;

/* ---- data through a pipe, in a storm ---- */

static volatile sig_atomic_t n_alarms, n_users;

static void note_alarm(int signal) {
    (void)signal;
    n_alarms++;
}

static void note_user(int signal) {
    (void)signal;
    n_users++;
}

static void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

static void storm_begin(int flags) {
    handle(SIGALRM, note_alarm, flags);
    handle(SIGUSR1, note_user, flags);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
}

static void storm_end(void) {
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
}

static uint32_t next_word(uint32_t *state) {
    return *state = *state * 1664525 + 1013904223;
}

/* Writes the sequence in pieces of many sizes; false: something but EINTR went wrong, or EINTR came
 * where SA_RESTART forbids it. */
static bool write_all(int fd, size_t total, int flags) {
    static uint32_t words[24 * 1024];
    uint32_t state = 1, sizes = 7;

    for (size_t done = 0; done < total;) {
        size_t n = 1 + (next_word(&sizes) >> 8) % (sizeof words / sizeof words[0]);
        const char *at = (const char *)words;

        n = n < total - done ? n : total - done;
        for (size_t i = 0; i < n; i++) {
            words[i] = next_word(&state);
        }
        for (size_t left = n * sizeof words[0]; left > 0;) {
            ssize_t part = write(fd, at, left);

            if (part < 0 && (errno != EINTR || flags == SA_RESTART)) {
                return false;
            }
            at += part > 0 ? part : 0;
            left -= part > 0 ? (size_t)part : 0;
        }
        done += n;
    }
    return true;
}

static bool read_all(int fd, size_t total, int flags) {
    static uint32_t words[16 * 1024];
    uint32_t state = 1, sizes = 3;
    size_t at = 0, done = 0;

    while (done < total) {
        size_t most = 1 + (next_word(&sizes) >> 8) % (sizeof words - 4);
        ssize_t part = read(fd, (char *)words + at, most < sizeof words - at ? most : 4 - at % 4);

        if (part <= 0 && (part == 0 || errno != EINTR || flags == SA_RESTART)) {
            return false;
        }
        at += part > 0 ? (size_t)part : 0;
        for (size_t i = 0; i < at / 4; i++) {
            if (words[i] != next_word(&state)) {
                return false;
            }
        }
        done += at / 4;
        memmove(words, (char *)words + at / 4 * 4, at % 4);
        at %= 4;
    }
    return true;
}

/* Writer and reader under timers of 1 ms, and a third process that signals both. Were all bytes as
 * they should be? *is_stormy: and were there signals, for both? */
static bool data_moves(int flags, bool *is_stormy) {
    size_t total = (size_t)300 * 1024 * (size_t)scale; /* words */
    int ends[2], status = -1;

    n_alarms = n_users = 0;
    handle(SIGUSR1, note_user, flags); /* in the writer too, before anybody signals it */
    pipe(ends);
    fflush(stdout);
    pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        storm_begin(flags);
        bool ok = write_all(ends[1], total, flags);

        _exit(!ok ? 1 : n_alarms > 0 ? 7 : 8);
    }
    close(ends[1]);
    pid_t parent = getpid();
    storm_begin(flags);
    pid_t stormer = fork();
    if (stormer == 0) {
        while (kill(parent, SIGUSR1) == 0 && kill(writer, SIGUSR1) == 0) {
            nanosleep(&(struct timespec){0, 300000}, NULL);
        }
        _exit(0);
    }
    bool ok = read_all(ends[0], total, flags);

    close(ends[0]);
    while (waitpid(writer, &status, 0) < 0 && errno == EINTR) {
    }
    kill(stormer, SIGKILL);
    while (waitpid(stormer, NULL, 0) < 0 && errno == EINTR) {
    }
    storm_end();
    *is_stormy = status == 7 << 8 && n_alarms > 0 && n_users > 0;
    if (!ok || !*is_stormy) {
        printf("# read %s, writer %x, %d alarms, %d others\n", ok ? "all" : "wrong", status,
               (int)n_alarms, (int)n_users);
    }
    return ok && (status == 7 << 8 || status == 8 << 8);
}

/* Again while it was calm: one of several emulated processors may do all of it in its turn, before
 * the one has a turn that makes the alarms. */
static void test_data(int flags, const char *text) {
    bool is_stormy = false, ok = true;

    for (int i = 0; i < 10 && ok && !is_stormy; i++) {
        ok = data_moves(flags, &is_stormy);
    }
    CHECK_THAT(ok && is_stormy, text);
}

/* ---- realtime signals are counted ---- */

enum { SENDERS = 4 };

static volatile uint32_t got[SENDERS], wrong;
static volatile int is_inside, deepest;

static void count_value(int signal, siginfo_t *information, void *context) {
    uint32_t sender = (uint32_t)information->si_value.sival_int >> 24;
    uint32_t number = (uint32_t)information->si_value.sival_int & 0xffffff;

    (void)context;
    if (signal != SIGRTMIN + 1 || sender >= SENDERS || number != got[sender]) {
        wrong++;
    } else {
        got[sender]++;
    }
}

/* Sends so many; when the queue is full it waits, as EAGAIN asks for. */
static int send_counted(pid_t to, uint32_t sender, uint32_t total) {
    for (uint32_t i = 0; i < total;) {
        union sigval value = {.sival_int = (int)(sender << 24 | i)};

        if (sigqueue(to, SIGRTMIN + 1, value) == 0) {
            i++;
        } else if (errno == EAGAIN) {
            nanosleep(&(struct timespec){0, 500000}, NULL);
        } else {
            return 1;
        }
    }
    return 7;
}

static void test_counted(void) {
    struct sigaction action = {.sa_sigaction = count_value, .sa_flags = SA_SIGINFO | SA_RESTART};
    uint32_t total = 400 * (uint32_t)scale;
    pid_t pids[SENDERS], parent = getpid();
    int status, good = 0;

    sigaction(SIGRTMIN + 1, &action, NULL);
    storm_begin(SA_RESTART);
    fflush(stdout);
    for (uint32_t i = 0; i < SENDERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _exit(send_counted(parent, i, total));
        }
    }
    for (int i = 0; i < SENDERS; i++) {
        while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR) {
        }
        good += status == 7 << 8;
    }
    storm_end();
    bool all = good == SENDERS && wrong == 0;

    for (int i = 0; i < SENDERS; i++) {
        all = all && got[i] == total;
    }
    if (!all) {
        printf("# %d senders, %u wrong, %u %u %u %u of %u\n", good, wrong, got[0], got[1], got[2],
               got[3], total);
    }
    CHECK_THAT(all, "each queued signal arrives once, in order, with its value");
}

/* ---- children by the hundred ---- */

static volatile sig_atomic_t n_reaped;

static void reap(int signal) {
    int error = errno;

    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        n_reaped++;
    }
    errno = error;
}

static void test_children(void) {
    enum { AT_ONCE = 20 };
    int total = 200 * scale, n_made = 0;

    handle(SIGCHLD, reap, SA_RESTART);
    storm_begin(SA_RESTART);
    fflush(stdout);
    while (n_made < total) {
        pid_t pid = n_made - n_reaped < AT_ONCE ? fork() : -1;

        if (pid == 0) {
            _exit(0);
        }
        n_made += pid > 0;
        if (pid < 0) {
            nanosleep(&(struct timespec){0, 500000}, NULL);
        }
    }
    for (int i = 0; i < 2000 && n_reaped < n_made; i++) {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    storm_end();
    handle(SIGCHLD, SIG_DFL, 0);
    CHECK_THAT(n_reaped == total, "each child that ends is heard of");
}

/* ---- signals inside handlers ---- */

enum { NESTED_SIGNALS = 8 };

static void nest(int signal) {
    volatile int inside = ++is_inside;

    deepest = inside > deepest ? inside : deepest;
    if (signal < SIGRTMIN + 2 + NESTED_SIGNALS - 1) {
        raise(signal + 1);
    }
    is_inside--;
}

static void test_nested(void) {
    stack_t stack = {.ss_size = 256 * 1024, .ss_sp = malloc(256 * 1024)}, old;
    int total = 200 * scale;
    bool ok = sigaltstack(&stack, &old) == 0;

    for (int i = 0; i < NESTED_SIGNALS; i++) {
        handle(SIGRTMIN + 2 + i, nest, SA_ONSTACK | SA_NODEFER);
    }
    storm_begin(SA_ONSTACK | SA_RESTART);
    for (int i = 0; i < total; i++) {
        ok = raise(SIGRTMIN + 2) == 0 && ok;
    }
    storm_end();
    CHECK_THAT(ok && deepest == NESTED_SIGNALS && is_inside == 0, "handlers inside handlers");
    sigaltstack(&old, NULL);
    free(stack.ss_sp);
}

/* ---- everybody at everybody ---- */

/* Processes that signal each other as fast as they can, for a while, and then all end. Meanwhile
 * others are heard in time. */
static void test_all(void) {
    enum { FIGHTERS = 6 };
    static volatile pid_t *pids;
    struct timespec begin, now;
    int status, good = 0, n_looks = 0;
    double longest = 0;

    pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    for (int i = 0; i < FIGHTERS; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            storm_begin(0);
            while (pids[FIGHTERS] == 0) {
                pid_t other = pids[rand() % FIGHTERS];

                if (other > 0) {
                    kill(other, SIGUSR1);
                }
            }
            storm_end();
            _exit(n_users > 0 ? 7 : 1);
        }
        pids[i] = pid;
    }
    for (; n_looks < 50 * scale; n_looks++) {
        clock_gettime(CLOCK_MONOTONIC, &begin);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        good += access("/tmp", F_OK) == 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
        double seconds =
            (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9;

        longest = seconds > longest ? seconds : longest;
    }
    pids[FIGHTERS] = 1;
    for (int i = 0; i < FIGHTERS; i++) {
        good += waitpid(pids[i], &status, 0) > 0 && status == 7 << 8;
    }
    munmap((void *)pids, 4096);
    printf("# the longest look took %.3f s\n", longest);
    CHECK_THAT(good == FIGHTERS + n_looks, "all of them, and the others, go on");
    CHECK_THAT(longest < 2, "others are heard in time");
}

static void test_once(void) {
    for (int i = 0; i < SENDERS; i++) {
        got[i] = 0;
    }
    n_reaped = deepest = wrong = 0;
    test_data(0, "no byte is lost or doubled, with EINTR");
    test_data(SA_RESTART, "no byte is lost or doubled, with SA_RESTART");
    test_counted();
    test_children();
    test_nested();
    test_all();
}

int main(int argc, char **argv) {
    scale = argc > 1 ? atoi(argv[1]) : 1;
    test_once(); /* with this, what lives on is warm */
    struct balance before = balance_settled();

    test_once();
    CHECK_THAT(balance_returns(&before, 64 * 1024), "nothing is left");
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* Signals: handlers, masks, waiting, interruption, faults, alternate stacks. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

static volatile sig_atomic_t n_seen, last_seen, depth_seen, seen_mask;

static void note(int signal) {
    n_seen++;
    last_seen = signal;
}

static void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signal, &action, NULL);
}

static sigset_t set_of(int signal) {
    sigset_t set;

    sigemptyset(&set);
    if (signal != 0) {
        sigaddset(&set, signal);
    }
    return set;
}

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&time, &time) != 0) {
    }
}

static void test_handler(void) {
    struct sigaction old;

    handle(SIGUSR1, note, 0);
    CHECK(raise(SIGUSR1) == 0 && n_seen == 1 && last_seen == SIGUSR1);
    CHECK(kill(getpid(), SIGUSR1) == 0 && n_seen == 2);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == note);
    handle(SIGUSR2, note, SA_RESETHAND);
    raise(SIGUSR2);
    CHECK(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_handler == SIG_DFL && n_seen == 3);
    handle(SIGUSR2, SIG_IGN, 0);
    CHECK(raise(SIGUSR2) == 0 && n_seen == 3);
    CHECK_ERROR(sigaction(SIGKILL, &old, NULL), EINVAL);
    CHECK_ERROR(sigaction(65, &old, NULL), EINVAL);
    CHECK_ERROR(kill(getpid(), 65), EINVAL);
}

static void test_mask(void) {
    sigset_t block = set_of(SIGUSR1), old, pending;

    n_seen = 0;
    CHECK(sigprocmask(SIG_BLOCK, &block, &old) == 0 && !sigismember(&old, SIGUSR1));
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK(n_seen == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0 && n_seen == 1);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
}

static void nested(int signal) {
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    seen_mask = sigismember(&mask, SIGUSR1) * 2 + sigismember(&mask, SIGUSR2);
    if (signal == SIGUSR1) {
        raise(SIGUSR2); /* blocked by sa_mask: comes after us */
        depth_seen = last_seen == SIGUSR2 ? 1 : 0;
    }
    last_seen = signal;
}

static void test_handler_mask(void) {
    struct sigaction action = {.sa_handler = nested};

    sigaddset(&action.sa_mask, SIGUSR2);
    handle(SIGUSR2, note, 0);
    sigaction(SIGUSR1, &action, NULL);
    n_seen = last_seen = 0;
    raise(SIGUSR1);
    CHECK(seen_mask == 3 && depth_seen == 0 && n_seen == 1 && last_seen == SIGUSR2);
    sigset_t mask;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1) &&
          !sigismember(&mask, SIGUSR2));
}

static pid_t signal_later(int signal, int ms) {
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(ms);
        kill(getppid(), signal);
        _exit(0);
    }
    return pid;
}

static void test_interruption(void) {
    int fds[2];
    char byte;
    struct timespec left = {0, 0};

    pipe(fds);
    handle(SIGUSR1, note, 0);
    pid_t pid = signal_later(SIGUSR1, 50);
    CHECK_ERROR(read(fds[0], &byte, 1), EINTR);
    waitpid(pid, NULL, 0);
    handle(SIGUSR1, note, SA_RESTART);
    n_seen = 0;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        sleep_ms(50);
        kill(getppid(), SIGUSR1);
        sleep_ms(50);
        write(fds[1], "x", 1);
        _exit(0);
    }
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x' && n_seen == 1);
    waitpid(pid, NULL, 0);
    pid = signal_later(SIGUSR1, 50);
    CHECK(nanosleep(&(struct timespec){2, 0}, &left) == -1 && errno == EINTR && left.tv_sec == 1);
    waitpid(pid, NULL, 0);
    pid = signal_later(SIGUSR1, 50);
    struct pollfd entry = {.fd = fds[0], .events = POLLIN};
    CHECK_ERROR(poll(&entry, 1, 2000), EINTR);
    waitpid(pid, NULL, 0);
    /* SIGCHLD is ignored by default: it interrupts nothing. */
    pid = signal_later(0, 50);
    CHECK(nanosleep(&(struct timespec){0, 200000000}, &left) == 0);
    waitpid(pid, NULL, 0);
    close(fds[0]);
    handle(SIGPIPE, note, 0);
    CHECK_ERROR(write(fds[1], "x", 1), EPIPE);
    CHECK(last_seen == SIGPIPE);
    close(fds[1]);
    handle(SIGPIPE, SIG_DFL, 0);
}

static void test_waiting(void) {
    sigset_t block = set_of(SIGUSR1), none = set_of(0), old;
    struct timespec timeout = {0, 50000000};
    siginfo_t information;
    int signal;

    handle(SIGUSR1, note, SA_RESTART);
    n_seen = 0;
    sigprocmask(SIG_BLOCK, &block, &old);
    raise(SIGUSR1);
    CHECK_ERROR(sigsuspend(&none), EINTR);
    CHECK(n_seen == 1);
    pid_t pid = signal_later(SIGUSR1, 50);
    CHECK_ERROR(sigsuspend(&none), EINTR);
    CHECK(n_seen == 2);
    waitpid(pid, NULL, 0);
    CHECK_ERROR(sigtimedwait(&block, &information, &timeout), EAGAIN);
    raise(SIGUSR1);
    CHECK(sigwait(&block, &signal) == 0 && signal == SIGUSR1 && n_seen == 2);
    pid = signal_later(SIGUSR1, 50);
    CHECK(sigwaitinfo(&block, &information) == SIGUSR1 && information.si_signo == SIGUSR1);
    waitpid(pid, NULL, 0);
    pid = signal_later(SIGUSR1, 50);
    timeout.tv_sec = 1l << 62; /* in nanoseconds that is no number of 64 bits */
    CHECK(sigtimedwait(&block, &information, &timeout) == SIGUSR1);
    waitpid(pid, NULL, 0);
    timeout.tv_nsec = 1000000000;
    CHECK_ERROR(sigtimedwait(&block, &information, &timeout), EINVAL);
    CHECK(n_seen == 2);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_child(void) {
    sigset_t block = set_of(SIGCHLD), none = set_of(0), old;

    handle(SIGCHLD, note, 0);
    n_seen = 0;
    sigprocmask(SIG_BLOCK, &block, &old);
    pid_t pid = signal_later(0, 20);
    CHECK_ERROR(sigsuspend(&none), EINTR);
    CHECK(n_seen == 1 && last_seen == SIGCHLD && waitpid(pid, NULL, WNOHANG) == pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
    handle(SIGCHLD, SIG_IGN, 0);
    pid = signal_later(0, 20);
    CHECK_ERROR(waitpid(pid, NULL, 0), ECHILD);
    handle(SIGCHLD, SIG_DFL, 0);
}

static void test_alarm(void) {
    struct itimerval timer = {{0, 20000}, {0, 20000}}, old;
    sigset_t block = set_of(SIGALRM), none = set_of(0), mask;

    handle(SIGALRM, note, 0);
    n_seen = 0;
    sigprocmask(SIG_BLOCK, &block, &mask);
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (n_seen < 5) {
        sigsuspend(&none);
    }
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 20000);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &timer, &old) == 0 && old.it_interval.tv_usec == 20000);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    CHECK(alarm(5) == 0 && alarm(0) == 5);
}

static sigjmp_buf back;

static void jump(int signal) {
    siglongjmp(back, signal);
}

static void test_jump(void) {
    volatile int n = 0;
    int *volatile nowhere = (int *)16;
    sigset_t mask;

    handle(SIGUSR1, jump, 0);
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            raise(SIGUSR1);
        } else {
            n++;
        }
    }
    CHECK(n == 3 && sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1));
    handle(SIGSEGV, jump, 0);
    n = 0;
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *nowhere = 1;
        } else {
            n++;
        }
    }
    CHECK(n == 3);
    handle(SIGFPE, jump, 0);
    volatile int zero = 0, seven = 7;
    if (sigsetjmp(back, 1) == 0) {
        n = seven / zero;
    } else {
        n = 10;
    }
    CHECK(n == 10);
    handle(SIGSEGV, SIG_DFL, 0);
    handle(SIGFPE, SIG_DFL, 0);
}

static siginfo_t fault;

static void skip(int signal, siginfo_t *information, void *context) {
    ucontext_t *uc = context;

    (void)signal;
    fault = *information;
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* over the `movl` below, which is two bytes */
}

static void test_context(void) {
    struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    long before = 0x1234, after;

    sigaction(SIGSEGV, &action, NULL);
    __asm__ volatile("mov %1, %%rbx\n\t"
                     "mov $64, %%ecx\n\t"
                     "movl %%eax, (%%rcx)\n\t"
                     "mov %%rbx, %0"
                     : "=r"(after)
                     : "r"(before)
                     : "rbx", "rcx", "memory");
    CHECK(after == 0x1234 && fault.si_addr == (void *)64 && fault.si_signo == SIGSEGV &&
          fault.si_code == SEGV_MAPERR);
    handle(SIGSEGV, SIG_DFL, 0);
}

static char other_stack[65536];
static volatile bool was_on_other;

static void on_stack(int signal) {
    char here;

    was_on_other = &here >= other_stack && &here < other_stack + sizeof other_stack;
    if (signal == SIGSEGV) {
        siglongjmp(back, 1);
    }
}

static int overflow(volatile char *from) {
    volatile char room[4096];

    room[0] = *from;
    return room[0] == 0 ? overflow(room) + room[1] : 0;
}

static void test_stack(void) {
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack}, old;

    CHECK(sigaltstack(&stack, NULL) == 0 && sigaltstack(NULL, &old) == 0 &&
          old.ss_sp == other_stack);
    handle(SIGUSR1, on_stack, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(was_on_other);
    was_on_other = false;
    handle(SIGUSR1, on_stack, 0);
    raise(SIGUSR1);
    CHECK(!was_on_other);
    handle(SIGSEGV, on_stack, SA_ONSTACK);
    volatile char start = 0;
    if (sigsetjmp(back, 1) == 0) {
        overflow(&start);
    }
    CHECK(was_on_other);
    handle(SIGSEGV, SIG_DFL, 0);
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL) == 0);
}

static void test_floating(void) {
    struct itimerval timer = {{0, 1000}, {0, 1000}}, none = {{0, 0}, {0, 0}};
    double sum = 0;

    handle(SIGALRM, note, SA_RESTART);
    n_seen = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
    for (long i = 1; n_seen < 50; i++) {
        double x = (double)i, y = x * 1.5 + 0.25;
        sum += (y - 0.25) / 1.5 - x;
    }
    setitimer(ITIMER_REAL, &none, NULL);
    CHECK(sum < 1e-3 && sum > -1e-3);
}

/* The window between a look and a wait: each round must be woken, by a signal from another process
 * at any moment. */
static void test_hammer(void) {
    enum { ROUNDS = 300 };
    sigset_t block = set_of(SIGUSR1), none = set_of(0), old;
    int fds[2], n = 0;
    char byte;

    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &block, &old);
    pipe(fds);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        while (read(fds[0], &byte, 1) == 1) {
            kill(getppid(), SIGUSR1);
        }
        _exit(0);
    }
    close(fds[0]);
    for (int i = 0; i < ROUNDS; i++) {
        n_seen = 0;
        write(fds[1], "x", 1);
        while (n_seen == 0) {
            sigsuspend(&none);
        }
        n += n_seen;
    }
    close(fds[1]);
    waitpid(pid, NULL, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(n == ROUNDS);
}

static long now_ms(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Signals that would end a program do not end one that blocks them, however often they come. */
static void test_blocked_burst(void) {
    enum { BURST_MS = 1300 };
    sigset_t block = set_of(SIGTERM), old;
    int signal, status;

    sigprocmask(SIG_BLOCK, &block, &old);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (long end = now_ms() + BURST_MS + 200; now_ms() < end;) {
            sigwait(&block, &signal);
        }
        _exit(0);
    }
    for (long end = now_ms() + BURST_MS; now_ms() < end;) {
        kill(pid, SIGTERM);
    }
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    kill(pid, SIGTERM); /* so that it looks at the time */
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Nor does one that comes while the library must not be interrupted: it holds a lock in a good part
 * of this. */
static void test_blocked_inside(void) {
    enum { CHILDREN = 12, WAIT_MS = 2000 };
    sigset_t block = set_of(SIGTERM), old;
    pid_t pids[CHILDREN];
    int fd = dup(1), status, n = 0;

    sigprocmask(SIG_BLOCK, &block, &old);
    fflush(stdout);
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (long end = now_ms() + WAIT_MS; now_ms() < end;) {
                for (int j = 0; j < 1000; j++) {
                    dup2(fd, fd);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        kill(pids[i], SIGTERM);
    }
    for (int i = 0; i < CHILDREN; i++) {
        n += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
    }
    CHECK(n == CHILDREN);
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fd);
}

/* Nor a program that was started with it blocked and has nothing to do with signals. */
static void test_blocked_from_before(void) {
    char *argv[] = {(char[]){"sleep"}, (char[]){"1"}, NULL};
    sigset_t block = set_of(SIGTERM), old;
    int status;
    pid_t pid;

    sigprocmask(SIG_BLOCK, &block, &old);
    CHECK(posix_spawn(&pid, "/bin/sleep", NULL, NULL, argv, environ) == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    CHECK(kill(pid, SIGTERM) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_inherited(void) {
    int status;

    handle(SIGUSR1, note, 0);
    handle(SIGUSR2, SIG_IGN, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        n_seen = 0;
        raise(SIGUSR1);
        raise(SIGUSR2);
        _exit(n_seen == 1 ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    handle(SIGUSR2, SIG_DFL, 0);
}

int main(void) {
    test_handler();
    test_mask();
    test_handler_mask();
    test_interruption();
    test_waiting();
    test_child();
    test_alarm();
    test_jump();
    test_context();
    test_floating();
    test_hammer();
    test_blocked_burst();
    test_blocked_inside();
    test_blocked_from_before();
    test_inherited();
    test_stack(); /* last: of the stack that it fills each child has its own */
    return tap_end();
}

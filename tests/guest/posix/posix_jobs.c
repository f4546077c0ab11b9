/* SPDX-License-Identifier: MIT */
/* Job control: background readers and writers, orphaned groups, the foreground, window sizes. Needs
 * a controlling terminal on standard input, with this program in the foreground. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { TERMINAL = 0 };

static volatile sig_atomic_t n_seen, last_seen;

static void note(int signal) {
    n_seen++;
    last_seen = signal;
}

static void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};

    sigaction(signal, &action, NULL);
}

/* Runs it in a group of its own, which is in the background. The child goes on when the group
 * stands. */
static pid_t start_behind(int (*run)(void)) {
    int fds[2];
    char byte;

    pipe(fds);
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        close(fds[1]);
        read(fds[0], &byte, 1);
        close(fds[0]);
        signal(SIGTTOU, SIG_DFL);
        _exit(run());
    }
    setpgid(pid, pid);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static int status_of(pid_t pid, int options) {
    int status = -1;

    return waitpid(pid, &status, options) == pid ? status : -1;
}

static bool is_stopped(int status, int signal) {
    return status != -1 && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}

static bool has_exited(int status, int code) {
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/* Gives the terminal to the child's group until it ends. */
static int finish_in_front(pid_t pid) {
    tcsetpgrp(TERMINAL, pid);
    kill(pid, SIGCONT);
    int status = status_of(pid, 0);

    tcsetpgrp(TERMINAL, getpgrp());
    return status;
}

/* The terminal is set so that a read takes what is there, which is nothing. */
static int reads(void) {
    char byte;
    ssize_t n = read(TERMINAL, &byte, 1);

    return n == 0 ? 7 : errno;
}

static int reads_ignoring(void) {
    signal(SIGTTIN, SIG_IGN);
    return reads();
}

static int reads_blocking(void) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTTIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return reads();
}

static int reads_handling(void) {
    handle(SIGTTIN, note);
    int code = reads();

    return n_seen == 1 ? code : 1;
}

static void test_reading(void) {
    pid_t pid = start_behind(reads);

    CHECK_THAT(is_stopped(status_of(pid, WUNTRACED), SIGTTIN), "a background reader stops");
    kill(pid, SIGCONT);
    CHECK_THAT(is_stopped(status_of(pid, WUNTRACED), SIGTTIN), "and again, if only continued");
    CHECK_THAT(has_exited(finish_in_front(pid), 7), "in the foreground it reads");
    CHECK_THAT(has_exited(status_of(start_behind(reads_ignoring), 0), EIO), "EIO if ignored");
    CHECK_THAT(has_exited(status_of(start_behind(reads_blocking), 0), EIO), "EIO if blocked");
    CHECK_THAT(has_exited(status_of(start_behind(reads_handling), 0), EINTR), "EINTR if handled");
}

static int writes(void) {
    return write(TERMINAL, "", 0) == 0 && write(TERMINAL, "# from behind\n", 14) == 14 ? 7 : errno;
}

static int writes_ignoring(void) {
    signal(SIGTTOU, SIG_IGN);
    return writes();
}

static void set_stopping(bool on) {
    struct termios mode;

    tcgetattr(TERMINAL, &mode);
    mode.c_lflag = on ? mode.c_lflag | TOSTOP : mode.c_lflag & ~(tcflag_t)TOSTOP;
    tcsetattr(TERMINAL, TCSANOW, &mode);
}

static void test_writing(void) {
    set_stopping(false);
    CHECK_THAT(has_exited(status_of(start_behind(writes), 0), 7), "the background may write");
    set_stopping(true);
    pid_t pid = start_behind(writes);
    CHECK_THAT(is_stopped(status_of(pid, WUNTRACED), SIGTTOU), "but not with TOSTOP");
    CHECK_THAT(has_exited(finish_in_front(pid), 7), "in the foreground it writes");
    CHECK_THAT(has_exited(status_of(start_behind(writes_ignoring), 0), 7), "or ignoring SIGTTOU");
    set_stopping(false);
}

static int sets_mode(void) {
    struct termios mode;

    return tcgetattr(TERMINAL, &mode) == 0 && tcsetattr(TERMINAL, TCSANOW, &mode) == 0 ? 7 : errno;
}

static int takes_front(void) {
    return tcsetpgrp(TERMINAL, getpgrp()) == 0 && tcgetpgrp(TERMINAL) == getpgrp() ? 7 : errno;
}

static int takes_front_ignoring(void) {
    signal(SIGTTOU, SIG_IGN);
    return takes_front();
}

static int flushes(void) {
    return tcflush(TERMINAL, TCIOFLUSH) == 0 ? 7 : errno;
}

static void test_changing(void) {
    int (*const changes[])(void) = {sets_mode, takes_front, flushes};

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        pid_t pid = start_behind(changes[i]);

        CHECK_THAT(is_stopped(status_of(pid, WUNTRACED), SIGTTOU), "the background may not change");
        CHECK(has_exited(finish_in_front(pid), 7));
    }
    CHECK_THAT(has_exited(status_of(start_behind(takes_front_ignoring), 0), 7),
               "but ignoring SIGTTOU");
    CHECK(tcsetpgrp(TERMINAL, getpgrp()) == 0 && tcgetpgrp(TERMINAL) == getpgrp());
}

static int is_apart(void) {
    int number;

    setsid();
    bool ok = tcgetpgrp(TERMINAL) == -1 && errno == ENOTTY && tcgetsid(TERMINAL) == -1 &&
              errno == ENOTTY && ioctl(TERMINAL, TIOCGWINSZ, &(struct winsize){0}) == 0 &&
              ioctl(TERMINAL, TIOCGPGRP, &number) == -1;

    return ok ? 7 : 1;
}

static void test_ids(void) {
    int fds[2];

    pipe(fds);
    CHECK(tcgetpgrp(TERMINAL) == getpgrp() && tcgetsid(TERMINAL) == getsid(0));
    CHECK_ERROR(tcgetpgrp(fds[0]), ENOTTY);
    CHECK_ERROR(tcsetpgrp(fds[0], getpgrp()), ENOTTY);
    CHECK_ERROR(tcgetsid(fds[0]), ENOTTY);
    CHECK_ERROR(tcsetpgrp(TERMINAL, 1), EPERM);
    CHECK_ERROR(tcsetpgrp(TERMINAL, -1), EINVAL);
    close(fds[0]);
    close(fds[1]);
    /* In a session of its own the terminal is not that one's. */
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(is_apart());
    }
    CHECK(has_exited(status_of(pid, 0), 7));
}

static int report_to;

/* A group whose parent has gone: nobody could continue it. */
static int is_orphan(void) {
    fflush(stdout);
    pid_t parent = getpid();

    if (fork() != 0) {
        return 0;
    }
    setpgid(0, 0);
    while (getppid() == parent) {
        usleep(1000);
    }
    unsigned char code = (unsigned char)reads();

    raise(SIGTSTP); /* does not stop us */
    write(report_to, &code, 1);
    _exit(0);
}

static void reports(int signal) {
    unsigned char number = (unsigned char)signal;

    write(report_to, &number, 1);
}

/* Stops while it has a parent that could continue it; then the parent ends. */
static int is_left_stopped(void) {
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        handle(SIGHUP, reports);
        handle(SIGCONT, reports);
        raise(SIGTSTP);
        _exit(0);
    }
    setpgid(pid, pid);
    return is_stopped(status_of(pid, WUNTRACED), SIGTSTP) ? 7 : 1;
}

static void test_orphans(void) {
    int fds[2];
    unsigned char codes[2] = {0, 0};

    pipe(fds);
    report_to = fds[1];
    CHECK(has_exited(status_of(start_behind(is_orphan), 0), 0));
    CHECK_THAT(read(fds[0], codes, 1) == 1 && codes[0] == EIO,
               "an orphaned reader gets EIO, and is not stopped");
    CHECK(has_exited(status_of(start_behind(is_left_stopped), 0), 7));
    close(fds[1]);
    bool both = read(fds[0], &codes[0], 1) == 1 && read(fds[0], &codes[1], 1) == 1;
    CHECK_THAT(both && codes[0] + codes[1] == SIGHUP + SIGCONT,
               "a stopped group that is orphaned hears SIGHUP and SIGCONT");
    CHECK(read(fds[0], codes, 1) == 0);
    close(fds[0]);
}

static void ends(int signal) {
    (void)signal;
    _exit(5);
}

static pid_t start_pausing(void) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

/* Leaves a member of its parent's group behind, which is the last child of another group that this
 * group has: with it the group becomes an orphaned one. */
static int holds_group(void) {
    pid_t group = getpgrp();

    setpgid(0, 0);
    setpgid(start_pausing(), group);
    usleep(200000); /* until our parent waits for us */
    return 6;
}

/* The end of one child continues the other, which is stopped in a group orphaned by that: two
 * things for the same wait at once. */
static int leads_group(bool ignores_children) {
    int status;

    setsid();
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, ignores_children ? SIG_IGN : SIG_DFL);
    handle(SIGCONT, ends);
    pid_t stopped = start_pausing();
    handle(SIGCONT, SIG_IGN);
    kill(stopped, SIGSTOP);
    if (!is_stopped(status_of(stopped, WUNTRACED), SIGSTOP)) {
        return 1;
    }
    handle(SIGCONT, ends);
    pid_t holder = fork();
    if (holder == 0) {
        _exit(holds_group());
    }
    handle(SIGCONT, SIG_IGN);
    if (!ignores_children && (wait(&status) != holder || !has_exited(status, 6) ||
                              wait(&status) != stopped || !has_exited(status, 5))) {
        return 2;
    }
    return wait(&status) == -1 && errno == ECHILD ? 7 : 3;
}

static void test_end_that_continues(void) {
    for (int ignores = 0; ignores < 2; ignores++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            _exit(leads_group(ignores != 0));
        }
        int status = status_of(pid, 0);

        CHECK_THAT(has_exited(status, 7),
                   ignores ? "an end that continues another child of who ignores them"
                           : "an end that continues another child is told once");
    }
}

static int answers(void) {
    handle(SIGUSR1, reports);
    reports(0); /* we are ready */
    for (;;) {
        pause();
    }
    return 0;
}

/* SIGCONT right behind SIGTSTP: the stop, which comes about in the program itself, must not
 * outlive it. */
static void test_order(void) {
    enum { ROUNDS = 100 };
    int fds[2], n = 0, status;
    unsigned char number;

    pipe(fds);
    report_to = fds[1];
    pid_t pid = start_behind(answers);
    CHECK(read(fds[0], &number, 1) == 1);
    for (int i = 0; i < ROUNDS; i++) {
        kill(pid, SIGUSR1);
        n += read(fds[0], &number, 1) == 1;
        kill(pid, SIGTSTP);
        kill(pid, SIGCONT);
    }
    CHECK_THAT(n == ROUNDS, "SIGCONT ends a SIGTSTP that comes before it");
    kill(pid, SIGCONT);
    kill(pid, SIGTSTP);
    CHECK(is_stopped(status_of(pid, WUNTRACED), SIGTSTP));
    kill(pid, SIGKILL);
    do {
        status = status_of(pid, 0);
    } while (status != -1 && !WIFSIGNALED(status));
    CHECK(status != -1 && WTERMSIG(status) == SIGKILL);
    close(fds[0]);
    close(fds[1]);
}

/* Nobody types here. */
static void test_polling(void) {
    struct pollfd entry = {.fd = TERMINAL, .events = POLLIN | POLLOUT};
    struct timespec before, after;

    CHECK(poll(&entry, 1, 1000) == 1 && entry.revents == POLLOUT);
    entry.events = POLLIN;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(poll(&entry, 1, 100) == 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 99);
}

/* The terminal of a session that lives is nobody else's to take. */
static int takes_terminal(void) {
    bool is_refused = setsid() == getpid() && ioctl(TERMINAL, TIOCSCTTY, 0) == -1 && errno == EPERM;

    return is_refused && tcgetpgrp(TERMINAL) == -1 && errno == ENOTTY ? 7 : 1;
}

static void test_taking(void) {
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(takes_terminal());
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(tcgetpgrp(TERMINAL) == getpgrp());
}

static void test_size(void) {
    struct winsize old, size = {.ws_row = 33, .ws_col = 99};
    sigset_t block, none, mask;

    handle(SIGWINCH, note);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGWINCH);
    sigprocmask(SIG_BLOCK, &block, &mask);
    n_seen = 0;
    CHECK(ioctl(TERMINAL, TIOCGWINSZ, &old) == 0 && ioctl(TERMINAL, TIOCSWINSZ, &size) == 0);
    while (n_seen == 0) {
        sigsuspend(&none);
    }
    CHECK(n_seen == 1 && last_seen == SIGWINCH);
    CHECK(ioctl(TERMINAL, TIOCSWINSZ, &size) == 0); /* no change */
    CHECK(ioctl(TERMINAL, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 99);
    CHECK(ioctl(TERMINAL, TIOCSWINSZ, &old) == 0);
    while (n_seen == 1) {
        sigsuspend(&none);
    }
    CHECK(n_seen == 2);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    handle(SIGWINCH, SIG_DFL);
}

int main(void) {
    struct termios old, mode;

    if (!CHECK(tcgetattr(TERMINAL, &old) == 0 && tcgetpgrp(TERMINAL) == getpgrp())) {
        return tap_end();
    }
    signal(SIGTTOU, SIG_IGN); /* as whoever moves the terminal about */
    mode = old;
    mode.c_lflag &= ~(tcflag_t)ICANON;
    mode.c_cc[VMIN] = mode.c_cc[VTIME] = 0;
    tcsetattr(TERMINAL, TCSANOW, &mode);
    test_ids();
    test_reading();
    test_writing();
    test_changing();
    test_orphans();
    test_end_that_continues();
    test_order();
    test_polling();
    test_taking();
    test_size();
    tcsetattr(TERMINAL, TCSANOW, &old);
    return tap_end();
}

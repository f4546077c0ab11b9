/* SPDX-License-Identifier: MIT */
/* What comes with signals: sender, code and value; queues; what children's ends tell. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { SEEN_MAX = 256 };

static volatile sig_atomic_t n_seen;
static siginfo_t seen[SEEN_MAX];

static void note(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)context;
    if (n_seen < SEEN_MAX) {
        seen[n_seen++] = *information;
    }
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};

    sigfillset(&action.sa_mask); /* one after the other */
    sigaction(signal, &action, NULL);
    n_seen = 0;
}

static sigset_t block(int signal) {
    sigset_t set, old;

    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &old);
    return old;
}

static sigset_t only(int signal) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static pid_t start(int (*run)(void)) {
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        _exit(run());
    }
    return pid;
}

/* Waits until a handler has seen so many. */
static void await_seen(int n, const sigset_t *mask) {
    while (n_seen < n) {
        sigsuspend(mask);
    }
}

static void test_own(void) {
    handle(SIGUSR1, 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && n_seen == 1 && seen[0].si_signo == SIGUSR1 &&
          seen[0].si_code == SI_USER && seen[0].si_pid == getpid() && seen[0].si_uid == getuid());
    CHECK(raise(SIGUSR1) == 0 && n_seen == 2 && seen[1].si_code == SI_TKILL &&
          seen[1].si_pid == getpid());
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5}) == 0 && n_seen == 3 &&
          seen[2].si_code == SI_QUEUE && seen[2].si_value.sival_int == 5 &&
          seen[2].si_pid == getpid());
    CHECK(sigqueue(getpid(), 0, (union sigval){0}) == 0 && n_seen == 3);
    CHECK_ERROR(sigqueue(getpid(), 65, (union sigval){0}), EINVAL);
    CHECK_ERROR(sigqueue(0x3fffff00, SIGUSR1, (union sigval){0}), ESRCH);
}

static int sends(void) {
    kill(getppid(), SIGUSR1);
    return 0;
}

static int queues(void) {
    for (int i = 0; i < 3; i++) {
        sigqueue(getppid(), SIGRTMIN + 1, (union sigval){.sival_int = 100 + i});
        sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = 200 + i});
    }
    return 0;
}

static void test_others(void) {
    sigset_t old = block(SIGUSR1);

    handle(SIGUSR1, 0);
    pid_t pid = start(sends);
    await_seen(1, &old);
    CHECK(seen[0].si_code == SI_USER && seen[0].si_pid == pid);
    waitpid(pid, NULL, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    /* Realtime signals: all of them, each number's in order, the lowest number first. */
    handle(SIGRTMIN, 0);
    handle(SIGRTMIN + 1, 0);
    old = block(SIGRTMIN);
    (void)block(SIGRTMIN + 1);
    pid = start(queues);
    waitpid(pid, NULL, 0);
    CHECK(n_seen == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    bool in_order = n_seen == 6;
    for (int i = 0; i < 6 && in_order; i++) {
        in_order = seen[i].si_value.sival_int == (i < 3 ? 200 + i : 100 + i - 3) &&
                   seen[i].si_code == SI_QUEUE && seen[i].si_pid == pid;
    }
    CHECK_THAT(in_order, "realtime signals come in order, with their values");
}

static void test_own_queue(void) {
    sigset_t old = block(SIGRTMIN + 2);
    int n = 0;

    handle(SIGRTMIN + 2, 0);
    while (n < 10000 && sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = n}) == 0) {
        n++;
    }
    CHECK_THAT(n >= 32 && (n == 10000 || errno == EAGAIN), "the queue is bounded, and not short");
    sigprocmask(SIG_SETMASK, &old, NULL);
    bool in_order = n_seen == (n < SEEN_MAX ? n : SEEN_MAX);
    for (int i = 0; i < n_seen && in_order; i++) {
        in_order = seen[i].si_value.sival_int == i;
    }
    CHECK_THAT(in_order, "what it took comes back in order");
    CHECK(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){0}) == 0);
    /* Signals that are not realtime are one. */
    handle(SIGUSR2, 0);
    old = block(SIGUSR2);
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 1});
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 2});
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(n_seen == 1 && seen[0].si_value.sival_int == 1);
}

static int floods(void) {
    int n = 0;

    while (n < 100000 && sigqueue(getppid(), SIGRTMIN + 3, (union sigval){.sival_int = n}) == 0) {
        n++;
    }
    return errno == EAGAIN && n >= 32 ? n / 8 : 255;
}

static void test_foreign_queue(void) {
    sigset_t old = block(SIGRTMIN + 3), set = only(SIGRTMIN + 3);
    siginfo_t information;
    int status, n = 0;

    handle(SIGRTMIN + 3, 0);
    waitpid(start(floods), &status, 0);
    if (status != 255 << 8) { /* Linux takes thousands */
        CHECK(WIFEXITED(status));
    }
    bool in_order = true;
    while (sigtimedwait(&set, &information, &(struct timespec){0, 0}) > 0) {
        in_order = in_order && information.si_value.sival_int == n;
        n++;
    }
    CHECK_THAT(in_order && n >= 32, "what others queue is bounded, and comes in order");
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(n_seen == 0);
}

static int exits_42(void) {
    return 42;
}

static int pauses(void) {
    for (;;) {
        pause();
    }
    return 0;
}

static void test_children(void) {
    sigset_t old = block(SIGCHLD);

    handle(SIGCHLD, 0);
    pid_t pid = start(exits_42);
    await_seen(1, &old);
    CHECK(seen[0].si_code == CLD_EXITED && seen[0].si_pid == pid && seen[0].si_status == 42);
    waitpid(pid, NULL, 0);
    n_seen = 0;
    pid = start(pauses);
    setpgid(pid, pid);
    kill(pid, SIGSTOP);
    await_seen(1, &old);
    CHECK(seen[0].si_code == CLD_STOPPED && seen[0].si_pid == pid && seen[0].si_status == SIGSTOP);
    kill(pid, SIGCONT);
    await_seen(2, &old);
    CHECK(seen[1].si_code == CLD_CONTINUED && seen[1].si_status == SIGCONT);
    handle(SIGCHLD, SA_NOCLDSTOP);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
    kill(pid, SIGKILL);
    await_seen(1, &old);
    CHECK(n_seen == 1 && seen[0].si_code == CLD_KILLED && seen[0].si_status == SIGKILL);
    waitpid(pid, NULL, 0);
    /* SA_NOCLDWAIT: a signal, but nothing to wait for. */
    handle(SIGCHLD, SA_NOCLDWAIT);
    pid = start(exits_42);
    CHECK_ERROR(waitpid(pid, NULL, 0), ECHILD);
    await_seen(1, &old);
    CHECK(seen[0].si_code == CLD_EXITED && seen[0].si_status == 42);
    /* Blocked and default: it waits for sigwait. */
    sigset_t set = only(SIGCHLD);
    siginfo_t information;
    signal(SIGCHLD, SIG_DFL);
    pid = start(exits_42);
    CHECK(sigwaitinfo(&set, &information) == SIGCHLD && information.si_pid == pid &&
          information.si_status == 42 && waitpid(pid, NULL, WNOHANG) == pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static bool waits_as(pid_t pid, int options, int code, int status) {
    siginfo_t information = {0};
    bool ok = waitid(P_PID, (id_t)pid, &information, options) == 0;

    return ok && information.si_signo == SIGCHLD && information.si_pid == pid &&
           information.si_code == code && information.si_status == status;
}

static void test_waitid(void) {
    siginfo_t information;
    pid_t pid = start(pauses);

    setpgid(pid, pid);
    memset(&information, 0xff, sizeof information);
    CHECK(waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG) == 0 &&
          information.si_pid == 0 && information.si_signo == 0);
    kill(pid, SIGSTOP);
    CHECK(waits_as(pid, WSTOPPED | WNOWAIT, CLD_STOPPED, SIGSTOP));
    CHECK(waits_as(pid, WSTOPPED | WEXITED, CLD_STOPPED, SIGSTOP));
    CHECK(waitid(P_ALL, 0, &information, WSTOPPED | WNOHANG) == 0 && information.si_pid == 0);
    kill(pid, SIGCONT);
    CHECK(waits_as(pid, WCONTINUED | WNOWAIT, CLD_CONTINUED, SIGCONT));
    CHECK(waits_as(pid, WCONTINUED, CLD_CONTINUED, SIGCONT));
    kill(pid, SIGTERM);
    CHECK(waits_as(pid, WEXITED | WNOWAIT, CLD_KILLED, SIGTERM));
    CHECK(waitid(P_PGID, (id_t)pid, &information, WEXITED) == 0 && information.si_pid == pid);
    CHECK_ERROR(waitid(P_PID, (id_t)pid, &information, WEXITED), ECHILD);
    CHECK_ERROR(waitid(P_ALL, 0, &information, 0), EINVAL);
    CHECK_ERROR(waitid((idtype_t)99, 0, &information, WEXITED), EINVAL);
}

static void *kills_first(void *first) {
    union sigval none = {0};

    pthread_kill(*(pthread_t *)first, SIGRTMIN + 4);
    pthread_kill(*(pthread_t *)first, SIGRTMIN + 4);
    sigqueue(getpid(), SIGRTMIN + 4, none);
    return NULL;
}

static void test_threads(void) {
    sigset_t old = block(SIGRTMIN + 4);
    pthread_t thread, first = pthread_self();

    handle(SIGRTMIN + 4, 0);
    pthread_create(&thread, NULL, kills_first, &first);
    pthread_join(thread, NULL);
    CHECK(n_seen == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(n_seen == 3 && seen[0].si_code == SI_TKILL && seen[1].si_code == SI_TKILL &&
          seen[2].si_code == SI_QUEUE);
}

enum { MANY = 500 };

static void *sends_many(void *first) {
    for (int i = 0; i < MANY; i++) {
        while (pthread_kill(*(pthread_t *)first, SIGRTMIN + 6) == EAGAIN) {
            sched_yield();
        }
    }
    return NULL;
}

static int queues_many(void) {
    for (int i = 0; i < MANY; i++) {
        while (sigqueue(getppid(), SIGRTMIN + 6, (union sigval){.sival_int = i}) != 0) {
            sched_yield();
        }
    }
    return 0;
}

/* The same signal for a thread, and for the process which it is the first to hear of. */
static void test_at_once(void) {
    sigset_t old = block(SIGRTMIN + 6), set = only(SIGRTMIN + 6);
    pthread_t thread, first = pthread_self();
    siginfo_t information;
    int n_own = 0, n_foreign = 0;

    pthread_create(&thread, NULL, sends_many, &first);
    pid_t pid = start(queues_many);
    while (n_own + n_foreign < 2 * MANY &&
           sigtimedwait(&set, &information, &(struct timespec){5, 0}) > 0) {
        n_own += information.si_code == SI_TKILL;
        n_foreign += information.si_code == SI_QUEUE;
    }
    CHECK_THAT(n_own == MANY && n_foreign == MANY, "neither kind hides the other");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    pthread_join(thread, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static int repeats(void) {
    for (int i = 0; i < MANY; i++) {
        sigqueue(getppid(), SIGUSR1, (union sigval){.sival_int = 5});
        if (i % 2 != 0) {
            sched_yield();
        }
    }
    return 0;
}

/* Of a signal that is not queued as many come as can be told apart, each with what belongs to it:
 * the last comes after the last was sent. */
static void test_repeated(void) {
    sigset_t old = block(SIGUSR1), set = only(SIGUSR1);
    siginfo_t information;
    int n = 0, n_bare = 0, n_vain = 0;
    pid_t pid = start(repeats);
    sigset_t pending;

    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (sigtimedwait(&set, &information, &(struct timespec){0, 100000}) > 0) {
            n++;
            n_bare += information.si_code != SI_QUEUE || information.si_pid != pid ||
                      information.si_value.sival_int != 5;
        }
        sigpending(&pending);
        if (sigismember(&pending, SIGUSR1)) {
            n_vain += sigtimedwait(&set, NULL, &(struct timespec){0, 0}) != SIGUSR1;
        }
    }
    printf("# %d of %d came\n", n, MANY);
    CHECK_THAT(n > 0 && n <= MANY && n_bare == 0, "none comes twice, and without its sender");
    CHECK_THAT(n_vain == 0, "what is pending can be waited for");
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0) {
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static int floods_parent(void) {
    while (kill(getppid(), SIGUSR1) == 0) {
        if (rand() % 2 == 0) {
            sched_yield();
        }
    }
    return 0;
}

static void *forks(void *n_strays) {
    for (int i = 0; i < MANY / 2; i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
            n_seen = 0;
            sched_yield();
            _exit(n_seen != 0);
        }
        waitpid(pid, &status, 0);
        *(int *)n_strays += status != 0;
    }
    return NULL;
}

/* What is sent to one that forks, in either thread, is not for its children. */
static void test_fork(void) {
    pthread_t thread;
    int n_strays = 0;

    handle(SIGUSR1, SA_RESTART);
    pid_t pid = start(floods_parent);

    forks(&n_strays);
    pthread_create(&thread, NULL, forks, &n_strays);
    pthread_join(thread, NULL);
    CHECK_THAT(n_strays == 0, "a child does not get its parent's signals");
    CHECK(n_seen > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int report_to;

static void leave(int signal) {
    _exit(signal == SIGUSR1 ? 7 : 1);
}

static void *takes_one(void *none) {
    sigset_t set = only(SIGUSR1);

    signal(SIGUSR1, leave);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    write(report_to, "", 1);
    while (pause() != 0) {
    }
    return none;
}

static int shares(void) {
    pthread_t thread;

    block(SIGUSR1);
    handle(SIGUSR2, 0);
    alarm(10);
    pthread_create(&thread, NULL, takes_one, NULL);
    while (pause() != 0) {
    }
    return 1;
}

/* Two signals that come at once, for the first thread and for another. */
static void test_two(void) {
    int fds[2], status;
    char byte;

    pipe(fds);
    report_to = fds[1];
    pid_t pid = start(shares);
    CHECK(read(fds[0], &byte, 1) == 1);
    usleep(20000);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHECK(kill(pid, SIGUSR1) == 0 && kill(pid, SIGUSR2) == 0 && kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    close(fds[0]);
    close(fds[1]);
}

static int broken_pipe(void) {
    int fds[2];

    pipe(fds);
    close(fds[0]);
    return fds[1];
}

/* The signal of a broken pipe is the writing thread's, which blocks it, and not the process's. */
static void *writes_in_vain(void *large) {
    static char block[70000];
    sigset_t set = only(SIGPIPE);
    siginfo_t information = {0};
    int fd = broken_pipe();

    pthread_sigmask(SIG_BLOCK, &set, NULL);
    CHECK_ERROR(write(fd, block, large != NULL ? sizeof block : 1), EPIPE);
    CHECK(sigtimedwait(&set, &information, &(struct timespec){0, 0}) == SIGPIPE &&
          information.si_pid == getpid());
    close(fd);
    return NULL;
}

static int breaks_pipes(void) {
    pthread_t thread;

    for (int i = 0; i < 2; i++) {
        pthread_create(&thread, NULL, writes_in_vain, i == 0 ? NULL : &thread);
        pthread_join(thread, NULL);
    }
    return tap_end();
}

/* In a process of its own: it would end by the signal. */
static void test_broken_pipe(void) {
    int fd = broken_pipe(), status;

    pid_t pid = start(breaks_pipes);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    handle(SIGPIPE, 0);
    CHECK_ERROR(write(fd, "x", 1), EPIPE);
    CHECK(n_seen == 1 && seen[0].si_signo == SIGPIPE);
    close(fd);
}

static int takes_over(void) {
    siginfo_t information = {0};
    sigset_t set = only(SIGRTMIN + 5);
    bool ok = sigtimedwait(&set, &information, &(struct timespec){0, 0}) == SIGRTMIN + 5 &&
              information.si_value.sival_int == 77;
    int n_own = 0;

    set = only(SIGUSR2); /* its own to itself */
    while (sigtimedwait(&set, &information, &(struct timespec){0, 0}) == SIGUSR2) {
        n_own++;
    }
    return ok && n_own == 1 ? 9 : 1;
}

static char *self;
extern char **environ;

/* What is pending stays so over exec. */
static int becomes(void) {
    char *argv[] = {self, "pending", NULL};
    sigset_t set = only(SIGRTMIN + 5);
    char byte = 0;

    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    write(report_to, &byte, 1);
    while (!sigismember(&set, SIGUSR1)) {
        sigpending(&set);
        if (sigismember(&set, SIGRTMIN + 5)) {
            break;
        }
        usleep(1000);
    }
    execve(self, argv, environ);
    return 126;
}

static void test_exec(void) {
    int fds[2], status;
    char byte;

    pipe(fds);
    report_to = fds[1];
    pid_t pid = start(becomes);
    CHECK(read(fds[0], &byte, 1) == 1);
    CHECK(sigqueue(pid, SIGRTMIN + 5, (union sigval){.sival_int = 77}) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 9 << 8);
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1) {
        return takes_over();
    }
    test_own();
    test_others();
    test_own_queue();
    test_foreign_queue();
    test_children();
    test_waitid();
    test_threads();
    test_at_once();
    test_repeated();
    test_fork();
    test_two();
    test_broken_pipe();
    test_exec();
    return tap_end();
}

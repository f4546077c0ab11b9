/* SPDX-License-Identifier: MIT */
/* Timers: timer_create and its kin, the three of setitimer, over fork and exec. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static volatile sig_atomic_t n_seen;
static siginfo_t last;

static void note(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)context;
    n_seen++;
    last = *information;
}

static void handle(int signal) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

    sigaction(signal, &action, NULL);
    n_seen = 0;
}

static struct timespec ms(long n) {
    return (struct timespec){n / 1000, n % 1000 * 1000000};
}

static struct itimerspec setting(long first_ms, long interval_ms) {
    return (struct itimerspec){.it_value = ms(first_ms), .it_interval = ms(interval_ms)};
}

static int64_t now_ms(clockid_t clock) {
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void await_seen(int n) {
    sigset_t block, old;

    sigfillset(&block);
    sigprocmask(SIG_BLOCK, &block, &old);
    while (n_seen < n) {
        sigsuspend(&old);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_signal(void) {
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 1234};
    struct itimerspec spec = setting(20, 0), left;
    timer_t timer, other;

    handle(SIGUSR1);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec == 0 &&
          left.it_value.tv_nsec == 0);
    int64_t begin = now_ms(CLOCK_MONOTONIC);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    await_seen(1);
    CHECK(now_ms(CLOCK_MONOTONIC) - begin >= 20);
    CHECK(last.si_code == SI_TIMER && last.si_value.sival_int == 1234 && last.si_overrun == 0 &&
          timer_getoverrun(timer) == 0);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec == 0);
    /* Again and again, until it is stopped. */
    spec = setting(5, 5);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    await_seen(6);
    spec = setting(0, 0);
    CHECK(timer_settime(timer, 0, &spec, &left) == 0 && left.it_interval.tv_nsec == 5000000 &&
          left.it_value.tv_nsec <= 5000000);
    /* A moment of a clock; one that has passed is due at once. */
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    CHECK(timer_create(CLOCK_REALTIME, NULL, &other) == 0);
    handle(SIGALRM);
    CHECK(timer_settime(other, TIMER_ABSTIME, &spec, NULL) == 0);
    await_seen(1);
    CHECK(last.si_signo == SIGALRM && last.si_code == SI_TIMER);
    spec = setting(60000, 0);
    CHECK(timer_settime(other, 0, &spec, NULL) == 0 && timer_gettime(other, &left) == 0 &&
          left.it_value.tv_sec >= 50 && left.it_value.tv_sec <= 60);
    CHECK(timer_delete(other) == 0 && timer_delete(timer) == 0);
    CHECK_ERROR(timer_gettime(timer, &left), EINVAL);
    CHECK(timer_delete(timer) != 0); /* musl gives the number itself, not -1 and errno */
}

static void test_overrun(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec spec = setting(2, 2);
    siginfo_t information = {0};
    sigset_t block, old;
    timer_t timer;

    sigemptyset(&block);
    sigaddset(&block, SIGRTMIN);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    sigprocmask(SIG_BLOCK, &block, &old);
    timer_settime(timer, 0, &spec, NULL);
    struct timespec pause = ms(50);
    nanosleep(&pause, NULL);
    CHECK(sigwaitinfo(&block, &information) == SIGRTMIN);
    CHECK_THAT(information.si_overrun >= 10 && timer_getoverrun(timer) == information.si_overrun,
               "what came meanwhile is counted, not queued");
    CHECK(timer_delete(timer) == 0);
    signal(SIGRTMIN, SIG_IGN); /* one more may wait */
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_errors(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec spec = {.it_value = {0, 1000000000}};
    timer_t timer;

    CHECK_ERROR(timer_create(12345, &event, &timer), EINVAL);
    event.sigev_signo = 65;
    CHECK_ERROR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    event.sigev_notify = SIGEV_NONE;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK_ERROR(timer_settime(timer, 0, &spec, NULL), EINVAL);
    spec = setting(10, 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    do {
        timer_gettime(timer, &spec);
    } while (spec.it_value.tv_nsec != 0);
    CHECK(timer_delete(timer) == 0);
}

static sem_t expired;
static volatile int thread_value;

static void on_expiry(union sigval value) {
    thread_value = value.sival_int;
    sem_post(&expired);
}

static void test_thread(void) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = on_expiry,
                             .sigev_value.sival_int = 99};
    struct itimerspec spec = setting(5, 5);
    timer_t timer;

    sem_init(&expired, 0, 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    for (int i = 0; i < 5; i++) {
        while (sem_wait(&expired) != 0) {
        }
    }
    CHECK(thread_value == 99 && timer_delete(timer) == 0);
}

static void test_fork(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec spec = setting(10, 0);
    timer_t timer, own;
    int status;

    handle(SIGUSR1);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        /* The child has none, and can make its own. */
        bool ok = timer_gettime(timer, &spec) == -1 && errno == EINVAL &&
                  timer_create(CLOCK_MONOTONIC, &event, &own) == 0;
        spec = setting(10, 0);
        ok = ok && timer_settime(own, 0, &spec, NULL) == 0;
        await_seen(1);
        _exit(ok ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8 && n_seen == 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    await_seen(1);
    timer_delete(timer);
}

static void test_many(void) {
    enum { N = 32 };
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec spec = setting(10, 0);
    timer_t timers[N];
    int n = 0;

    handle(SIGRTMIN + 1);
    while (n < N && timer_create(CLOCK_MONOTONIC, &event, &timers[n]) == 0) {
        n++;
    }
    CHECK_THAT(n == N, "32 timers (_POSIX_TIMER_MAX)");
    for (int i = 0; i < n; i++) {
        timer_settime(timers[i], 0, &spec, NULL);
    }
    await_seen(n);
    CHECK(n_seen == n);
    for (int i = 0; i < n; i++) {
        timer_delete(timers[i]);
    }
}

/* CPU time is used up, and only that counts. (How much a sleep takes of it is the host's business.)
 */
static void test_cpu(int which, int signal) {
    struct itimerval timer = {.it_value = {0, 30000}}, left;
    struct timespec pause = ms(60);

    handle(signal);
    int64_t begin = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    CHECK(setitimer(which, &timer, NULL) == 0);
    nanosleep(&pause, NULL);
    bool has_fired = n_seen != 0;
    CHECK_THAT(!has_fired || now_ms(CLOCK_PROCESS_CPUTIME_ID) - begin >= 30,
               "a sleep counts little");
    while (n_seen == 0) {
    }
    CHECK(n_seen == 1 && last.si_signo == signal && now_ms(CLOCK_PROCESS_CPUTIME_ID) - begin >= 30);
    CHECK(getitimer(which, &left) == 0 && left.it_value.tv_usec == 0);
}

static void test_cpu_clock(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec spec = setting(20, 0);
    timer_t timer;

    handle(SIGUSR2);
    CHECK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    while (n_seen == 0) {
    }
    CHECK(last.si_code == SI_TIMER && timer_delete(timer) == 0);
}

static void test_itimer_errors(void) {
    struct itimerval timer = {.it_value = {0, 1000000}};

    CHECK_ERROR(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
    CHECK_ERROR(setitimer(7, &(struct itimerval){0}, NULL), EINVAL);
    CHECK_ERROR(getitimer(7, &timer), EINVAL);
}

/* How long the same work takes, at best: an emulator's host may be busy meanwhile. */
static int64_t work_ms(void) {
    int64_t best = INT64_MAX;

    for (int turn = 0; turn < 3; turn++) {
        int64_t begin = now_ms(CLOCK_MONOTONIC);

        for (volatile long i = 0; i < 100000000; i++) {
        }
        int64_t ms = now_ms(CLOCK_MONOTONIC) - begin;

        best = ms < best ? ms : best;
    }
    return best;
}

/* A period too short to be kept takes no more of the machine than others can spare. */
static void test_shortest_period(void) {
    const struct itimerval fast = {.it_value = {0, 1}, .it_interval = {0, 1}};
    struct sigaction action = {.sa_handler = SIG_IGN}, old;
    int64_t alone = work_ms(), beside;

    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &fast, NULL);
    beside = work_ms();
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    sigaction(SIGALRM, &old, NULL);
    printf("# %lld ms alone, %lld ms beside a timer\n", (long long)alone, (long long)beside);
    CHECK_THAT(beside < 2 * alone + 50, "a period of a microsecond leaves time for others");
}

/* The alarm of setitimer goes on over exec, and not over fork. */
static int become_waiting(const char *self) {
    struct itimerval timer = {.it_value = {0, 50000}};

    signal(SIGALRM, SIG_DFL);
    setitimer(ITIMER_REAL, &timer, NULL);
    execl(self, self, "wait", (char *)NULL);
    return 126;
}

static void test_exec(const char *self) {
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(become_waiting(self));
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    alarm(100);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        _exit(alarm(0) == 0 ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8 && alarm(0) > 50);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        for (;;) {
            pause();
        }
    }
    test_signal();
    test_overrun();
    test_errors();
    test_thread();
    test_fork();
    test_many();
    test_cpu(ITIMER_VIRTUAL, SIGVTALRM);
    test_cpu(ITIMER_PROF, SIGPROF);
    test_cpu_clock();
    test_itimer_errors();
    test_shortest_period();
    test_exec(argv[0]);
    return tap_end();
}

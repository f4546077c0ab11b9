/* SPDX-License-Identifier: MIT */
/* Threads: creating, joining, locks, conditions, cancellation, signals, thread-local data. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static __thread int local = 42;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile int counter, stage;

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&time, &time) != 0) {
    }
}

static void *adds(void *argument) {
    local += (int)(long)argument;
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return (void *)(long)local;
}

static void test_create(void) {
    enum { THREADS = 20 };
    pthread_t threads[THREADS];
    void *result;
    int n_ok = 0;

    for (long i = 0; i < THREADS; i++) {
        n_ok += pthread_create(&threads[i], NULL, adds, (void *)i) == 0;
    }
    CHECK(n_ok == THREADS);
    for (long i = 0; i < THREADS; i++) {
        n_ok += pthread_join(threads[i], &result) == 0 && (long)result == 42 + i;
    }
    CHECK(n_ok == 2 * THREADS && counter == THREADS * 1000 && local == 42);
}

static void *nothing(void *argument) {
    return argument;
}

static void test_many(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    int n_ok = 0;

    for (int i = 0; i < 300; i++) {
        n_ok +=
            pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
    }
    CHECK(n_ok == 300);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 300; i++) {
        n_ok += pthread_create(&thread, &attributes, nothing, NULL) == 0;
        if (i % 50 == 0) {
            sleep_ms(5);
        }
    }
    CHECK(n_ok == 600);
}

static void *waits(void *argument) {
    pthread_mutex_lock(&mutex);
    while (stage != (int)(long)argument) {
        pthread_cond_wait(&condition, &mutex);
    }
    stage++;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void test_condition(void) {
    enum { THREADS = 10 };
    pthread_t threads[THREADS];
    struct timespec until;

    stage = -1;
    for (long i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, waits, (void *)(THREADS - 1 - i));
    }
    sleep_ms(10);
    pthread_mutex_lock(&mutex);
    stage = 0;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(stage == THREADS);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &until) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static sem_t ping, pong;

static void *echoes(void *argument) {
    for (int i = 0; i < (int)(long)argument; i++) {
        sem_wait(&ping);
        counter++;
        sem_post(&pong);
    }
    return NULL;
}

static void test_semaphores(void) {
    pthread_t thread;

    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    counter = 0;
    pthread_create(&thread, NULL, echoes, (void *)500);
    for (int i = 0; i < 500; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(thread, NULL);
    CHECK(counter == 500 && sem_trywait(&ping) == -1 && errno == EAGAIN);
}

static volatile int cleaned;

static void cleanup(void *argument) {
    cleaned += (int)(long)argument;
}

static void *reads(void *argument) {
    char byte;

    pthread_cleanup_push(cleanup, (void *)1);
    read((int)(long)argument, &byte, 1);
    pthread_cleanup_pop(0);
    return NULL;
}

static void unlock(void *argument) {
    pthread_mutex_unlock(argument);
}

static void *waits_condition(void *argument) {
    (void)argument;
    pthread_cleanup_push(cleanup, (void *)10);
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    for (;;) {
        pthread_cond_wait(&condition, &mutex);
    }
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *spins(void *argument) {
    int old;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    while (old >= 0) {
        ++*(volatile long *)argument;
    }
    return NULL;
}

static void test_cancel(void) {
    pthread_t thread;
    void *result = NULL;
    int fds[2], n_ok = 0;
    long count = 0;

    pipe(fds);
    for (int i = 0; i < 20; i++) {
        pthread_create(&thread, NULL, reads, (void *)(long)fds[0]);
        if (i % 2 == 0) {
            sleep_ms(3); /* blocked by then; the others are cancelled on their way */
        }
        pthread_cancel(thread);
        n_ok += pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED;
    }
    CHECK(n_ok == 20 && cleaned <= 20 && cleaned >= 10);
    close(fds[0]);
    close(fds[1]);
    cleaned = 0;
    pthread_create(&thread, NULL, waits_condition, NULL);
    sleep_ms(10);
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 &&
          result == PTHREAD_CANCELED && cleaned == 10);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    pthread_create(&thread, NULL, spins, &count);
    sleep_ms(10);
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 &&
          result == PTHREAD_CANCELED);
}

static pthread_t handled_in;
static volatile sig_atomic_t n_handled;

static void handler(int signal) {
    (void)signal;
    handled_in = pthread_self();
    n_handled++;
}

static void *sleeps(void *argument) {
    struct timespec time = {5, 0};

    return nanosleep(&time, NULL) == -1 && errno == EINTR ? argument : NULL;
}

static void *blocks(void *argument) {
    sigset_t set;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwait(&set, &signal) == 0 && signal == SIGUSR2 ? argument : NULL;
}

static void test_signals(void) {
    struct sigaction action = {.sa_handler = handler};
    pthread_t thread;
    void *result;
    sigset_t set, old;

    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, sleeps, (void *)7);
    sleep_ms(10);
    CHECK(pthread_kill(thread, SIGUSR1) == 0 && pthread_join(thread, &result) == 0 &&
          result == (void *)7 && n_handled == 1 && pthread_equal(handled_in, thread));
    /* One for the process that this thread blocks goes to another. */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_create(&thread, NULL, sleeps, (void *)8);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    sleep_ms(10);
    CHECK(kill(getpid(), SIGUSR1) == 0 && pthread_join(thread, &result) == 0 &&
          result == (void *)8 && n_handled == 2 && pthread_equal(handled_in, thread));
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, blocks, (void *)9);
    sleep_ms(10);
    CHECK(kill(getpid(), SIGUSR2) == 0 && pthread_join(thread, &result) == 0 &&
          result == (void *)9);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static pthread_t first;

static void *signals_first(void *argument) {
    sleep_ms(20);
    return pthread_kill(first, SIGUSR1) == 0 ? argument : NULL;
}

/* The first thread is signalled by another, in this process and in a forked one. */
static bool first_is_woken(void) {
    struct timespec time = {5, 0};
    pthread_t thread;
    void *result;
    int before = n_handled;

    first = pthread_self();
    pthread_create(&thread, NULL, signals_first, (void *)1);
    bool woken = nanosleep(&time, NULL) == -1 && errno == EINTR && n_handled == before + 1 &&
                 pthread_equal(handled_in, first);
    return pthread_join(thread, &result) == 0 && result == (void *)1 && woken;
}

static void test_first(void) {
    int status;

    CHECK(first_is_woken());
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(first_is_woken() ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int n_once, n_destroyed;

static void make_once(void) {
    n_once++;
}

static void destroy(void *value) {
    n_destroyed += (int)(long)value;
}

static void *uses_key(void *argument) {
    pthread_once(&once, make_once);
    pthread_setspecific(key, argument);
    return pthread_getspecific(key);
}

static void test_keys(void) {
    pthread_t threads[4];

    pthread_key_create(&key, destroy);
    for (long i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, uses_key, (void *)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(n_once == 1 && n_destroyed == 10);
}

static void *forks(void *argument) {
    int status = -1;
    pid_t pid = fork();

    (void)argument;
    if (pid == 0) {
        pthread_t thread;
        bool ok = local == 42 && pthread_create(&thread, NULL, nothing, NULL) == 0 &&
                  pthread_join(thread, NULL) == 0;
        signal(SIGUSR2, SIG_IGN);
        _exit(ok && raise(SIGUSR2) == 0 ? 3 : 1); /* its only thread has its own number */
    }
    waitpid(pid, &status, 0);
    return (void *)(long)status;
}

static void test_fork(void) {
    pthread_t thread, busy;
    void *result;
    static long count;

    pthread_create(&busy, NULL, spins, &count);
    pthread_create(&thread, NULL, forks, NULL);
    CHECK(pthread_join(thread, &result) == 0 && result == (void *)(3 << 8));
    pthread_cancel(busy);
    pthread_join(busy, NULL);
}

static void *exits(void *argument) {
    sleep_ms(20);
    exit((int)(long)argument);
}

static void test_exit(void) {
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exits, (void *)6);
        pthread_join(thread, NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 6 << 8);
    pid = fork();
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exits, (void *)5);
        pthread_exit(NULL); /* the first thread goes, the process stays */
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 5 << 8);
}

int main(void) {
    test_create();
    test_many();
    test_condition();
    test_semaphores();
    test_cancel();
    test_signals();
    test_first();
    test_keys();
    test_fork();
    test_exit();
    return tap_end();
}

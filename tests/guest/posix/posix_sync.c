/* SPDX-License-Identifier: MIT */
/* Locks, semaphores, conditions and barriers: between processes, and where one has to wait. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "balance.h"
#include "tap.h"

enum { ROUNDS = 500, PROCESSES = 4, THREADS = 4 };

/* What processes have in common. */
static struct shared {
    sem_t items, room;
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    pthread_spinlock_t spin;
    long count, sum, turns;
    atomic_long inside, most_inside;
} * shared;

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static struct timespec in_ms(long ms) {
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void shared_begin(void) {
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;
    pthread_rwlockattr_t rwlock;
    pthread_barrierattr_t barrier;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&mutex);
    pthread_condattr_init(&condition);
    pthread_rwlockattr_init(&rwlock);
    pthread_barrierattr_init(&barrier);
    CHECK(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0 &&
          pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED) == 0 &&
          pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED) == 0 &&
          pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(sem_init(&shared->items, 1, 0) == 0 && sem_init(&shared->room, 1, 2) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &mutex) == 0 &&
          pthread_cond_init(&shared->turn, &condition) == 0 &&
          pthread_rwlock_init(&shared->rwlock, &rwlock) == 0 &&
          pthread_barrier_init(&shared->barrier, &barrier, PROCESSES) == 0 &&
          pthread_spin_init(&shared->spin, PTHREAD_PROCESS_SHARED) == 0);
}

/* Runs `body` in so many processes; how many of them say that all was well. */
static int processes(int n, bool (*body)(int i)) {
    int n_good = 0, status;

    fflush(stdout);
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            alarm(60);
            _exit(!body(i));
        }
    }
    while (wait(&status) > 0) {
        n_good += status == 0;
    }
    return n_good;
}

/* ---- between processes ---- */

/* The even ones make, the odd ones take. */
static bool exchange(int i) {
    for (int n = 0; n < ROUNDS; n++) {
        sem_t *wanted = i % 2 == 0 ? &shared->room : &shared->items;
        sem_t *given = i % 2 == 0 ? &shared->items : &shared->room;

        if (sem_wait(wanted) != 0 || pthread_mutex_lock(&shared->mutex) != 0) {
            return false;
        }
        shared->sum += i % 2 == 0 ? n : -n;
        shared->count++;
        pthread_mutex_unlock(&shared->mutex);
        sem_post(given);
    }
    return true;
}

static void test_semaphores(void) {
    int value;

    CHECK(processes(PROCESSES, exchange) == PROCESSES);
    CHECK(shared->count == ROUNDS * PROCESSES && shared->sum == 0);
    CHECK(sem_getvalue(&shared->items, &value) == 0 && value == 0);
    struct timespec soon = in_ms(50);
    CHECK_ERROR(sem_timedwait(&shared->items, &soon), ETIMEDOUT);
    CHECK_ERROR(sem_trywait(&shared->items), EAGAIN);
}

/* Each waits for its turn. */
static bool take_turns(int i) {
    for (int n = 0; n < ROUNDS / 5; n++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turns % PROCESSES != i) {
            pthread_cond_wait(&shared->turn, &shared->mutex);
        }
        shared->turns++;
        pthread_cond_broadcast(&shared->turn);
        pthread_mutex_unlock(&shared->mutex);
    }
    return true;
}

static void test_conditions(void) {
    shared->turns = 0;
    CHECK(processes(PROCESSES, take_turns) == PROCESSES);
    CHECK(shared->turns == PROCESSES * (ROUNDS / 5));
    struct timespec soon = in_ms(50);
    pthread_mutex_lock(&shared->mutex);
    CHECK(pthread_cond_timedwait(&shared->turn, &shared->mutex, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&shared->mutex);
}

static bool meet(int i) {
    int n_serial = 0;

    for (int n = 0; n < 50; n++) {
        long before = atomic_fetch_add(&shared->inside, 1);
        int result = pthread_barrier_wait(&shared->barrier);

        /* Nobody is ahead by a round: all have come to this one. */
        if (before / PROCESSES > n || atomic_load(&shared->inside) < (long)(n + 1) * PROCESSES) {
            return false;
        }
        n_serial += result == PTHREAD_BARRIER_SERIAL_THREAD;
    }
    atomic_fetch_add(&shared->most_inside, n_serial);
    return i >= 0;
}

static void test_barrier(void) {
    atomic_store(&shared->inside, 0);
    atomic_store(&shared->most_inside, 0);
    CHECK(processes(PROCESSES, meet) == PROCESSES);
    CHECK(atomic_load(&shared->most_inside) == 50);
}

static bool spin(int i) {
    for (int n = 0; n < ROUNDS; n++) {
        pthread_spin_lock(&shared->spin);
        shared->count++;
        pthread_spin_unlock(&shared->spin);
    }
    return i >= 0;
}

static void test_spinlock(void) {
    shared->count = 0;
    CHECK(processes(PROCESSES, spin) == PROCESSES && shared->count == PROCESSES * ROUNDS);
    pthread_spin_lock(&shared->spin);
    CHECK(pthread_spin_trylock(&shared->spin) == EBUSY);
    pthread_spin_unlock(&shared->spin);
}

/* Readers share, a writer does not; each waits for the other. */
static bool read_or_write(int i) {
    for (int n = 0; n < ROUNDS / 10; n++) {
        if (i == 0) {
            pthread_rwlock_wrlock(&shared->rwlock);
            bool alone = atomic_load(&shared->inside) == 0;

            shared->count++;
            sched_yield();
            shared->sum++;
            pthread_rwlock_unlock(&shared->rwlock);
            if (!alone) {
                return false;
            }
        } else {
            pthread_rwlock_rdlock(&shared->rwlock);
            long inside = atomic_fetch_add(&shared->inside, 1) + 1;
            bool is_whole = shared->count == shared->sum;

            sleep_ms(1);
            if (inside > atomic_load(&shared->most_inside)) {
                atomic_store(&shared->most_inside, inside);
            }
            atomic_fetch_sub(&shared->inside, 1);
            pthread_rwlock_unlock(&shared->rwlock);
            if (!is_whole) {
                return false;
            }
        }
    }
    return true;
}

static void test_rwlock(void) {
    shared->count = shared->sum = 0;
    atomic_store(&shared->inside, 0);
    atomic_store(&shared->most_inside, 0);
    CHECK(processes(PROCESSES, read_or_write) == PROCESSES);
    CHECK(shared->count == ROUNDS / 10 && atomic_load(&shared->most_inside) > 1);
    struct timespec soon = in_ms(50);
    pthread_rwlock_wrlock(&shared->rwlock);
    CHECK(pthread_rwlock_tryrdlock(&shared->rwlock) == EBUSY);
    pthread_rwlock_unlock(&shared->rwlock);
    pthread_rwlock_rdlock(&shared->rwlock);
    CHECK(pthread_rwlock_timedwrlock(&shared->rwlock, &soon) == ETIMEDOUT);
    pthread_rwlock_unlock(&shared->rwlock);
}

/* ---- between threads ---- */

static pthread_rwlock_t waited = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int n_through;

static void *writer(void *unused) {
    (void)unused;
    pthread_rwlock_wrlock(&waited);
    atomic_fetch_add(&n_through, 1);
    pthread_rwlock_unlock(&waited);
    return NULL;
}

static void test_waiting_writers(void) {
    pthread_t threads[THREADS];

    pthread_rwlock_rdlock(&waited);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, writer, NULL);
    }
    sleep_ms(50);
    CHECK(atomic_load(&n_through) == 0);
    pthread_rwlock_unlock(&waited);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(atomic_load(&n_through) == THREADS);
}

/* Kinds of mutexes, and what they answer. */
static void test_kinds(void) {
    pthread_mutexattr_t kind;
    pthread_mutex_t checking, recursive;

    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, &kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &kind);
    CHECK(pthread_mutex_unlock(&checking) == EPERM);
    CHECK(pthread_mutex_lock(&checking) == 0);
    CHECK(pthread_mutex_lock(&checking) == EDEADLK);
    CHECK(pthread_mutex_trylock(&checking) == EBUSY && pthread_mutex_unlock(&checking) == 0);
    CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
    CHECK(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
    CHECK(pthread_mutex_unlock(&recursive) == EPERM);
    struct timespec soon = in_ms(50);
    pthread_mutex_lock(&shared->mutex);
    CHECK(pthread_mutex_timedlock(&shared->mutex, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&shared->mutex);
}

static void test_all(void) {
    shared_begin();
    test_semaphores();
    test_conditions();
    test_barrier();
    test_spinlock();
    test_rwlock();
    test_waiting_writers();
    atomic_store(&n_through, 0);
    test_kinds();
    munmap(shared, sizeof *shared);
}

int main(void) {
    test_all();
    struct balance before = balance_settled();
    test_all();
    CHECK_THAT(balance_returns(&before, 64 * 1024), "nothing is left");
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * Programs that end in the middle of a call, for as many calls as there are (calls.c): two threads
 * loop in each, and at random moments they are killed from outside (SIGKILL), cancelled, deferred
 * and asynchronously, or stormed with signals. What is killed leaves nothing at the servers; what
 * is stormed gets right results, and EINTR only where POSIX has it.
 *
 *     posix_kills [ROUNDS [SEED [NAME]]]
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/posix/balance.h"
#include "tests/guest/posix/posix_kills/calls.h"
#include "tests/guest/posix/tap.h"

enum {
    THREADS = 2,
    ROUNDS = 3,
    STORM_CALLS = 25,
    CANCELS = 8,
    PATIENCE_S = 30,
    BREATH = 128 * 1024
};

/* What the child tells, in shared memory. */
static struct tally { volatile int running, ended, wrong, error, signals; } * tally;

static const struct call *current;
static int n_left; /* calls of each thread; -1: for ever */
static int cancel_type = PTHREAD_CANCEL_DEFERRED;
static int rounds = ROUNDS;
static const char *only;

static void moment(void) {
    for (volatile int i = rand() % 3000; i > 0; i--) {
    }
    if (rand() % 4 == 0) {
        sched_yield();
    }
}

static void count(volatile int *counter) {
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void note(int signal) {
    (void)signal;
    count(&tally->signals);
}

static void *loop(void *argument) {
    own_number = (unsigned)(size_t)argument;
    pthread_setcanceltype(cancel_type, NULL);
    count(&tally->running);
    for (int i = 0; i != n_left; i++) {
        errno = 0;
        switch (current->call()) {
        case RIGHT:
            break;
        case ENDED:
            count(&tally->ended);
            break;
        case WRONG:
            tally->error = errno;
            count(&tally->wrong);
            break;
        }
        pthread_testcancel();
    }
    return NULL;
}

/* Starts a child that loops in the call in THREADS threads. */
static pid_t child_start(const struct call *call, int n, int signal_flags) {
    struct sigaction action = {.sa_handler = note, .sa_flags = signal_flags};
    pthread_t threads[THREADS];

    *tally = (struct tally){0};
    current = call;
    n_left = n;
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    srand((unsigned)getpid());
    sigaction(SIGUSR1, &action, NULL);
    if (n >= 0) {
        alarm(PATIENCE_S); /* ends it by SIGALRM if a call never comes back */
    }
    for (size_t i = 1; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, loop, (void *)i);
    }
    loop(NULL);
    for (size_t i = 1; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    _exit(7);
}

static bool await_running(void) {
    for (int i = 0; i < 5000 && tally->running < THREADS; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return tally->running >= THREADS;
}

/* ---- SIGKILL ---- */

static bool kill_in(const struct call *call) {
    int status = 0;
    pid_t pid = child_start(call, -1, SA_RESTART);
    bool ok = await_running();

    moment();
    if (rand() % 2 == 0) {
        nanosleep(&(struct timespec){0, rand() % 2000000}, NULL);
    }
    bool killed = kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid;

    if (!killed || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || tally->wrong != 0 ||
        !ok) {
        printf("# status %x, %d wrong, errno %d, %d running\n", (unsigned)status, tally->wrong,
               tally->error, tally->running);
        return false;
    }
    return true;
}

/* ---- a storm ---- */

static bool storm(const struct call *call, int flags) {
    int status = 0;
    pid_t got, pid = child_start(call, STORM_CALLS, flags);
    bool may_end = call->interruption == ALWAYS || (call->interruption == NO_RESTART && flags == 0);
    bool ok = await_running();

    while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
        ok = kill(pid, SIGUSR1) == 0 && ok;
        moment();
    }
    if (status != 7 << 8 || tally->wrong != 0 || (tally->ended != 0 && !may_end)) {
        printf("# status %x, %d wrong, errno %d, %d ended, %d signals\n", (unsigned)status,
               tally->wrong, tally->error, tally->ended, tally->signals);
    }
    return ok && got == pid && status == 7 << 8 && tally->wrong == 0 &&
           (tally->ended == 0 || may_end);
}

/* ---- cancellation ---- */

/* In a child, since what is cancelled in the middle leaves descriptors open. Asynchronously POSIX
 * lets only three calls be cancelled. Ours may be all the same where the library takes no lock of
 * its own
 * (`locks`): the thread ends, and nothing else of the process stands still. Of the others only the
 * system must not notice. */
static bool cancel(const struct call *call, int type) {
    bool may_stick = type == PTHREAD_CANCEL_ASYNCHRONOUS && call->locks;
    int status;

    *tally = (struct tally){0};
    current = call;
    n_left = -1;
    cancel_type = type;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int n = 0;

        alarm(may_stick ? 1 : PATIENCE_S);
        for (int i = 0; i < CANCELS; i++) {
            pthread_t thread;
            void *result = NULL;

            if (pthread_create(&thread, NULL, loop, NULL) == 0) {
                moment();
                pthread_cancel(thread);
                n += pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED;
            }
        }
        _exit(n == CANCELS ? 7 : 1);
    }
    return waitpid(pid, &status, 0) == pid && (may_stick || status == 7 << 8);
}

/* ---- all of them ---- */

/* The i-th that is asked for; NULL: there are no more. */
static const struct call *call_at(size_t i) {
    static const struct call *const tables[] = {calls, quick_calls};

    for (size_t table = 0; table < sizeof tables / sizeof tables[0]; table++) {
        for (const struct call *call = tables[table]; call->name != NULL; call++) {
            if ((only == NULL || strcmp(only, call->name) == 0) && i-- == 0) {
                return call;
            }
        }
    }
    return NULL;
}

static void test_kills(void) {
    const struct call *call;
    char text[100];

    for (size_t i = 0; (call = call_at(i)) != NULL; i++) {
        bool ok = true;

        for (int round = 0; round < rounds; round++) {
            ok = kill_in(call) && ok;
        }
        snprintf(text, sizeof text, "killed in %s", call->name);
        CHECK_THAT(ok, text);
    }
}

static void test_storms(void) {
    const struct call *call;
    char text[100];

    for (size_t i = 0; (call = call_at(i)) != NULL; i++) {
        if (!call->blocks) {
            snprintf(text, sizeof text, "%s in a storm of signals", call->name);
            CHECK_THAT(storm(call, 0), text);
            snprintf(text, sizeof text, "%s in a storm of signals, with SA_RESTART", call->name);
            CHECK_THAT(storm(call, SA_RESTART), text);
        }
    }
}

static void test_cancels(int type) {
    const char *how = type == PTHREAD_CANCEL_DEFERRED ? "" : "asynchronously ";
    const struct call *call;
    char text[100];

    for (size_t i = 0; (call = call_at(i)) != NULL; i++) {
        if (!call->no_cancel) {
            snprintf(text, sizeof text, "%scancelled in %s", how, call->name);
            CHECK_THAT(cancel(call, type), text);
        }
    }
}

int main(int argc, char **argv) {
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)time(NULL);

    rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    only = argc > 3 ? argv[3] : NULL;
    printf("# seed %u\n", seed);
    srand(seed);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(calls_prepare())) {
        return tap_end();
    }
    test_kills(); /* with this, what lives on is warm */
    calls_clean();
    struct balance before = balance_settled();

    test_kills();
    calls_clean();
    CHECK_THAT(balance_returns(&before, BREATH), "who is killed leaves nothing");
    test_storms();
    calls_clean();
    CHECK_THAT(balance_returns(&before, BREATH), "who is stormed leaves nothing");
    test_cancels(PTHREAD_CANCEL_DEFERRED);
    calls_clean();
    CHECK_THAT(balance_returns(&before, BREATH), "who is cancelled leaves nothing");
    test_cancels(PTHREAD_CANCEL_ASYNCHRONOUS);
    calls_clean();
    CHECK_THAT(balance_returns(&before, BREATH), "who is asynchronously cancelled leaves nothing");
    calls_end();
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * Bombs: programs that make processes and threads without end, by fork, posix_spawn and
 * pthread_create, and that hold what proc gives them. Each ends at the session's budget, or at its
 * share of the proc server, with the error that POSIX has for it; killed, it leaves nothing, so
 * that the next one gets as far. Not for hosts: nothing holds a bomb there.
 *
 * With 0 rounds the bomb goes on until somebody ends it (tests/system/test_logins.py).
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "balance.h"
#include "tap.h"

enum { ROUNDS = 3, KIB = 1024, REFUSALS = 20 };

extern char **environ;

/* What the bomb tells, in memory that all its processes share. */
struct tally {
    volatile int made, refused, wrong; /* wrong: errno of an error that none should be */
};
static struct tally *tally;

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&time, &time) != 0) {
    }
}

static void count(volatile int *counter) {
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void count_refusal(int error) {
    if (error != EAGAIN && error != ENOMEM) {
        tally->wrong = error;
    }
    count(&tally->refused);
}

/* ---- the bombs ---- */

static void bomb_fork(void) {
    for (;;) {
        pid_t pid = fork();

        if (pid < 0) {
            count_refusal(errno);
            sleep_ms(10);
        } else if (pid > 0) {
            count(&tally->made);
        }
    }
}

/* Children that end and that nobody waits for. */
static void bomb_zombies(void) {
    for (;;) {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(0);
        }
        if (pid < 0) {
            count_refusal(errno);
            sleep_ms(10);
        } else {
            count(&tally->made);
        }
    }
}

/* Each in a session of its own, with zombies. */

static void bomb_spawn(void) {
    char *argv[] = {(char[]){"sleep"}, (char[]){"1000"}, NULL};
    pid_t pid;

    for (;;) {
        int error = posix_spawn(&pid, "/bin/sleep", NULL, NULL, argv, environ);

        if (error != 0) {
            count_refusal(error);
            sleep_ms(10);
        } else {
            count(&tally->made);
        }
    }
}

static void *sleeps(void *argument) {
    for (;;) {
        pause();
    }
    return argument;
}

/* Takes memory until no more can be had, and gives some of it back: the budget would have room for
 * more threads than a test has time for. The file server fills it, so that we do not fault. */
static void take_memory(void) {
    enum { PIECES = 1024, PIECE = 256 * KIB, BACK = 24 };
    static void *pieces[PIECES];
    int fd = open("/dev/zero", O_RDONLY), n = 0;
    ssize_t got = PIECE;

    while (n < PIECES && got == PIECE) {
        pieces[n] = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        got = 0;
        while (pieces[n] != MAP_FAILED && got < PIECE) {
            ssize_t part = read(fd, (char *)pieces[n] + got, (size_t)(PIECE - got));

            if (part <= 0) {
                break;
            }
            got += part;
        }
        n += pieces[n] != MAP_FAILED;
    }
    for (int i = 0; i < BACK && n > 0; i++) {
        munmap(pieces[--n], PIECE);
    }
    close(fd);
}

static void bomb_threads(void) {
    pthread_attr_t attributes;
    pthread_t thread;

    take_memory();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16 * KIB);
    for (;;) {
        int error = pthread_create(&thread, &attributes, sleeps, NULL);

        if (error != 0) {
            /* POSIX has no other for too many of them. */
            count_refusal(error == EAGAIN ? EAGAIN : -error);
            sleep_ms(10);
        } else {
            count(&tally->made);
        }
    }
}

/* Threads that all wait for a child, with requests that proc has to keep. */
static void *waits(void *argument) {
    for (;;) {
        if (waitpid(-1, NULL, 0) < 0) {
            count_refusal(errno);
            sleep_ms(10);
        }
    }
    return argument;
}

static void bomb_waits(void) {
    pthread_attr_t attributes;
    pthread_t thread;

    if (fork() == 0) {
        sleeps(NULL);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16 * KIB);
    for (;;) {
        int error = pthread_create(&thread, &attributes, waits, NULL);

        if (error != 0) {
            count_refusal(error);
            sleep_ms(10);
        } else {
            count(&tally->made);
        }
    }
}

/* Open files of proc, each with a list that it has to keep, which is a long one; as many as there
 * are descriptors for, in several processes. */
static void bomb_lists(void) {
    for (int i = 0; i < 50; i++) {
        if (fork() == 0) {
            if (i % 8 == 0) {
                sleep_ms(300); /* until all are there: a shorter list takes less */
                break;
            }
            sleeps(NULL);
        }
    }
    for (;;) {
        int fd = open("/proc/list", O_RDONLY);

        if (fd >= 0) {
            count(&tally->made);
            continue;
        }
        if (errno != EMFILE) {
            count_refusal(errno == ENFILE ? EAGAIN : errno);
        }
        sleep_ms(10);
    }
}

/* Signals with values for processes that do not take them. */
static void bomb_queue(void) {
    sigset_t set;

    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL); /* the children's too: unblocked, the signal ends one */
    for (;;) {
        pid_t pid = fork();

        if (pid == 0) {
            sleeps(NULL);
        }
        if (pid < 0) {
            count_refusal(errno);
            sleep_ms(10);
            continue;
        }
        while (sigqueue(pid, SIGRTMIN, (union sigval){0}) == 0) {
            count(&tally->made);
        }
        if (errno != ESRCH) {
            count_refusal(errno);
        }
    }
}

/* In process after process, for ever. */
static void bomb_children(void (*child)(void)) {
    for (;;) {
        pid_t pid = fork();

        if (pid == 0) {
            child();
        } else if (pid < 0) {
            count_refusal(errno);
            sleep_ms(10);
        }
        sleep_ms(5); /* for the child: else there would be processes that have nothing */
    }
}

/* As many descriptors as there can be. */
static void descriptors_take(bool (*take)(void)) {
    for (;;) {
        if (take()) {
            count(&tally->made);
        } else if (errno != EMFILE) {
            count_refusal(errno == ENFILE || errno == ENOSPC ? EAGAIN : errno);
            sleep_ms(100); /* it is memory that is tried here, not the processor */
        } else {
            sleeps(NULL);
        }
    }
}

/* A pipe that is full. */
static bool take_pipe(void) {
    static const char content[4 * KIB];
    int ends[2];

    if (pipe2(ends, O_NONBLOCK) != 0) {
        return false;
    }
    while (write(ends[1], content, sizeof content) > 0) {
    }
    return true;
}

static void pipes_take(void) {
    descriptors_take(take_pipe);
}

static void bomb_pipes(void) {
    bomb_children(pipes_take);
}

/* An open file of each server that has some left. */
static bool take_files(void) {
    static const char *const paths[] = {"/bin/sleep", "/dev/null",    "/tmp",
                                        "/dev",       "/proc/memory", "/etc"};
    bool any = false;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (open(paths[i], O_RDONLY) >= 0) {
            any = true;
        } else if (errno == EMFILE) {
            return false;
        }
    }
    return any;
}

static void files_take(void) {
    descriptors_take(take_files);
}

static void bomb_files(void) {
    bomb_children(files_take);
}

static void memory_take(void) {
    enum { PIECE = 256 * KIB };

    for (;;) {
        char *piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (piece == MAP_FAILED) {
            count_refusal(errno);
            sleeps(NULL);
        }
        for (size_t i = 0; i < PIECE; i += 4 * KIB) {
            piece[i] = 1;
        }
        count(&tally->made);
    }
}

/* Takes memory, and again as soon as the process that had it was killed for that. */
static void bomb_memory(void) {
    for (;;) {
        pid_t pid = fork();

        if (pid == 0) {
            memory_take();
        } else if (pid < 0) {
            count_refusal(errno);
            sleep_ms(10);
        } else if (waitpid(pid, NULL, 0) == pid) {
            count(&tally->refused);
        }
    }
}

/* ---- setting them off ---- */

/* The prompt of somebody else, as it were: a process that was there before the bomb goes on to get
 * answers from proc and the file server. */
static bool others_work(void) {
    return getpgid(0) > 0 && kill(getpid(), 0) == 0 && access("/tmp", F_OK) == 0;
}

/* How many there are when no more come: attempts that are under way take from what the others could
 * have, and several processors have several of them. At most a second. */
static int made_at_last(void) {
    enum { QUIET = 5 };
    int made = tally->made;

    for (int i = 0, quiet = 0; i < 100 && quiet < QUIET; i++) {
        sleep_ms(10);
        quiet = tally->made == made ? quiet + 1 : 0;
        made = tally->made;
    }
    return made;
}

/* Runs a bomb until it has been refused often; how many it had made. */
static int set_off(void (*bomb)(void), bool *ok) {
    int status;

    *tally = (struct tally){0};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        bomb();
    }
    setpgid(pid, pid);
    for (int i = 0; i < 3000 && tally->refused < REFUSALS; i++) {
        *ok = others_work() && *ok;
        sleep_ms(10);
    }
    int made = made_at_last();

    *ok = *ok && tally->refused >= REFUSALS && tally->wrong == 0;
    if (tally->wrong != 0 || tally->refused < REFUSALS) {
        printf("# %d made, %d refused, wrong errno %d\n", made, tally->refused, tally->wrong);
    }
    *ok = kill(-pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
          WTERMSIG(status) == SIGKILL && *ok;
    return made;
}

struct bomb {
    void (*bomb)(void);
    const char *name;
    bool is_steady; /* each gets as far as the first */
    long breath;    /* bytes of heaps that live on, as far as they may have grown */
};

static const struct bomb bombs[] = {
    {bomb_fork, "fork", true, 64 * KIB},
    {bomb_zombies, "zombies", true, 64 * KIB},
    {bomb_spawn, "spawn", true, 64 * KIB},
    {bomb_threads, "threads", true, 64 * KIB},
    {bomb_waits, "waits", false, 64 * KIB},
    {bomb_lists, "lists", true, 64 * KIB},
    {bomb_queue, "queue", true, 64 * KIB},
    /* The server's heap for 2,048 pipes finds its size within some rounds. */
    {bomb_pipes, "pipes", true, 512 * KIB},
    /* So for the heaps of all servers and their open files. */
    {bomb_files, "files", false, 512 * KIB},
    {bomb_memory, "memory", false, 64 * KIB},
};

static void test_bomb(const struct bomb *bomb, int rounds) {
    struct balance before = balance_settled();
    char text[100];
    int first = 0, made = 0;
    bool ok = true, same = true;

    for (int i = 0; i < rounds; i++) {
        if (i == 1) {
            before = balance_settled(); /* the first one leaves warm heaps */
        }
        made = set_off(bomb->bomb, &ok);
        first = i == 0 ? made : first;
        same = (balance_returns(&before, bomb->breath) || i == 0) && same;
        printf("# %s: %d made\n", bomb->name, made);
    }
    snprintf(text, sizeof text, "%s: refused with the right error, and others work", bomb->name);
    CHECK_THAT(ok, text);
    snprintf(text, sizeof text, "%s: nothing is left", bomb->name);
    CHECK_THAT(same, text);
    snprintf(text, sizeof text, "%s: the last gets as far as the first", bomb->name);
    CHECK_THAT(!bomb->is_steady || made > first / 10 * 8, text);
}

static void kill_group(int number) {
    (void)number;
    kill(0, SIGKILL);
}

/* Until Ctrl-C, which then ends those too that block it. Says when it has got as far as it can. */
static void set_off_for_good(void (*bomb)(void)) {
    signal(SIGINT, kill_group);
    if (fork() == 0) {
        signal(SIGINT, SIG_DFL);
        bomb();
    }
    while (tally->refused < REFUSALS) {
        sleep_ms(10);
    }
    printf("bomb: as far as it can (%d)\n", tally->made);
    fflush(stdout);
    sleeps(NULL);
}

/* posix_bombs [NAME] [ROUNDS] */
int main(int argc, char **argv) {
    int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;

    if (access("/proc/kernel", R_OK) != 0) {
        printf("ok 1 - nothing holds a bomb here\n");
        return 0;
    }
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        if (argc < 2 || strcmp(argv[1], bombs[i].name) == 0) {
            if (rounds == 0) {
                set_off_for_good(bombs[i].bomb);
            }
            test_bomb(&bombs[i], rounds);
        }
    }
    return tap_end();
}

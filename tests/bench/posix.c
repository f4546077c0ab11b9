/* SPDX-License-Identifier: MIT */
/*
 * What POSIX calls cost, on EuraliOS and on Linux: the same source, each with its own C library
 * (musl and glibc), both static.
 *
 *   posix_getpid, posix_getppid
 *   posix_pipe_round_trip       a byte to another process and one back, through two pipes
 *   posix_spawn_exit_wait       posix_spawn of this program, its exit, waitpid
 *   posix_fork_exit_wait        fork, _exit in the child, waitpid
 *   posix_vfork_exit_wait       the same with vfork
 *   posix_pthread_create_join   a thread that does nothing
 *   posix_mmap_touch_munmap     one anonymous page, written to
 *   posix_read_4k, _64k         pread from a file in memory, into memory that was touched before
 *   posix_write_4k              pwrite to pages that the file has already
 *   posix_open_close            open for reading, close
 *   posix_stat
 *   posix_create_unlink         open of a file that is not there yet, close, unlink
 *   posix_clock_gettime         CLOCK_MONOTONIC
 */
#include "tests/bench/posix.h"

#include "tests/bench/measure.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SMALL = 4096, LARGE = 65536 };

#define FOLDER    "/tmp" /* in memory on both systems */
#define FILE_NAME FOLDER "/bench-file"
#define NEW_NAME  FOLDER "/bench-new"

static char buffer[LARGE] __attribute__((aligned(SMALL)));
static volatile long sink; /* the compiler must not leave anything out */

static const char *only; /* the row to measure, NULL: all */

#define ROW(name, n, statement)                                                                    \
    do {                                                                                           \
        if (only == NULL || strcmp(only, name) == 0) {                                             \
            bench_row(name, MEASURE(n, statement));                                                \
        }                                                                                          \
    } while (0)

static void must(int done, const char *what) {
    if (!done) {
        printf("bench failed: %s\n", what);
        exit(1);
    }
}

/* ---- processes ---- */

static void await(pid_t child) {
    int status;

    must(waitpid(child, &status, 0) == child && status == 0, "waitpid");
}

static void fork_exit_wait(void) {
    pid_t child = fork();

    must(child >= 0, "fork");
    if (child == 0) {
        _exit(0);
    }
    await(child);
}

static void vfork_exit_wait(void) {
    pid_t child = vfork();

    must(child >= 0, "vfork");
    if (child == 0) {
        _exit(0);
    }
    await(child);
}

static void spawn_exit_wait(const char *program) {
    char *arguments[] = {(char *)program, "exit", NULL};
    pid_t child;

    must(posix_spawn(&child, program, NULL, NULL, arguments, arguments + 2) == 0, "posix_spawn");
    await(child);
}

/* A byte through the pipe `to`, one back through `from`. */
static void pipe_round_trip(int to, int from) {
    must(write(to, buffer, 1) == 1, "write to a pipe");
    must(read(from, buffer, 1) == 1, "read from a pipe");
}

static void bench_pipes(void) {
    int there[2], back[2];

    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        while (read(there[0], buffer, 1) == 1 && write(back[1], buffer, 1) == 1) {
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    ROW("posix_pipe_round_trip", 100, pipe_round_trip(there[1], back[0]));
    close(there[1]);
    close(back[0]);
    await(child);
}

/* ---- threads and memory ---- */

static void *thread_body(void *argument) {
    return argument;
}

static void create_join(void) {
    pthread_t thread;

    must(pthread_create(&thread, NULL, thread_body, NULL) == 0, "pthread_create");
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}

static void map_touch_unmap(void) {
    char *page = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must(page != MAP_FAILED, "mmap");
    *(volatile char *)page = 1;
    must(munmap(page, SMALL) == 0, "munmap");
}

/* ---- files ---- */

static void open_close(void) {
    int fd = open(FILE_NAME, O_RDONLY);

    must(fd >= 0, "open");
    must(close(fd) == 0, "close");
}

static void create_unlink(void) {
    int fd = open(NEW_NAME, O_CREAT | O_EXCL | O_WRONLY, 0600);

    must(fd >= 0, "create");
    must(close(fd) == 0, "close");
    must(unlink(NEW_NAME) == 0, "unlink");
}

static void bench_files(void) {
    struct stat stat_buffer;

    mkdir(FOLDER, 0777); /* Linux's first file system is empty */
    memset(buffer, 1, sizeof buffer);
    int fd = open(FILE_NAME, O_CREAT | O_TRUNC | O_RDWR, 0600);
    must(fd >= 0, "open for writing");
    must(write(fd, buffer, LARGE) == LARGE, "write");

    ROW("posix_read_4k", 100, must(pread(fd, buffer, SMALL, 0) == SMALL, "read"));
    ROW("posix_read_64k", 100, must(pread(fd, buffer, LARGE, 0) == LARGE, "read"));
    ROW("posix_write_4k", 100, must(pwrite(fd, buffer, SMALL, 0) == SMALL, "write"));
    must(close(fd) == 0, "close");
    ROW("posix_open_close", 100, open_close());
    ROW("posix_stat", 100, must(stat(FILE_NAME, &stat_buffer) == 0, "stat"));
    ROW("posix_create_unlink", 100, create_unlink());
    must(unlink(FILE_NAME) == 0, "unlink");
}

void bench_posix(const char *program, const char *row) {
    struct timespec now;

    only = row;
    ROW("posix_getpid", 1000, sink = getpid());
    ROW("posix_getppid", 1000, sink = getppid());
    bench_pipes();
    ROW("posix_spawn_exit_wait", 10, spawn_exit_wait(program));
    ROW("posix_fork_exit_wait", 10, fork_exit_wait());
    ROW("posix_vfork_exit_wait", 10, vfork_exit_wait());
    ROW("posix_pthread_create_join", 100, create_join());
    ROW("posix_mmap_touch_munmap", 100, map_touch_unmap());
    bench_files();
    ROW("posix_clock_gettime", 1000, clock_gettime(CLOCK_MONOTONIC, &now));
}

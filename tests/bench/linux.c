/* SPDX-License-Identifier: MIT */
/*
 * The Linux column of `make bench`: the nearest that Linux has to each row of ours, run as the
 * first process of a Debian kernel under the same emulator. Not part of EuraliOS.
 *
 *   null_call                     getppid through syscall()
 *   ipc_round_trip                a byte through a pipe and back, two processes
 *   ipc_round_trip_same_process   the same, two threads
 *   lent_4k                       4 KiB to another process and a byte back, Unix socket pair
 *   page_fault                    first touch of a page of anonymous memory
 *   program_start                 posix_spawn of this program (static), its exit, wait
 *   thread_create_join            pthread_create, pthread_join
 *   clock_read                    clock_gettime(CLOCK_MONOTONIC), through the vdso
 *   posix_...                     tests/bench/posix.c
 *   boot_to_ready                 power-on to the first instruction of this program's main
 *
 * page_fault_pooled has no counterpart: Linux zeroes each page at the fault.
 */
#define _GNU_SOURCE
#include "tests/bench/measure.h"
#include "tests/bench/posix.h"

#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 256 };

/* The answering side of the round trips: [0] to read from, [1] to write to. */
struct ends {
    int in;
    int out;
    size_t size;
};

static void must(int done) {
    if (!done) {
        printf("bench failed\n");
        exit(1);
    }
}

static void *answer(void *argument) {
    struct ends *ends = argument;
    static char buffer[PAGE];
    size_t got = 0;

    for (;;) {
        ssize_t n = read(ends->in, buffer, ends->size - got);
        if (n <= 0) {
            return NULL;
        }
        got += (size_t)n;
        if (got == ends->size) {
            got = 0;
            must(write(ends->out, buffer, 1) == 1);
        }
    }
}

static void round_trip(struct ends *ends) {
    static char buffer[PAGE];

    must(write(ends->out, buffer, ends->size) == (ssize_t)ends->size);
    must(read(ends->in, buffer, 1) == 1);
}

static uint64_t measure_processes(struct ends near, struct ends far) {
    pid_t child = fork();

    must(child >= 0);
    if (child == 0) {
        close(near.in);
        close(near.out);
        answer(&far);
        _exit(0);
    }
    close(far.in);
    if (far.out != far.in) {
        close(far.out);
    }
    uint64_t ticks = MEASURE(100, round_trip(&near));
    close(near.in);
    close(near.out);
    waitpid(child, NULL, 0);
    return ticks;
}

static void bench_pipes(void) {
    int there[2], back[2];

    must(pipe(there) == 0 && pipe(back) == 0);
    bench_row("ipc_round_trip", measure_processes((struct ends){back[0], there[1], 1},
                                                  (struct ends){there[0], back[1], 1}));

    must(pipe(there) == 0 && pipe(back) == 0);
    struct ends near = {back[0], there[1], 1}, far = {there[0], back[1], 1};
    pthread_t thread;
    must(pthread_create(&thread, NULL, answer, &far) == 0);
    bench_row("ipc_round_trip_same_process", MEASURE(100, round_trip(&near)));
    close(near.out);
    pthread_join(thread, NULL);

    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    bench_row("lent_4k", measure_processes((struct ends){pair[0], pair[0], PAGE},
                                           (struct ends){pair[1], pair[1], PAGE}));
}

static void bench_page_fault(void) {
    uint64_t best = UINT64_MAX;

    for (int batch = 0; batch < MEASURE_BATCHES; batch++) {
        char *pages =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(pages != MAP_FAILED);
        madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE);
        uint64_t start = ticks_now();
        for (int i = 0; i < PAGES; i++) {
            ((volatile char *)pages)[i * PAGE] = 1;
        }
        uint64_t took = ticks_now() - start;
        best = took < best ? took : best;
        munmap(pages, PAGES * PAGE);
    }
    bench_row("page_fault", best / PAGES);
}

static void start_program(void) {
    static char *arguments[] = {"/init", "exit", NULL};
    pid_t child;

    must(posix_spawn(&child, "/init", NULL, NULL, arguments, arguments + 2) == 0);
    must(waitpid(child, NULL, 0) == child);
}

static void *thread_body(void *argument) {
    return argument;
}

static void create_and_join(void) {
    pthread_t thread;

    must(pthread_create(&thread, NULL, thread_body, NULL) == 0);
    must(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv) {
    uint64_t at_start = ticks_now();
    struct timespec now;

    if (argc > 1 && strcmp(argv[1], "exit") == 0) {
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_row("boot_to_ready", at_start);
    bench_row("null_call", MEASURE(1000, syscall(SYS_getppid)));
    bench_pipes();
    bench_page_fault();
    bench_row("program_start", MEASURE(10, start_program()));
    bench_row("thread_create_join", MEASURE(100, create_and_join()));
    bench_row("clock_read", MEASURE(1000, clock_gettime(CLOCK_MONOTONIC, &now)));
    bench_posix("/init", NULL);
    printf("bench end 0\n");
    if (iopl(3) == 0) {
        outl(0, 0xf4); /* QEMU's debug exit */
    }
    reboot(RB_POWER_OFF);
    return 0;
}

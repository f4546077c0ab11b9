/* SPDX-License-Identifier: MIT */
/* Pipes, and waiting for several files. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static long now_ms(clockid_t clock) {
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void test_pipe(void) {
    enum { BYTES = 300000 };
    int fds[2], status;
    char *data = malloc(BYTES), *copy = malloc(BYTES);
    size_t done = 0;
    ssize_t n;

    for (int i = 0; i < BYTES; i++) {
        data[i] = (char)(i * 31 + i / 1000);
    }
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        _exit(write(fds[1], data, BYTES) == BYTES ? 0 : 1);
    }
    close(fds[1]);
    while ((n = read(fds[0], copy + done, BYTES - done)) > 0) {
        done += (size_t)n;
    }
    CHECK(done == BYTES && memcmp(data, copy, BYTES) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_ERROR(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
    close(fds[0]);
    free(data);
    free(copy);
}

static void test_nonblock(void) {
    int fds[2];
    char block[4096] = "", byte;
    long total = 0;
    ssize_t n;

    CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK_ERROR(read(fds[0], &byte, 1), EAGAIN);
    while ((n = write(fds[1], block, sizeof block)) > 0) {
        total += n;
    }
    CHECK(n == -1 && errno == EAGAIN && total == 65536);
    CHECK(read(fds[0], block, 100) == 100);
    CHECK_ERROR(write(fds[1], block, sizeof block), EAGAIN);
    CHECK(fcntl(fds[0], F_GETFL) == O_NONBLOCK && fcntl(fds[1], F_GETFD) == FD_CLOEXEC);
    close(fds[0]);
    close(fds[1]);
}

/* Many writers: no piece of up to PIPE_BUF bytes is torn, of however many parts it is. */
static void test_atomic(int n_parts) {
    enum { WRITERS = 4, PIECES = 50, BYTES = 3000, PARTS_MAX = 30 };
    struct iovec parts[PARTS_MAX];
    int fds[2], n_torn = 0, n = 0;
    char piece[BYTES];

    pipe(fds);
    fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            memset(piece, 'a' + i, sizeof piece);
            for (int j = 0; j < n_parts; j++) {
                parts[j] = (struct iovec){piece + BYTES / n_parts * j, (size_t)(BYTES / n_parts)};
            }
            for (int j = 0; j < PIECES; j++) {
                writev(fds[1], parts, n_parts);
            }
            _exit(0);
        }
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    while (fread(piece, sizeof piece, 1, in) == 1) {
        n++;
        for (int i = 1; i < BYTES; i++) {
            n_torn += piece[i] != piece[0];
        }
    }
    fclose(in);
    while (wait(NULL) > 0) {
    }
    CHECK(n == WRITERS * PIECES && n_torn == 0);
}

static void test_poll(void) {
    int one[2], two[2];
    char byte;
    long begin;

    pipe(one);
    pipe(two);
    struct pollfd fds[3] = {{one[0], POLLIN, 0}, {two[0], POLLIN, 0}, {-1, POLLIN, 7}};
    CHECK(poll(fds, 3, 0) == 0 && fds[2].revents == 0);
    begin = now_ms(CLOCK_MONOTONIC);
    CHECK(poll(fds, 2, 60) == 0 && now_ms(CLOCK_MONOTONIC) - begin >= 60);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(40);
        write(two[1], "x", 1);
        sleep_ms(40);
        write(one[1], "y", 1);
        _exit(0);
    }
    CHECK(poll(fds, 2, 5000) == 1 && fds[0].revents == 0 && fds[1].revents == POLLIN);
    CHECK(read(two[0], &byte, 1) == 1 && byte == 'x');
    CHECK(poll(fds, 2, -1) == 1 && fds[0].revents == POLLIN && fds[1].revents == 0);
    CHECK(read(one[0], &byte, 1) == 1 && byte == 'y');
    waitpid(pid, NULL, 0);
    struct pollfd out = {one[1], POLLOUT, 0};
    CHECK(poll(&out, 1, 0) == 1 && out.revents == POLLOUT);
    close(one[1]);
    CHECK(poll(fds, 1, 1000) == 1 && (fds[0].revents & POLLHUP) != 0);
    close(two[0]);
    out.fd = two[1];
    CHECK(poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0);
    fds[0].fd = 900;
    CHECK(poll(fds, 1, 0) == 1 && fds[0].revents == POLLNVAL);
    close(one[0]);
    close(two[1]);
    int file = open("/dev/null", O_RDWR);
    out = (struct pollfd){file, POLLIN | POLLOUT, 0};
    CHECK(poll(&out, 1, -1) == 1 && out.revents == (POLLIN | POLLOUT));
    close(file);
}

/* Two entries for one open file: each has a watch of its own. Were there one, each would drive away
 * the other's, and the wait be a loop. */
static void test_twice(void) {
    static char block[65536];
    int fds[2], second, n;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    second = dup(fds[0]);
    const struct pollfd lists[][2] = {
        {{fds[0], POLLOUT, 0}, {fds[0], POLLIN, 0}},
        {{fds[0], POLLIN, 0}, {fds[0], POLLOUT, 0}},
        {{fds[0], POLLOUT, 0}, {second, POLLIN, 0}},
        {{fds[0], POLLOUT, 0}, {second, 0, 0}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct pollfd list[2];

        memcpy(list, lists[i], sizeof list);
        n = 0;
        while (write(fds[0], block, sizeof block) > 0) {
            n++;
        }
        CHECK(n > 0 && errno == EAGAIN && poll(list, 2, 0) == 0);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            sleep_ms(400);
            while (read(fds[1], block, sizeof block) > 0) {
            }
            _exit(0);
        }
        long begin = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        CHECK(poll(list, 2, 10000) == 1 && (list[0].revents | list[1].revents) == POLLOUT);
        CHECK(now_ms(CLOCK_MONOTONIC) - begin < 8000);
        CHECK(now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu < 50);
        waitpid(pid, NULL, 0);
    }
    close(second);
    close(fds[0]);
    close(fds[1]);
}

static void test_select(void) {
    int fds[2];
    fd_set in, out;
    struct timeval timeout = {0, 30000};

    pipe(fds);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    CHECK(select(fds[1] + 1, &in, NULL, NULL, &timeout) == 0 && !FD_ISSET(fds[0], &in));
    write(fds[1], "x", 1);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &out);
    CHECK(select(fds[1] + 1, &in, &out, NULL, NULL) == 2 && FD_ISSET(fds[0], &in) &&
          FD_ISSET(fds[1], &out));
    close(fds[0]);
    close(fds[1]);
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    timeout = (struct timeval){0, 0};
    CHECK_ERROR(select(fds[0] + 1, &in, NULL, NULL, &timeout), EBADF);
}

/* Each of many that wait for one open file sleeps: nobody's place is taken by another. */
static void test_many(void) {
    enum { POLLERS = 40, WAIT_MS = 1500 };
    struct rusage before, after;
    pid_t pids[POLLERS];
    int fds[2], status, n_ok = 0;

    getrusage(RUSAGE_CHILDREN, &before);
    pipe(fds);
    fflush(stdout);
    for (int i = 0; i < POLLERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct pollfd entry = {.fd = fds[0], .events = POLLIN};

            _exit(poll(&entry, 1, WAIT_MS));
        }
    }
    for (int i = 0; i < POLLERS; i++) {
        n_ok += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
    }
    getrusage(RUSAGE_CHILDREN, &after);
    long used_ms = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000 +
                   (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1000;
    CHECK(n_ok == POLLERS && used_ms < WAIT_MS / 3);
    close(fds[0]);
    close(fds[1]);
}

static void test_pair(void) {
    static char block[100000];
    int fds[2], status;
    size_t sent = 0;
    ssize_t n;
    char byte;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(write(fds[0], "a", 1) == 1 && write(fds[1], "b", 1) == 1);
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'b' && read(fds[1], &byte, 1) == 1 && byte == 'a');
    CHECK(send(fds[0], "c", 1, 0) == 1 && recv(fds[1], &byte, 1, 0) == 1 && byte == 'c');
    CHECK_ERROR(recv(fds[1], &byte, 1, MSG_DONTWAIT), EAGAIN);
    while ((n = send(fds[0], block, sizeof block, MSG_DONTWAIT)) > 0) {
        sent += (size_t)n;
    }
    CHECK(n == -1 && errno == EAGAIN && sent > 0 && sent < 100 * sizeof block);
    while ((n = recv(fds[1], block, sizeof block, MSG_DONTWAIT)) > 0) {
        sent -= (size_t)n;
    }
    CHECK(n == -1 && errno == EAGAIN && sent == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        send(fds[0], block, 1000, 0);
        sleep_ms(40);
        _exit(send(fds[0], block, sizeof block, 0) == sizeof block ? 0 : 1);
    }
    CHECK(recv(fds[1], block, sizeof block, MSG_WAITALL) == sizeof block);
    CHECK(recv(fds[1], block, sizeof block, 0) == 1000);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fds[0]);
    CHECK(read(fds[1], &byte, 1) == 0);
    close(fds[1]);
}

int main(void) {
    test_pipe();
    test_nonblock();
    test_atomic(1);
    test_atomic(30);
    test_poll();
    test_twice();
    test_select();
    test_many();
    test_pair();
    return tap_end();
}

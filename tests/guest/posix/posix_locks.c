/* SPDX-License-Identifier: MIT */
/* Record locks between processes. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static int fd;

static int lock(int command, short type, off_t start, off_t length) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

    return fcntl(fd, command, &lock);
}

/* Runs it in a child that has opened the file itself; its result. */
static int in_child(int (*run)(void)) {
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fd = open("/tmp/posix_locks", O_RDWR);
        _exit(run());
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int refused(void) {
    bool ok = lock(F_SETLK, F_WRLCK, 5, 1) == -1 && (errno == EAGAIN || errno == EACCES) &&
              lock(F_SETLK, F_RDLCK, 5, 1) == -1 && lock(F_SETLK, F_WRLCK, 10, 5) == 0 &&
              lock(F_SETLK, F_WRLCK, 0, 0) == -1;

    return ok ? 7 : 1;
}

static int sees_holder(void) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 100};
    bool ok = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK && lock.l_start == 0 &&
              lock.l_len == 10 && lock.l_pid == getppid();

    return ok ? 7 : 1;
}

static int shares(void) {
    return lock(F_SETLK, F_RDLCK, 0, 5) == 0 && lock(F_SETLK, F_WRLCK, 0, 5) == -1 ? 7 : 1;
}

static int split(void) {
    bool ok = lock(F_SETLK, F_WRLCK, 3, 3) == 0 && lock(F_SETLK, F_WRLCK, 2, 1) == -1 &&
              lock(F_SETLK, F_WRLCK, 6, 1) == -1;

    return ok ? 7 : 1;
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void test_waiting(void) {
    int status, ready[2];
    char byte;

    pipe(ready);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fd = open("/tmp/posix_locks", O_RDWR);
        lock(F_SETLK, F_WRLCK, 0, 0);
        write(ready[1], "x", 1);
        sleep_ms(60);
        _exit(0); /* and with it the lock ends */
    }
    read(ready[0], &byte, 1);
    CHECK_ERROR(lock(F_SETLK, F_WRLCK, 0, 1), EAGAIN);
    CHECK(lock(F_SETLKW, F_WRLCK, 0, 1) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    /* Each waits for what the other has: one of them is told. */
    lock(F_SETLK, F_WRLCK, 0, 1);
    pid = fork();
    if (pid == 0) {
        fd = open("/tmp/posix_locks", O_RDWR);
        lock(F_SETLK, F_WRLCK, 1, 1);
        write(ready[1], "x", 1);
        _exit(lock(F_SETLKW, F_WRLCK, 0, 1) == 0 ? 3 : 1);
    }
    read(ready[0], &byte, 1);
    sleep_ms(50);
    CHECK_ERROR(lock(F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 3 << 8);
}

int main(void) {
    fd = open("/tmp/posix_locks", O_CREAT | O_RDWR | O_TRUNC, 0600);
    CHECK(fd >= 0 && lock(F_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK(in_child(refused) == 7);
    CHECK(in_child(sees_holder) == 7);
    CHECK(lock(F_SETLK, F_RDLCK, 0, 10) == 0 && in_child(shares) == 7);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 10) == 0 && lock(F_SETLK, F_UNLCK, 3, 3) == 0);
    CHECK(in_child(split) == 7);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    test_waiting();
    int reader = open("/tmp/posix_locks", O_RDONLY), old = fd;
    fd = reader;
    CHECK_ERROR(lock(F_SETLK, F_WRLCK, 0, 1), EBADF);
    CHECK(lock(F_SETLK, F_RDLCK, 0, 1) == 0);
    close(reader);
    close(old);
    unlink("/tmp/posix_locks");
    return tap_end();
}

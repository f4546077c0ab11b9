/* SPDX-License-Identifier: MIT */
/* Record locks between processes: ranges, waiting, deadlocks, how they end. And flock. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/time.h>
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

/* ---- whose they are, and how they end ---- */

static const char path[] = "/tmp/posix_locks";

/* Is byte 0 free for another process? */
static int is_free(void) {
    return lock(F_SETLK, F_WRLCK, 0, 1) == 0 ? 7 : 1;
}

/* Closing any descriptor of the file gives up all, whichever they were set through. */
static void test_any_close(void) {
    int other = open(path, O_RDONLY), copy = dup(fd);

    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0 && in_child(is_free) == 1);
    CHECK(close(other) == 0 && in_child(is_free) == 7);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0 && in_child(is_free) == 1);
    CHECK(close(copy) == 0 && in_child(is_free) == 7);
    other = open(path, O_RDONLY);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0 && dup2(1, other) == other && in_child(is_free) == 7);
    close(other);
    /* Another file's descriptor has nothing to do with it. */
    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0);
    close(open("/tmp/posix_locks.other", O_CREAT | O_RDWR, 0600));
    unlink("/tmp/posix_locks.other");
    CHECK(in_child(is_free) == 1 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
}

/* The child shares the open file, but neither has the lock nor ends it by closing. */
static void test_fork(void) {
    int status;

    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        bool refused = lock(F_SETLK, F_WRLCK, 0, 1) == -1;

        close(fd);
        _exit(refused ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(in_child(is_free) == 1 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
}

/* The holder is killed; its child still has the file open. */
static void test_killed(void) {
    int ready[2], hold[2], status;
    char byte;

    pipe(ready);
    pipe(hold);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fd = open(path, O_RDWR);
        lock(F_SETLK, F_WRLCK, 0, 1);
        if (fork() == 0) {
            close(hold[1]);
            read(hold[0], &byte, 1);
            _exit(0);
        }
        write(ready[1], "x", 1);
        for (;;) {
            pause();
        }
    }
    CHECK(read(ready[0], &byte, 1) == 1 && in_child(is_free) == 1);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(lock(F_SETLKW, F_WRLCK, 0, 1) == 0 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    close(hold[0]);
    close(hold[1]);
    close(ready[0]);
    close(ready[1]);
}

/* exec keeps them, but for those of files that it closes. */
static void test_exec(const char *self) {
    int ready[2], done[2], status;
    char byte, numbers[2][8];

    pipe(ready);
    pipe(done);
    for (int cloexec = 0; cloexec < 2; cloexec++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            fd = open(path, O_RDWR | (cloexec ? O_CLOEXEC : 0));
            lock(F_SETLK, F_WRLCK, 0, 1);
            snprintf(numbers[0], sizeof numbers[0], "%d", ready[1]);
            snprintf(numbers[1], sizeof numbers[1], "%d", done[0]);
            execl(self, self, numbers[0], numbers[1], (char *)NULL);
            _exit(1);
        }
        CHECK(read(ready[0], &byte, 1) == 1);
        CHECK(in_child(is_free) == (cloexec ? 7 : 1));
        write(done[1], "x", 1);
        CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
        CHECK(in_child(is_free) == 7);
    }
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(done[i]);
    }
}

/* What test_exec runs. */
static int after_exec(char **argv) {
    char byte;
    bool ok = write(atoi(argv[1]), "x", 1) == 1 && read(atoi(argv[2]), &byte, 1) == 1;

    return ok ? 7 : 1;
}

/* Three in a ring: the last is told. */
static void test_ring(void) {
    int ready[2], status;
    pid_t pids[2];
    char byte;

    pipe(ready);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 1) == 0);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            fd = open(path, O_RDWR);
            lock(F_SETLK, F_WRLCK, i + 1, 1);
            write(ready[1], "x", 1);
            _exit(lock(F_SETLKW, F_WRLCK, i, 1) == 0 ? 7 : 1);
        }
        CHECK(read(ready[0], &byte, 1) == 1);
    }
    /* 1 waits for us, 2 for 1: when both do is not to be seen from here, so this is tried until. */
    int error = 0;
    for (int i = 0; i < 400 && error != EDEADLK; i++) {
        struct itimerval soon = {.it_value = {.tv_usec = 30000}}, never = {0};

        setitimer(ITIMER_REAL, &soon, NULL);
        error = lock(F_SETLKW, F_WRLCK, 2, 1) == -1 ? errno : 0;
        setitimer(ITIMER_REAL, &never, NULL);
    }
    CHECK(error == EDEADLK);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 7 << 8);
    }
    close(ready[0]);
    close(ready[1]);
}

/* ---- crowds ---- */

static pid_t make_child(int ready, void (*child)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fd = open(path, O_RDWR);
        alarm(20); /* ends it, if nobody does */
        child();
        write(ready, "x", 1);
        sleep_ms(20000);
        _exit(1);
    }
    return pid;
}

static void waits_for_downgraded(void) {
    signal(SIGALRM, SIG_DFL);
    _exit(lock(F_SETLKW, F_RDLCK, 0, 10) == 0 ? 7 : 1);
}

static void downgrades_by_waiting(void) {
    signal(SIGALRM, SIG_DFL);
    lock(F_SETLK, F_WRLCK, 0, 10);
    sleep_ms(150); /* until the one that waits for it does */
    if (lock(F_SETLKW, F_RDLCK, 0, 20) != 0) {
        _exit(1);
    }
    sleep_ms(20000); /* and keeps it */
}

/* What a process waited for is less than what it had: who waited for that before it goes on too. */
static void test_downgrade(void) {
    int status;

    CHECK(lock(F_SETLK, F_WRLCK, 10, 10) == 0);
    pid_t holder = make_child(1, downgrades_by_waiting);
    sleep_ms(50);
    pid_t waiter = make_child(1, waits_for_downgraded);
    sleep_ms(250);
    CHECK(waitpid(waiter, &status, WNOHANG) == 0 && waitpid(holder, &status, WNOHANG) == 0);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    sleep_ms(250);
    CHECK(waitpid(waiter, &status, WNOHANG) == waiter && status == 7 << 8);
    CHECK(waitpid(holder, &status, WNOHANG) == 0);
    kill(waiter, SIGKILL);
    kill(holder, SIGKILL);
    while (wait(&status) > 0) {
    }
}

enum { CROWD_LOCKS = 800, CROWD_HOLDERS = 2, CROWD_WAITERS = 8, CROWD_THREADS = 50 };

static void holds_many(void) {
    for (int i = 0; i < CROWD_LOCKS; i++) {
        lock(F_SETLK, F_RDLCK, 100 + i * 2, 1);
    }
}

static void *waits_for_many(void *argument) {
    lock(F_SETLKW, F_WRLCK, 100, 2 * CROWD_LOCKS);
    return argument;
}

static void waits_often(void) {
    pthread_attr_t attributes;
    pthread_t thread;

    lock(F_SETLK, F_RDLCK, 0, 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (int i = 0; i < CROWD_THREADS; i++) {
        pthread_create(&thread, &attributes, waits_for_many, NULL);
    }
}

/* Many wait for many: who joins them is told soon whether it waits for itself, and the server has
 * time for its other clients. */
static void test_crowd(void) {
    pid_t pids[CROWD_HOLDERS + CROWD_WAITERS];
    int ready[2], status, n = 0;
    char byte;

    pipe(ready);
    for (; n < CROWD_HOLDERS + CROWD_WAITERS; n++) {
        pids[n] = make_child(ready[1], n < CROWD_HOLDERS ? holds_many : waits_often);
        read(ready[0], &byte, 1);
    }
    sleep_ms(500); /* now the threads wait */
    for (int i = 0; i < 3; i++) {
        struct itimerval soon = {.it_value = {.tv_usec = 30000}}, never = {0};

        setitimer(ITIMER_REAL, &soon, NULL);
        CHECK_ERROR(lock(F_SETLKW, F_WRLCK, 0, 1), EINTR);
        setitimer(ITIMER_REAL, &never, NULL);
    }
    CHECK(lock(F_SETLK, F_WRLCK, 50, 1) == 0 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    for (int i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
    }
    while (wait(&status) > 0) {
    }
    CHECK(lock(F_SETLKW, F_WRLCK, 0, 0) == 0 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    close(ready[0]);
    close(ready[1]);
}

static void on_alarm(int signal) {
    (void)signal;
}

static void test_arguments(void) {
    struct flock odd = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -3, .l_len = 2};
    struct flock seen = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};

    CHECK(ftruncate(fd, 10) == 0 && fcntl(fd, F_SETLK, &odd) == 0); /* 7 and 8 */
    odd = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 5, .l_len = -2};
    CHECK(lseek(fd, 1, SEEK_SET) == 1 && fcntl(fd, F_SETLK, &odd) == 0); /* 4 and 5 */
    fflush(stdout);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = fcntl(fd, F_GETLK, &seen) == 0 && seen.l_type == F_WRLCK && seen.l_len == 2 &&
                  (seen.l_start == 4 || seen.l_start == 7) && seen.l_pid == getppid();

        ok = ok && lock(F_SETLK, F_WRLCK, 6, 1) == 0 && lock(F_SETLK, F_WRLCK, 9, 0) == 0;
        _exit(ok ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(lock(F_SETLK, F_UNLCK, 0, 0) == 0 && fcntl(fd, F_GETLK, &seen) == 0 &&
          seen.l_type == F_UNLCK);
    odd = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = -1};
    CHECK_ERROR(fcntl(fd, F_SETLK, &odd), EINVAL);
    odd = (struct flock){.l_type = F_WRLCK, .l_whence = 7};
    CHECK_ERROR(fcntl(fd, F_SETLK, &odd), EINVAL);
    odd = (struct flock){.l_type = 9};
    CHECK_ERROR(fcntl(fd, F_SETLK, &odd), EINVAL);
    CHECK_ERROR(fcntl(900, F_SETLK, &odd), EBADF);
}

/* flock: the open file is the owner, whoever shares it, and record locks do not see it. */
static void test_flock(void) {
    int other = open(path, O_RDWR), copy = dup(other);

    CHECK(flock(fd, LOCK_EX) == 0);
    CHECK_ERROR(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK(lock(F_SETLK, F_WRLCK, 0, 0) == 0 && lock(F_SETLK, F_UNLCK, 0, 0) == 0);
    CHECK(flock(fd, LOCK_SH) == 0 && flock(copy, LOCK_SH | LOCK_NB) == 0);
    CHECK_ERROR(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK(close(other) == 0);
    CHECK_ERROR(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    fflush(stdout);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(flock(copy, LOCK_UN) == 0 ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    CHECK(close(copy) == 0 && flock(fd, LOCK_UN) == 0);
    CHECK_ERROR(flock(fd, 77), EINVAL);
}

/* Very many: refused at some number or not, and the server goes on. */
static void test_many(void) {
    int n = 0;

    while (n < 5000 && lock(F_SETLK, F_WRLCK, n * 2, 1) == 0) {
        n++;
    }
    CHECK(n == 5000 || errno == ENOLCK);
    CHECK(n > 500 && lock(F_SETLK, F_UNLCK, 0, 0) == 0 && in_child(is_free) == 7);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        return after_exec(argv);
    }
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
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
    test_any_close();
    test_fork();
    test_killed();
    test_exec(argv[0]);
    test_ring();
    test_arguments();
    test_flock();
    test_many();
    test_downgrade();
    test_crowd();
    int reader = open("/tmp/posix_locks", O_RDONLY), old = fd;
    fd = reader;
    CHECK_ERROR(lock(F_SETLK, F_WRLCK, 0, 1), EBADF);
    CHECK(lock(F_SETLK, F_RDLCK, 0, 1) == 0);
    close(reader);
    close(old);
    unlink("/tmp/posix_locks");
    return tap_end();
}

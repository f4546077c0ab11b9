/* SPDX-License-Identifier: MIT */
/* What calls answer at their edges: arguments that are not, or hardly, what they take. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

extern char **environ;

static long now_ms(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int wait_status(pid_t pid) {
    int status = -1;

    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void note(int signal) {
    (void)signal;
}

static void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

/* There is one user here, and it stays that. (On Linux root could become another.) */
static void test_identity(void) {
    uid_t real = 9, effective = 9, saved = 9;
    gid_t group = 9, effective_group = 9, saved_group = 9;

    CHECK(getresuid(&real, &effective, &saved) == 0 && real == getuid() && effective == geteuid() &&
          saved == effective);
    CHECK(getresgid(&group, &effective_group, &saved_group) == 0 && group == getgid() &&
          effective_group == getegid() && saved_group == effective_group);
    CHECK(seteuid(geteuid()) == 0 && setegid(getegid()) == 0 &&
          setreuid((uid_t)-1, geteuid()) == 0 && setresgid((gid_t)-1, getegid(), (gid_t)-1) == 0);
    if (access("/proc/kernel", F_OK) == 0) {
        CHECK_ERROR(seteuid(7), EPERM);
        CHECK_ERROR(setegid(7), EPERM);
        CHECK_ERROR(setreuid(0, 7), EPERM);
        CHECK_ERROR(setresuid(0, 0, 7), EPERM);
        CHECK_ERROR(setuid(7), EPERM);
        CHECK_ERROR(access("/bin/true", W_OK), EROFS);
        CHECK_ERROR(access("/bin", W_OK), EROFS);
    }
    CHECK(access("/tmp", R_OK | W_OK | X_OK) == 0);
}

static void test_waiting(void) {
    struct rusage usage;
    siginfo_t information;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(5);
    }
    CHECK_ERROR(waitid(P_PID, 0, &information, WEXITED), EINVAL);
    CHECK_ERROR(getrusage(99, &usage), EINVAL);
    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    int status = 0;
    CHECK(waitpid(pid, &status, __WALL) == pid && status == 5 << 8);
}

/* The time of a child that was waited for counts as its parent's, and its own parent's. */
static void test_usage(void) {
    enum { BURNT_MS = 60 };
    struct rusage usage = {0};
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t inner = fork();

        if (inner == 0) {
            while (clock() < BURNT_MS * CLOCKS_PER_SEC / 1000) {
            }
            _exit(0);
        }
        _exit(wait_status(inner));
    }
    CHECK(wait4(pid, &status, 0, &usage) == pid && status == 0);
    CHECK(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
              usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000 >=
          BURNT_MS - 10);
}

static void test_memory(void) {
    stack_t stack = {.ss_sp = NULL, .ss_flags = 64, .ss_size = 65536};
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fds[2];

    CHECK_ERROR(sigaltstack(&stack, NULL), EINVAL);
    CHECK_ERROR(madvise(page, 4096, 12345), EINVAL);
    CHECK(madvise(page, 4096, MADV_WILLNEED) == 0);
    CHECK_ERROR(getrandom(page, 16, 64), EINVAL);
    CHECK(getrandom(page, 16, GRND_NONBLOCK) == 16);
    CHECK(pipe(fds) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[0], 0) == MAP_FAILED && errno == ENODEV);
    CHECK_ERROR(ftruncate(fds[1], 0), EINVAL);
    close(fds[0]);
    close(fds[1]);
    munmap(page, 4096);
}

/* How much there is to read. */
static void test_readable(void) {
    int fds[2], n = -1;

    CHECK(pipe(fds) == 0 && ioctl(fds[0], FIONREAD, &n) == 0 && n == 0);
    write(fds[1], "seven b", 7);
    CHECK(ioctl(fds[0], FIONREAD, &n) == 0 && n == 7);
    close(fds[0]);
    close(fds[1]);
    mkfifo("/tmp/posix_edges", 0600);
    int fd = open("/tmp/posix_edges", O_RDWR);
    write(fd, "four", 4);
    CHECK(ioctl(fd, FIONREAD, &n) == 0 && n == 4);
    close(fd);
    unlink("/tmp/posix_edges");
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && write(fds[0], "three", 3) == 3);
    CHECK(ioctl(fds[1], FIONREAD, &n) == 0 && n == 3);
    close(fds[0]);
    close(fds[1]);
    fd = open("/dev/null", O_RDONLY);
    CHECK_ERROR(ioctl(fd, FIONREAD, &n), ENOTTY);
    close(fd);
}

static void test_descriptors(void) {
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC), limit = (int)sysconf(_SC_OPEN_MAX);

    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    int copy = fcntl(fd, F_DUPFD, 100);
    CHECK(copy >= 100 && fcntl(copy, F_GETFD) == 0);
    int other = fcntl(fd, F_DUPFD_CLOEXEC, copy);
    CHECK(other > copy && fcntl(other, F_GETFD) == FD_CLOEXEC);
    CHECK(dup3(fd, copy, O_CLOEXEC) == copy && fcntl(copy, F_GETFD) == FD_CLOEXEC);
    CHECK(dup3(fd, copy, 0) == copy && fcntl(copy, F_GETFD) == 0);
    CHECK_ERROR(dup3(fd, fd, 0), EINVAL);
    CHECK_ERROR(fcntl(fd, F_DUPFD, limit), EINVAL);
    CHECK_ERROR(dup2(fd, limit), EBADF);
    CHECK_ERROR(dup2(limit, fd), EBADF);
    close(fd);
    close(copy);
    close(other);
}

static sigjmp_buf back;
static siginfo_t seen;

static void leave(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)context;
    seen = *information;
    siglongjmp(back, 1);
}

/* An instruction that there is not. */
static void test_illegal(void) {
    struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO}, old;
    int status;

    sigemptyset(&action.sa_mask);
    sigaction(SIGILL, &action, &old);
    if (sigsetjmp(back, 1) == 0) {
        __asm__ volatile("ud2");
    }
    sigaction(SIGILL, &old, NULL);
    CHECK(seen.si_signo == SIGILL && seen.si_code == ILL_ILLOPN && seen.si_addr != NULL);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        __asm__ volatile("ud2");
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
}

static void test_last_byte(void) {
    int fd = open("/tmp/posix_edges", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX, .l_len = 1};

    CHECK(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
    lock =
        (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX, .l_len = 2};
    CHECK_ERROR(fcntl(fd, F_SETLK, &lock), EOVERFLOW);
    close(fd);
    unlink("/tmp/posix_edges");
}

/* Hung up is not writable: select goes on waiting, and the sets are told from each other. */
static void test_select(void) {
    struct timeval timeout = {0, 150000};
    fd_set in, out;
    int dead[2], live[2];

    CHECK(pipe(dead) == 0 && pipe(live) == 0);
    close(dead[1]);
    FD_ZERO(&out);
    FD_SET(dead[0], &out);
    long start = now_ms();
    CHECK(select(dead[0] + 1, NULL, &out, NULL, &timeout) == 0 && !FD_ISSET(dead[0], &out));
    CHECK(now_ms() - start >= 140);
    write(live[1], "x", 1);
    FD_ZERO(&in);
    FD_SET(live[0], &in);
    FD_SET(dead[0], &out);
    CHECK(select(live[1] + 1, &in, &out, NULL, NULL) == 1 && FD_ISSET(live[0], &in) &&
          !FD_ISSET(dead[0], &out));
    FD_ZERO(&in);
    FD_SET(dead[0], &in);
    CHECK(select(dead[0] + 1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(dead[0], &in));
    close(dead[0]);
    close(live[0]);
    close(live[1]);
}

/* A signal ends what waits for room in a pipe, whatever it copies from. */
static void test_sendfile(void) {
    static char block[4096];
    /* Again and again: one may come before the call waits. */
    struct itimerval alarm_ms = {{0, 100000}, {0, 300000}}, none = {{0, 0}, {0, 0}};
    int fds[2], fd = open("/tmp/posix_edges", O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (int i = 0; i < 32; i++) {
        write(fd, block, sizeof block);
    }
    CHECK(pipe(fds) == 0);
    handle(SIGALRM, note, 0);
    setitimer(ITIMER_REAL, &alarm_ms, NULL);
    off_t from = 0;
    ssize_t n = sendfile(fds[1], fd, &from, 32 * sizeof block);
    CHECK(n > 0 && n <= 65536 && from == n);
    while (n < 65536) {
        ssize_t more = sendfile(fds[1], fd, &from, (size_t)(65536 - n));

        n += more > 0 ? more : 0;
    }
    CHECK_ERROR(sendfile(fds[1], fd, &from, sizeof block), EINTR);
    CHECK(from == n);
    /* What was read and not written is read again. */
    lseek(fd, 0, SEEK_SET);
    CHECK_ERROR(sendfile(fds[1], fd, NULL, sizeof block), EINTR);
    CHECK(lseek(fd, 0, SEEK_CUR) == 0);
    setitimer(ITIMER_REAL, &none, NULL);
    CHECK(read(fds[0], block, 100) == 100);
    close(fds[0]);
    close(fds[1]);
    close(fd);
    unlink("/tmp/posix_edges");
}

/* A script whose only line has no end, and a program behind a link's parent. */
static void test_programs(void) {
    char *script[] = {"/tmp/posix_edges", NULL}, *sh[] = {"sh", "-c", "exit 3", NULL};
    int fd = open("/tmp/posix_edges", O_WRONLY | O_CREAT | O_TRUNC, 0700);
    pid_t pid = 0;

    CHECK(fd >= 0 && write(fd, "#!/bin/true", 11) == 11);
    close(fd);
    CHECK(posix_spawn(&pid, script[0], NULL, NULL, script, environ) == 0 && wait_status(pid) == 0);
    unlink("/tmp/posix_edges");
    mkdir("/tmp/posix_edges.d", 0755);
    mkdir("/tmp/posix_edges.d/a", 0755);
    symlink("/bin/sh", "/tmp/posix_edges.d/sh");
    symlink("posix_edges.d/a", "/tmp/posix_edges.l");
    CHECK(posix_spawn(&pid, "/tmp/posix_edges.l/../sh", NULL, NULL, sh, environ) == 0 &&
          wait_status(pid) == 3 << 8);
    unlink("/tmp/posix_edges.l");
    unlink("/tmp/posix_edges.d/sh");
    rmdir("/tmp/posix_edges.d/a");
    rmdir("/tmp/posix_edges.d");
}

/* Who began a session of his own is still his parent's to end. */
static void test_session(void) {
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        write(fds[1], "x", 1);
        pause();
    }
    CHECK(read(fds[0], &byte, 1) == 1 && kill(pid, SIGTERM) == 0);
    CHECK(wait_status(pid) == SIGTERM);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    test_identity();
    test_waiting();
    test_usage();
    test_memory();
    test_readable();
    test_descriptors();
    test_illegal();
    test_last_byte();
    test_select();
    test_sendfile();
    test_programs();
    test_session();
    return tap_end();
}

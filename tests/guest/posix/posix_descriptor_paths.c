/* SPDX-License-Identifier: MIT */
/*
 * Paths that mean descriptors: /dev/stdin and its kin, /dev/fd/N, /proc/self/fd/N; and what is
 * built on them: fexecve, ttyname.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tap.h"

extern char **environ;
static char *self;

static int status_of(pid_t pid) {
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

static void test_open(void) {
    char path[40], bytes[8];
    int pipes[2], fd;

    CHECK(pipe(pipes) == 0 && write(pipes[1], "abc", 3) == 3);
    snprintf(path, sizeof path, "/dev/fd/%d", pipes[0]);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd > pipes[0] && read(fd, bytes, 8) == 3 && memcmp(bytes, "abc", 3) == 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    close(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", pipes[1]);
    fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0 && write(fd, "xyz", 3) == 3);
    CHECK(read(pipes[0], bytes, 8) == 3 && memcmp(bytes, "xyz", 3) == 0);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    CHECK_ERROR(open(path, O_WRONLY), ENOENT);
    CHECK_ERROR(open("/dev/fd/", O_RDONLY | O_CREAT, 0600), EISDIR);
    CHECK_ERROR(open("/dev/fd/99999", O_RDONLY), ENOENT);
    CHECK_ERROR(open("/dev/fd/1x", O_RDONLY), ENOENT);
    CHECK_ERROR(open("/dev/fd/-1", O_RDONLY), ENOENT);
}

/* As a shell does it: `> /dev/stdout` creates. */
static void test_standard(void) {
    struct stat by_path, by_fd;
    int saved = dup(1), fd = open("/tmp/descriptor_paths", O_RDWR | O_CREAT | O_TRUNC, 0600);

    dup2(fd, 1);
    int out = open("/dev/stdout", O_WRONLY | O_CREAT, 0666);
    bool written = write(out, "one", 3) == 3;
    bool same = stat("/dev/stdout", &by_path) == 0 && fstat(1, &by_fd) == 0 &&
                by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev &&
                S_ISREG(by_path.st_mode);
    dup2(saved, 1);
    CHECK(out >= 0 && written && same);
    CHECK(fstat(fd, &by_fd) == 0 && by_fd.st_size == 3);
    CHECK(access("/dev/stderr", W_OK) == 0 && access("/dev/stdin", F_OK) == 0);
    close(out);
    close(saved);
    close(fd);
    unlink("/tmp/descriptor_paths");
}

static void test_refusals(void) {
    char path[40];
    int pipes[2];

    pipe(pipes);
    snprintf(path, sizeof path, "/dev/fd/%d", pipes[0]);
    CHECK_ERROR(open(path, O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK_ERROR(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
    close(pipes[0]);
    close(pipes[1]);
    CHECK_ERROR(open(path, O_RDONLY), ENOENT);
    CHECK_ERROR(readlink("/dev/null", path, sizeof path), EINVAL);
    CHECK_ERROR(stat("/dev/stdin/", &(struct stat){0}), ENOTDIR);
    CHECK_ERROR(open("/dev/stdout/", O_RDONLY), ENOTDIR);
}

/* One way, and yet it can be looked at; changed, where the open file can. */
static void test_other_calls(void) {
    int fd = open("/tmp/descriptor_paths", O_WRONLY | O_CREAT | O_TRUNC, 0600), own;
    struct statfs space;
    struct stat stat_now;
    char path[40];

    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    CHECK((own = open(path, O_PATH)) >= 0 && close(own) == 0);
    CHECK(statfs(path, &space) == 0);
    CHECK_ERROR(open("/dev/fd/0x", O_RDONLY), ENOENT);
    CHECK(write(fd, "four", 4) == 4 && truncate(path, 2) == 0);
    CHECK(chmod(path, 0640) == 0 && fstat(fd, &stat_now) == 0 && stat_now.st_size == 2 &&
          (stat_now.st_mode & 0777) == 0640);
    close(fd);
    unlink("/tmp/descriptor_paths");
}

/* The child's descriptor, which the parent has otherwise. */
static void test_spawn(void) {
    char *const arguments[] = {"named otherwise", "read", NULL};
    posix_spawn_file_actions_t actions;
    int pipes[2];
    pid_t pid;

    pipe(pipes);
    write(pipes[1], "x", 1);
    close(pipes[1]);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[0], 0);
    posix_spawn_file_actions_addopen(&actions, 5, "/dev/stdin", O_RDONLY, 0);
    CHECK(posix_spawn(&pid, self, &actions, NULL, arguments, environ) == 0);
    CHECK(status_of(pid) == 'x' << 8);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[0]);
}

static void test_fexecve(void) {
    char *const arguments[] = {"named otherwise", "7", NULL};
    char *const script_arguments[] = {"script", "8", NULL};
    char text[300];
    int fd = open(self, O_RDONLY | O_CLOEXEC);

    pid_t pid = fork();
    if (pid == 0) {
        fexecve(fd, arguments, environ);
        _exit(1);
    }
    CHECK(status_of(pid) == 7 << 8);
    close(fd);
    /* A script: its interpreter opens the descriptor in turn. */
    fd = open("/tmp/fexecve", O_RDWR | O_CREAT | O_TRUNC, 0700);
    int n = snprintf(text, sizeof text, "#!%s\n", self);
    CHECK(write(fd, text, (size_t)n) == n);
    close(fd);
    fd = open("/tmp/fexecve", O_RDONLY);
    pid = fork();
    if (pid == 0) {
        fexecve(fd, script_arguments, environ);
        _exit(1);
    }
    CHECK(status_of(pid) == 8 << 8);
    close(fd);
    /* What may not be run is not. */
    chmod("/tmp/fexecve", 0600);
    fd = open("/tmp/fexecve", O_RDONLY);
    CHECK_ERROR(fexecve(fd, arguments, environ), EACCES);
    close(fd);
    CHECK_ERROR(fexecve(fd, arguments, environ), EBADF);
    unlink("/tmp/fexecve");
}

/* With a terminal: its name, and /dev/tty although 0 and 1 are elsewhere. */
static void test_terminal(void) {
    struct stat by_name, by_fd;
    struct termios attributes;
    char *name = ttyname(0);
    int fd;

    CHECK(name != NULL && strncmp(name, "/dev/", 5) == 0);
    CHECK(name != NULL && stat(name, &by_name) == 0 && fstat(0, &by_fd) == 0 &&
          by_name.st_ino == by_fd.st_ino);
    int input = dup(0), nothing = open("/dev/null", O_RDWR);

    dup2(nothing, 0);
    fd = open("/dev/tty", O_RDWR);
    CHECK(fd >= 0 && tcgetattr(fd, &attributes) == 0);
    CHECK(ttyname(0) == NULL && errno == ENOTTY);
    dup2(input, 0);
    close(input);
    close(nothing);
    close(fd);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "read") == 0) {
        char byte = 0;

        return read(5, &byte, 1) == 1 ? byte : 1;
    }
    if (argc > 1) {
        return atoi(argv[argc - 1]); /* by fexecve: ours, or the script's interpreter */
    }
    self = argv[0];
    test_open();
    test_standard();
    test_refusals();
    test_other_calls();
    test_fexecve();
    test_spawn();
    if (isatty(0)) {
        test_terminal();
    }
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* Processes: fork, exec, spawn, wait, groups, sessions. Runs itself with an argument as the program
 * that it starts. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

extern char **environ;
static char *self;

static pid_t start(int (*run)(void)) {
    fflush(stdout);
    pid_t pid = fork();

    if (pid == 0) {
        _exit(run());
    }
    return pid;
}

static int status_of(pid_t pid) {
    int status = -1;

    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int exits_42(void) {
    return 42;
}

static int pauses(void) {
    while (pause() == -1) {
    }
    return 1;
}

static int crashes(void) {
    int *volatile nowhere = (int *)8;

    *nowhere = 1;
    return 0;
}

static int aborts(void) {
    abort();
}

static void test_status(void) {
    int status;
    pid_t pid = start(exits_42);

    CHECK(pid > 0);
    status = status_of(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK_ERROR(waitpid(pid, &status, 0), ECHILD);
    CHECK_ERROR(wait(&status), ECHILD);
    pid = start(pauses);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    CHECK(kill(pid, 0) == 0 && kill(pid, SIGKILL) == 0);
    status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_ERROR(kill(pid, 0), ESRCH);
    pid = start(pauses);
    CHECK(kill(pid, SIGTERM) == 0);
    status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = status_of(start(crashes));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = status_of(start(aborts));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_stop(void) {
    int status = 0;
    siginfo_t information;
    pid_t pid = start(pauses);

    /* A group of its own, which we control: in an orphaned one SIGTSTP stops nobody. */
    CHECK(setpgid(pid, pid) == 0);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
    CHECK(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, WCONTINUED) == pid &&
          WIFCONTINUED(status));
    CHECK(kill(pid, SIGTSTP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    CHECK(kill(pid, SIGCONT) == 0 && kill(pid, SIGINT) == 0);
    CHECK(waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT) == 0 &&
          information.si_pid == pid && information.si_code == CLD_KILLED &&
          information.si_status == SIGINT);
    status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

static int shared = 1;

static void test_fork(void) {
    int fds[2], numbers[2];
    pid_t parent = getpid();

    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        shared = 2;
        numbers[0] = getpid();
        numbers[1] = getppid();
        lseek(0, 0, SEEK_CUR);
        _exit(write(fds[1], numbers, sizeof numbers) == sizeof numbers ? 0 : 1);
    }
    CHECK(read(fds[0], numbers, sizeof numbers) == sizeof numbers && numbers[0] == pid &&
          numbers[1] == parent);
    CHECK(status_of(pid) == 0 && shared == 1);
    close(fds[1]);
    CHECK(read(fds[0], numbers, 1) == 0);
    close(fds[0]);
    /* One open file, two processes: one offset. */
    int fd = open("/tmp/posix_fork", O_CREAT | O_RDWR | O_TRUNC, 0600);
    pid = fork();
    if (pid == 0) {
        _exit(write(fd, "child", 5) == 5 ? 0 : 1);
    }
    CHECK(status_of(pid) == 0 && lseek(fd, 0, SEEK_CUR) == 5);
    close(fd);
    unlink("/tmp/posix_fork");
}

/* Output of the command, by popen. */
static int output_of(const char *mode, char *buffer, size_t size) {
    int fds[2];
    size_t done = 0;
    ssize_t n;

    pipe(fds);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {self, (char *)mode, "two words", NULL};
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execve(self, argv, environ);
        _exit(126);
    }
    close(fds[1]);
    while ((n = read(fds[0], buffer + done, size - 1 - done)) > 0) {
        done += (size_t)n;
    }
    buffer[done] = '\0';
    close(fds[0]);
    return status_of(pid);
}

static void test_exec(void) {
    char buffer[512], expected[256];
    int leak = open("/dev/null", O_RDONLY), kept = open("/dev/null", O_RDONLY);

    fcntl(leak, F_SETFD, FD_CLOEXEC);
    setenv("POSIX_TEST", "value", 1);
    snprintf(expected, sizeof expected, "two words value %d %d", leak, kept);
    setenv("POSIX_FDS", expected + 16, 1);
    int status = output_of("report", buffer, sizeof buffer);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK_THAT(strcmp(buffer, "two words value closed open\n") == 0, buffer);
    close(leak);
    close(kept);
    char *argv[] = {"x", NULL};
    CHECK_ERROR(execve("/missing/program", argv, environ), ENOENT);
    CHECK_ERROR(execve("/tmp", argv, environ), EACCES);
    int fd = open("/tmp/posix_text", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    write(fd, "no program", 10);
    close(fd);
    CHECK_ERROR(execve("/tmp/posix_text", argv, environ), ENOEXEC);
    unlink("/tmp/posix_text");
}

/* Leaves no children to wait for, and becomes a program that waits for one. */
static int becomes_parent(void) {
    const struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    char *argv[] = {self, "child", NULL};

    sigaction(SIGCHLD, &action, NULL);
    if (waitpid(start(exits_42), NULL, 0) != -1) {
        return 1;
    }
    execv(self, argv);
    return 126;
}

static void test_exec_flags(void) {
    CHECK(status_of(start(becomes_parent)) == 6 << 8);
}

/* The program that exec did not become had the pending signals; the next child has none. */
static void test_failed_exec(void) {
    char *argv[] = {self, "pending", NULL};
    int fd = open("/tmp/posix_text", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    sigset_t set, old;
    pid_t pid;

    write(fd, "no program", 10);
    close(fd);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    CHECK_ERROR(execve("/tmp/posix_text", argv, environ), ENOEXEC);
    CHECK(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0 && status_of(pid) == 8 << 8);
    signal(SIGUSR1, SIG_IGN);
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGUSR1, SIG_DFL);
    unlink("/tmp/posix_text");
}

static void test_script(void) {
    char *argv[] = {"/tmp/posix_script", "argument", NULL}, line[256];
    int fd = open(argv[0], O_CREAT | O_WRONLY | O_TRUNC, 0755);
    int n = snprintf(line, sizeof line, "#! %s script\nnothing\n", self);
    pid_t pid;

    write(fd, line, (size_t)n);
    close(fd);
    CHECK(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0 && status_of(pid) == 9 << 8);
    unlink(argv[0]);
}

static void test_spawn(void) {
    char *argv[] = {self, "exit", "5", NULL}, *copy[] = {self, "copy", NULL}, buffer[32] = "";
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t pid;
    int in[2], out[2];

    CHECK(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0 && status_of(pid) == 5 << 8);
    CHECK(posix_spawn(&pid, "/missing", NULL, NULL, argv, environ) == ENOENT);
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    CHECK(posix_spawn(&pid, self, &actions, NULL, copy, environ) == 0);
    close(in[0]);
    close(out[1]);
    CHECK(write(in[1], "through", 7) == 7 && close(in[1]) == 0);
    CHECK(read(out[0], buffer, sizeof buffer) == 7 && strcmp(buffer, "through") == 0);
    CHECK(status_of(pid) == 0);
    close(out[0]);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclose(&actions, 99);
    posix_spawn_file_actions_adddup2(&actions, 98, 0);
    CHECK(posix_spawn(&pid, self, &actions, NULL, argv, environ) == EBADF);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    char *report[] = {self, "attributes", NULL};
    CHECK(posix_spawn(&pid, self, NULL, &attributes, report, environ) == 0 && status_of(pid) == 0);
    posix_spawnattr_destroy(&attributes);
}

static void test_groups(void) {
    int status, fds[2];
    char byte;
    pid_t pid = start(pauses);

    CHECK(setpgid(pid, pid) == 0 && getpgid(pid) == pid && getsid(pid) == getsid(0));
    pid_t other = start(pauses);
    CHECK(setpgid(other, pid) == 0 && getpgid(other) == pid);
    CHECK(killpg(pid, SIGTERM) == 0);
    CHECK(waitpid(-pid, &status, 0) > 0 && waitpid(-pid, &status, 0) > 0);
    CHECK_ERROR(waitpid(-pid, &status, 0), ECHILD);
    CHECK_ERROR(killpg(pid, SIGTERM), ESRCH);
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        bool ok = setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid() &&
                  setsid() == -1 && errno == EPERM;
        _exit(ok ? 0 : 1);
    }
    CHECK(status_of(pid) == 0);
    /* A grandchild outlives its parent and gets another. */
    pid = fork();
    if (pid == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            for (int i = 0; i < 1000 && getppid() == parent; i++) {
                usleep(2000);
            }
            byte = getppid() == parent ? 'n' : 'y';
            write(fds[1], &byte, 1);
            _exit(0);
        }
        _exit(0);
    }
    close(fds[1]);
    CHECK(status_of(pid) == 0 && read(fds[0], &byte, 1) == 1 && byte == 'y');
    close(fds[0]);
}

static void test_many(void) {
    int n_ok = 0, status;

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 10; i++) {
            fflush(stdout);
            if (fork() == 0) {
                _exit(i);
            }
        }
        int sum = 0;
        while (wait(&status) > 0) {
            sum += WEXITSTATUS(status);
        }
        n_ok += sum == 45;
    }
    CHECK(n_ok == 5);
}

static void test_vfork(void) {
    char *argv[] = {self, "exit", "3", NULL};
    pid_t pid = vfork();

    if (pid == 0) {
        execve(self, argv, environ);
        _exit(127);
    }
    CHECK(pid > 0 && status_of(pid) == 3 << 8);
}

/* What the program does when it is started by itself. */
static int run_mode(int argc, char **argv) {
    char buffer[64];
    ssize_t n;
    sigset_t set;
    int leak, kept;

    if (strcmp(argv[1], "exit") == 0) {
        return atoi(argv[2]);
    }
    if (strcmp(argv[1], "report") == 0) {
        sscanf(getenv("POSIX_FDS"), "%d %d", &leak, &kept);
        printf("%s %s %s %s\n", argv[2], getenv("POSIX_TEST"),
               fcntl(leak, F_GETFD) < 0 ? "closed" : "open",
               fcntl(kept, F_GETFD) < 0 ? "closed" : "open");
        return 7;
    }
    if (strcmp(argv[1], "copy") == 0) {
        while ((n = read(0, buffer, sizeof buffer)) > 0) {
            write(1, buffer, (size_t)n);
        }
        return 0;
    }
    if (strcmp(argv[1], "script") == 0) {
        bool ok = argc == 4 && strcmp(argv[2], "/tmp/posix_script") == 0 &&
                  strcmp(argv[3], "argument") == 0;
        return ok ? 9 : 1;
    }
    if (strcmp(argv[1], "pending") == 0) {
        return sigpending(&set) == 0 && sigismember(&set, SIGUSR1) == 0 ? 8 : 1;
    }
    if (strcmp(argv[1], "child") == 0) {
        return status_of(start(exits_42)) == 42 << 8 ? 6 : 1;
    }
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGUSR1) == 1 && getpgrp() == getpid() ? 0 : 1;
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1) {
        return run_mode(argc, argv);
    }
    test_status();
    test_stop();
    test_fork();
    test_exec();
    test_exec_flags();
    test_failed_exec();
    test_script();
    test_spawn();
    test_groups();
    test_many();
    test_vfork();
    return tap_end();
}

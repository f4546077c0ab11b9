/* SPDX-License-Identifier: MIT */
/*
 * What programs take for granted of the system they run on: room for their stack and their
 * arguments, names for user and ports, limits, names of threads, and errors that let them do
 * without what is not there.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tap.h"

extern char **environ;

/* Depth in KiB of a recursion that uses all of its frames. */
static int deep(int kib) {
    volatile char frame[1024];

    frame[0] = (char)kib;
    return kib == 0 ? 0 : deep(kib - 1) + (frame[0] == (char)kib);
}

static void test_stack(void) {
    volatile char large[6 * 1024 * 1024];
    struct rlimit limit;
    pthread_attr_t attributes;
    size_t size = 0;
    void *base = NULL;

    large[0] = 1;
    large[sizeof large - 1] = 1;
    CHECK(large[0] == 1);
    CHECK(deep(1000) == 1000);
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= 8 * 1024 * 1024);
    CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0 &&
          pthread_attr_getstack(&attributes, &base, &size) == 0);
    CHECK((char *)large > (char *)base && (char *)large < (char *)base + size);
}

static int status_of(pid_t pid) {
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

/* So many arguments of so many bytes, 0 included. */
static int run_with(const char *self, int n, size_t bytes) {
    char **arguments = calloc((size_t)n + 3, sizeof *arguments);
    char *argument = malloc(bytes);
    pid_t pid;

    memset(argument, 'x', bytes - 1);
    argument[bytes - 1] = '\0';
    arguments[0] = "posix_system";
    arguments[1] = "count";
    for (int i = 0; i < n; i++) {
        arguments[2 + i] = argument;
    }
    pid = fork();
    if (pid == 0) {
        execv(self, arguments);
        _exit(errno == E2BIG ? 2 : 1);
    }
    free(arguments);
    free(argument);
    return status_of(pid);
}

static int count(int argc, char **argv) {
    size_t total = 0;

    for (int i = 2; i < argc; i++) {
        total += strlen(argv[i]) + 1;
    }
    return total == (size_t)(argc - 2) * (strlen(argv[2]) + 1) ? (argc - 2) % 101 : 1;
}

static void test_arguments(const char *self) {
    CHECK(run_with(self, 15, 100 * 1024) == 15 << 8);
    CHECK(run_with(self, 100 * 1000, 8) == (100 * 1000 % 101) << 8);
    CHECK(run_with(self, 100, 100 * 1024) == 2 << 8);
}

static void test_limits(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    CHECK(setrlimit(RLIMIT_CORE, &limit) == 0);
    limit = (struct rlimit){2, 1};
    CHECK_ERROR(setrlimit(RLIMIT_CORE, &limit), EINVAL);
}

static void test_names(void) {
    const struct passwd *user = getpwuid(getuid());
    const struct group *group = getgrgid(getgid());
    const struct servent *gopher = getservbyname("gopher", "tcp");
    char name[16] = "";

    CHECK(user != NULL && strcmp(user->pw_name, "root") == 0 && user->pw_dir[0] == '/');
    CHECK(getpwnam("root") != NULL && getpwnam("nobody at all") == NULL);
    CHECK(group != NULL && strcmp(group->gr_name, "root") == 0);
    CHECK(gopher != NULL && gopher->s_port == (70 >> 8 | (70 & 255) << 8));
    CHECK(prctl(PR_GET_NAME, name) == 0 && strncmp(name, "posix_system", 12) == 0);
    CHECK(pthread_setname_np(pthread_self(), "a name") == 0 && prctl(PR_GET_NAME, name) == 0 &&
          strcmp(name, "a name") == 0);
    CHECK(pthread_setname_np(pthread_self(), "sixteen letters!") == ERANGE);
    CHECK_ERROR(prctl(12345, 0), EINVAL);
}

static void test_files(void) {
    struct statvfs space;
    char byte;
    int fd = open("/tmp/system", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat now;

    /* Of what a program that copies attributes takes for "there are none". */
    CHECK(getxattr("/tmp/system", "user.name", &byte, 1) == -1 &&
          (errno == EOPNOTSUPP || errno == ENODATA));
    CHECK(syncfs(fd) == 0);
    CHECK_ERROR(syncfs(-1), EBADF);
    CHECK(fchmodat(AT_FDCWD, "/tmp/system", 0640, AT_SYMLINK_NOFOLLOW) == 0 &&
          fstat(fd, &now) == 0 && (now.st_mode & 0777) == 0640);
    CHECK(statvfs("/tmp", &space) == 0 && space.f_ffree > 0 && space.f_files >= space.f_ffree);
    close(fd);
    unlink("/tmp/system");
}

int main(int argc, char **argv) {
    if (argc > 1) {
        return count(argc, argv);
    }
    test_stack();
    test_arguments(argv[0]);
    test_limits();
    test_names();
    test_files();
    return tap_end();
}

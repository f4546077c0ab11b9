/* SPDX-License-Identifier: MIT */
/*
 * Programs that take all they can get: descriptors, open files, pipe buffers, room and names in the
 * file system. Each gets the error that POSIX has for it, and afterwards there is as much as
 * before.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { FDS_MAX = 1024, KIB = 1024 };

static int fds[FDS_MAX];

/* Opens until it fails; how many. */
static int open_all(const char *path, int flags) {
    int n = 0;

    while (n < FDS_MAX && (fds[n] = open(path, flags)) >= 0) {
        n++;
    }
    return n;
}

static void close_all(int n) {
    while (n > 0) {
        close(fds[--n]);
    }
}

static void test_descriptors(void) {
    struct rlimit limit = {FDS_MAX, FDS_MAX};
    struct stat st;
    int ends[2];

    setrlimit(RLIMIT_NOFILE, &limit); /* Linux has more */
    int n = open_all("/dev/null", O_RDWR);
    CHECK(n > FDS_MAX / 2 && n < FDS_MAX && errno == EMFILE);
    CHECK_ERROR(open("/tmp/posix_limits.new", O_CREAT | O_RDWR, 0600), EMFILE);
    CHECK_ERROR(stat("/tmp/posix_limits.new", &st), ENOENT);
    CHECK_ERROR(dup(0), EMFILE);
    CHECK_ERROR(fcntl(0, F_DUPFD, 5), EMFILE);
    CHECK_ERROR(fcntl(0, F_DUPFD, 1 << 20), EINVAL);
    CHECK_ERROR(dup2(0, 1 << 20), EBADF);
    CHECK_ERROR(pipe(ends), EMFILE);
    close(fds[--n]);
    CHECK_ERROR(pipe(ends), EMFILE); /* one is left, two are needed */
    CHECK((fds[n++] = dup(0)) >= 0);
    CHECK(dup2(0, fds[0]) == fds[0]);
    close_all(n);
    int again = open_all("/dev/null", O_RDWR);
    CHECK(again == n);
    close_all(again);
}

/* More than ten thousand open files, none shared: a login has half of what ramfs can have open, and
 * so the machine needs 512 MiB. */
static void test_open_files(void) {
    enum { CHILDREN = 12, EACH = 880 };
    int ready[2], go[2], status, good = 0, n_open = 0;
    char byte;

    close(open("/tmp/posix_limits", O_CREAT | O_RDWR, 0600));
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    fflush(stdout);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            int n = 0;

            close(go[1]);
            while (n < EACH && (fds[n] = open("/tmp/posix_limits", O_RDWR)) >= 0) {
                n++;
            }
            bool ok = n == EACH || errno == ENFILE || errno == ENOMEM;

            for (int k = 0; k < n; k += 50) {
                ok = lseek(fds[k], k, SEEK_SET) == k && ok;
            }
            ok = write(ready[1], n == EACH ? "f" : "p", 1) == 1 && ok;
            ok = read(go[0], &byte, 1) == 0 && ok; /* all have theirs */
            for (int k = 0; k < n; k += 50) {
                ok = lseek(fds[k], 0, SEEK_CUR) == k && ok;
            }
            _exit(ok ? 7 : 1);
        }
    }
    for (int i = 0; i < CHILDREN && read(ready[0], &byte, 1) == 1; i++) {
        n_open += byte == 'f' ? EACH : 0;
    }
    CHECK(n_open == CHILDREN * EACH);
    int fd = open("/tmp/posix_limits", O_RDWR);
    CHECK(fd >= 0 && close(fd) == 0);
    close(go[1]);
    for (int i = 0; i < CHILDREN; i++) {
        good += wait(&status) > 0 && status == 7 << 8;
    }
    CHECK(good == CHILDREN);
    close(go[0]);
    close(ready[0]);
    close(ready[1]);
    unlink("/tmp/posix_limits");
}

/* ---- pipes ---- */

static short events_of(int fd, short wanted) {
    struct pollfd entry = {.fd = fd, .events = wanted};

    return poll(&entry, 1, 0) >= 0 ? entry.revents : -1;
}

static void test_full_pipe(void) {
    static char data[4 * KIB];
    int ends[2], n = 0;

    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], data, sizeof data) == (ssize_t)sizeof data) {
        n++;
    }
    CHECK(errno == EAGAIN && n == 16 && events_of(ends[1], POLLOUT) == 0);
    CHECK_ERROR(write(ends[1], data, 1), EAGAIN);
    CHECK(read(ends[0], data, 100) == 100);
    CHECK_ERROR(write(ends[1], data, sizeof data), EAGAIN); /* whole or not at all */
    CHECK(read(ends[0], data, sizeof data) == (ssize_t)sizeof data &&
          events_of(ends[1], POLLOUT) == POLLOUT);
    CHECK(write(ends[1], data, sizeof data) == (ssize_t)sizeof data);
    close(ends[0]);
    close(ends[1]);
}

/* As many pipes as there are descriptors for, in several processes, each as full as it gets. */
static void test_many_full_pipes(void) {
    enum { CHILDREN = 3, PIPES = 450 };
    static char data[60 * KIB];
    int status, good = 0, ends[2];
    char byte;

    fflush(stdout);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            bool ok = true;

            for (int k = 0; k < PIPES; k++) {
                int pair[2];

                if (pipe2(pair, O_NONBLOCK) != 0) {
                    ok = ok && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
                    break;
                }
                if (write(pair[1], data, sizeof data) < 0) {
                    ok = ok && (errno == ENOMEM || errno == EAGAIN || errno == ENOSPC);
                }
            }
            _exit(ok ? 7 : 1);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        good += wait(&status) > 0 && status == 7 << 8;
    }
    CHECK(good == CHILDREN);
    /* The server is still the same one, and has room again: a moment later, when it has heard. */
    int result = -1;
    for (int i = 0; i < 400 && result != 0; i++) {
        result = pipe(ends);
        if (result == 0) {
            result = write(ends[1], data, sizeof data) == (ssize_t)sizeof data &&
                             read(ends[0], &byte, 1) == 1
                         ? 0
                         : -1;
            close(ends[0]);
            close(ends[1]);
        }
        if (result != 0) {
            usleep(10000);
        }
    }
    CHECK(result == 0);
}

/* ---- those who wait ---- */

enum { READERS = 500 };

static void *read_byte(void *argument) {
    char byte;

    return read(*(const int *)argument, &byte, 1) == 1 ? argument : NULL;
}

/* A program whose threads all wait for bytes of `from`: each gets one, none an error. */
static bool all_read(int from, int to) {
    static pthread_t threads[READERS];
    pthread_attr_t attributes;
    int started = 0, good = 0;
    void *result;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16 * KIB);
    while (started < READERS &&
           pthread_create(&threads[started], &attributes, read_byte, &from) == 0) {
        started++;
    }
    usleep(300000); /* now they wait */
    for (int i = 0; i < started; i++) {
        if (write(to, "x", 1) != 1) {
            close(to); /* ends them */
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        good += pthread_join(threads[i], &result) == 0 && result != NULL;
    }
    if (good != READERS) {
        printf("# %d threads, %d got a byte\n", started, good);
    }
    return good == READERS;
}

static void test_many_wait(void) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof own;
    int ends[2];

    CHECK(pipe(ends) == 0 && all_read(ends[0], ends[1]));
    close(ends[0]);
    close(ends[1]);
    CHECK(mkfifo("/tmp/posix_limits.fifo", 0600) == 0);
    ends[0] = open("/tmp/posix_limits.fifo", O_RDWR);
    CHECK(ends[0] >= 0 && all_read(ends[0], ends[0]));
    close(ends[0]);
    unlink("/tmp/posix_limits.fifo");
    ends[0] = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(ends[0], (struct sockaddr *)&own, sizeof own) == 0 &&
          getsockname(ends[0], (struct sockaddr *)&own, &length) == 0 &&
          connect(ends[0], (struct sockaddr *)&own, length) == 0);
    CHECK(all_read(ends[0], ends[0]));
    close(ends[0]);
}

/* ---- the file system ---- */

static unsigned long free_blocks(void) {
    struct statvfs vfs;

    return statvfs("/tmp", &vfs) == 0 ? vfs.f_bfree : 0;
}

static void test_full_disk(void) {
    enum { PIECE = 256 * KIB, PIECES_MAX = 1024 };
    char *data = malloc(PIECE);
    unsigned long before = free_blocks();
    int fd = open("/tmp/posix_limits", O_CREAT | O_TRUNC | O_RDWR, 0600), n = 0;
    ssize_t got = PIECE;
    struct stat st;

    memset(data, 'd', PIECE);
    while (n < PIECES_MAX && (got = write(fd, data, PIECE)) == PIECE) {
        n++;
    }
    /* A disk that does not get full is none of ours. */
    CHECK(n == PIECES_MAX || (got == -1 ? errno == ENOSPC : got > 0));
    if (n < PIECES_MAX) {
        while ((got = write(fd, data, 1)) == 1) {
        }
        CHECK(got == -1 && errno == ENOSPC);
        CHECK(fstat(fd, &st) == 0 && st.st_size >= (off_t)n * PIECE);
        CHECK(pread(fd, data, 10, st.st_size - 10) == 10 && data[0] == 'd' && data[9] == 'd');
        /* What is there can be written anew, and names made and removed. */
        CHECK(pwrite(fd, "x", 1, 0) == 1 && mkdir("/tmp/posix_limits.d", 0700) == 0 &&
              rmdir("/tmp/posix_limits.d") == 0);
    }
    CHECK(ftruncate(fd, 0) == 0 && write(fd, data, PIECE) == PIECE);
    CHECK(close(fd) == 0 && unlink("/tmp/posix_limits") == 0);
    for (int i = 0; i < 400 && n < PIECES_MAX && free_blocks() < before; i++) {
        usleep(10000); /* the kernel frees large memory in the background */
    }
    CHECK(n == PIECES_MAX || free_blocks() >= before);
    free(data);
}

static void test_many_names(void) {
    enum { NAMES_MAX = 20000 };
    char name[64];
    int n = 0, error = 0;

    CHECK(mkdir("/tmp/posix_limits.d", 0700) == 0);
    while (n < NAMES_MAX && error == 0) {
        snprintf(name, sizeof name, "/tmp/posix_limits.d/%d", n);
        error = mknod(name, S_IFREG | 0600, 0) == 0 ? 0 : errno;
        n += error == 0;
    }
    CHECK(n > 1000 && (n == NAMES_MAX || error == ENOSPC));
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "/tmp/posix_limits.d/%d", i);
        error |= unlink(name);
    }
    CHECK(rmdir("/tmp/posix_limits.d") == 0);
    CHECK(mknod("/tmp/posix_limits.new", S_IFREG | 0600, 0) == 0 &&
          unlink("/tmp/posix_limits.new") == 0);
}

int main(void) {
    test_descriptors();
    test_open_files();
    test_full_pipe();
    test_many_full_pipes();
    test_many_wait();
    test_full_disk();
    test_many_names();
    return tap_end();
}

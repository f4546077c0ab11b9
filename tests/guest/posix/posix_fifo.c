/* SPDX-License-Identifier: MIT */
/* FIFOs: who waits for whom at open, end of file, broken pipes, poll, many readers and writers. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static const char path[] = "/tmp/posix_fifo";
static volatile sig_atomic_t n_signals;

static void on_signal(int signal) {
    (void)signal;
    n_signals++;
}

static short events_of(int fd, short wanted) {
    struct pollfd entry = {.fd = fd, .events = wanted};

    return poll(&entry, 1, 0) >= 0 ? entry.revents : -1;
}

static bool is_readable_soon(int fd, int ms) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};

    return poll(&entry, 1, ms) == 1;
}

/* A child that opens the FIFO and then says so through *said; ends when told by SIGTERM. */
static pid_t opener(int flags, int *said) {
    int ends[2];

    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, flags);

        write(ends[1], fd >= 0 ? "x" : "-", 1);
        for (;;) {
            pause();
        }
    }
    close(ends[1]);
    *said = ends[0];
    return pid;
}

static bool has_said(int said) {
    char byte = 0;

    return is_readable_soon(said, 20000) && read(said, &byte, 1) == 1 && byte == 'x';
}

static void end_child(pid_t pid, int said) {
    int status;

    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    close(said);
}

/* ---- names ---- */

static void test_names(void) {
    struct stat st, again;

    CHECK(mkfifo(path, 0640) == 0 && stat(path, &st) == 0 && S_ISFIFO(st.st_mode) &&
          (st.st_mode & 0777) == 0640 && st.st_size == 0 && st.st_nlink == 1);
    CHECK_ERROR(mkfifo(path, 0600), EEXIST);
    CHECK_ERROR(mkfifo("/tmp/missing/fifo", 0600), ENOENT);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &again) == 0 && again.st_ino == st.st_ino &&
          S_ISFIFO(again.st_mode));
    CHECK_ERROR(lseek(fd, 0, SEEK_CUR), ESPIPE);
    CHECK_ERROR(ftruncate(fd, 0), EINVAL);
    CHECK(fchmod(fd, 0600) == 0 && close(fd) == 0);
    CHECK_ERROR(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK(mknod("/tmp/posix_fifo.plain", S_IFREG | 0600, 0) == 0 &&
          stat("/tmp/posix_fifo.plain", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
    CHECK(unlink("/tmp/posix_fifo.plain") == 0);
}

/* ---- open ---- */

static void test_open_waits(void) {
    int said;
    pid_t pid = opener(O_RDONLY, &said);

    CHECK(!is_readable_soon(said, 60));
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && has_said(said));
    CHECK(close(fd) == 0);
    end_child(pid, said);

    pid = opener(O_WRONLY, &said);
    CHECK(!is_readable_soon(said, 60));
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && has_said(said));
    CHECK(close(fd) == 0);
    end_child(pid, said);

    /* One that opens for both needs nobody, and is enough for all others. */
    pid = opener(O_RDWR, &said);
    CHECK(has_said(said));
    fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && close(fd) == 0 && (fd = open(path, O_RDONLY)) >= 0 && close(fd) == 0);
    end_child(pid, said);
}

static void test_open_nonblock(void) {
    char byte;

    CHECK_ERROR(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0 && events_of(reader, POLLIN) == 0);
    CHECK(read(reader, &byte, 1) == 0); /* nobody writes: the end */
    int writer = open(path, O_WRONLY | O_NONBLOCK);
    CHECK(writer >= 0);
    CHECK_ERROR(read(reader, &byte, 1), EAGAIN);
    CHECK(events_of(writer, POLLOUT) == POLLOUT && events_of(reader, POLLIN) == 0);
    CHECK(write(writer, "ab", 2) == 2 && events_of(reader, POLLIN) == POLLIN);
    CHECK(close(writer) == 0 && events_of(reader, POLLIN) == (POLLIN | POLLHUP));
    CHECK(read(reader, &byte, 1) == 1 && byte == 'a' && read(reader, &byte, 1) == 1 &&
          byte == 'b' && read(reader, &byte, 1) == 0 && events_of(reader, POLLIN) == POLLHUP);
    /* A new writer, and all is as before. */
    writer = open(path, O_WRONLY);
    CHECK(writer >= 0 && events_of(reader, POLLIN) == 0 && write(writer, "c", 1) == 1 &&
          read(reader, &byte, 1) == 1 && byte == 'c');
    CHECK(close(reader) == 0 && events_of(writer, POLLOUT) == (POLLOUT | POLLERR));
    n_signals = 0;
    CHECK_ERROR(write(writer, "d", 1), EPIPE);
    CHECK(n_signals == 1 && close(writer) == 0);
}

/* An open that waits is ended by a signal, and leaves nothing behind. */
static void test_open_interrupted(void) {
    struct sigaction action = {.sa_handler = on_signal}, old;
    struct itimerval soon = {.it_value = {.tv_usec = 50000}, .it_interval = {.tv_usec = 50000}};
    struct itimerval never = {0};

    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_ERROR(open(path, O_RDONLY), EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK_ERROR(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_ERROR(open(path, O_WRONLY), EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
}

/* Nor does one whose program is killed. */
static void test_open_killed(void) {
    int said, fd = -1;
    pid_t pid = opener(O_RDONLY, &said);

    CHECK(!is_readable_soon(said, 60));
    end_child(pid, said);
    /* The kernel tells the server a moment later. */
    for (int i = 0; i < 400; i++) {
        fd = open(path, O_WRONLY | O_NONBLOCK);
        if (fd < 0) {
            break;
        }
        close(fd);
        usleep(5000);
    }
    CHECK(fd == -1 && errno == ENXIO);
}

/* ---- content ---- */

static void test_unlinked(void) {
    char buffer[4];
    struct stat st;

    CHECK(mkfifo("/tmp/posix_fifo.gone", 0600) == 0);
    int fd = open("/tmp/posix_fifo.gone", O_RDWR);
    CHECK(unlink("/tmp/posix_fifo.gone") == 0 && write(fd, "abc", 3) == 3 &&
          read(fd, buffer, 4) == 3 && fstat(fd, &st) == 0 && st.st_nlink == 0);
    CHECK(close(fd) == 0);
    /* What nobody read is gone with the last close. */
    fd = open(path, O_RDWR | O_NONBLOCK);
    CHECK(write(fd, "left", 4) == 4 && close(fd) == 0);
    fd = open(path, O_RDWR | O_NONBLOCK);
    CHECK_ERROR(read(fd, buffer, 4), EAGAIN);
    close(fd);
}

/* Three writers, one reader: pieces of up to PIPE_BUF are never mixed. */
static void test_writers(void) {
    enum { WRITERS = 3, ROUNDS = 60, BYTES = 1000 };
    static char piece[BYTES];
    int counts[WRITERS] = {0}, status, reader = open(path, O_RDONLY | O_NONBLOCK);
    bool whole = true;

    fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            int fd = open(path, O_WRONLY);

            memset(piece, 'a' + i, BYTES);
            for (int round = 0; round < ROUNDS; round++) {
                if (write(fd, piece, BYTES) != BYTES) {
                    _exit(1);
                }
            }
            _exit(7);
        }
    }
    CHECK(fcntl(reader, F_SETFL, 0) == 0);
    int n = 0;
    while (n < WRITERS * ROUNDS && whole) {
        size_t got = 0;

        while (got < BYTES) {
            struct pollfd entry = {.fd = reader, .events = POLLIN};
            ssize_t part =
                poll(&entry, 1, 20000) == 1 ? read(reader, piece + got, BYTES - got) : -1;

            if (part < 0) {
                break;
            }
            if (part == 0) {
                usleep(1000); /* between two writers there may be none */
            }
            got += (size_t)part;
        }
        whole = got == BYTES;
        for (int i = 0; i < BYTES && whole; i++) {
            whole = piece[i] == piece[0];
        }
        counts[(piece[0] - 'a') % WRITERS]++;
        n++;
    }
    CHECK(whole && counts[0] == ROUNDS && counts[1] == ROUNDS && counts[2] == ROUNDS);
    for (int i = 0; i < WRITERS; i++) {
        CHECK(wait(&status) > 0 && status == 7 << 8);
    }
    close(reader);
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigaction(SIGPIPE, &action, NULL);
    umask(022);
    unlink(path);
    test_names();
    test_open_waits();
    test_open_nonblock();
    test_open_interrupted();
    test_open_killed();
    test_unlinked();
    test_writers();
    CHECK(unlink(path) == 0);
    return tap_end();
}

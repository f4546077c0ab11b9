/* SPDX-License-Identifier: MIT */
/* Calls that wait for nobody: descriptors, what is known of files, memory, signals, figures. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/posix/posix_kills/calls.h"

enum { PAGE = 4096 };

static enum outcome call_descriptors(void) {
    int fd = dup(shared_file), other = fcntl(fd, F_DUPFD_CLOEXEC, 20);

    return outcome_of(fd >= 0 && other >= 20 && dup2(fd, other) == other &&
                      (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR &&
                      fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && close(fd) == 0 && close(other) == 0);
}

static enum outcome call_vectors(void) {
    char a[10] = "abc", b[300] = "";
    struct iovec parts[] = {{a, sizeof a}, {b, sizeof b}};
    char path[PATH_BYTES];
    int fd = open(own_path(path, "v"), O_CREAT | O_RDWR | O_APPEND, 0600);
    bool ok = fd >= 0 && writev(fd, parts, 2) == 310 && lseek(fd, 0, SEEK_SET) == 0 &&
              readv(fd, parts, 2) == 310 && strcmp(a, "abc") == 0;

    return outcome_of(close(fd) == 0 && unlink(path) == 0 && ok);
}

static enum outcome call_metadata(void) {
    struct timespec times[2] = {{1, 2}, {3, 4}};
    struct statvfs space;

    return outcome_of(access(FOLDER "/file", R_OK | W_OK) == 0 && fchmod(shared_file, 0600) == 0 &&
                      futimens(shared_file, times) == 0 && fchown(shared_file, 0, 0) == 0 &&
                      statvfs(FOLDER, &space) == 0);
}

static enum outcome call_links(void) {
    char path[PATH_BYTES];

    return outcome_of(link(FOLDER "/file", own_path(path, "l")) == 0 && unlink(path) == 0);
}

static enum outcome call_directory(void) {
    char path[PATH_BYTES];

    return outcome_of(chdir(FOLDER) == 0 && getcwd(path, sizeof path) != NULL &&
                      strcmp(path, FOLDER) == 0 && access("file", F_OK) == 0);
}

static enum outcome call_remap(void) {
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        return WRONG;
    }
    at[3 * PAGE] = 1;
    bool ok = mprotect(at, PAGE, PROT_READ) == 0 &&
              madvise(at + 3 * PAGE, PAGE, MADV_DONTNEED) == 0 && at[3 * PAGE] == 0;
    char *moved = mremap(at + PAGE, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);

    return outcome_of(ok && moved != MAP_FAILED && munmap(moved, 5 * PAGE) == 0 &&
                      munmap(at, PAGE) == 0);
}

static enum outcome call_messages(void) {
    char bytes[40] = "some";
    struct iovec parts[] = {{bytes, 8}, {bytes + 8, 32}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    int ends[2], n = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return WRONG;
    }
    enum outcome outcome = outcome_of(
        sendmsg(ends[0], &message, 0) == 40 && ioctl(ends[1], FIONREAD, &n) == 0 && n == 40 &&
        recvmsg(ends[1], &message, MSG_WAITALL) == 40 && shutdown(ends[0], SHUT_WR) == 0);
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

static enum outcome call_copy(void) {
    char path[PATH_BYTES];
    off_t from = 0;
    int fd = open(own_path(path, "c"), O_CREAT | O_RDWR, 0600);
    bool ok = fd >= 0 && sendfile(fd, shared_file, &from, 5000) == 5000 && from == 5000;

    return outcome_of(close(fd) == 0 && unlink(path) == 0 && ok);
}

static enum outcome call_numbers(void) {
    char bytes[40];

    return outcome_of(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
}

static enum outcome call_figures(void) {
    struct utsname name;
    struct sysinfo info;
    struct tms tms;
    struct timespec time;

    return outcome_of(
        uname(&name) == 0 && sysinfo(&info) == 0 && info.totalram > 0 &&
        times(&tms) != (clock_t)-1 && clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 &&
        clock_getres(CLOCK_REALTIME, &time) == 0 && sysconf(_SC_NPROCESSORS_ONLN) > 0);
}

/* A signal that does nothing to a thread which has not blocked it, and takes it first. */
static enum outcome call_sending(void) {
    const struct timespec at_once = {0, 0};
    union sigval value = {.sival_int = 5};
    siginfo_t information = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || sigqueue(getpid(), SIGURG, value) != 0 ||
        pthread_kill(pthread_self(), 0) != 0 || sigpending(&set) != 0) {
        return WRONG;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    int signal = sigtimedwait(&set, &information, &at_once);

    return signal == SIGURG ? outcome_of(information.si_value.sival_int == 5)
                            : outcome_of(signal == -1 && errno == EAGAIN);
}

static enum outcome call_rwlock(void) {
    static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    int error =
        own_number % 2 == 0 ? pthread_rwlock_wrlock(&rwlock) : pthread_rwlock_rdlock(&rwlock);

    return error == 0 && pthread_rwlock_unlock(&rwlock) == 0 ? RIGHT : WRONG;
}

const struct call quick_calls[] = {
    {.name = "dup, fcntl", .call = call_descriptors},
    {.name = "readv, writev", .call = call_vectors, .no_cancel = true},
    {.name = "access, chmod, utimens", .call = call_metadata},
    {.name = "link", .call = call_links, .no_cancel = true},
    {.name = "chdir, getcwd", .call = call_directory},
    {.name = "mprotect, mremap", .call = call_remap, .locks = true},
    {.name = "sendmsg, recvmsg", .call = call_messages, .interruption = NO_RESTART},
    {.name = "sendfile", .call = call_copy, .interruption = NO_RESTART, .no_cancel = true},
    {.name = "getrandom", .call = call_numbers},
    {.name = "uname, sysinfo, times", .call = call_figures},
    {.name = "sigqueue, pthread_kill", .call = call_sending, .no_cancel = true},
    {.name = "rwlock", .call = call_rwlock, .locks = true},
    {.name = NULL},
};

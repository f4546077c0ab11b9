/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "tests/guest/posix/posix_kills/calls.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { KIB = 1024 };

extern char **environ;

enum outcome outcome_of(bool is_right) {
    return is_right ? RIGHT : errno == EINTR ? ENDED : WRONG;
}

__thread unsigned own_number;

const char *own_path(char *path, const char *what) {
    snprintf(path, PATH_BYTES, FOLDER "/%s.%d.%u", what, (int)getpid(), own_number);
    return path;
}

/* ---- files ---- */

int shared_file;
static int full[2], quiet[2], listener;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static enum outcome call_open(void) {
    int fd = open(FOLDER "/file", O_RDWR);

    return outcome_of(fd >= 0 && close(fd) == 0);
}

static enum outcome call_create(void) {
    char path[PATH_BYTES];
    int fd = open(own_path(path, "new"), O_CREAT | O_EXCL | O_RDWR, 0600);

    return outcome_of(fd >= 0 && write(fd, "1234", 4) == 4 && close(fd) == 0 && unlink(path) == 0);
}

static enum outcome call_stat(void) {
    struct stat st;

    return outcome_of(stat(FOLDER "/file", &st) == 0 && fstat(shared_file, &st) == 0);
}

static enum outcome call_read_write(void) {
    char bytes[5000];
    off_t at = (off_t)own_number * 8 * KIB;

    memset(bytes, (int)own_number, sizeof bytes);
    return outcome_of(pwrite(shared_file, bytes, sizeof bytes, at) == sizeof bytes &&
                      pread(shared_file, bytes, sizeof bytes, at) == sizeof bytes &&
                      bytes[4999] == (char)own_number);
}

static enum outcome call_truncate(void) {
    return outcome_of(ftruncate(shared_file, 100 * KIB) == 0 && fsync(shared_file) == 0);
}

static enum outcome call_list(void) {
    DIR *folder = opendir(FOLDER);
    int n = 0;

    while (folder != NULL && readdir(folder) != NULL) {
        n++;
    }
    return outcome_of(n > 0 && closedir(folder) == 0);
}

static enum outcome call_names(void) {
    char from[PATH_BYTES], to[PATH_BYTES], text[8];

    return outcome_of(symlink("x", own_path(from, "a")) == 0 &&
                      rename(from, own_path(to, "b")) == 0 &&
                      readlink(to, text, sizeof text) == 1 && unlink(to) == 0 &&
                      mkdir(from, 0700) == 0 && rmdir(from) == 0);
}

static enum outcome call_map(void) {
    char *at = mmap(NULL, 8 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file, 0);

    if (at == MAP_FAILED) {
        return WRONG;
    }
    at[own_number] = 1;
    return outcome_of(msync(at, 8 * KIB, MS_SYNC) == 0 && munmap(at, 8 * KIB) == 0);
}

enum { FREE_RANGE = 0, HELD_RANGE = 100 };

static enum outcome lock(int fd, short type, off_t from) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = 10};

    return outcome_of(fcntl(fd, F_SETLKW, &range) == 0);
}

static enum outcome call_lock(void) {
    enum outcome outcome = lock(shared_file, F_WRLCK, FREE_RANGE);

    return outcome != RIGHT ? outcome : lock(shared_file, F_UNLCK, FREE_RANGE);
}

static enum outcome call_flock(void) {
    int fd = open(FOLDER "/file", O_RDWR);
    enum outcome outcome = outcome_of(fd >= 0 && flock(fd, LOCK_EX) == 0);

    close(fd);
    return outcome;
}

static enum outcome call_print(void) {
    FILE *file = fopen("/dev/null", "w");

    return outcome_of(file != NULL && fprintf(file, "%d %s\n", 42, "text") == 8 &&
                      fclose(file) == 0);
}

static enum outcome call_random(void) {
    char bytes[16];
    int fd = open("/dev/urandom", O_RDONLY);
    bool ok = fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes;

    close(fd);
    return outcome_of(ok);
}

/* ---- pipes and sockets ---- */

static enum outcome call_pipe(void) {
    char bytes[100] = {1};
    int ends[2];

    if (pipe(ends) != 0) {
        return WRONG;
    }
    enum outcome outcome = outcome_of(write(ends[1], bytes, sizeof bytes) == sizeof bytes &&
                                      read(ends[0], bytes, sizeof bytes) == sizeof bytes);
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

static enum outcome call_fifo(void) {
    int fd = open(FOLDER "/fifo", O_RDONLY | O_NONBLOCK);

    return outcome_of(fd >= 0 && close(fd) == 0);
}

static enum outcome call_pair(void) {
    char byte = 0;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return WRONG;
    }
    enum outcome outcome =
        outcome_of(send(ends[0], "x", 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1 && byte == 'x');
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

static enum outcome call_datagram(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char byte = 0;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    enum outcome outcome =
        outcome_of(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
                   sendto(fd, "y", 1, 0, (struct sockaddr *)&address, size) == 1 &&
                   recv(fd, &byte, 1, 0) == 1 && byte == 'y');

    close(fd);
    return outcome;
}

static enum outcome call_address(void) {
    struct addrinfo *found = NULL;

    if (getaddrinfo("127.0.0.1", "70", NULL, &found) != 0) {
        return WRONG;
    }
    freeaddrinfo(found);
    return RIGHT;
}

static enum outcome call_poll(void) {
    struct pollfd entries[2] = {{.fd = quiet[0], .events = POLLIN},
                                {.fd = full[1], .events = POLLOUT}};

    return outcome_of(poll(entries, 2, 1) == 0);
}

static enum outcome call_select(void) {
    struct timeval time = {0, 1000};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(quiet[0], &set);
    return outcome_of(select(quiet[0] + 1, &set, NULL, NULL, &time) == 0);
}

/* ---- processes ---- */

static enum outcome await(pid_t pid, int wanted) {
    int status = 0;
    pid_t got;
    enum outcome first = RIGHT;

    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
        first = ENDED;
    }
    return got == pid && status == wanted ? first : WRONG;
}

static enum outcome call_fork(void) {
    pid_t pid = fork();

    if (pid == 0) {
        _exit(7);
    }
    return pid < 0 ? WRONG : await(pid, 7 << 8);
}

static enum outcome call_spawn(void) {
    char *argv[] = {(char[]){"true"}, NULL};
    pid_t pid;

    return posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0 ? WRONG : await(pid, 0);
}

static enum outcome call_ids(void) {
    struct rusage usage;

    return outcome_of(getppid() > 0 && getpgid(0) > 0 && getsid(0) > 0 && kill(getpid(), 0) == 0 &&
                      getrusage(RUSAGE_SELF, &usage) == 0);
}

static void *nothing(void *argument) {
    return argument;
}

static enum outcome call_thread(void) {
    pthread_t thread;

    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0
               ? RIGHT
               : WRONG;
}

static enum outcome call_malloc(void) {
    size_t size = (size_t)(1 + rand() % 300) * KIB;
    char *block = malloc(size), *more = block != NULL ? realloc(block, size * 2) : NULL;

    if (more == NULL) {
        return WRONG;
    }
    more[size] = 1;
    free(more);
    return RIGHT;
}

/* ---- time and signals ---- */

static enum outcome call_sleep(void) {
    struct timespec time = {0, 300000};

    return outcome_of(nanosleep(&time, NULL) == 0);
}

static enum outcome call_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec setting = {.it_value = {1000, 0}};
    timer_t timer;

    return outcome_of(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
                      timer_settime(timer, 0, &setting, NULL) == 0 && timer_delete(timer) == 0);
}

static enum outcome call_alarm(void) {
    struct itimerval setting = {.it_value = {1000, 0}};

    return outcome_of(setitimer(ITIMER_REAL, &setting, NULL) == 0);
}

static enum outcome call_sigwait(void) {
    struct timespec time = {0, 300000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigtimedwait(&set, NULL, &time) == -1 && errno == EAGAIN ? RIGHT : outcome_of(false);
}

static enum outcome call_action(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set, old;

    sigfillset(&set);
    return outcome_of(sigaction(SIGHUP, &action, NULL) == 0 &&
                      pthread_sigmask(SIG_BLOCK, &set, &old) == 0 &&
                      pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

static struct timespec soon(void) {
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += 500000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static enum outcome call_semaphore(void) {
    struct timespec time = soon();

    return sem_timedwait(&semaphore, &time) == -1 && errno == ETIMEDOUT ? RIGHT : outcome_of(false);
}

static enum outcome call_named_semaphore(void) {
    sem_t *named = sem_open("/posix_kills", O_CREAT, 0600, 1);

    return outcome_of(named != SEM_FAILED && sem_close(named) == 0);
}

static void unlock(void *argument) {
    pthread_mutex_unlock(argument);
}

static enum outcome call_condition(void) {
    struct timespec time = soon();
    int error;

    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    error = pthread_cond_timedwait(&condition, &mutex, &time);
    pthread_cleanup_pop(1);
    return error == ETIMEDOUT || error == 0 ? RIGHT : WRONG;
}

static enum outcome call_mutex(void) {
    int error = pthread_mutex_lock(&mutex);

    return error == 0 && pthread_mutex_unlock(&mutex) == 0 ? RIGHT : WRONG;
}

static enum outcome call_terminal(void) {
    struct termios mode;

    if (!isatty(0)) {
        return RIGHT;
    }
    return outcome_of(tcgetattr(0, &mode) == 0);
}

/* ---- calls that nothing ends ---- */

static enum outcome block_read(void) {
    char byte;

    return outcome_of(read(quiet[0], &byte, 1) == 1);
}

static enum outcome block_write(void) {
    char bytes[4096] = {0};

    return outcome_of(write(full[1], bytes, sizeof bytes) > 0);
}

static enum outcome block_fifo(void) {
    return outcome_of(open(FOLDER "/fifo", O_WRONLY) >= 0);
}

static enum outcome block_poll(void) {
    struct pollfd entry = {.fd = quiet[0], .events = POLLIN};

    return outcome_of(poll(&entry, 1, -1) == 1);
}

static enum outcome block_accept(void) {
    return outcome_of(accept(listener, NULL, NULL) >= 0);
}

static enum outcome block_semaphore(void) {
    return outcome_of(sem_wait(&semaphore) == 0);
}

static enum outcome block_condition(void) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
    return RIGHT;
}

static enum outcome block_sigwait(void) {
    sigset_t set;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwait(&set, &signal) == 0 ? RIGHT : WRONG;
}

static enum outcome block_lock(void) {
    return lock(shared_file, F_WRLCK, HELD_RANGE);
}

/* For a child that ends when we do: it reads from a pipe that only we could write to. */
static enum outcome block_wait(void) {
    char byte;
    int ends[2];

    if (pipe(ends) != 0) {
        return WRONG;
    }
    pid_t pid = fork();

    if (pid == 0) {
        for (int fd = 0; fd < 64; fd++) {
            if (fd != ends[0]) {
                close(fd); /* other threads' pipes too */
            }
        }
        _exit((int)read(ends[0], &byte, 1));
    }
    return outcome_of(waitpid(pid, NULL, 0) > 0);
}

static enum outcome block_mutex(void) {
    return pthread_mutex_lock(&held) == 0 ? RIGHT : WRONG;
}

const struct call calls[] = {
    {.name = "open", .call = call_open},
    {.name = "create", .call = call_create, .no_cancel = true},
    {.name = "stat", .call = call_stat},
    {.name = "pread, pwrite", .call = call_read_write},
    {.name = "ftruncate, fsync", .call = call_truncate},
    {.name = "readdir", .call = call_list, .locks = true},
    {.name = "rename, symlink, mkdir", .call = call_names, .no_cancel = true},
    {.name = "mmap, msync", .call = call_map},
    {.name = "fcntl lock", .call = call_lock, .interruption = NO_RESTART, .no_cancel = true},
    {.name = "flock", .call = call_flock, .interruption = NO_RESTART, .no_cancel = true},
    {.name = "fprintf", .call = call_print, .no_cancel = true, .locks = true},
    {.name = "/dev/urandom", .call = call_random},
    {.name = "pipe", .call = call_pipe, .interruption = NO_RESTART},
    {.name = "open of a FIFO", .call = call_fifo},
    {.name = "socketpair", .call = call_pair, .interruption = NO_RESTART},
    {.name = "datagrams", .call = call_datagram, .interruption = NO_RESTART},
    {.name = "getaddrinfo", .call = call_address, .no_cancel = true},
    {.name = "poll", .call = call_poll, .interruption = ALWAYS},
    {.name = "select", .call = call_select, .interruption = ALWAYS},
    {.name = "fork, waitpid", .call = call_fork, .interruption = NO_RESTART, .locks = true},
    {.name = "posix_spawn", .call = call_spawn, .interruption = NO_RESTART, .locks = true},
    {.name = "ids", .call = call_ids},
    {.name = "pthread_create", .call = call_thread, .locks = true},
    {.name = "malloc", .call = call_malloc, .locks = true},
    {.name = "nanosleep", .call = call_sleep, .interruption = ALWAYS},
    {.name = "timer_create", .call = call_timer, .locks = true},
    {.name = "setitimer", .call = call_alarm},
    {.name = "sigtimedwait", .call = call_sigwait, .interruption = ALWAYS},
    {.name = "sigaction", .call = call_action},
    {.name = "sem_timedwait", .call = call_semaphore, .interruption = ALWAYS},
    {.name = "sem_open", .call = call_named_semaphore, .no_cancel = true},
    {.name = "pthread_cond_timedwait", .call = call_condition, .locks = true},
    {.name = "mutex", .call = call_mutex, .locks = true},
    {.name = "tcgetattr", .call = call_terminal},
    {.name = "read that blocks", .call = block_read, .blocks = true},
    {.name = "write that blocks", .call = block_write, .blocks = true},
    {.name = "open of a FIFO that blocks", .call = block_fifo, .blocks = true},
    {.name = "poll that blocks", .call = block_poll, .blocks = true},
    {.name = "accept", .call = block_accept, .blocks = true},
    {.name = "sem_wait", .call = block_semaphore, .blocks = true},
    {.name = "pthread_cond_wait", .call = block_condition, .blocks = true},
    {.name = "sigwait", .call = block_sigwait, .blocks = true},
    {.name = "fcntl lock that blocks", .call = block_lock, .blocks = true},
    {.name = "waitpid", .call = block_wait, .blocks = true, .locks = true},
    {.name = "mutex that is held", .call = block_mutex, .blocks = true, .no_cancel = true},
    {.name = NULL},
};

/* ---- what they work on ---- */

bool calls_prepare(void) {
    char bytes[4096] = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    mkdir(FOLDER, 0700);
    shared_file = open(FOLDER "/file", O_CREAT | O_RDWR, 0600);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (shared_file < 0 || mkfifo(FOLDER "/fifo", 0600) != 0 || pipe(quiet) != 0 ||
        pipe(full) != 0 || ftruncate(shared_file, 100 * KIB) != 0 || listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 5) != 0 || lock(shared_file, F_WRLCK, HELD_RANGE) != RIGHT) {
        return false;
    }
    fcntl(full[1], F_SETFL, O_NONBLOCK);
    while (write(full[1], bytes, sizeof bytes) > 0) {
    }
    fcntl(full[1], F_SETFL, 0);
    pthread_mutex_lock(&held);
    /* Made here: who is killed while it makes one leaves a file in /dev/shm. */
    if (call_named_semaphore() != RIGHT) {
        return false;
    }
    return sem_init(&semaphore, 0, 0) == 0;
}

void calls_clean(void) {
    char path[PATH_BYTES + 256];
    struct dirent *entry;
    DIR *folder = opendir(FOLDER);

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
        if (strcmp(entry->d_name, "file") != 0 && strcmp(entry->d_name, "fifo") != 0 &&
            unlink(path) != 0) {
            rmdir(path);
        }
    }
    closedir(folder);
    /* A server hears that a poll's thread is gone when the next one asks. */
    (void)call_poll();
}

void calls_end(void) {
    calls_clean();
    unlink(FOLDER "/file");
    unlink(FOLDER "/fifo");
    rmdir(FOLDER);
    sem_unlink("/posix_kills");
}

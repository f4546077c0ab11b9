/* SPDX-License-Identifier: MIT */
/*
 * Files as memory: shared between processes and with reading and writing, cut and grown while
 * mapped, private, and beyond their end.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { PAGE = 4096 };

static const char name[] = "/tmp/posix_map_files";
static sigjmp_buf back;
static volatile sig_atomic_t got_signal;
static void *volatile got_address;

static void on_fault(int signal, siginfo_t *information, void *context) {
    (void)context;
    got_signal = signal;
    got_address = information->si_addr;
    siglongjmp(back, 1);
}

/* The signal that reading (or writing) this byte raises; 0: none. */
static int touch(volatile char *byte, bool writes) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, bus, segv;

    sigaction(SIGBUS, &action, &bus);
    sigaction(SIGSEGV, &action, &segv);
    got_signal = 0;
    if (sigsetjmp(back, 1) == 0) {
        if (writes) {
            *byte = 'w';
        } else {
            (void)*byte;
        }
    }
    sigaction(SIGBUS, &bus, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    return got_signal;
}

static char *map(int fd, size_t n_pages, int protection, int flags, off_t offset) {
    return mmap(NULL, n_pages * PAGE, protection, flags, fd, offset);
}

static int make(size_t bytes) {
    int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    return fd;
}

/* ---- coherence ---- */

/* Two processes that opened the file each for itself: stores, writes, and both ways round. */
static void test_two_processes(void) {
    int fd = make(2 * PAGE), to[2], from[2], status;
    char byte, *memory = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

    CHECK(memory != MAP_FAILED && pipe(to) == 0 && pipe(from) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int own = open(name, O_RDWR);
        char *here = map(own, 2, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
        bool ok = here != MAP_FAILED && munmap(memory, 2 * PAGE) == 0;

        here[PAGE] = 'c';
        ok = write(from[1], "x", 1) == 1 && read(to[0], &byte, 1) == 1 && ok;
        ok = ok && here[0] == 'p' && here[PAGE + 1] == 'q';
        here[PAGE + 2] = 'd';
        ok = pwrite(own, "e", 1, PAGE + 3) == 1 && ok;
        _exit(ok ? 7 : 1);
    }
    CHECK(read(from[0], &byte, 1) == 1 && memory[PAGE] == 'c');
    memory[0] = 'p';
    CHECK(pwrite(fd, "q", 1, PAGE + 1) == 1 && write(to[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(memory[PAGE + 2] == 'd' && memory[PAGE + 3] == 'e');
    CHECK(pread(fd, &byte, 1, PAGE + 2) == 1 && byte == 'd');
    CHECK(msync(memory, 2 * PAGE, MS_SYNC) == 0 && msync(memory, PAGE, MS_ASYNC) == 0);
    CHECK(munmap(memory, 2 * PAGE) == 0);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
    close(fd);
}

/* A mapping that a forked child inherits is the same memory; a private one is not. */
static void test_fork(void) {
    int fd = make(PAGE), status;
    char *shared = map(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    char *copy = map(fd, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    char *anonymous = map(-1, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, 0);

    CHECK(close(fd) == 0 && shared != MAP_FAILED && copy != MAP_FAILED && anonymous != MAP_FAILED);
    copy[0] = anonymous[0] = 'a';
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = copy[0] == 'a' && anonymous[0] == 'a';

        shared[1] = copy[1] = anonymous[1] = 'c';
        _exit(ok ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
    CHECK(shared[1] == 'c' && anonymous[1] == 'c' && copy[1] == 0);
    CHECK(munmap(shared, PAGE) == 0 && munmap(copy, PAGE) == 0 && munmap(anonymous, PAGE) == 0);
}

/* The mapping outlives the descriptor and the name, and follows the file that grows. */
static void test_grow(void) {
    int fd = make(0);
    char byte = 0, *memory = map(fd, 64, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

    CHECK(memory != MAP_FAILED && touch(memory, false) == SIGBUS && got_address == memory);
    CHECK(ftruncate(fd, 10) == 0 && touch(memory, true) == 0 &&
          touch(memory + PAGE, true) == SIGBUS);
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'w');
    /* A long one in small steps: whatever the server does to make room, it stays the same memory.
     */
    bool same = true;
    for (int i = 1; i < 64 && same; i++) {
        same = pwrite(fd, "g", 1, i * PAGE) == 1 && memory[i * PAGE] == 'g' && memory[0] == 'w';
        same = same && (i == 63 || touch(memory + (i + 1) * PAGE, false) == SIGBUS);
    }
    CHECK(same);
    CHECK(unlink(name) == 0 && close(fd) == 0);
    CHECK(memory[0] == 'w' && memory[63 * PAGE] == 'g');
    CHECK(munmap(memory, 64 * PAGE) == 0);
}

static void test_cut(void) {
    int fd = make(4 * PAGE);
    char byte = 1, *memory = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    struct stat st;

    memset(memory, 'x', 4 * PAGE);
    CHECK(ftruncate(fd, PAGE + 100) == 0);
    CHECK(touch(memory + PAGE, false) == 0 && touch(memory + 2 * PAGE, false) == SIGBUS &&
          touch(memory + 3 * PAGE, true) == SIGBUS);
    CHECK(memory[PAGE + 99] == 'x' && memory[PAGE + 100] == 0);
    CHECK(ftruncate(fd, 0) == 0 && touch(memory, false) == SIGBUS);
    CHECK(pwrite(fd, "new", 3, PAGE) == 3 && memory[PAGE] == 'n' && memory[0] == 0);
    memory[PAGE + 1] = 'E';
    CHECK(pread(fd, &byte, 1, PAGE + 1) == 1 && byte == 'E');
    CHECK(fstat(fd, &st) == 0 && st.st_size == PAGE + 3);
    /* A system call that is given such memory fails instead. */
    CHECK_ERROR(write(fd, memory + 3 * PAGE, 1), EFAULT);
    CHECK(munmap(memory, 4 * PAGE) == 0 && close(fd) == 0 && unlink(name) == 0);
}

/* Without a handler it is SIGBUS that ends the program. */
static void test_death(void) {
    int fd = make(0), status;
    char *memory = map(fd, 1, PROT_READ, MAP_SHARED, 0);

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        (void)*(volatile char *)memory;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    CHECK(munmap(memory, PAGE) == 0 && close(fd) == 0 && unlink(name) == 0);
}

/* ---- private, offsets, rights ---- */

static void test_private(void) {
    int fd = make(3 * PAGE);
    char byte;

    CHECK(pwrite(fd, "12345", 5, PAGE) == 5);
    char *memory = map(fd, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, PAGE);
    CHECK(memory != MAP_FAILED && memory[0] == '1' && memory[4] == '5' && memory[PAGE] == 0);
    memory[0] = 'p';
    CHECK(pread(fd, &byte, 1, PAGE) == 1 && byte == '1');
    CHECK(close(fd) == 0 && memory[0] == 'p' && memory[1] == '2');
    CHECK(munmap(memory, 2 * PAGE) == 0 && unlink(name) == 0);
}

static void test_rights(void) {
    int fd = make(PAGE), reader = open(name, O_RDONLY), writer = open(name, O_WRONLY);

    CHECK(map(reader, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == MAP_FAILED && errno == EACCES);
    CHECK(map(writer, 1, PROT_READ, MAP_SHARED, 0) == MAP_FAILED && errno == EACCES);
    CHECK(map(writer, 1, PROT_READ, MAP_PRIVATE, 0) == MAP_FAILED && errno == EACCES);
    char *memory = map(reader, 1, PROT_READ, MAP_SHARED, 0);
    CHECK(memory != MAP_FAILED && touch(memory, true) == SIGSEGV);
    CHECK_ERROR(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), EACCES);
    CHECK(munmap(memory, PAGE) == 0);
    memory = map(reader, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    CHECK(memory != MAP_FAILED && touch(memory, true) == 0 && munmap(memory, PAGE) == 0);
    memory = map(fd, 1, PROT_READ, MAP_SHARED, 0);
    CHECK(memory != MAP_FAILED && mprotect(memory, PAGE, PROT_READ | PROT_WRITE) == 0 &&
          touch(memory, true) == 0);
    CHECK(munmap(memory, PAGE) == 0 && touch(memory, false) == SIGSEGV);
    close(writer);
    close(reader);
    close(fd);
    unlink(name);
}

static void test_errors(void) {
    int fd = make(PAGE), directory = open("/tmp", O_RDONLY | O_DIRECTORY), ends[2];

    CHECK(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, 0, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap((void *)100, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED &&
          errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 900, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, directory, 0) == MAP_FAILED && errno == ENODEV);
    CHECK(pipe(ends) == 0 && map(ends[0], 1, PROT_READ, MAP_SHARED, 0) == MAP_FAILED &&
          errno == ENODEV);
    CHECK(mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
          errno == ENOMEM);
    close(ends[0]);
    close(ends[1]);
    close(directory);
    close(fd);
    unlink(name);
}

int main(void) {
    test_two_processes();
    test_fork();
    test_grow();
    test_cut();
    test_death();
    test_private();
    test_rights();
    test_errors();
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * mremap of every kind of memory, mprotect, msync, mlock: what they do and what they refuse.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { PAGE = 4096 };

static char *map(size_t n_pages, int flags, int fd, off_t offset) {
    return mmap(NULL, n_pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, offset);
}

static char *anonymous(size_t n_pages) {
    char *pages = map(n_pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < n_pages; i++) {
        pages[i * PAGE] = (char)('a' + i);
    }
    return pages;
}

static bool has_letters(const char *pages, size_t n_pages) {
    for (size_t i = 0; i < n_pages; i++) {
        if (pages[i * PAGE] != (char)('a' + i)) {
            return false;
        }
    }
    return true;
}

/* Is there nothing? Whoever asks for just this place gets it. */
static bool is_free(char *at, size_t n_pages) {
    char *got = mmap(at, n_pages * PAGE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (got != MAP_FAILED) {
        munmap(got, n_pages * PAGE);
    }
    return got == at;
}

static void test_anonymous(void) {
    char *pages = anonymous(9), *moved, *wall = pages + 8 * PAGE;

    CHECK(mremap(pages, 8 * PAGE, 4 * PAGE, 0) == pages && has_letters(pages, 4) &&
          is_free(pages + 4 * PAGE, 4));
    CHECK(mremap(pages, 4 * PAGE, 4 * PAGE, 0) == pages);
    /* Room behind it: it grows where it is, with zeros. */
    CHECK(mremap(pages, 4 * PAGE, 8 * PAGE, 0) == pages && has_letters(pages, 4) &&
          pages[4 * PAGE] == 0 && pages[8 * PAGE - 1] == 0);
    /* None: it stays, or moves. */
    CHECK(mremap(pages, 8 * PAGE, 9 * PAGE, 0) == MAP_FAILED && errno == ENOMEM &&
          has_letters(pages, 4));
    moved = mremap(pages, 8 * PAGE, 300 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != pages && wall[0] == 'i' && has_letters(moved, 4) &&
          moved[300 * PAGE - 1] == 0 && is_free(pages, 8));
    moved[300 * PAGE - 1] = 'z';
    CHECK(munmap(moved, 300 * PAGE) == 0 && munmap(wall, PAGE) == 0);
}

static void test_fixed(void) {
    char *pages = anonymous(4), *target = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(target, 'x', 8 * PAGE);
    CHECK(mremap(pages, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 2 * PAGE) ==
          target + 2 * PAGE);
    CHECK(has_letters(target + 2 * PAGE, 4) && target[2 * PAGE - 1] == 'x' &&
          target[6 * PAGE] == 'x' && target[2 * PAGE + 1] == 0 && is_free(pages, 4));
    CHECK(mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_FIXED, pages) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
              MAP_FAILED &&
          errno == EINVAL);
    CHECK(mremap(target, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 100) == MAP_FAILED &&
          errno == EINVAL);
    CHECK(mremap(target + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, PAGE, 77) == MAP_FAILED && errno == EINVAL);
    CHECK(munmap(target, 8 * PAGE) == 0);
    CHECK(mremap(target, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
}

/* Shared memory stays shared, with a child too. */
static void test_shared(void) {
    char *pages = map(2, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *moved;
    int status;

    pages[0] = 'a';
    pages[PAGE] = 'b';
    char *place = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    moved = mremap(pages, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + PAGE);
    CHECK(moved == place + PAGE && has_letters(moved, 2));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        /* The child moves it once more. */
        char *again = mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, pages);

        if (again != MAP_FAILED) {
            again[1] = 'c';
        }
        _exit(again != MAP_FAILED && has_letters(again, 2) ? 7 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8 && moved[1] == 'c');
    CHECK(munmap(place, 4 * PAGE) == 0);
}

static void test_file(void) {
    int fd = open("/tmp/posix_remap", O_CREAT | O_TRUNC | O_RDWR, 0600);
    char byte;

    CHECK(ftruncate(fd, 6 * PAGE) == 0);
    for (int i = 0; i < 6; i++) {
        byte = (char)('a' + i);
        CHECK(pwrite(fd, &byte, 1, i * PAGE) == 1);
    }
    char *shared = map(1, MAP_SHARED, fd, 0), *private = map(2, MAP_PRIVATE, fd, 0);
    shared = mremap(shared, PAGE, 6 * PAGE, MREMAP_MAYMOVE);
    CHECK(shared != MAP_FAILED && has_letters(shared, 6));
    shared[5 * PAGE + 1] = 's';
    CHECK(pread(fd, &byte, 1, 5 * PAGE + 1) == 1 && byte == 's');
    /* The part in the middle only, to elsewhere. */
    char *place = map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(shared + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place &&
          place[0] == 'c' && shared[PAGE] == 'b' && shared[3 * PAGE] == 'd' &&
          is_free(shared + 2 * PAGE, 1));
    place[1] = 't';
    CHECK(pread(fd, &byte, 1, 2 * PAGE + 1) == 1 && byte == 't');
    /* A private one keeps what was written to it, and gets the file's further pages. */
    private[1] = 'p';
    private = mremap(private, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(private != MAP_FAILED && has_letters(private, 4) && private[1] == 'p');
    char *elsewhere = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(private, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) ==
              elsewhere &&
          has_letters(elsewhere, 4) && elsewhere[1] == 'p');
    CHECK(pread(fd, &byte, 1, 1) == 1 && byte == 0);
    CHECK(munmap(shared, 2 * PAGE) == 0 && munmap(shared + 3 * PAGE, 3 * PAGE) == 0 &&
          munmap(place, PAGE) == 0 && munmap(elsewhere, 4 * PAGE) == 0);
    close(fd);
    unlink("/tmp/posix_remap");
}

static void test_protect(void) {
    char *pages = anonymous(4);

    CHECK(mprotect(pages + PAGE, PAGE, PROT_READ) == 0 && pages[PAGE] == 'b');
    CHECK(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    pages[PAGE] = 'B';
    CHECK(mprotect(pages, 4 * PAGE, PROT_NONE) == 0 &&
          mprotect(pages, 4 * PAGE, PROT_READ | PROT_WRITE) == 0 && pages[PAGE] == 'B');
    CHECK(munmap(pages + 2 * PAGE, PAGE) == 0);
    CHECK_ERROR(mprotect(pages, 4 * PAGE, PROT_READ), ENOMEM);
    CHECK(munmap(pages, 4 * PAGE) == 0);
    CHECK_ERROR(munmap(pages + 1, PAGE), EINVAL);
}

static void test_sync_and_lock(void) {
    char *pages = anonymous(4);

    CHECK(msync(pages, 4 * PAGE, MS_ASYNC) == 0 && msync(pages, 0, MS_SYNC) == 0);
    CHECK_ERROR(msync(pages + 1, PAGE, MS_SYNC), EINVAL);
    CHECK_ERROR(msync(pages, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERROR(msync(pages, PAGE, 64), EINVAL);
    CHECK(mlock(pages + 5, 2 * PAGE) == 0 && munlock(pages + 5, 2 * PAGE) == 0);
    CHECK(munmap(pages + 2 * PAGE, PAGE) == 0);
    CHECK_ERROR(msync(pages, 4 * PAGE, MS_SYNC), ENOMEM);
    CHECK_ERROR(mlock(pages, 4 * PAGE), ENOMEM);
    CHECK_ERROR(munlock(pages, 4 * PAGE), ENOMEM);
    CHECK(has_letters(pages, 2) && is_free(pages + 2 * PAGE, 1));
    CHECK(mlockall(MCL_CURRENT) == 0 && munlockall() == 0);
    CHECK_ERROR(mlockall(0), EINVAL);
    CHECK(munmap(pages, 4 * PAGE) == 0);
}

/* What realloc makes of it. */
static void test_realloc(void) {
    size_t bytes = 200000;
    char *block = malloc(bytes);
    bool same = block != NULL;

    memset(block, 'r', bytes);
    for (int i = 0; i < 6 && same; i++) {
        block = realloc(block, bytes * 2);
        same = block != NULL && block[0] == 'r' && block[bytes - 1] == 'r';
        bytes *= 2;
        memset(block, 'r', bytes);
    }
    CHECK(same && (block = realloc(block, 1000)) != NULL && block[999] == 'r');
    free(block);
}

int main(void) {
    test_anonymous();
    test_fixed();
    test_shared();
    test_file();
    test_protect();
    test_sync_and_lock();
    test_realloc();
    return tap_end();
}

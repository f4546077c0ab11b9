/* SPDX-License-Identifier: MIT */
/*
 * Memory as programs get it: mmap, munmap, madvise, and what malloc makes of them. Each check that
 * a range lost its pages comes with one that its neighbours kept theirs.
 */
#define _GNU_SOURCE 1
#include "tests/guest/posix/tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

static bool is_filled(const char *bytes, size_t n, char with) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != with) {
            return false;
        }
    }
    return true;
}

static char *map_pages(size_t n) {
    char *pages = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED && is_filled(pages, n * PAGE, 0));
    memset(pages, 'x', n * PAGE);
    return pages;
}

static void test_unmap_parts(void) {
    char *pages = map_pages(16);

    CHECK(munmap(pages, 4 * PAGE) == 0);
    CHECK(munmap(pages + 12 * PAGE, 4 * PAGE) == 0);
    CHECK(munmap(pages + 7 * PAGE, 2 * PAGE) == 0);
    CHECK(is_filled(pages + 4 * PAGE, 3 * PAGE, 'x'));
    CHECK(is_filled(pages + 9 * PAGE, 3 * PAGE, 'x'));
    CHECK(munmap(pages + 4 * PAGE, 8 * PAGE) == 0);
}

/* Only the range asked for becomes zero: far above it, too. */
static void test_discard(void) {
    char *pages = map_pages(200);

    CHECK(madvise(pages + 100 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(is_filled(pages, 100 * PAGE, 'x'));
    CHECK(is_filled(pages + 100 * PAGE, 2 * PAGE, 0));
    CHECK(is_filled(pages + 102 * PAGE, 98 * PAGE, 'x'));
    CHECK(madvise(pages, 200 * PAGE, MADV_DONTNEED) == 0); /* more than one step of the kernel */
    CHECK(is_filled(pages, 200 * PAGE, 0));
    CHECK(munmap(pages, 200 * PAGE) == 0);
}

/* musl gives whole pages of freed blocks back with madvise. */
static void test_realloc_keeps(void) {
    size_t size = 1;
    char *bytes = malloc(size);
    bool kept = bytes != NULL;

    memset(bytes, 'x', size);
    while (kept && size < (4u << 20)) {
        void *other = malloc(size);

        bytes = realloc(bytes, size * 2);
        kept = bytes != NULL && is_filled(bytes, size, 'x');
        free(other);
        kept = kept && is_filled(bytes, size, 'x');
        size *= 2;
        memset(bytes, 'x', size);
    }
    CHECK(kept);
    free(bytes);
}

/* Blocks of all sizes, freed and taken in no order, never overlap. */
static void test_malloc_blocks(void) {
    enum { N_BLOCKS = 64, N_ROUNDS = 3000 };
    static char *blocks[N_BLOCKS];
    static size_t sizes[N_BLOCKS];
    uint32_t random = 12345;
    bool kept = true;

    for (int round = 0; round < N_ROUNDS && kept; round++) {
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 8) % N_BLOCKS;

        kept = blocks[i] == NULL || is_filled(blocks[i], sizes[i], (char)(i + 1));
        free(blocks[i]);
        sizes[i] = (random >> 14) % (round % 8 == 0 ? 100000 : 9000);
        blocks[i] = malloc(sizes[i] + 1);
        memset(blocks[i], i + 1, sizes[i]);
    }
    CHECK(kept);
    for (int i = 0; i < N_BLOCKS; i++) {
        CHECK(blocks[i] == NULL || is_filled(blocks[i], sizes[i], (char)(i + 1)));
        free(blocks[i]);
    }
}

/* The break is behind the program's data, and stays there; who wants to move it is told ENOMEM, by
 * musl itself or, without it, by an answer that is not what was asked for. */
static void test_break(void) {
    static char last_of_data;
    char *end = sbrk(0);

    CHECK((uintptr_t)end - (uintptr_t)&last_of_data < 64ul << 20);
    CHECK(sbrk(0) == end);
    errno = 0;
    CHECK(sbrk((intptr_t)PAGE) == (void *)-1 && errno == ENOMEM);
    errno = 0;
    CHECK(brk(end + PAGE) == -1 && errno == ENOMEM);
    CHECK(syscall(SYS_brk, end + PAGE) == (long)(uintptr_t)end);
    CHECK(sbrk(0) == end);
}

int main(void) {
    test_unmap_parts();
    test_discard();
    test_realloc_keeps();
    test_malloc_blocks();
    test_break();
    return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * lib/base/kernel_string.c, which has the C library's own names, under other names: against the
 * host's functions, at the very end of readable memory, since the sanitizers do not see what the
 * inline assembly touches.
 */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/mman.h>

#define memcpy  kernel_memcpy
#define memmove kernel_memmove
#define memset  kernel_memset
#define memcmp  kernel_memcmp
#define memchr  kernel_memchr
#define strlen  kernel_strlen
#define strnlen kernel_strnlen
#define strcmp  kernel_strcmp
#define strncmp kernel_strncmp
#define strchr  kernel_strchr
#define strrchr kernel_strrchr
#include "lib/base/kernel_string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define AREA 4096

/* AREA bytes, with inaccessible pages before and after. */
static uint8_t *guarded(void) {
    uint8_t *pages = mmap(NULL, 3 * AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + AREA, AREA, PROT_READ | PROT_WRITE), 0);
    return pages + AREA;
}

static void fill_random(struct test_random *random, uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(test_random(random) >> 40);
    }
}

static void test_copies(void **state) {
    uint8_t *area = guarded(), *from = guarded();
    static uint8_t expected[AREA];
    struct test_random random = {2};

    (void)state;
    fill_random(&random, from, AREA);
    for (size_t n = 0; n <= 600; n = n < 80 ? n + 1 : n + 37) {
        for (size_t gap = 0; gap < 9; gap++) {
            size_t start = AREA - n - gap;

            /* Both ends of the readable memory: nothing before or after may be touched. */
            memset(area, 0x55, AREA);
            memcpy(expected, area, AREA);
            memcpy(expected + start, from + gap, n);
            assert_ptr_equal(kernel_memcpy(area + start, from + gap, n), area + start);
            assert_memory_equal(area, expected, AREA);
            memcpy(expected + gap, from + start, n);
            kernel_memcpy(area + gap, from + start, n);
            assert_memory_equal(area, expected, AREA);
        }
    }
    kernel_memcpy(area, from, AREA);
    assert_memory_equal(area, from, AREA);
}

static void test_moves(void **state) {
    uint8_t *area = guarded();
    static uint8_t expected[AREA];
    struct test_random random = {3};

    (void)state;
    fill_random(&random, area, AREA);
    for (int round = 0; round < 20000; round++) {
        size_t n = test_random_below(&random, round % 2 ? 40 : 700);
        size_t from = test_random_below(&random, 800);
        size_t to = test_random_below(&random, 800);

        if (round % 5 == 0) { /* flush with the end */
            from = AREA - n - test_random_below(&random, 20);
            to = AREA - n - test_random_below(&random, 20);
        }
        memcpy(expected, area, AREA);
        memmove(expected + to, expected + from, n);
        assert_ptr_equal(kernel_memmove(area + to, area + from, n), area + to);
        assert_memory_equal(area, expected, AREA);
    }
}

static void test_fills(void **state) {
    uint8_t *area = guarded();
    static uint8_t expected[AREA];

    (void)state;
    for (size_t n = 0; n < 200; n++) {
        for (size_t gap = 0; gap < 9; gap++) {
            memset(area, 0x55, AREA);
            memset(expected, 0x55, AREA);
            memset(expected + gap, (int)n + 0x1f0, n);
            memset(expected + AREA - n, 0xaa, n);
            assert_ptr_equal(kernel_memset(area + gap, (int)n + 0x1f0, n), area + gap);
            kernel_memset(area + AREA - n, 0xaa, n);
            assert_memory_equal(area, expected, AREA);
        }
    }
}

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void test_comparisons(void **state) {
    uint8_t *a = guarded(), *b = guarded();
    struct test_random random = {4};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = test_random_below(&random, 70);
        char *x = (char *)a + AREA - n - 1, *y = (char *)b + AREA - n - 1;
        size_t different = test_random_below(&random, n + 1);

        for (size_t i = 0; i < n; i++) {
            x[i] = y[i] = (char)(1 + test_random_below(&random, round % 2 ? 255 : 2));
        }
        x[n] = y[n] = '\0';
        y[different] = (char)test_random_below(&random, 256);
        assert_int_equal(sign(kernel_memcmp(x, y, n)), sign(memcmp(x, y, n)));
        y[n] = '\0';
        assert_int_equal(sign(kernel_strcmp(x, y)), sign(strcmp(x, y)));
        for (size_t limit = 0; limit < n + 2; limit += 1 + n / 3) {
            assert_int_equal(sign(kernel_strncmp(x, y, limit)), sign(strncmp(x, y, limit)));
            assert_int_equal(kernel_strnlen(x, limit), strnlen(x, limit));
            assert_ptr_equal(kernel_memchr(x, 2, MIN(limit, n)), memchr(x, 2, MIN(limit, n)));
        }
        assert_int_equal(kernel_strlen(y), strlen(y));
        assert_ptr_equal(kernel_strchr(y, 2), strchr(y, 2));
        assert_ptr_equal(kernel_strrchr(y, 2), strrchr(y, 2));
        assert_ptr_equal(kernel_strchr(y, 0), strchr(y, 0));
        assert_ptr_equal(kernel_strrchr(y, 0x100), strrchr(y, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_fills),
        cmocka_unit_test(test_comparisons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

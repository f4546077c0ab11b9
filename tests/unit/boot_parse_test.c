/* SPDX-License-Identifier: MIT */
/*
 * The loader's memory map put in order, and words of the command line. Random maps are compared
 * with a table that says for each page what it is.
 *
 * Sources: boot/boot_parse.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "boot/boot_read.h"
#include "kernel/panic.h"

static struct boot_info boot;
static jmp_buf panicked;

void panic(const char *format, ...) {
    (void)format;
    longjmp(panicked, 1);
}

static void start_anew(void) {
    memset(&boot, 0, sizeof(boot));
}

static void expect_range(unsigned i, uint64_t start, uint64_t end, uint32_t type) {
    assert_true(i < boot.n_ranges);
    assert_int_equal(boot.ranges[i].start, start);
    assert_int_equal(boot.ranges[i].end, end);
    assert_int_equal(boot.ranges[i].type, type);
}

static void test_order_and_merge(void **state) {
    (void)state;
    start_anew();
    boot_ranges_add(0x300000, 0x100000, BOOT_RANGE_USABLE);
    boot_ranges_add(0x100000, 0x100000, BOOT_RANGE_USABLE);
    boot_ranges_add(0x200000, 0x100000, BOOT_RANGE_USABLE);
    boot_ranges_add(0x0, 0x1000, BOOT_RANGE_OTHER);
    boot_ranges_finish(&boot);
    assert_int_equal(boot.n_ranges, 2);
    expect_range(0, 0, 0x1000, BOOT_RANGE_OTHER);
    expect_range(1, 0x100000, 0x400000, BOOT_RANGE_USABLE);
}

static void test_overlap_is_not_usable(void **state) {
    (void)state;
    start_anew();
    boot_ranges_add(0x100000, 0x100000, BOOT_RANGE_USABLE);
    boot_ranges_add(0x140010, 0x10, BOOT_RANGE_OTHER);
    boot_ranges_finish(&boot);
    assert_int_equal(boot.n_ranges, 3);
    expect_range(0, 0x100000, 0x140000, BOOT_RANGE_USABLE);
    expect_range(1, 0x140010, 0x140020, BOOT_RANGE_OTHER);
    expect_range(2, 0x141000, 0x200000, BOOT_RANGE_USABLE);
}

static void test_nonsense(void **state) {
    (void)state;
    start_anew();
    boot_ranges_add(0x5000, 0, BOOT_RANGE_USABLE);
    boot_ranges_add(0x6001, 0xffe, BOOT_RANGE_USABLE); /* no whole page */
    boot_ranges_add(UINT64_MAX, UINT64_MAX, BOOT_RANGE_USABLE);
    boot_ranges_add(0x10000, UINT64_MAX, BOOT_RANGE_USABLE); /* goes round: cut off at 2^52 */
    boot_ranges_finish(&boot);
    assert_int_equal(boot.n_ranges, 1);
    expect_range(0, 0x10000, 1ull << 52, BOOT_RANGE_USABLE);
}

static void test_panics(void **state) {
    volatile unsigned n = 0;

    (void)state;
    start_anew();
    boot_ranges_add(0x1000, 0x1000, BOOT_RANGE_OTHER);
    if (setjmp(panicked) == 0) {
        boot_ranges_finish(&boot); /* nothing usable */
        fail();
    }
    start_anew();
    for (unsigned i = 0; i < BOOT_RANGES_MAX + 1; i++) {
        boot_ranges_add(i * 0x2000ull, 0x1000, BOOT_RANGE_USABLE);
    }
    if (setjmp(panicked) == 0) {
        boot_ranges_finish(&boot); /* too many pieces */
        fail();
    }
    if (setjmp(panicked) == 0) {
        for (n = 0; n < 10000; n++) {
            boot_ranges_add(n * 0x2000ull, 0x1000, BOOT_RANGE_USABLE); /* too many ranges */
        }
        fail();
    }
    assert_true(n < 257);
}

#define N_PAGES 100

/* One random map against the table. */
static void check_random_map(struct test_random *random) {
    uint8_t expected[N_PAGES] = {0};
    uint8_t found[N_PAGES] = {0};
    unsigned n = 1 + (unsigned)test_random_below(random, 12);

    start_anew();
    boot_ranges_add(0, PAGE_SIZE, BOOT_RANGE_USABLE);
    expected[0] = BOOT_RANGE_USABLE;
    for (unsigned i = 0; i < n; i++) {
        unsigned first = 1 + (unsigned)test_random_below(random, N_PAGES - 1);
        unsigned count = (unsigned)test_random_below(random, N_PAGES - first);
        uint8_t type = test_random_below(random, 2) == 0 ? BOOT_RANGE_USABLE : BOOT_RANGE_OTHER;

        boot_ranges_add(first * PAGE_SIZE, count * PAGE_SIZE, type);
        for (unsigned page = first; page < first + count; page++) {
            expected[page] = MAX(expected[page], type);
        }
    }
    boot_ranges_finish(&boot);
    for (unsigned i = 0; i < boot.n_ranges; i++) {
        const struct boot_range *range = &boot.ranges[i];

        assert_true(range->start < range->end);
        assert_true(i == 0 || range[-1].end < range->start ||
                    (range[-1].end == range->start && range[-1].type != range->type));
        for (uint64_t at = range->start; at < range->end; at += PAGE_SIZE) {
            found[at / PAGE_SIZE] = (uint8_t)range->type;
        }
    }
    assert_memory_equal(found, expected, N_PAGES);
}

static void test_random_maps(void **state) {
    struct test_random random = {1};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        check_random_map(&random);
    }
}

static void expect_option(const char *name, const char *value) {
    size_t length = 1000;
    const char *found = boot_option(&boot, name, &length);

    if (value == NULL) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_int_equal(length, strlen(value));
    assert_memory_equal(found, value, length);
}

static void test_options(void **state) {
    (void)state;
    start_anew();
    expect_option("run", NULL);
    strcpy(boot.command_line, "  xrun=no run=ipc,fs panic=halt quiet runs= last");
    expect_option("run", "ipc,fs");
    expect_option("panic", "halt");
    expect_option("quiet", "");
    expect_option("runs", "");
    expect_option("last", "");
    expect_option("pan", NULL);
    expect_option("halt", NULL);
    expect_option("lasting", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_merge),
        cmocka_unit_test(test_overlap_is_not_usable),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_random_maps),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_panics), /* last: it leaves the table full */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

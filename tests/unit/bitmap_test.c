/* SPDX-License-Identifier: MIT */
/* lib/base/types.h, bytes.h and bitmap.h: the arithmetic that all else stands on. */
#include "tests/unit/test.h"

#include "lib/base/bitmap.h"
#include "lib/base/bytes.h"

_Static_assert(ALIGN_UP(0x123456789abcdull, 4096) == 0x123456789b000ull, "mixed widths");
_Static_assert(ALIGN_UP(0ull, 8) == 0 && ALIGN_UP(8u, 8ull) == 8 && ALIGN_UP(9u, 8) == 16, "up");
_Static_assert(ALIGN_DOWN(0x123456789abcdull, 4096u) == 0x123456789a000ull, "mixed widths");
_Static_assert(ALIGN_DOWN(UINT64_MAX, 2) == UINT64_MAX - 1, "no sign, no truncation");
_Static_assert(IS_ALIGNED(0x100000000ull, 0x80000000u), "aligned");
_Static_assert(!IS_ALIGNED(0x100000001ull, 2), "not aligned");

static void test_macros_evaluate_once(void **state) {
    uint64_t calls = 0;
    int array[7];

    (void)state;
    assert_int_equal(MIN(++calls, 10u), 1);
    assert_int_equal(MAX(++calls, 1u), 2);
    assert_int_equal(ALIGN_UP(++calls, 4u), 4);
    assert_int_equal(ALIGN_DOWN(++calls, 4u), 4);
    assert_int_equal(DIV_ROUND_UP(++calls, 4u), 2);
    assert_int_equal(calls, 5);
    assert_int_equal(ARRAY_SIZE(array), 7);
    assert_int_equal(DIV_ROUND_UP(UINT64_MAX, 2ull), 1ull << 63);
}

static void test_checked_arithmetic(void **state) {
    uint64_t result;

    (void)state;
    assert_false(u64_add_overflows(UINT64_MAX - 1, 1, &result));
    assert_int_equal(result, UINT64_MAX);
    assert_true(u64_add_overflows(UINT64_MAX, 1, &result));
    assert_false(u64_mul_overflows(1ull << 32, (1ull << 32) - 1, &result));
    assert_true(u64_mul_overflows(1ull << 32, 1ull << 32, &result));
    assert_false(u64_align_up_overflows(UINT64_MAX - 4095, 4096, &result));
    assert_int_equal(result, UINT64_MAX - 4095);
    assert_true(u64_align_up_overflows(UINT64_MAX - 4094, 4096, &result));
    assert_true(u64_range_is_within(0, 0, 0));
    assert_true(u64_range_is_within(10, 0, 10));
    assert_false(u64_range_is_within(11, 0, 10));
    assert_true(u64_range_is_within(4, 6, 10));
    assert_false(u64_range_is_within(4, 7, 10));
    assert_false(u64_range_is_within(4, UINT64_MAX, 10));
    assert_false(u64_range_is_within(UINT64_MAX, 2, UINT64_MAX));
    assert_false(u64_is_power_of_two(0));
    assert_true(u64_is_power_of_two(1));
    assert_true(u64_is_power_of_two(1ull << 63));
    assert_false(u64_is_power_of_two(3));
}

static void test_bytes(void **state) {
    const uint8_t bytes[] = {0xff, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t out[9] = {0};

    (void)state;
    assert_int_equal(bytes_get_le16(bytes + 1), 0x0201);
    assert_int_equal(bytes_get_be16(bytes + 1), 0x0102);
    assert_int_equal(bytes_get_le32(bytes + 1), 0x04030201);
    assert_int_equal(bytes_get_be32(bytes + 1), 0x01020304);
    assert_int_equal(bytes_get_le64(bytes + 1), 0x0807060504030201ull);
    assert_int_equal(bytes_get_be64(bytes + 1), 0x0102030405060708ull);
    bytes_put_be64(out + 1, 0x0102030405060708ull);
    assert_memory_equal(out + 1, bytes + 1, 8);
    bytes_put_le32(out + 1, 0x04030201);
    bytes_put_be32(out + 5, 0x05060708);
    assert_memory_equal(out + 1, bytes + 1, 8);
    bytes_put_le16(out + 1, 0x0201);
    bytes_put_be16(out + 3, 0x0304);
    bytes_put_le64(out + 1, bytes_get_le64(out + 1));
    assert_memory_equal(out + 1, bytes + 1, 8);
}

#define N_BITS 300

/* Every search from every place, against the plain way. */
static void assert_same(const uint64_t *words, const bool *model) {
    size_t count = 0;
    size_t next_set = BITMAP_NONE;
    size_t next_clear = BITMAP_NONE;

    for (size_t i = N_BITS; i-- > 0;) {
        assert_int_equal(bitmap_test(words, i), model[i]);
        count += model[i];
        *(model[i] ? &next_set : &next_clear) = i;
        assert_int_equal(bitmap_find_set(words, N_BITS, i), next_set);
        assert_int_equal(bitmap_find_clear(words, N_BITS, i), next_clear);
    }
    assert_int_equal(bitmap_count(words, N_BITS), count);
    assert_int_equal(bitmap_find_set(words, N_BITS, N_BITS), BITMAP_NONE);
}

static void test_bitmap_against_model(void **state) {
    struct test_random random = {1};
    bool model[N_BITS] = {false};
    uint64_t words[BITMAP_N_WORDS(N_BITS)] = {0};

    (void)state;
    /* Bits beyond the end never count. */
    words[ARRAY_SIZE(words) - 1] = ~bitmap_mask(0, N_BITS % 64);
    for (int round = 0; round < 3000; round++) {
        size_t first = test_random_below(&random, N_BITS);
        size_t count = test_random_below(&random, N_BITS - first + 1);
        bool value = test_random(&random) >> 63;

        if (round % 2) {
            first = test_random_below(&random, N_BITS);
            model[first] = value;
            (value ? bitmap_set : bitmap_clear)(words, first);
        } else {
            bitmap_fill(words, first, count, value);
            for (size_t i = first; i < first + count; i++) {
                model[i] = value;
            }
        }
        assert_same(words, model);
    }
    assert_int_equal(words[ARRAY_SIZE(words) - 1] >> (N_BITS % 64), UINT64_MAX >> (N_BITS % 64));
}

static void test_masks(void **state) {
    (void)state;
    assert_int_equal(bitmap_mask(0, 0), 0);
    assert_int_equal(bitmap_mask(63, 0), 0);
    assert_int_equal(bitmap_mask(0, 64), UINT64_MAX);
    assert_int_equal(bitmap_mask(63, 1), 1ull << 63);
    assert_int_equal(bitmap_mask(4, 8), 0xff0);
    for (int i = 0; i <= 64; i++) {
        assert_int_equal(bitmap_count_word(bitmap_mask(0, (unsigned)i)), i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_macros_evaluate_once),
        cmocka_unit_test(test_checked_arithmetic),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bitmap_against_model),
        cmocka_unit_test(test_masks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * kernel/frame_allocator.c against a plain array: a million random operations at sizes around the
 * powers of 64, every bit of every level checked again and again.
 *
 * Sources: kernel/frame_allocator.c
 */
#include "tests/unit/test.h"

#include <string.h>

#include "kernel/frame_allocator.h"

#include "lib/base/bitmap.h"

struct fixture {
    struct frame_allocator fa;
    void *metadata;
    bool *is_free; /* the model */
    uint64_t n;
    struct test_random random;
};

static void fixture_open(struct fixture *f, uint64_t n, uint64_t seed) {
    *f = (struct fixture){.n = n, .random = {seed}};
    f->metadata = malloc(frame_allocator_metadata_size(n));
    f->is_free = calloc(n, sizeof *f->is_free);
    frame_allocator_init(&f->fa, f->metadata, n);
}

static void fixture_close(struct fixture *f) {
    free(f->metadata);
    free(f->is_free);
}

/* The invariant of frame_allocator.c, and that the lowest level is the model. */
static void assert_same(const struct fixture *f) {
    const struct frame_allocator *fa = &f->fa;
    uint64_t bits = f->n;
    uint64_t n_free = 0;

    for (uint64_t i = 0; i < f->n; i++) {
        assert_int_equal(bitmap_test(fa->levels[0], i), f->is_free[i]);
        n_free += f->is_free[i];
    }
    assert_int_equal(fa->n_free, n_free);
    for (unsigned level = 0; level < fa->n_levels; level++) {
        uint64_t n_words = BITMAP_N_WORDS(bits);

        for (uint64_t bit = bits; bit < n_words * 64; bit++) {
            assert_false(bitmap_test(fa->levels[level], bit));
        }
        assert_int_equal(fa->levels[level][n_words], 0);
        for (uint64_t i = 0; i < n_words && level + 1 < fa->n_levels; i++) {
            assert_int_equal(bitmap_test(fa->levels[level + 1], i), fa->levels[level][i] != 0);
        }
        bits = n_words;
    }
    assert_int_equal(bits, 1);
}

static uint64_t model_take(const struct fixture *f) {
    for (uint64_t i = f->n; i-- > 0;) {
        if (f->is_free[i]) {
            return i;
        }
    }
    return FRAME_NONE;
}

static uint64_t model_find_run(const struct fixture *f, uint64_t count, uint64_t below) {
    uint64_t limit = MIN(below, f->n);

    if (count > limit) {
        return FRAME_NONE;
    }
    for (uint64_t start = limit - count;; start--) {
        uint64_t i = 0;

        while (i < count && f->is_free[start + i]) {
            i++;
        }
        if (i == count) {
            return start;
        }
        if (start == 0) {
            return FRAME_NONE;
        }
    }
}

static void do_take(struct fixture *f) {
    uint64_t expected = model_take(f);

    assert_int_equal(frame_allocator_take(&f->fa), expected);
    if (expected != FRAME_NONE) {
        f->is_free[expected] = false;
    }
}

static void do_give(struct fixture *f, uint64_t place) {
    bool right = place < f->n && !f->is_free[place];

    assert_int_equal(frame_allocator_give(&f->fa, place), right);
    if (right) {
        f->is_free[place] = true;
    }
}

/* In one step. */
static uint64_t take_run(struct frame_allocator *fa, uint64_t count, uint64_t below) {
    uint64_t first = FRAME_NONE;
    enum frame_run_result result =
        frame_allocator_take_run_step(fa, count, &below, UINT64_MAX, &first);

    assert_int_not_equal(result, FRAME_RUN_MORE);
    return result == FRAME_RUN_TAKEN ? first : FRAME_NONE;
}

static void do_take_run(struct fixture *f, uint64_t place) {
    uint64_t count = 1 + test_random_below(&f->random, test_random(&f->random) >> 63 ? 20 : 200);
    uint64_t below = test_random(&f->random) >> 63 ? UINT64_MAX : place;
    uint64_t expected, first = FRAME_NONE;

    expected = model_find_run(f, count, below);
    if (test_random(&f->random) >> 63) {
        first = take_run(&f->fa, count, below);
    } else {
        enum frame_run_result result;
        uint64_t before;

        do {
            before = below;
            result = frame_allocator_take_run_step(&f->fa, count, &below, 1, &first);
            assert_true(result != FRAME_RUN_MORE || below < before);
        } while (result == FRAME_RUN_MORE);
        assert_int_equal(result == FRAME_RUN_NONE, expected == FRAME_NONE);
    }
    assert_int_equal(first, expected);
    for (uint64_t i = 0; expected != FRAME_NONE && i < count; i++) {
        f->is_free[expected + i] = false;
    }
}

static void do_give_run(struct fixture *f, uint64_t place) {
    uint64_t count = test_random_below(&f->random, 100);
    bool right = u64_range_is_within(place, count, f->n);

    for (uint64_t i = 0; right && i < count; i++) {
        right = !f->is_free[place + i];
    }
    assert_int_equal(frame_allocator_give_run(&f->fa, place, count), right);
    for (uint64_t i = 0; right && i < count; i++) {
        f->is_free[place + i] = true;
    }
}

static void do_reserve(struct fixture *f, uint64_t place) {
    uint64_t count = test_random_below(&f->random, 300);
    uint64_t n_taken = 0;

    for (uint64_t i = place; i < f->n && i < place + count; i++) {
        n_taken += f->is_free[i];
        f->is_free[i] = false;
    }
    assert_int_equal(frame_allocator_reserve(&f->fa, place, count), n_taken);
}

/* Random operations; the number of free frames wanders from nearly all to nearly none and back. */
static void run(uint64_t n, int n_rounds, int check_every) {
    struct fixture f;

    fixture_open(&f, n, n + 1);
    assert_same(&f);
    assert_int_equal(frame_allocator_take(&f.fa), FRAME_NONE);
    assert_true(frame_allocator_give_run(&f.fa, 0, n));
    memset(f.is_free, true, n);
    for (int round = 0; round < n_rounds; round++) {
        uint64_t place = test_random_below(&f.random, n + 3);
        uint64_t kind = test_random_below(&f.random, 100);
        bool taking = round / (n_rounds / 8 + 1) % 2 == 0;

        if (kind < 70) {
            /* Mostly what fits the phase. */
            if ((kind < 55) == taking) {
                do_take(&f);
            } else {
                do_give(&f, place);
            }
        } else if (kind < 85) {
            do_take_run(&f, place);
        } else if (kind < 99) {
            do_give_run(&f, place);
        } else {
            do_reserve(&f, place);
        }
        if (round % check_every == 0) {
            assert_same(&f);
        }
    }
    assert_same(&f);
    fixture_close(&f);
}

static void test_small(void **state) {
    static const uint64_t sizes[] = {1, 2, 63, 64, 65, 127, 128, 129};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        run(sizes[i], 50000, 10);
    }
}

static void test_two_and_three_levels(void **state) {
    static const uint64_t sizes[] = {4095, 4096, 4097, 5000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        run(sizes[i], 150000, 2000);
    }
}

static void test_four_levels(void **state) {
    (void)state;
    run(64 * 4096 + 77, 20000, 1000);
}

static void test_exhaustion(void **state) {
    struct fixture f;

    (void)state;
    fixture_open(&f, 20000, 1);
    assert_true(frame_allocator_give_run(&f.fa, 100, 19900));
    for (uint64_t i = 20000; i-- > 100;) {
        assert_int_equal(frame_allocator_take(&f.fa), i);
    }
    assert_int_equal(frame_allocator_take(&f.fa), FRAME_NONE);
    assert_int_equal(f.fa.n_free, 0);
    assert_same(&f);
    fixture_close(&f);
}

static void test_misuse(void **state) {
    struct fixture f;
    uint64_t below = UINT64_MAX;
    uint64_t first;

    (void)state;
    fixture_open(&f, 1000, 1);
    assert_false(frame_allocator_give_run(&f.fa, 0, 1001));
    assert_false(frame_allocator_give_run(&f.fa, 1000, 1));
    assert_false(frame_allocator_give_run(&f.fa, UINT64_MAX, 2));
    assert_true(frame_allocator_give_run(&f.fa, 1000, 0));
    assert_true(frame_allocator_give(&f.fa, 500));
    assert_false(frame_allocator_give(&f.fa, 500));
    assert_false(frame_allocator_give(&f.fa, 1000));
    assert_false(frame_allocator_give(&f.fa, UINT64_MAX));
    assert_false(frame_allocator_give_run(&f.fa, 400, 101));
    assert_int_equal(f.fa.n_free, 1);
    assert_true(frame_allocator_give_run(&f.fa, 400, 100));
    assert_int_equal(frame_allocator_reserve(&f.fa, 1000, 5), 0);
    assert_int_equal(frame_allocator_reserve(&f.fa, 450, UINT64_MAX), 51);
    assert_int_equal(take_run(&f.fa, UINT64_MAX, UINT64_MAX), FRAME_NONE);
    assert_int_equal(take_run(&f.fa, 1, 0), FRAME_NONE);
    assert_int_equal(frame_allocator_take_run_step(&f.fa, 51, &below, 1, &first), FRAME_RUN_NONE);
    assert_int_equal(take_run(&f.fa, 50, UINT64_MAX), 400);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),       cmocka_unit_test(test_two_and_three_levels),
        cmocka_unit_test(test_four_levels), cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

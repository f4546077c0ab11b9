/* SPDX-License-Identifier: MIT */
/*
 * What taking and giving a frame costs, in instructions, counted exactly: the processor's trap flag
 * makes a signal of each. From 64 MiB to 64 GiB, at every fill level, the worst case included.
 *
 * Sources: kernel/frame_allocator.c
 * Build: plain
 */
#include "tests/unit/test.h"

#include <string.h>

#include "kernel/frame_allocator.h"

/* Instructions for one take or give: up to 64 GiB (design section 4), and with one level more. */
#define GOAL             80
#define GOAL_FIVE_LEVELS 90
#define FRAMES_PER_GIB   (1ull << 18)
#define FRAMES_PER_MIB   256ull

static volatile uint64_t n_steps;

static void on_step(int signal) {
    (void)signal;
    n_steps++;
}

struct operation {
    struct frame_allocator *fa;
    uint64_t frame;
    bool ok;
};

/* The same as take with an allocator that does nothing: the cost of the counting. */
static uint64_t NEVER_INLINE take_nothing(struct frame_allocator *fa) {
    uint64_t frame = 0;

    __asm__ volatile("" : "+r"(fa), "+r"(frame));
    return frame;
}

static void nothing(struct operation *operation) {
    operation->frame = take_nothing(operation->fa);
}

static void take(struct operation *operation) {
    operation->frame = frame_allocator_take(operation->fa);
}

static void give(struct operation *operation) {
    operation->ok = frame_allocator_give(operation->fa, operation->frame);
}

/* Instructions that `action` executes. */
static uint64_t NEVER_INLINE steps_of(void (*volatile action)(struct operation *),
                                      struct operation *operation) {
    n_steps = 0;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    action(operation);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    return n_steps;
}

/* The same without what the counting costs and the wrapper around the call: what remains is the
 * function from its first instruction to its last. */
static uint64_t cost_of(void (*action)(struct operation *), struct operation *operation) {
    static uint64_t overhead;

    if (overhead == 0) {
        overhead = steps_of(nothing, operation);
    }
    return steps_of(action, operation) - overhead;
}

struct costs {
    uint64_t take_max, give_max;
};

/* Takes the next frame, gives it back, counting both. */
static void measure(struct frame_allocator *fa, struct costs *costs) {
    struct operation operation = {.fa = fa};
    uint64_t n_free = fa->n_free;

    costs->take_max = MAX(costs->take_max, cost_of(take, &operation));
    assert_true(operation.frame != FRAME_NONE);
    costs->give_max = MAX(costs->give_max, cost_of(give, &operation));
    assert_true(operation.ok);
    assert_int_equal(fa->n_free, n_free);
}

/* All of memory, used up step by step: around each boundary of words and levels. */
static struct costs measure_size(uint64_t n_frames) {
    struct frame_allocator fa;
    void *metadata = malloc(frame_allocator_metadata_size(n_frames));
    struct costs costs = {0};

    frame_allocator_init(&fa, metadata, n_frames);
    assert_true(frame_allocator_give_run(&fa, 0, n_frames));
    for (int percent = 0; percent < 100; percent += 4) {
        uint64_t n_left = n_frames - n_frames * (uint64_t)percent / 100;

        while (fa.n_free > n_left) {
            assert_true(frame_allocator_take(&fa) != FRAME_NONE);
        }
        for (int i = 0; i < 3; i++) {
            measure(&fa, &costs);
            assert_true(frame_allocator_take(&fa) != FRAME_NONE);
        }
    }
    /* One frame free, anywhere: its word, and all above it, become empty and full again. */
    while (frame_allocator_take(&fa) != FRAME_NONE) {
    }
    for (uint64_t frame = 0; frame < n_frames; frame += 1 + n_frames / 100) {
        assert_true(frame_allocator_give(&fa, frame));
        measure(&fa, &costs);
        assert_int_equal(frame_allocator_take(&fa), frame);
    }
    free(metadata);
    return costs;
}

static void test_costs(void **state) {
    static const struct {
        const char *name;
        uint64_t n_frames;
        uint64_t goal;
    } sizes[] = {
        {"64 MiB", 64 * FRAMES_PER_MIB, GOAL},
        {"1 GiB", FRAMES_PER_GIB, GOAL},
        {"8 GiB", 8 * FRAMES_PER_GIB, GOAL},
        {"64 GiB", 64 * FRAMES_PER_GIB, GOAL},
        {"80 GiB", 80 * FRAMES_PER_GIB, GOAL_FIVE_LEVELS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct costs costs = measure_size(sizes[i].n_frames);

        print_message("%-7s take <= %3u  give <= %3u instructions\n", sizes[i].name,
                      (unsigned)costs.take_max, (unsigned)costs.give_max);
        assert_in_range(costs.take_max, 5, sizes[i].goal);
        assert_in_range(costs.give_max, 5, sizes[i].goal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
    };

    signal(SIGTRAP, on_step);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does when there are no frames left although budgets have room (which never
 * happens: budgets promise no more than there is; but each of these paths has to undo what it
 * began), when a change of rights was cut short, and at the depth of budgets.
 *
 * Build: kernel
 */
#include "tests/unit/test.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/space.h"
#include "kernel/user_copy.h"
#include "tests/host/kernel.h"

#define BASE    0x400000
#define N_PAGES 300

static struct budget *budget;

static struct space *space_make(uint32_t flags, uint64_t n_pages) {
    struct map_request request = {.address = BASE,
                                  .length = n_pages * PAGE_SIZE,
                                  .flags = flags | MAP_FIXED,
                                  .protection_max = MAP_PROTECTION};
    struct space *space;
    uint64_t address;

    assert_int_equal(space_create(budget, &space), OK);
    assert_int_equal(space_map(space, &request, &address), OK);
    return space;
}

static void space_end(struct space *space) {
    while (!space_destroy_step(space)) {
    }
}

static int begin(void **state) {
    (void)state;
    host_kernel_start();
    assert_int_equal(budget_create(budget_root, 4 * MiB, &budget), OK);
    budget_spender_add(budget);
    return 0;
}

static int end(void **state) {
    (void)state;
    host_reap();
    assert_int_equal(budget->used, 0);
    budget_spender_drop(budget);
    object_put(&budget->object);
    return 0;
}

/* However far a deadline is, the timer is armed with a time to come. */
static void test_timer_ticks(void **state) {
    static const uint64_t deltas[] = {0,         1,          1000000000,     1ULL << 62,
                                      INT64_MAX, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX};

    (void)state;
    for (uint64_t ghz_4 = 1; ghz_4 <= 24; ghz_4++) {
        uint64_t last = 0, rate = (ghz_4 << 32) / 4;

        for (size_t i = 0; i < ARRAY_SIZE(deltas); i++) {
            uint64_t ticks = timer_ticks(deltas[i], rate);

            assert_true(ticks > 0 && ticks >= last && ticks <= UINT64_MAX / 2);
            last = ticks;
        }
        assert_int_equal(timer_ticks(4000, rate), 1000 * ghz_4 + 1);
    }
}

/* Of a change to "read and run" only the first step is done: what the region gives comes by faults,
 * what it no longer gives stays until then, and no longer. */
static void test_protect_cut_short(void **state) {
    struct space *cut = space_make(MAP_READ | MAP_WRITE, N_PAGES);
    uint64_t address = BASE, end_address = BASE + N_PAGES * PAGE_SIZE;
    uint64_t last = end_address - PAGE_SIZE, value = 42;
    const pte_t *entry;

    (void)state;
    for (uint64_t at = BASE; at < end_address; at += PAGE_SIZE) {
        assert_int_equal(copy_out(cut, user_ptr(at), &value, sizeof(value)), OK);
    }
    assert_int_equal(space_protect_step(cut, &address, end_address, MAP_READ | MAP_EXECUTE), OK);
    assert_true(address < last);
    entry = space_entry(cut, last);
    assert_int_equal(*entry & (PTE_WRITE | PTE_NO_EXECUTE), PTE_WRITE | PTE_NO_EXECUTE);
    assert_int_equal(space_fault(cut, last, ACCESS_EXECUTE), OK);
    assert_int_equal(*entry & (PTE_USER | PTE_WRITE | PTE_NO_EXECUTE), PTE_USER);
    assert_int_equal(copy_out(cut, user_ptr(last), &value, sizeof(value)), ERROR_BAD_ADDRESS);
    value = 0;
    assert_int_equal(copy_in(cut, &value, user_ptr(last), sizeof(value)), OK);
    assert_int_equal(value, 42);
    space_end(cut);
}

/* --- no frames -----------------------------------------------------------------------------------
 */

static paddr_t taken; /* frames, each with the address of the next at its beginning */

static void frames_take_all(void) {
    paddr_t frame;

    while ((frame = frame_take()) != PADDR_NONE) {
        *(paddr_t *)paddr_to_pointer(frame) = taken;
        taken = frame;
    }
    assert_int_equal(frame_n_free(), 0);
}

static void frames_give(uint64_t n) {
    while (taken != PADDR_NONE && n-- > 0) {
        paddr_t next = *(paddr_t *)paddr_to_pointer(taken);

        frame_put(taken);
        taken = next;
    }
}

/* Every number of frames that is too few: `action` says NO_MEMORY and leaves the budget as it was;
 * with `n_enough` it works. */
static void runs_short(status_t (*action)(void), uint64_t n_enough) {
    uint64_t used = budget->used;

    frames_take_all();
    for (uint64_t n = 0; n < n_enough; n++) {
        uint64_t n_free = n;

        frames_give(n);
        assert_int_equal(action(), ERROR_NO_MEMORY);
        assert_int_equal(budget->used, used);
        assert_int_equal(frame_n_free(), n_free);
        frames_take_all();
    }
    frames_give(n_enough);
    assert_int_equal(action(), OK);
    frames_give(UINT64_MAX);
}

static struct space *space, *other;
static struct memory *memory;

static status_t touch(void) {
    return space_fault(space, BASE + 5 * PAGE_SIZE, ACCESS_WRITE);
}

static void test_touch(void **state) {
    (void)state;
    space = space_make(MAP_READ | MAP_WRITE, N_PAGES);
    runs_short(touch, 4); /* three tables and the page */
    space_end(space);
}

static status_t clone(void) {
    uint64_t cursor = 0;
    bool done = false;
    status_t status = OK;

    while (status == OK && !done) {
        status = space_clone_step(space, other, &cursor, &done);
    }
    return status;
}

static void test_clone(void **state) {
    uint64_t address = BASE + 5 * PAGE_SIZE;

    (void)state;
    space = space_make(MAP_READ | MAP_WRITE, N_PAGES);
    assert_int_equal(space_fault(space, address, ACCESS_WRITE), OK);
    /* The copy's region is there already: else its slab is what is missing first. */
    other = space_make(MAP_READ | MAP_WRITE, N_PAGES);
    runs_short(clone, 3);
    frames_take_all();
    /* The shared page is written to: charged already, but no frame. */
    assert_int_equal(space_fault(space, address, ACCESS_WRITE), ERROR_NO_MEMORY);
    frames_give(UINT64_MAX);
    assert_int_equal(space_fault(space, address, ACCESS_WRITE), OK);
    space_end(space);
    space_end(other);
}

static status_t create(void) {
    return space_create(budget, &space);
}

static void test_create(void **state) {
    (void)state;
    runs_short(create, 2); /* its slab, its root */
    space_end(space);
}

static status_t page(void) {
    paddr_t frame;

    return memory_page(memory, 600, true, &frame);
}

static void test_memory_page(void **state) {
    paddr_t frame;

    (void)state;
    /* Two levels, of which what was made stays, charged: so one frame after the other. */
    assert_int_equal(memory_create_demand(budget, 1000, &memory), OK);
    frames_take_all();
    for (uint64_t n_frames = 0; n_frames < 4; n_frames++) {
        assert_int_equal(page(), ERROR_NO_MEMORY);
        assert_int_equal(memory->n_frames, n_frames);
        assert_int_equal(budget->used, (n_frames + 1) * PAGE_SIZE); /* and its slab */
        frames_give(1);
    }
    assert_int_equal(page(), OK);
    frames_give(UINT64_MAX);
    assert_int_equal(memory_page(memory, 599, false, &frame), OK);
    assert_int_equal(frame, PADDR_NONE);
    object_put(&memory->object);
}

static status_t private_page(void) {
    return space_fault(space, BASE, ACCESS_WRITE);
}

/* A private copy of an object's page that is there. */
static void test_private_page(void **state) {
    struct map_request request = {.address = BASE,
                                  .length = PAGE_SIZE,
                                  .flags = MAP_READ | MAP_WRITE | MAP_PRIVATE | MAP_FIXED,
                                  .protection_max = MAP_PROTECTION};
    uint64_t address;
    paddr_t frame;

    (void)state;
    assert_int_equal(memory_create_demand(budget, 1, &memory), OK);
    assert_int_equal(memory_page(memory, 0, true, &frame), OK);
    assert_int_equal(space_create(budget, &space), OK);
    request.memory = memory;
    assert_int_equal(space_map(space, &request, &address), OK);
    runs_short(private_page, 4);
    space_end(space);
    object_put(&memory->object);
}

/* --- limits -------------------------------------------------------------------------------------
 */

static void test_budget_depth(void **state) {
    struct budget *chain[BUDGET_DEPTH_MAX + 1];
    unsigned n = 0;
    struct budget *parent = budget;
    status_t status;

    (void)state;
    while ((status = budget_create(parent, (64 - n) * PAGE_SIZE, &chain[n])) == OK) {
        budget_spender_add(chain[n]);
        parent = chain[n++];
    }
    assert_int_equal(status, ERROR_TOO_MANY);
    assert_int_equal(parent->depth, BUDGET_DEPTH_MAX);
    while (n-- > 0) {
        budget_spender_drop(chain[n]);
        object_put(&chain[n]->object);
    }
}

#define LIMIT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(test_timer_ticks),  LIMIT_TEST(test_protect_cut_short),
        LIMIT_TEST(test_touch),        LIMIT_TEST(test_clone),
        LIMIT_TEST(test_create),       LIMIT_TEST(test_memory_page),
        LIMIT_TEST(test_private_page), LIMIT_TEST(test_budget_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

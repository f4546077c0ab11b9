/* SPDX-License-Identifier: MIT */
/* lib/base/ring.h: counting through the wrap-around, lies of the other side, two threads. */
#include "tests/unit/test.h"

#include <pthread.h>

#include "lib/base/ring.h"

#define CAPACITY 8

static void test_counts(void **state) {
    struct ring_shared shared = {.produced = 0};
    struct ring_end producer, consumer;
    uint32_t n;

    (void)state;
    ring_end_init(&producer, &shared, CAPACITY);
    ring_end_init(&consumer, &shared, CAPACITY);
    /* Start shortly before the counters wrap. */
    producer.mine = consumer.mine = shared.produced = shared.consumed = UINT32_MAX - 20;
    for (uint32_t step = 0; step < 200; step++) {
        uint32_t many = step % (CAPACITY + 1);

        assert_true(ring_producer_space(&producer, &n));
        assert_int_equal(n, CAPACITY);
        assert_true(ring_consumer_entries(&consumer, &n));
        assert_int_equal(n, 0);
        assert_int_equal(ring_slot(&producer, many), (producer.mine + many) % CAPACITY);
        ring_producer_publish(&producer, many);
        assert_true(ring_producer_space(&producer, &n));
        assert_int_equal(n, CAPACITY - many);
        assert_true(ring_consumer_entries(&consumer, &n));
        assert_int_equal(n, many);
        ring_consumer_release(&consumer, many);
    }
}

static void test_lies(void **state) {
    struct ring_shared shared = {.produced = 0};
    struct ring_end producer, consumer;
    uint32_t n;

    (void)state;
    ring_end_init(&producer, &shared, CAPACITY);
    ring_end_init(&consumer, &shared, CAPACITY);
    ring_producer_publish(&producer, 3);
    shared.produced = CAPACITY + 1; /* more than fit */
    assert_false(ring_consumer_entries(&consumer, &n));
    shared.produced = UINT32_MAX; /* backwards */
    assert_false(ring_consumer_entries(&consumer, &n));
    shared.consumed = 4; /* taken out before it was put in */
    assert_false(ring_producer_space(&producer, &n));
    shared.consumed = 3u - CAPACITY - 1;
    assert_false(ring_producer_space(&producer, &n));
    /* What the other side writes over my own counter does not matter. */
    shared.consumed = 0;
    shared.produced = 77;
    assert_true(ring_producer_space(&producer, &n));
    assert_int_equal(n, CAPACITY - 3);
    ring_producer_publish(&producer, 1);
    assert_int_equal(shared.produced, 4);
}

static void test_waiting(void **state) {
    struct ring_shared shared = {.produced = 0};
    struct ring_end producer, consumer;

    (void)state;
    ring_end_init(&producer, &shared, CAPACITY);
    ring_end_init(&consumer, &shared, CAPACITY);
    assert_false(ring_producer_must_wake(&producer));
    assert_true(ring_consumer_may_wait(&consumer));
    ring_producer_publish(&producer, CAPACITY);
    assert_true(ring_producer_must_wake(&producer));
    assert_false(ring_producer_must_wake(&producer)); /* once */
    assert_false(ring_consumer_may_wait(&consumer));
    assert_true(ring_producer_may_wait(&producer));
    ring_consumer_release(&consumer, 1);
    assert_true(ring_consumer_must_wake(&consumer));
    assert_false(ring_consumer_must_wake(&consumer));
    assert_false(ring_producer_may_wait(&producer));
}

#define N_ENTRIES 300000u

static struct {
    struct ring_shared shared;
    uint32_t slots[CAPACITY];
    /* The doorbells: what notify and receive are in the system. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool consumer_rung, producer_rung;
} channel = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void ring_bell(bool *bell) {
    pthread_mutex_lock(&channel.mutex);
    *bell = true;
    pthread_cond_broadcast(&channel.changed);
    pthread_mutex_unlock(&channel.mutex);
}

static void wait_bell(bool *bell) {
    pthread_mutex_lock(&channel.mutex);
    while (!*bell) {
        pthread_cond_wait(&channel.changed, &channel.mutex);
    }
    *bell = false;
    pthread_mutex_unlock(&channel.mutex);
}

static void *produce(void *unused) {
    struct ring_end end;
    uint32_t next = 0;
    uint32_t n;

    (void)unused;
    ring_end_init(&end, &channel.shared, CAPACITY);
    while (next < N_ENTRIES) {
        assert_true(ring_producer_space(&end, &n));
        if (n == 0) {
            if (ring_producer_may_wait(&end)) {
                wait_bell(&channel.producer_rung);
            }
            continue;
        }
        n = MIN(n, MIN(1 + next % 3, N_ENTRIES - next));
        for (uint32_t i = 0; i < n; i++) {
            channel.slots[ring_slot(&end, i)] = next++;
        }
        ring_producer_publish(&end, n);
        if (ring_producer_must_wake(&end)) {
            ring_bell(&channel.consumer_rung);
        }
    }
    return NULL;
}

/* A lost wake-up hangs this test, a missing barrier gives a wrong entry. */
static void test_two_threads(void **state) {
    struct ring_end end;
    pthread_t producer;
    uint32_t next = 0;
    uint32_t n;

    (void)state;
    alarm(60);
    ring_end_init(&end, &channel.shared, CAPACITY);
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    while (next < N_ENTRIES) {
        assert_true(ring_consumer_entries(&end, &n));
        if (n == 0) {
            if (ring_consumer_may_wait(&end)) {
                wait_bell(&channel.consumer_rung);
            }
            continue;
        }
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(channel.slots[ring_slot(&end, i)], next++);
        }
        ring_consumer_release(&end, n);
        if (ring_consumer_must_wake(&end)) {
            ring_bell(&channel.producer_rung);
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    alarm(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

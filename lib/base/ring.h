/* SPDX-License-Identifier: MIT */
/*
 * Indices of a ring in memory that two processes share: one puts entries in, one takes them out,
 * and neither trusts the other. The slots are the user's; these are only the counters.
 *
 * Both counters run freely through all 2^32 values; a slot's index is its counter modulo the
 * capacity, a power of two. What an end needs for its own safety (its counter, the capacity) it
 * keeps in a private `struct ring_end` and never reads back from the shared memory; from there
 * comes only the other's counter, and a value that is no possible one makes the call fail: the
 * other side is broken, tear the ring down.
 *
 * Danger: an entry's contents may change while they are read. Copy first, then check the copy.
 *
 * Sleeping without lost wake-ups: the consumer calls ring_consumer_may_wait before it blocks, and
 * does not block if that says no; the producer calls ring_producer_must_wake after publishing and
 * notifies if that says yes. The other direction (a producer that waits for space) has the same
 * pair of functions.
 */
#pragma once

#include "lib/base/types.h"

#define RING_CAPACITY_MAX (1u << 31)

/* In shared memory, zeroed at first. One cache line for each writer. */
struct ring_shared {
    ALIGNED(64) uint32_t produced; /* entries ever put in, modulo 2^32; written by the producer */
    uint32_t producer_waits;       /* 1: wake me when there is space */
    ALIGNED(64) uint32_t consumed; /* entries ever taken out; written by the consumer */
    uint32_t consumer_waits;       /* 1: wake me when there are entries */
};
_Static_assert(sizeof(struct ring_shared) == 128, "part of what processes agree on");

/* One end, in private memory. */
struct ring_end {
    struct ring_shared *shared;
    uint32_t capacity; /* slots: a power of two, at most RING_CAPACITY_MAX */
    uint32_t mine;     /* my counter */
};

/* Both ends start at 0, on zeroed shared memory. */
static inline void ring_end_init(struct ring_end *end, struct ring_shared *shared,
                                 uint32_t capacity) {
    *end = (struct ring_end){.shared = shared, .capacity = capacity};
}

/* The slot of the i-th entry from here, as an index below the capacity. */
static inline uint32_t ring_slot(const struct ring_end *end, uint32_t i) {
    return (end->mine + i) & (end->capacity - 1);
}

/* Consumer: how many entries are there? False if the producer's counter is impossible. */
WARN_UNUSED static inline bool ring_consumer_entries(const struct ring_end *end,
                                                     uint32_t *n_entries) {
    *n_entries = __atomic_load_n(&end->shared->produced, __ATOMIC_ACQUIRE) - end->mine;
    return *n_entries <= end->capacity;
}

/* Consumer: done with the next n entries; their slots belong to the producer again. */
static inline void ring_consumer_release(struct ring_end *end, uint32_t n) {
    end->mine += n;
    __atomic_store_n(&end->shared->consumed, end->mine, __ATOMIC_RELEASE);
}

/* Producer: how many slots are free? False if the consumer's counter is impossible. */
WARN_UNUSED static inline bool ring_producer_space(const struct ring_end *end, uint32_t *n_slots) {
    uint32_t in_use = end->mine - __atomic_load_n(&end->shared->consumed, __ATOMIC_ACQUIRE);

    *n_slots = end->capacity - in_use;
    return in_use <= end->capacity;
}

/* Producer: the next n slots are filled. */
static inline void ring_producer_publish(struct ring_end *end, uint32_t n) {
    end->mine += n;
    __atomic_store_n(&end->shared->produced, end->mine, __ATOMIC_RELEASE);
}

/*
 * Order: one side writes its counter, then reads the other's flag; the other writes its flag, then
 * reads the counter. With a full barrier between write and read on both sides at least one of them
 * sees the other's write, so it cannot be that one sleeps and the other does not wake it.
 */
static inline void ring_barrier(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Consumer, having found nothing: may it block? If so its flag is set. It need not look whether the
 * counter is sane; any change of it is a reason to look again. */
static inline bool ring_consumer_may_wait(const struct ring_end *end) {
    __atomic_store_n(&end->shared->consumer_waits, 1, __ATOMIC_RELAXED);
    ring_barrier();
    return __atomic_load_n(&end->shared->produced, __ATOMIC_RELAXED) == end->mine;
}

/* Producer, after publishing: is the consumer to be notified? */
static inline bool ring_producer_must_wake(const struct ring_end *end) {
    ring_barrier();
    return __atomic_load_n(&end->shared->consumer_waits, __ATOMIC_RELAXED) != 0 &&
           __atomic_exchange_n(&end->shared->consumer_waits, 0, __ATOMIC_RELAXED) != 0;
}

/* Producer, having found no space: may it block? */
static inline bool ring_producer_may_wait(const struct ring_end *end) {
    __atomic_store_n(&end->shared->producer_waits, 1, __ATOMIC_RELAXED);
    ring_barrier();
    return end->mine - __atomic_load_n(&end->shared->consumed, __ATOMIC_RELAXED) == end->capacity;
}

/* Consumer, after releasing: is the producer to be notified? */
static inline bool ring_consumer_must_wake(const struct ring_end *end) {
    ring_barrier();
    return __atomic_load_n(&end->shared->producer_waits, __ATOMIC_RELAXED) != 0 &&
           __atomic_exchange_n(&end->shared->producer_waits, 0, __ATOMIC_RELAXED) != 0;
}

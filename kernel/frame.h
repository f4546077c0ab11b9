/* SPDX-License-Identifier: MIT */
/*
 * Physical frames: taking, sharing, giving back; the pool of zeroed frames.
 *
 * Invariant: reference_counts[frame] is 0 iff the frame is free (or not RAM); else it is the number
 * of page table entries, memory objects and kernel owners that use it. Only frame_put frees.
 * Invariant: every frame in the zeroed pool holds zeros only, and counts as free.
 */
#pragma once

#include "kernel/frame_allocator.h"
#include "kernel/types.h"

struct boot_info;

#define PADDR_NONE ((paddr_t)0) /* frame 0 is never handed out */

/* Builds the allocator from the memory map, and the direct map for RAM above the first 4 GiB.
 * Panics if there is too little. */
void frame_init(const struct boot_info *boot);

/* One frame with one reference, contents undefined; PADDR_NONE if there is none. */
WARN_UNUSED paddr_t frame_take(void);

/* The same, zeroed. */
WARN_UNUSED paddr_t frame_take_zeroed(void);

/*
 * `n` contiguous frames below frame number *below, contents undefined, without a reference yet.
 * Looks at a part of the bitmap at a time: FRAME_RUN_MORE, and *below is where to go on.
 */
WARN_UNUSED enum frame_run_result frame_take_run(uint64_t n, uint64_t *below, paddr_t *start);

extern uint32_t *frame_references;

static inline uint32_t *frame_count(paddr_t frame) {
    return &frame_references[frame >> PAGE_SHIFT];
}

static inline void frame_get(paddr_t frame) {
    ++*frame_count(frame);
}

void frame_free(paddr_t frame);

/* Drops one reference; the last one frees. */
static inline void frame_put(paddr_t frame) {
    if (--*frame_count(frame) == 0) {
        frame_free(frame);
    }
}

/* Gives back a frame with one reference that is all zeros: to the pool, if there is room. */
void frame_put_zeroed(paddr_t frame);

/* Zeroes one frame for the pool. False if the pool is full or memory is short; the scrubber's step.
 */
bool frame_scrub(void);

uint64_t frame_n_total(void);
uint64_t frame_n_free(void); /* the pool included */

/* True if any byte of [start, end) is RAM that the allocator manages (so no device may be there).
 */
bool frame_is_ram(paddr_t start, paddr_t end);

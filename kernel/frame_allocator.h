/* SPDX-License-Identifier: MIT */
/*
 * Physical frame allocator: a tree of bitmaps.
 *
 * Level 0 has one bit per frame, set iff the frame is free. A bit of level n + 1 stands for one
 * 64-bit word of level n and is set iff that word is not zero. The top level is one word. So the
 * nearest free frame above or below a given one is found by going up while a word has nothing on
 * the wanted side, then down by find-first-bit: at most two words per level whatever is free, and
 * three levels serve 1 GiB, four 64 GiB, five 4 TiB. Taking or giving a frame changes a higher
 * level only when a word becomes or ceases to be zero.
 *
 * Which frame: always the highest free one. Low memory, which old devices need, thus goes last, and
 * the lowest last of all, without zones or thresholds.
 *
 * Plain C with no kernel in it; tested on the host. It touches no frame, only the metadata it is
 * given. Not locked: the caller holds the kernel lock.
 *
 * Nothing here panics. Functions that give frames back return false, with nothing changed, if a
 * frame does not exist or is free already: the caller's invariant is broken then. Frames that were
 * never added (holes, device memory) cannot be told from used ones; giving them adds them.
 */
#pragma once

#include "lib/base/types.h"

#define FRAME_NONE UINT64_MAX

/* 64^5 frames, 4 TiB. */
#define FRAME_ALLOCATOR_LEVELS_MAX 5
#define FRAME_ALLOCATOR_FRAMES_MAX (1ull << (6 * FRAME_ALLOCATOR_LEVELS_MAX))

/* Must stay where it was initialised. */
struct frame_allocator {
    /* [0] has one bit per frame, [n_levels - 1] one word; the others are the ceiling. */
    uint64_t *levels[FRAME_ALLOCATOR_LEVELS_MAX];
    uint64_t *top; /* levels[n_levels - 1] */
    unsigned n_levels;
    uint64_t ceiling;  /* never zero */
    uint64_t n_frames; /* frames are numbered from 0 to n_frames - 1 */
    uint64_t n_free;   /* number of bits set in levels[0] */
};

enum frame_run_result {
    FRAME_RUN_TAKEN,
    FRAME_RUN_NONE, /* no such run */
    FRAME_RUN_MORE, /* not found yet; call again */
};

/* Bytes of metadata that n_frames frames need: a 64th part more than a bit per frame.
 * 1 <= n_frames <= FRAME_ALLOCATOR_FRAMES_MAX. */
size_t frame_allocator_metadata_size(uint64_t n_frames);

/* Sets up `fa` for the frames [0, n_frames), all used. `metadata` is aligned to 8 bytes, of the
 * size above, and belongs to the allocator from now on. */
void frame_allocator_init(struct frame_allocator *fa, void *metadata, uint64_t n_frames);

/* Makes used whichever of [first, first + count) are free, e.g. the kernel image at boot. What lies
 * beyond n_frames is ignored. Returns how many were free. O(count / 64). */
uint64_t frame_allocator_reserve(struct frame_allocator *fa, uint64_t first, uint64_t count);

/* Takes the highest free frame; FRAME_NONE if nothing is free. O(levels). */
WARN_UNUSED uint64_t frame_allocator_take(struct frame_allocator *fa);

/* Gives one frame back. O(levels). */
WARN_UNUSED bool frame_allocator_give(struct frame_allocator *fa, uint64_t frame);

/*
 * Takes the highest run of `count` >= 1 frames that ends at or below *below_frame (UINT64_MAX:
 * anywhere), in bounded steps; its first frame is then *first.
 *
 * The cost is not O(levels): each word of level 0 that has a free frame, from *below_frame down to
 * the place found, is looked at once, some 30 instructions each; words without any are jumped over.
 * That is one word where memory is free, up to one for every 64 frames where it is in pieces. One
 * step looks at about n_words words, more only if `count` are more frames than that.
 * FRAME_RUN_MORE lowers *below_frame, and the next call goes on from there. Frames may be taken and
 * given in between; runs that became free above *below_frame are then missed.
 */
WARN_UNUSED enum frame_run_result frame_allocator_take_run_step(struct frame_allocator *fa,
                                                                uint64_t count,
                                                                uint64_t *below_frame,
                                                                uint64_t n_words, uint64_t *first);

/* Makes the used frames [first, first + count) free, all or none: what memory there is, at first.
 * O(count / 64). */
WARN_UNUSED bool frame_allocator_give_run(struct frame_allocator *fa, uint64_t first,
                                          uint64_t count);

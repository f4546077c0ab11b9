/* SPDX-License-Identifier: MIT */
/*
 * See frame_allocator.h.
 *
 * Invariant: bit i of level n + 1 is set iff word i of level n is not zero; bits that stand for
 * nothing (at the end of each level) are zero. Every level has one word more than it needs, always
 * zero, so that a search may step past the end of a level without a check: if it looks at bit i of
 * level n, i is at most 64 * (words of level n), and so it looks at most at that last word.
 *
 * Single frames are the hot path: there the levels are written out, not looped over, which halves
 * the instructions. The walk up always has five levels before it and stops at the first word that
 * is not, or was not, zero; the levels that a small machine lacks are one such word, the ceiling.
 */
#include "kernel/frame_allocator.h"

#include "lib/base/bitmap.h"
#include "lib/base/string.h"

#define WORD_SHIFT 6
#define WORD_BITS  64ul

static uint32_t lowest_bit(uint64_t word) {
    return (uint32_t)__builtin_ctzll(word);
}

static uint32_t highest_bit(uint64_t word) {
    return (uint32_t)__builtin_clzll(word) ^ 63;
}

/* Number of words of one level that has `bits` bits, the extra one included. */
static uint64_t level_words(uint64_t bits) {
    return (bits + WORD_BITS - 1) / WORD_BITS + 1;
}

size_t frame_allocator_metadata_size(uint64_t n_frames) {
    uint64_t bits = n_frames;
    uint64_t n_words = level_words(bits);

    while (bits > WORD_BITS) {
        bits = (bits + WORD_BITS - 1) / WORD_BITS;
        n_words += level_words(bits);
    }
    return n_words * sizeof(uint64_t);
}

void frame_allocator_init(struct frame_allocator *fa, void *metadata, uint64_t n_frames) {
    uint64_t *next = metadata;
    uint64_t bits = n_frames;

    *fa = (struct frame_allocator){.n_frames = n_frames, .ceiling = UINT64_MAX};
    memset(metadata, 0, frame_allocator_metadata_size(n_frames));
    for (unsigned level = 0; level < FRAME_ALLOCATOR_LEVELS_MAX; level++) {
        if (bits == 0) {
            fa->levels[level] = &fa->ceiling;
            continue;
        }
        fa->levels[level] = next;
        fa->top = next;
        fa->n_levels = level + 1;
        next += level_words(bits);
        bits = bits <= WORD_BITS ? 0 : (bits + WORD_BITS - 1) / WORD_BITS;
    }
}

/* Clears bit `index`. Returns true if its word is zero now. */
static ALWAYS_INLINE bool bit_clear(uint64_t *words, uint64_t index) {
    return (words[index >> WORD_SHIFT] &= ~(1ull << (index % WORD_BITS))) == 0;
}

/* Sets bit `index`. Returns true if its word was zero. */
static ALWAYS_INLINE bool bit_set(uint64_t *words, uint64_t index) {
    uint64_t before = words[index >> WORD_SHIFT];

    words[index >> WORD_SHIFT] = before | 1ull << (index % WORD_BITS);
    return before == 0;
}

/* [book:frame-empty] */
/* Word `index` of level 0 has become zero: tells the levels above. */
static ALWAYS_INLINE void word_became_empty(struct frame_allocator *fa, uint64_t index) {
    if (bit_clear(fa->levels[1], index) && bit_clear(fa->levels[2], index >> 6) &&
        bit_clear(fa->levels[3], index >> 12)) {
        bit_clear(fa->levels[4], index >> 18);
    }
}
/* [/book] */

/* Word `index` of level 0 was zero and no longer is: tells the levels above. */
static ALWAYS_INLINE void word_became_used(struct frame_allocator *fa, uint64_t index) {
    if (bit_set(fa->levels[1], index) && bit_set(fa->levels[2], index >> 6) &&
        bit_set(fa->levels[3], index >> 12)) {
        bit_set(fa->levels[4], index >> 18);
    }
}

/*
 * The highest level at which a search from `frame` can begin: below it, `frame` is the first bit of
 * its word, so that the level above knows as much.
 */
static unsigned search_level(const struct frame_allocator *fa, uint64_t frame) {
    unsigned level = (unsigned)lowest_bit(frame | 1ull << 63) / WORD_SHIFT;

    return MIN(level, fa->n_levels - 1);
}

/* Highest free frame < below; FRAME_NONE if there is none. */
static uint64_t find_below(const struct frame_allocator *fa, uint64_t below) {
    unsigned level;
    uint64_t index; /* the highest bit still to be looked at; the limit itself may not exist */

    below = MIN(below, fa->n_frames);
    if (below == 0) {
        return FRAME_NONE;
    }
    level = search_level(fa, below);
    index = (below >> (WORD_SHIFT * level)) - 1;
    for (;;) {
        uint64_t word = fa->levels[level][index >> WORD_SHIFT] & UINT64_MAX >> (~index % WORD_BITS);

        if (word != 0) {
            index = (index & ~63ull) | highest_bit(word);
            break;
        }
        index >>= WORD_SHIFT;
        if (++level == fa->n_levels || index-- == 0) {
            return FRAME_NONE;
        }
    }
    while (level-- > 0) {
        index = index << WORD_SHIFT | highest_bit(fa->levels[level][index]);
    }
    return index;
}

/* [book:frame-take] */
uint64_t frame_allocator_take(struct frame_allocator *fa) {
    uint64_t frame;

    if (*fa->top == 0) {
        return FRAME_NONE;
    }
    frame = highest_bit(*fa->top);
    switch (fa->n_levels) {
    case 5:
        frame = frame << WORD_SHIFT | highest_bit(fa->levels[3][frame]);
        __attribute__((fallthrough));
    case 4:
        frame = frame << WORD_SHIFT | highest_bit(fa->levels[2][frame]);
        __attribute__((fallthrough));
    case 3:
        frame = frame << WORD_SHIFT | highest_bit(fa->levels[1][frame]);
        __attribute__((fallthrough));
    case 2:
        frame = frame << WORD_SHIFT | highest_bit(fa->levels[0][frame]);
        __attribute__((fallthrough));
    default:
        break;
    }
    fa->n_free--;
    if (bit_clear(fa->levels[0], frame)) {
        word_became_empty(fa, frame >> WORD_SHIFT);
    }
    return frame;
}
/* [/book] */

bool frame_allocator_give(struct frame_allocator *fa, uint64_t frame) {
    uint64_t bit = 1ull << (frame % WORD_BITS);
    uint64_t *word;
    uint64_t before;

    if (frame >= fa->n_frames) {
        return false;
    }
    word = &fa->levels[0][frame >> WORD_SHIFT];
    before = *word;
    if ((before & bit) != 0) {
        return false; /* it is free */
    }
    *word = before | bit;
    fa->n_free++;
    if (before == 0) {
        word_became_used(fa, frame >> WORD_SHIFT);
    }
    return true;
}

/* The bits of the word that holds frame `first` that stand for [first, first + count). */
static uint64_t run_mask(uint64_t first, uint64_t count) {
    unsigned offset = first % WORD_BITS;

    return bitmap_mask(offset, (unsigned)MIN(count, (uint64_t)WORD_BITS - offset));
}

/* How many frames of [first, first + count) are free. */
static uint64_t run_count_free(const struct frame_allocator *fa, uint64_t first, uint64_t count) {
    uint64_t n_free = 0;

    while (count > 0) {
        uint64_t mask = run_mask(first, count);
        uint64_t step = MIN(count, WORD_BITS - first % WORD_BITS);

        n_free += bitmap_count_word(fa->levels[0][first >> WORD_SHIFT] & mask);
        first += step;
        count -= step;
    }
    return n_free;
}

/* Makes [first, first + count) free or used. Does not touch n_free. */
static void run_change(struct frame_allocator *fa, uint64_t first, uint64_t count, bool is_free) {
    while (count > 0) {
        uint64_t step = MIN(count, WORD_BITS - first % WORD_BITS);
        uint64_t *word = &fa->levels[0][first >> WORD_SHIFT];
        uint64_t before = *word, mask = run_mask(first, count);

        *word = is_free ? before | mask : before & ~mask;
        if (before != 0 && *word == 0) {
            word_became_empty(fa, first >> WORD_SHIFT);
        } else if (before == 0 && *word != 0) {
            word_became_used(fa, first >> WORD_SHIFT);
        }
        first += step;
        count -= step;
    }
}

bool frame_allocator_give_run(struct frame_allocator *fa, uint64_t first, uint64_t count) {
    if (!u64_range_is_within(first, count, fa->n_frames) || run_count_free(fa, first, count) != 0) {
        return false;
    }
    fa->n_free += count;
    run_change(fa, first, count, true);
    return true;
}

uint64_t frame_allocator_reserve(struct frame_allocator *fa, uint64_t first, uint64_t count) {
    uint64_t n_taken;

    if (first >= fa->n_frames) {
        return 0;
    }
    count = MIN(count, fa->n_frames - first);
    n_taken = run_count_free(fa, first, count);
    run_change(fa, first, count, false);
    fa->n_free -= n_taken;
    return n_taken;
}

/* Bit i of the result is set iff the bits i to i + count - 1 of `word` all are. 1 <= count <= 64.
 */
static uint64_t runs_in_word(uint64_t word, uint64_t count) {
    /* `word` knows runs of `length`; as long as possible, that doubles. */
    for (uint64_t length = 1; length < count;) {
        uint64_t step = MIN(length, count - length);

        word &= word >> step;
        length += step;
    }
    return word;
}

/*
 * The highest start of a run of `count` frames in one word: `word` has bit i set iff the frame may
 * be used, and the n_above frames that follow the word are free too. Returns 0 to 63, or
 * FRAME_NONE.
 */
static uint64_t run_start_in_word(uint64_t word, uint64_t n_above, uint64_t count) {
    uint64_t candidates = 0;
    uint64_t n_top = word == UINT64_MAX ? WORD_BITS : (uint64_t)__builtin_clzll(~word);

    /* Runs that leave the word at its top begin in its n_top highest frames, and not so high that
     * the frames above do not suffice. */
    if (n_top > 0 && count <= n_top + n_above) {
        uint64_t highest = n_above >= count ? WORD_BITS - 1 : WORD_BITS - (count - n_above);

        candidates = bitmap_mask((unsigned)(WORD_BITS - n_top),
                                 (unsigned)(highest - (WORD_BITS - n_top) + 1));
    }
    if (candidates == 0 && count <= WORD_BITS) {
        candidates = runs_in_word(word, count);
    }
    return candidates == 0 ? FRAME_NONE : highest_bit(candidates);
}

/* The highest non-empty word of level 0 below word `index`; FRAME_NONE if there is none. */
static uint64_t word_below(const struct frame_allocator *fa, uint64_t index) {
    uint64_t frame = find_below(fa, index << WORD_SHIFT);

    return frame == FRAME_NONE ? FRAME_NONE : frame >> WORD_SHIFT;
}

enum frame_run_result frame_allocator_take_run_step(struct frame_allocator *fa, uint64_t count,
                                                    uint64_t *below_frame, uint64_t n_words,
                                                    uint64_t *first) {
    uint64_t below = MIN(*below_frame, fa->n_frames);
    uint64_t index = word_below(fa, (below + WORD_BITS - 1) >> WORD_SHIFT);
    uint64_t n_above = 0; /* free frames directly above word `index`, below the limit */

    if (count > fa->n_free) {
        return FRAME_RUN_NONE;
    }
    /* A step must get further than the run that it may have to leave unfinished. */
    n_words = MAX(n_words, count / WORD_BITS + 3);
    while (index != FRAME_NONE) {
        uint64_t limit = below - (index << WORD_SHIFT);
        uint64_t word = fa->levels[0][index] & bitmap_mask(0, (unsigned)MIN(limit, WORD_BITS));
        uint64_t start = run_start_in_word(word, n_above, count);
        uint64_t next;

        if (start != FRAME_NONE) {
            *first = (index << WORD_SHIFT) + start;
            run_change(fa, *first, count, false);
            fa->n_free -= count;
            return FRAME_RUN_TAKEN;
        }
        n_above = word == UINT64_MAX ? n_above + WORD_BITS : lowest_bit(~word);
        next = index > 0 && fa->levels[0][index - 1] != 0 ? index - 1 : word_below(fa, index);
        if (--n_words == 0 && next != FRAME_NONE) {
            *below_frame = (index << WORD_SHIFT) + n_above;
            return FRAME_RUN_MORE;
        }
        if (next + 1 != index) {
            n_above = 0;
        }
        index = next;
    }
    return FRAME_RUN_NONE;
}

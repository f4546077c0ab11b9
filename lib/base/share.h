/* SPDX-License-Identifier: MIT */
/*
 * How servers divide what they have only so much of among owners (logins, abi/tag.h) that take
 * without end. One may have more only while it then has no more than what is left: there is always
 * some for others, however many of them there are.
 *
 * Invariant: `used` is the sum of `own`.
 */
#pragma once

#include "lib/base/types.h"

enum { SHARE_OWNERS = 256 };

struct shares {
    size_t total, used;
    size_t own[SHARE_OWNERS]; /* [0]: theirs whom only the total limits */
};

/* [book:share-is-left] */
/* May the owner have n more? */
static inline bool share_is_left(const struct shares *shares, uint32_t owner, size_t n) {
    size_t in_the_way = shares->used + (owner == 0 ? 0 : shares->own[owner]);

    return in_the_way <= shares->total && n <= shares->total - in_the_way;
}
/* [/book] */

/* It has n more, which it was asked about or has from before. */
static inline void share_take(struct shares *shares, uint32_t owner, size_t n) {
    shares->used += n;
    shares->own[owner] += n;
}

/* Takes n more if the owner may have them; else false. */
static inline bool share_try(struct shares *shares, uint32_t owner, size_t n) {
    if (!share_is_left(shares, owner, n)) {
        return false;
    }
    share_take(shares, owner, n);
    return true;
}

static inline void share_return(struct shares *shares, uint32_t owner, size_t n) {
    shares->used -= n;
    shares->own[owner] -= n;
}

/* SPDX-License-Identifier: MIT */
/* How servers divide what they have only so much of among clients that take without end. */
#pragma once

#include "lib/base/types.h"

/*
 * May a client that has `own` of the `used` ones have `more`? Only while it has no more than what
 * is left then: there is always some for others, however many of them there are.
 */
static inline bool share_is_left(size_t own, size_t used, size_t total, size_t more) {
    return more <= total && used <= total - more && own + more <= total - used;
}

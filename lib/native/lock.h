/* SPDX-License-Identifier: MIT */
/*
 * A mutual exclusion lock between the threads of a process, on a futex. Not recursive. Zero is
 * unlocked. Blocks: lock_take, if another thread holds it.
 */
#pragma once

#include "lib/base/types.h"

struct lock {
    volatile uint32_t state; /* 0 free, 1 held, 2 held and somebody waits */
};

#define LOCK_INITIALIZER                                                                           \
    { 0 }

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

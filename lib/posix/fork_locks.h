/* SPDX-License-Identifier: MIT */
/*
 * fork and the library's own locks: the forking thread holds all of them while the memory is
 * copied, so that what they guard is whole in the child. None is held while a server is waited for,
 * so this does not wait long. In a critical section.
 */
#pragma once

#include "lib/native/namespace.h"
#include "lib/posix/thread.h"

/*
 * For a large table of which a fork writes nothing. Each page that it does write costs parent and
 * child a fault, and one of them a copy: so what is small, these locks and the like, lies together,
 * and the tables behind it (tables.ld).
 */
#define LARGE_TABLE __attribute__((section(".bss.tables")))

extern struct lock signal_lock, queue_lock, path_lock, fd_lock, mapping_lock,
    pool_lock; /* in this order, threads_lock and timers_lock before them, namespace_lock behind */
extern struct lock timers_lock, stacks_lock;

static inline void locks_take_all(void) {
    lock_take(&threads_lock);
    lock_take(&timers_lock);
    lock_take(&signal_lock);
    lock_take(&queue_lock);
    lock_take(&path_lock);
    lock_take(&fd_lock);
    lock_take(&mapping_lock);
    lock_take(&pool_lock);
    lock_take(&stacks_lock);
    lock_take(&namespace_lock);
}

static inline void locks_give_all(void) {
    lock_give(&namespace_lock);
    lock_give(&stacks_lock);
    lock_give(&pool_lock);
    lock_give(&mapping_lock);
    lock_give(&fd_lock);
    lock_give(&path_lock);
    lock_give(&queue_lock);
    lock_give(&signal_lock);
    lock_give(&timers_lock);
    lock_give(&threads_lock);
}

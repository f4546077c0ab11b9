/* SPDX-License-Identifier: MIT */
/*
 * Copying from and to user memory: the only way in which the kernel reads or writes what a program
 * points to. It never faults: each page is resolved as that process's own access would be (rights,
 * demand-zero, copy-on-write, budget) and copied through the direct map.
 */
#pragma once

#include "kernel/space.h"

/* Fails: BAD_ADDRESS, OUT_OF_BUDGET, NO_MEMORY; part may then be copied. n is at most a few pages.
 */
WARN_UNUSED status_t copy_in(struct space *space, void *to, user_ptr_t from, uint64_t n);
WARN_UNUSED status_t copy_out(struct space *space, user_ptr_t to, const void *from, uint64_t n);

/*
 * The kernel's address of the byte at user address `address`, for this access; valid to the end of
 * its page and until the lock is released.
 */
WARN_UNUSED status_t user_resolve(struct space *space, uint64_t address, enum access access,
                                  void **pointer);

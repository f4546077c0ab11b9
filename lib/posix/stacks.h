/* SPDX-License-Identifier: MIT */
/*
 * Stacks of threads, kept for the next thread: see lib/posix/stacks.c.
 */
#pragma once

#include "lib/base/types.h"

/* A thread starts with this stack pointer. Memory that is none of pthread_create's is let be. */
void stack_used(uintptr_t top);

/* The memory at `base` is about to be unmapped in another way. */
void stack_forget(uintptr_t base);

/* Has the kernel make the pages of new, writable memory: false where the budget ends. They stay
 * zero. Defined in memory.c. */
WARN_UNUSED bool memory_touch(uintptr_t address, size_t length);

/* SPDX-License-Identifier: MIT */
/*
 * Scalar types with a rule, and the direct map.
 *
 * Invariant: all RAM that the frame allocator knows is mapped, writable and not executable, at
 * DIRECT_MAP_BASE + its physical address. The kernel reaches user memory through it only, never
 * through a user address.
 */
#pragma once

#include "abi/types.h"
#include "kernel/config.h"
#include "lib/base/types.h"

/* A physical address. */
typedef uint64_t paddr_t;

/* An address that a program gave: never dereferenced, see kernel/user_copy.h. */
typedef struct {
    uint64_t address;
} user_ptr_t;

#define DIRECT_MAP_BASE 0xffff800000000000ULL

static inline void *paddr_to_pointer(paddr_t paddr) {
    return (void *)(DIRECT_MAP_BASE + paddr);
}

/* Only for addresses in the direct map. */
static inline paddr_t pointer_to_paddr(const void *pointer) {
    return (uint64_t)pointer - DIRECT_MAP_BASE;
}

static inline user_ptr_t user_ptr(uint64_t address) {
    return (user_ptr_t){address};
}

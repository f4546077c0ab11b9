/* SPDX-License-Identifier: MIT */
/* Stand-in on the host: the direct map lies where a program may have memory. */
#pragma once

#define paddr_to_pointer paddr_to_pointer_of_kernel
#define pointer_to_paddr pointer_to_paddr_of_kernel
#include_next "kernel/types.h"
#undef paddr_to_pointer
#undef pointer_to_paddr
#undef DIRECT_MAP_BASE

#define DIRECT_MAP_BASE 0x200000000000ULL

static inline void *paddr_to_pointer(paddr_t paddr) {
    return (void *)(DIRECT_MAP_BASE + paddr);
}

static inline paddr_t pointer_to_paddr(const void *pointer) {
    return (uint64_t)pointer - DIRECT_MAP_BASE;
}

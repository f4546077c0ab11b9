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
/* Out, with an access other than ACCESS_WRITE: to private pages that nobody uses yet, whatever
 * rights they have, which this access makes. */
WARN_UNUSED status_t copy_out_as(struct space *space, uint64_t to, enum access access,
                                 const void *from, uint64_t n);
WARN_UNUSED static inline status_t copy_out(struct space *space, user_ptr_t to, const void *from,
                                            uint64_t n) {
    return copy_out_as(space, to.address, ACCESS_WRITE, from, n);
}

/* Bytes from this one to the end of its page. */
static inline uint64_t user_page_rest(uint64_t address) {
    return PAGE_SIZE - (address & (PAGE_SIZE - 1));
}

/* Where the direct map has the byte at `address`, whose page table entry this is. */
static inline void *user_byte(pte_t entry, uint64_t address) {
    return (char *)paddr_to_pointer(entry & PTE_ADDRESS) + (address & (PAGE_SIZE - 1));
}

/* The page is not there, or not for this access: what a fault would do is done now. */
WARN_UNUSED status_t user_resolve_fault(struct space *space, uint64_t address, enum access access,
                                        void **pointer);

/* [book:user-resolve] */
/*
 * The kernel's address of the byte at user address `address`, for this access; valid to the end of
 * its page and until the lock is released.
 */
WARN_UNUSED static ALWAYS_INLINE status_t user_resolve(struct space *space, uint64_t address,
                                                       enum access access, void **pointer) {
    pte_t needed = PTE_PRESENT | PTE_USER | (access == ACCESS_WRITE ? PTE_WRITE : 0);
    const pte_t *entry = space_entry(space, address);

    if (UNLIKELY(entry == NULL || (*entry & (needed | PTE_DEVICE)) != needed)) {
        return user_resolve_fault(space, address, access, pointer);
    }
    *pointer = user_byte(*entry, address);
    return OK;
}
/* [/book] */

/* copy_in for a small structure, the size a constant. */
WARN_UNUSED static ALWAYS_INLINE status_t copy_in_small(struct space *space, void *to,
                                                        uint64_t from, uint64_t n) {
    void *source;
    status_t status;

    if (UNLIKELY(user_page_rest(from) < n)) {
        return copy_in(space, to, user_ptr(from), n);
    }
    status = user_resolve(space, from, ACCESS_READ, &source);
    if (LIKELY(status == OK)) {
        __builtin_memcpy(to, source, n);
    }
    return status;
}

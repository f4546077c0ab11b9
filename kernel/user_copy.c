/* SPDX-License-Identifier: MIT */
#include "kernel/user_copy.h"

#include "lib/base/string.h"

static inline void *byte_at(pte_t entry, uint64_t address) {
    return (char *)paddr_to_pointer(entry & PTE_ADDRESS) + (address & (PAGE_SIZE - 1));
}

/* [book:user-resolve] */
/* The page is not there, or not for this access: what a fault would do is done now. */
static NOINLINE status_t resolve_fault(struct space *space, uint64_t address, enum access access,
                                       void **pointer) {
    status_t status = space_fault(space, address, access);
    const pte_t *entry;

    if (status != OK) {
        return status == ERROR_NO_RIGHT || status == ERROR_NOT_FOUND ? ERROR_BAD_ADDRESS : status;
    }
    entry = page_table_find(space->root, address);
    if ((*entry & PTE_DEVICE) != 0) {
        return ERROR_BAD_ADDRESS; /* reading a device's registers may have effects */
    }
    *pointer = byte_at(*entry, address);
    return OK;
}

status_t user_resolve(struct space *space, uint64_t address, enum access access, void **pointer) {
    pte_t needed = PTE_PRESENT | PTE_USER | (access == ACCESS_WRITE ? PTE_WRITE : 0);
    const pte_t *entry;

    if (UNLIKELY(address < USER_BOTTOM || address >= USER_TOP)) {
        return ERROR_BAD_ADDRESS;
    }
    entry = page_table_find(space->root, address);
    if (UNLIKELY(entry == NULL || (*entry & (needed | PTE_DEVICE)) != needed)) {
        return resolve_fault(space, address, access, pointer);
    }
    *pointer = byte_at(*entry, address);
    return OK;
}
/* [/book] */

status_t copy_in(struct space *space, void *to, user_ptr_t from, uint64_t n) {
    while (n > 0) {
        uint64_t part = MIN(n, PAGE_SIZE - (from.address & (PAGE_SIZE - 1)));
        void *source;
        status_t status = user_resolve(space, from.address, ACCESS_READ, &source);

        if (status != OK) {
            return status;
        }
        memcpy(to, source, part);
        to = (char *)to + part;
        from.address += part;
        n -= part;
    }
    return OK;
}

status_t copy_out(struct space *space, user_ptr_t to, const void *from, uint64_t n) {
    while (n > 0) {
        uint64_t part = MIN(n, PAGE_SIZE - (to.address & (PAGE_SIZE - 1)));
        void *target;
        status_t status = user_resolve(space, to.address, ACCESS_WRITE, &target);

        if (status != OK) {
            return status;
        }
        memcpy(target, from, part);
        from = (const char *)from + part;
        to.address += part;
        n -= part;
    }
    return OK;
}

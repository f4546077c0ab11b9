/* SPDX-License-Identifier: MIT */
#include "kernel/user_copy.h"

#include "lib/base/string.h"

/* [book:user-resolve-fault] */
status_t user_resolve_fault(struct space *space, uint64_t address, enum access access,
                            void **pointer) {
    status_t status = space_fault(space, address, access);
    const pte_t *entry;

    if (status != OK) {
        return status == ERROR_NO_RIGHT || status == ERROR_NOT_FOUND ? ERROR_BAD_ADDRESS : status;
    }
    entry = space_entry(space, address);
    if ((*entry & PTE_DEVICE) != 0) {
        return ERROR_BAD_ADDRESS; /* reading a device's registers may have effects */
    }
    *pointer = user_byte(*entry, address);
    return OK;
}
/* [/book] */

/* Between the kernel's memory and the user's at `address`, whose pages are touched like this. */
static ALWAYS_INLINE status_t copy(struct space *space, uint64_t address, enum access access,
                                   char *kernel, uint64_t n, bool is_out) {
    while (n > 0) {
        uint64_t part = MIN(n, user_page_rest(address));
        void *user;
        status_t status = user_resolve(space, address, access, &user);

        if (status != OK) {
            return status;
        }
        memcpy(is_out ? user : kernel, is_out ? kernel : user, part);
        kernel += part;
        address += part;
        n -= part;
    }
    return OK;
}

status_t copy_in(struct space *space, void *to, user_ptr_t from, uint64_t n) {
    return copy(space, from.address, ACCESS_READ, to, n, false);
}

status_t copy_out_as(struct space *space, uint64_t to, enum access access, const void *from,
                     uint64_t n) {
    return copy(space, to, access, (char *)(uintptr_t)from, n, true);
}

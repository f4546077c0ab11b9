/* SPDX-License-Identifier: MIT */
/*
 * mremap, and what is said of memory that is never paged out: mlock, msync.
 *
 * The kernel does not move mappings: an object is mapped again at the new place, and private pages
 * are copied. Anonymous private memory that moves can be read and written afterwards, whatever it
 * could before.
 */
#include "lib/posix/calls.h"

#include <errno.h>

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/mapping.h"

enum { MREMAP_MAYMOVE_FLAG = 1, MREMAP_FIXED_FLAG = 2 };
enum { MS_ASYNC_FLAG = 1, MS_INVALIDATE_FLAG = 2, MS_SYNC_FLAG = 4 };
enum { MCL_ALL_FLAGS = 7 };

/* Pages that msync looks at one by one. */
enum { LOOKED_AT_MAX = 1024 };

/* Can this be read? If nobody has touched it yet it gets its memory. A wait that ends at once. */
static status_t page_probe(uint64_t address) {
    status_t status = sys_futex_wait((const volatile uint32_t *)(uintptr_t)address, 0, 0, 0);

    return status == ERROR_BAD_ADDRESS || status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY
               ? status
               : OK;
}

/* Is something mapped there? If not, one can put something there. */
static bool page_is_mapped(uint64_t address) {
    uint64_t mapped;

    if (sys_map(HANDLE_NONE, HANDLE_NONE, address, PAGE_SIZE, 0, MAP_FIXED | MAP_GUARD, &mapped) !=
        OK) {
        return true;
    }
    status_ignore(sys_unmap(HANDLE_NONE, address, PAGE_SIZE));
    return false;
}

/* ---- mremap ---- */

struct remap {
    uint64_t from, old_length;
    uint64_t to, length;
    bool has_object; /* else it is anonymous and private */
    struct mapping_entry object;
};

static uint32_t flags_of(const struct remap *remap) {
    return remap->has_object ? remap->object.flags : MAP_READ | MAP_WRITE;
}

static bool is_private(const struct remap *remap) {
    return !remap->has_object || (remap->object.flags & MAP_PRIVATE) != 0;
}

/* Maps [from + skip, ...) of the old mapping's content anew. */
static status_t map_like(const struct remap *remap, uint64_t skip, uint64_t address,
                         uint64_t length, uint32_t flags, uint64_t *mapped) {
    uint64_t offset = remap->object.offset + (remap->from - remap->object.start) + skip;

    return remap->has_object ? sys_map(HANDLE_NONE, remap->object.memory, address, length, offset,
                                       flags_of(remap) | flags, mapped)
                             : sys_map(HANDLE_NONE, HANDLE_NONE, address, length, 0,
                                       flags_of(remap) | flags, mapped);
}

static bool grow_in_place(const struct remap *remap) {
    uint64_t end = remap->from + remap->old_length, mapped;

    if (map_like(remap, remap->old_length, end, remap->length - remap->old_length, MAP_FIXED,
                 &mapped) != OK) {
        return false;
    }
    if (remap->has_object) {
        mapping_extend(end, remap->from + remap->length);
    }
    return true;
}

/* What differs from what is there already: nothing for most pages of a file, zeros. */
static status_t copy_pages(const struct remap *remap) {
    uint64_t length = MIN(remap->old_length, remap->length);

    for (uint64_t done = 0; done < length; done += PAGE_SIZE) {
        const void *from = (const void *)(uintptr_t)(remap->from + done);
        void *to = (void *)(uintptr_t)(remap->to + done);
        status_t status = page_probe(remap->from + done);

        if (status == OK) {
            status = page_probe(remap->to + done);
        } else if (status == ERROR_BAD_ADDRESS && remap->has_object) {
            continue; /* beyond the end of the file */
        }
        if (status != OK) {
            return status;
        }
        if (memcmp(from, to, PAGE_SIZE) != 0) {
            memcpy(to, from, PAGE_SIZE);
        }
    }
    return OK;
}

static status_t copy_private(const struct remap *remap) {
    uint32_t protection = flags_of(remap) & MAP_PROTECTION;
    status_t status = sys_protect(HANDLE_NONE, remap->to, remap->length, MAP_READ | MAP_WRITE);

    if (status == OK && remap->has_object) {
        status = sys_protect(HANDLE_NONE, remap->from, remap->old_length, MAP_READ | MAP_WRITE);
    }
    if (status == OK) {
        status = copy_pages(remap);
    }
    if (status == OK && protection != (MAP_READ | MAP_WRITE)) {
        status = sys_protect(HANDLE_NONE, remap->to, remap->length, protection);
    }
    return status;
}

static long move(struct remap *remap, uint32_t flags) {
    handle_t memory = HANDLE_NONE;
    status_t status =
        remap->has_object ? sys_handle_copy(remap->object.memory, RIGHTS_ALL, 0, &memory) : OK;

    if (status == OK) {
        status = map_like(remap, 0, remap->to, remap->length, flags, &remap->to);
    }
    if (status == OK && is_private(remap)) {
        status = copy_private(remap);
        if (status != OK) {
            status_ignore(sys_unmap(HANDLE_NONE, remap->to, remap->length));
        }
    }
    if (status != OK) {
        if (memory != HANDLE_NONE) {
            handle_drop(memory);
        }
        return status == ERROR_BAD_ADDRESS ? -EFAULT : -ENOMEM;
    }
    uint64_t offset = remap->object.offset + (remap->from - remap->object.start);

    status_ignore(sys_unmap(HANDLE_NONE, remap->from, remap->old_length));
    mapping_forget(remap->from, remap->old_length);
    if (remap->has_object) {
        mapping_keep(remap->to, remap->length, memory, offset, flags_of(remap));
    } else {
        mapping_forget(remap->to, remap->length);
    }
    return (long)remap->to;
}

static bool arguments_are_valid(const struct remap *remap, long flags) {
    bool is_fixed = (flags & MREMAP_FIXED_FLAG) != 0;

    if ((flags & ~(long)(MREMAP_MAYMOVE_FLAG | MREMAP_FIXED_FLAG)) != 0 ||
        !IS_ALIGNED(remap->from, PAGE_SIZE) || remap->old_length == 0 || remap->length == 0 ||
        remap->old_length > USER_TOP || remap->length > USER_TOP) {
        return false;
    }
    return !is_fixed || ((flags & MREMAP_MAYMOVE_FLAG) != 0 && IS_ALIGNED(remap->to, PAGE_SIZE) &&
                         (remap->to + remap->length <= remap->from ||
                          remap->from + remap->old_length <= remap->to));
}

long call_mremap(const long *a) {
    struct remap remap = {.from = (uint64_t)a[0],
                          .old_length = ALIGN_UP((uint64_t)a[1], PAGE_SIZE),
                          .length = ALIGN_UP((uint64_t)a[2], PAGE_SIZE),
                          .to = (uint64_t)a[4]};
    bool is_fixed = (a[3] & MREMAP_FIXED_FLAG) != 0;

    if (!arguments_are_valid(&remap, a[3])) {
        return -EINVAL;
    }
    remap.has_object = mapping_find(remap.from, &remap.object);
    if (remap.has_object ? remap.object.end < remap.from + remap.old_length
                         : !page_is_mapped(remap.from) || ((a[3] & MREMAP_MAYMOVE_FLAG) != 0 &&
                                                           page_probe(remap.from) != OK)) {
        return -EFAULT;
    }
    if (is_fixed) {
        return move(&remap, MAP_FIXED | MAP_REPLACE);
    }
    if (remap.length <= remap.old_length) {
        uint64_t end = remap.from + remap.length, rest = remap.old_length - remap.length;

        if (rest != 0) {
            status_ignore(sys_unmap(HANDLE_NONE, end, rest));
            mapping_forget(end, rest);
        }
        return (long)remap.from;
    }
    if (grow_in_place(&remap)) {
        return (long)remap.from;
    }
    remap.to = 0;
    return (a[3] & MREMAP_MAYMOVE_FLAG) != 0 ? move(&remap, 0) : -ENOMEM;
}

/* ---- msync, mlock ---- */

/* Shared mappings are the file's own memory: there is nothing to write back. Only whether all of it
 * is mapped is looked at; of very long ranges both ends. */
long call_msync(const long *a) {
    uint64_t address = (uint64_t)a[0], length = ALIGN_UP((uint64_t)a[1], PAGE_SIZE);
    const long known = MS_ASYNC_FLAG | MS_INVALIDATE_FLAG | MS_SYNC_FLAG;

    if (!IS_ALIGNED(address, PAGE_SIZE) || (a[2] & ~known) != 0 ||
        (a[2] & (MS_ASYNC_FLAG | MS_SYNC_FLAG)) == (MS_ASYNC_FLAG | MS_SYNC_FLAG)) {
        return -EINVAL;
    }
    if (length > USER_TOP) {
        return -ENOMEM;
    }
    for (uint64_t page = 0; page < length / PAGE_SIZE; page++) {
        uint64_t left = length / PAGE_SIZE - page;

        if (page == LOOKED_AT_MAX / 2 && left > LOOKED_AT_MAX / 2) {
            page += left - LOOKED_AT_MAX / 2;
        }
        if (!page_is_mapped(address + page * PAGE_SIZE)) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* No page ever leaves memory again: locking is touching each. */
long call_mlock(const long *a) {
    uint64_t start = ALIGN_DOWN((uint64_t)a[0], PAGE_SIZE);
    uint64_t end = (uint64_t)a[0] + (uint64_t)a[1];

    if (end < (uint64_t)a[0]) {
        return -EINVAL;
    }
    for (uint64_t address = start; address < end; address += PAGE_SIZE) {
        if (address >= USER_TOP || page_probe(address) != OK) {
            return -ENOMEM;
        }
    }
    return 0;
}

long call_mlock2(const long *a) {
    return (a[2] & ~1l) != 0 ? -EINVAL : call_mlock(a);
}

long call_munlock(const long *a) {
    return call_mlock(a);
}

long call_mlockall(const long *a) {
    return a[0] == 0 || (a[0] & ~(long)MCL_ALL_FLAGS) != 0 ? -EINVAL : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * mmap and its kin, straight on the kernel's map. <sys/mman.h> has names of abi/kernel.h with other
 * values, so Linux's numbers stand here.
 */
#include "lib/posix/calls.h"

#include <errno.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/file.h"
#include "lib/posix/mapping.h"
#include "lib/posix/stacks.h"

enum {
    LINUX_MAP_SHARED = 1,
    LINUX_MAP_PRIVATE = 2,
    LINUX_MAP_SHARED_VALIDATE = 3,
    LINUX_MAP_TYPE = 15,
    LINUX_MAP_FIXED = 0x10,
    LINUX_MAP_ANONYMOUS = 0x20,
    LINUX_MAP_FIXED_NOREPLACE = 0x100000,
    LINUX_MADV_DONTNEED = 4,
    LINUX_MADV_FREE = 8,
    LINUX_MADV_LAST = 25, /* of those that a program without privileges has */
};

struct mapping {
    uint64_t address, length;
    uint32_t flags; /* of the kernel's map */
    uint64_t offset;
    long linux_flags;
};

static bool is_shared(const struct mapping *mapping) {
    long type = mapping->linux_flags & LINUX_MAP_TYPE;

    return type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE;
}

static long error_of(status_t status) {
    switch (status) {
    case ERROR_EXISTS:
    case ERROR_BUSY:
        return -EEXIST;
    case ERROR_BAD_ADDRESS: /* a fixed place where programs have no memory */
    case ERROR_TOO_MANY:
        return -ENOMEM;
    default:
        return errno_from_status(status);
    }
}

/* After the attempt: an object that is mapped is remembered, with its handle. */
static long map_result(const struct mapping *mapping, status_t status, uint64_t mapped,
                       handle_t memory, uint64_t offset) {
    if (status != OK) {
        if (memory != HANDLE_NONE) {
            handle_drop(memory);
        }
        return error_of(status);
    }
    if (memory != HANDLE_NONE) {
        mapping_keep(mapped, mapping->length, memory, offset, mapping->flags);
    } else if ((mapping->flags & MAP_REPLACE) != 0) {
        mapping_forget(mapped, mapping->length);
    }
    return (long)mapped;
}

static long map_anonymous(const struct mapping *mapping) {
    handle_t memory = HANDLE_NONE;
    uint64_t mapped = 0;
    status_t status = OK;

    /* Shared with forked children: an object of its own. */
    if (is_shared(mapping)) {
        status = sys_memory_create(mapping->length / PAGE_SIZE, 0, 0, HANDLE_NONE, &memory);
    }
    if (status == OK) {
        status = sys_map(HANDLE_NONE, memory, mapping->address, mapping->length, 0, mapping->flags,
                         &mapped);
    }
    return map_result(mapping, status, mapped, memory, 0);
}

/* For a server that cannot give its content as memory: a copy, which is what private mappings are
 * anyway. */
static long map_copy(const struct mapping *mapping, int fd) {
    struct mapping anonymous = *mapping;

    anonymous.flags |= MAP_WRITE;
    long address = map_anonymous(&anonymous);

    if (address < 0 && address > -PAGE_BYTES) {
        return address;
    }
    long n = file_read_at(fd, (void *)address, mapping->length, mapping->offset);
    status_t status = n < 0 ? ERROR_IO
                            : sys_protect(HANDLE_NONE, (uint64_t)address, mapping->length,
                                          mapping->flags & MAP_PROTECTION);

    if (status != OK) {
        status_ignore(sys_unmap(HANDLE_NONE, (uint64_t)address, mapping->length));
        return n < 0 ? n : errno_from_status(status);
    }
    return address;
}

static long map_file(const struct mapping *mapping, int number) {
    struct fd fd = fd_get(number);
    bool shared = is_shared(mapping);
    uint32_t how = (shared ? FILE_MAP_SHARED : 0) |
                   (shared && (mapping->flags & MAP_WRITE) != 0 ? FILE_MAP_WRITE : 0);
    uint64_t skip, bytes, mapped = 0;
    handle_t memory;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    switch (fd.mode & FILE_MODE_KIND) {
    case FILE_MODE_DIRECTORY:
    case FILE_MODE_PIPE:
    case FILE_MODE_SOCKET:
    case FILE_MODE_CHARACTER: /* a terminal: what waits for a person; /dev/zero is no such */
        return -ENODEV;
    default:
        break;
    }
    status_t status = file_map(fd.gate, mapping->offset, mapping->length, how, &skip, &bytes,
                               &memory, DEADLINE_NEVER);

    if (status == ERROR_NOT_SUPPORTED || status == ERROR_BAD_MESSAGE) {
        return shared ? -ENODEV : map_copy(mapping, number);
    }
    if (status != OK) {
        return errno_from_status(status);
    }
    struct mapping with_kind = *mapping;

    with_kind.flags |= shared ? 0 : MAP_PRIVATE;
    status = sys_map(HANDLE_NONE, memory, mapping->address, mapping->length, skip, with_kind.flags,
                     &mapped);
    return map_result(&with_kind, status, mapped, memory, skip);
}

long call_mmap(const long *a) {
    long flags = a[3];
    struct mapping mapping = {
        .address = (uint64_t)a[0],
        .flags = (uint32_t)a[2] & MAP_PROTECTION,
        .offset = (uint64_t)a[5],
        .linux_flags = flags,
    };
    bool is_fixed = (flags & (LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE)) != 0;

    if (a[1] == 0 || !IS_ALIGNED(mapping.offset, PAGE_SIZE) ||
        (is_fixed && !IS_ALIGNED(mapping.address, PAGE_SIZE)) ||
        (!is_shared(&mapping) && (flags & LINUX_MAP_TYPE) != LINUX_MAP_PRIVATE)) {
        return -EINVAL;
    }
    if ((uint64_t)a[1] > USER_TOP) {
        return -ENOMEM;
    }
    mapping.length = ALIGN_UP((uint64_t)a[1], PAGE_SIZE);
    if (mapping.offset + mapping.length < mapping.offset) {
        return -EOVERFLOW;
    }
    if ((flags & LINUX_MAP_FIXED) != 0) {
        mapping.flags |= MAP_FIXED | MAP_REPLACE;
    } else if ((flags & LINUX_MAP_FIXED_NOREPLACE) != 0) {
        mapping.flags |= MAP_FIXED;
    } else {
        mapping.address = ALIGN_DOWN(mapping.address, PAGE_SIZE);
    }
    /* MAP_POPULATE is advice: what the budget refuses is not to make this fail. */
    return (flags & LINUX_MAP_ANONYMOUS) != 0 ? map_anonymous(&mapping)
                                              : map_file(&mapping, (int)a[4]);
}

bool memory_touch(uintptr_t address, size_t length) {
    for (uintptr_t page = address; page < address + length; page += PAGE_SIZE) {
        struct process_status *place = (struct process_status *)page;

        if (sys_process_info(HANDLE_NONE, PROCESS_INFO_STATUS, place, sizeof *place, 0, NULL,
                             NULL) != OK) {
            return false;
        }
        memset(place, 0, sizeof *place);
    }
    return true;
}

/* Address and length as munmap and mprotect take them: whole pages. */
static bool range_of(const long *a, uint64_t *length) {
    *length = ALIGN_UP((uint64_t)a[1], PAGE_SIZE);
    return IS_ALIGNED((uint64_t)a[0], PAGE_SIZE) && a[1] > 0 && (uint64_t)a[1] <= USER_TOP;
}

long call_munmap(const long *a) {
    uint64_t length;

    if (!range_of(a, &length)) {
        return -EINVAL;
    }
    mapping_forget((uint64_t)a[0], length);
    return errno_from_status(sys_unmap(HANDLE_NONE, (uint64_t)a[0], length));
}

long call_mprotect(const long *a) {
    uint64_t length;

    if (a[1] == 0) {
        return 0;
    }
    if (!range_of(a, &length) || (a[2] & ~(long)MAP_PROTECTION) != 0) {
        return -EINVAL;
    }
    status_t status =
        sys_protect(HANDLE_NONE, (uint64_t)a[0], length, (uint32_t)a[2] & MAP_PROTECTION);

    if (status == OK) {
        mapping_protect((uint64_t)a[0], length, (uint32_t)a[2]);
    }
    return status == ERROR_BAD_ADDRESS ? -ENOMEM : errno_from_status(status);
}

long call_madvise(const long *a) {
    uint64_t length;

    if (!range_of(a, &length)) {
        return a[1] == 0 ? 0 : -EINVAL;
    }
    if (a[2] < 0 || a[2] > LINUX_MADV_LAST) {
        return -EINVAL;
    }
    if (a[2] == LINUX_MADV_DONTNEED || a[2] == LINUX_MADV_FREE) {
        status_t status = sys_process_control(HANDLE_NONE, PROCESS_DISCARD, (uint64_t)a[0],
                                              (uint64_t)a[0] + length, NULL);

        return status == ERROR_NOT_FOUND ? -ENOMEM : errno_from_status(status);
    }
    return 0; /* the rest is advice */
}

/*
 * The end of the program's data, which does not move: as the kernel of Linux answers where there is
 * no room. musl's brk() and sbrk(n) fail by themselves and ask nobody; what asks is sbrk(0), and
 * malloc, which maps its memory then.
 */
long call_brk(const long *a) {
    extern char _end[]; /* the linker's */

    (void)a;
    return (long)(uintptr_t)_end;
}

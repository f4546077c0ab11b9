/* SPDX-License-Identifier: MIT */
/*
 * The scalar types, status codes, object kinds and rights that kernel and programs share.
 * Everything here is plain C that also compiles on the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 (OK) or a negative number from abi/errors.def. */
typedef int32_t status_t;

/* Index into the process's handle table; 0 is never a handle. */
typedef uint32_t handle_t;
#define HANDLE_NONE ((handle_t)0)

enum status {
    OK = 0,
#define ERROR(number, name, text) ERROR_##name = -(number),
#include "abi/errors.def"
#undef ERROR
};

enum object_type {
    OBJECT_NONE = 0,
#define OBJECT(number, name, text) OBJECT_##name = (number),
#include "abi/objects.def"
#undef OBJECT
};

enum syscall_number {
#define SYSCALL(number, name, text) SYSCALL_##name = (number),
#include "abi/syscalls.def"
#undef SYSCALL
    SYSCALL_COUNT
};
_Static_assert(SYSCALL_COUNT <= 48, "the kernel has at most 48 system calls");

/* Rights: see the table in abi/objects.def. */
enum {
    RIGHT_SEND = 0x01,
    RIGHT_NOTIFY = 0x02,
    RIGHT_RECEIVE = 0x04,
    RIGHT_MANAGE = 0x08,
    RIGHT_READ = 0x10,
    RIGHT_WRITE = 0x20,
    RIGHT_EXECUTE = 0x40,
    RIGHT_COPY = 0x80,
    RIGHTS_ALL = 0xff,
};

/* handle_copy flags: a NO_FORK handle leaves an empty slot in a forked child. */
enum { HANDLE_NO_FORK = 1 };

/* Deadlines are nanoseconds of the monotonic clock; one in the past (such as 0): do not wait. */
#define DEADLINE_NEVER UINT64_MAX

/* Thread priorities: 0 (lowest) to 63. */
enum { PRIORITY_MAX = 63, PRIORITY_PROGRAM = 16 };

/* Notification bit 63 of a gate, set by the kernel: the last reference that could send is gone. */
#define NOTIFY_CLOSED (1ULL << 63)

/* Bit 62, set by the kernel too: a caller through this gate was killed while its call was saved.
 * The saved reply can only be closed. */
#define NOTIFY_ABANDONED (1ULL << 62)

#define PAGE_BYTES 4096

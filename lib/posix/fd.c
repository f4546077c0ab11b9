/* SPDX-License-Identifier: MIT */
#include "lib/posix/fd.h"

#include <errno.h>
#include <stddef.h>

#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/pool.h"
#include "lib/posix/thread.h"

static struct fd table[FD_MAX] LARGE_TABLE;
static int table_end; /* no entry from here on is in use */
struct lock fd_lock;

static bool is_open(int fd) {
    return fd >= 0 && fd < table_end && table[fd].gate != HANDLE_NONE;
}

static bool is_held(handle_t gate) {
    for (const struct fd *at = table; at < &table[table_end]; at++) {
        if (at->gate == gate) {
            return true;
        }
    }
    return false;
}

/* Empties an entry; returns the gate if nobody else holds it. Caller holds the lock. */
static handle_t take_out(int fd) {
    handle_t gate = table[fd].gate;

    pool_free_string(table[fd].path);
    table[fd] = (struct fd){0};
    while (table_end > 0 && table[table_end - 1].gate == HANDLE_NONE) {
        table_end--;
    }
    return is_held(gate) ? HANDLE_NONE : gate;
}

/* Gate, mode and flags of an entry, as one word: who looks needs no lock. */
typedef uint64_t __attribute__((may_alias)) entry_head_t;
_Static_assert(offsetof(struct fd, path) == sizeof(entry_head_t), "the path comes after the head");

static void put_in(int fd, const struct fd *entry) {
    table[fd].path = entry->path;
    __atomic_store_n((entry_head_t *)&table[fd], *(const entry_head_t *)entry, __ATOMIC_RELEASE);
    table_end = MAX(table_end, fd + 1);
}

static int find_free(int from) {
    for (const struct fd *at = &table[from]; at < &table[FD_MAX]; at++) {
        if (at->gate == HANDLE_NONE) {
            return (int)(at - table);
        }
    }
    return -EMFILE;
}

static void close_gate(handle_t gate) {
    if (gate != HANDLE_NONE) {
        handle_drop(gate);
    }
}

int fd_install(handle_t gate, unsigned mode, unsigned flags, int from, const char *path) {
    struct fd entry = {.gate = gate, .mode = (uint16_t)mode, .flags = (uint8_t)flags};

    if (path != NULL) {
        entry.path = pool_copy_string(path);
    }
    critical_lock(&fd_lock);
    int fd = find_free(from);

    if (fd >= 0) {
        put_in(fd, &entry);
    }
    critical_unlock(&fd_lock);
    if (fd < 0) {
        pool_free_string(entry.path);
        close_gate(gate);
    }
    return fd;
}

bool fd_has_room(void) {
    critical_lock(&fd_lock);
    bool has_room = find_free(0) >= 0;

    critical_unlock(&fd_lock);
    return has_room;
}

struct fd fd_get(int fd) {
    struct fd entry = {0};

    if (fd >= 0 && fd < FD_MAX) {
        *(entry_head_t *)&entry =
            __atomic_load_n((const entry_head_t *)&table[fd], __ATOMIC_ACQUIRE);
        entry.path = table[fd].path;
    }
    return entry;
}

bool fd_path(int fd, char *path, size_t size) {
    bool ok = false;

    critical_lock(&fd_lock);
    if (is_open(fd) && table[fd].path != NULL) {
        ok = string_copy(path, size, table[fd].path);
    }
    critical_unlock(&fd_lock);
    return ok;
}

static void give_up_locks(int fd) {
    struct fd entry = fd_get(fd);

    if (entry.gate != HANDLE_NONE) {
        locks_closing(entry.gate, entry.mode);
    }
}

int fd_close(int fd) {
    handle_t gate = HANDLE_NONE;

    if (locks_may_exist()) {
        give_up_locks(fd);
    }

    critical_lock(&fd_lock);
    bool was_open = is_open(fd);

    if (was_open) {
        gate = take_out(fd);
    }
    critical_unlock(&fd_lock);
    close_gate(gate);
    return was_open ? 0 : -EBADF;
}

/* Entry for a second descriptor of an open one. Caller holds the lock. */
static struct fd second(int old, unsigned flags) {
    struct fd entry = table[old];

    entry.flags = (uint8_t)flags;
    entry.path = entry.path != NULL ? pool_copy_string(entry.path) : NULL;
    return entry;
}

int fd_duplicate(int old, int from, unsigned flags) {
    int fd = -EBADF;

    if (from < 0 || from >= FD_MAX) {
        return -EINVAL;
    }
    critical_lock(&fd_lock);
    if (is_open(old)) {
        fd = find_free(from);
        if (fd >= 0) {
            struct fd entry = second(old, flags);

            put_in(fd, &entry);
        }
    }
    critical_unlock(&fd_lock);
    return fd;
}

int fd_duplicate_to(int old, int new, unsigned flags) {
    handle_t gate = HANDLE_NONE;
    int result = -EBADF;

    if (new < 0 || new >= FD_MAX) {
        return -EBADF;
    }
    if (locks_may_exist() && old != new &&fd_gate(old) != HANDLE_NONE) {
        give_up_locks(new);
    }
    critical_lock(&fd_lock);
    if (is_open(old)) {
        result = new;
        if (old != new) {
            struct fd entry = second(old, flags);

            gate = is_open(new) ? take_out(new) : HANDLE_NONE;
            put_in(new, &entry);
        }
    }
    critical_unlock(&fd_lock);
    close_gate(gate);
    return result;
}

int fd_set_flags(int fd, unsigned flags) {
    int result = -EBADF;

    critical_lock(&fd_lock);
    if (is_open(fd)) {
        table[fd].flags = (uint8_t)flags;
        result = 0;
    }
    critical_unlock(&fd_lock);
    return result;
}

int fd_next(int fd) {
    int found = -1;

    critical_lock(&fd_lock);
    for (; fd < table_end && found < 0; fd++) {
        if (is_open(fd)) {
            found = fd;
        }
    }
    critical_unlock(&fd_lock);
    return found;
}

void fd_start(void) {
    const struct startup_entry *entry = NULL;

    while ((entry = startup_next(entry, STARTUP_FD)) != NULL) {
        if (entry->number >= FD_MAX || entry->handle == HANDLE_NONE) {
            continue;
        }
        const char *path = startup_text(entry);
        struct fd fd = {
            .gate = entry->handle,
            .mode = (uint16_t)(entry->flags & FILE_MODE_KIND),
            .path = path[0] != '\0' ? pool_copy_string(path) : NULL,
        };
        put_in((int)entry->number, &fd);
    }
}

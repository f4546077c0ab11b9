/* SPDX-License-Identifier: MIT */
#include "lib/posix/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "abi/startup.h"
#include "lib/base/string.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/posix/calls.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/thread.h"

/* How the start block names the gates below. */
static const char entry_name[] = "locks";

/* The gates that servers gave us with our first locks there. As long as there are none, this
 * process has no record locks. */
static handle_t lives[LOCK_ENTRIES_MAX];
unsigned locks_n_gates;
static struct lock lives_lock;

/* A gate more than we can remember was one of a server that has been restarted, or is of one that
 * nobody needs to have locks at: closing it ends these. */
static void keep_life(handle_t life) {
    handle_t old = HANDLE_NONE;

    if (life == HANDLE_NONE) {
        return;
    }
    critical_lock(&lives_lock);
    if (locks_n_gates == LOCK_ENTRIES_MAX) {
        old = lives[0];
        memmove(&lives[0], &lives[1], sizeof lives - sizeof lives[0]);
        locks_n_gates--;
    }
    lives[locks_n_gates++] = life;
    critical_unlock(&lives_lock);
    if (old != HANDLE_NONE) {
        handle_drop(old);
    }
}

size_t lock_entries(struct spawn_entry *entries) {
    size_t n = 0;

    critical_lock(&lives_lock);
    for (; n < locks_n_gates; n++) {
        entries[n] = (struct spawn_entry){
            .kind = STARTUP_GATE, .handle = lives[n], .rights = RIGHTS_ALL, .text = entry_name};
    }
    critical_unlock(&lives_lock);
    return n;
}

void locks_start(void) {
    const struct startup_entry *entry = NULL;

    while ((entry = startup_next(entry, STARTUP_GATE)) != NULL) {
        if (string_equal(startup_text(entry), entry_name)) {
            keep_life(entry->handle);
        }
    }
}

void locks_after_fork(void) {
    lives_lock = (struct lock)LOCK_INITIALIZER;
    locks_n_gates = 0;
}

void locks_closing(handle_t gate, unsigned mode) {
    uint32_t held, owner;
    uint64_t from, length;
    handle_t life = HANDLE_NONE;

    if ((mode & FILE_MODE_KIND) != FILE_MODE_REGULAR) {
        return;
    }
    if (file_lock(gate, FILE_LOCK_NONE, 0, 0, &held, &owner, &from, &length, &life,
                  DEADLINE_NEVER) == OK) {
        keep_life(life);
    }
}

/* ---- fcntl ---- */

/* The place in the file that l_start counts from. */
static status_t lock_base(handle_t gate, int whence, uint64_t *base) {
    struct file_stat stat;
    handle_t next;
    uint32_t matched, length;

    *base = 0;
    if (whence == SEEK_CUR) {
        return file_seek(gate, 0, FILE_SEEK_CURRENT, base, DEADLINE_NEVER);
    }
    if (whence != SEEK_END) {
        return OK;
    }
    status_t status =
        file_stat(gate, 0, "", 0, &stat, sizeof stat, &matched, &length, &next, DEADLINE_NEVER);

    *base = stat.size;
    return status;
}

/* The bytes that are meant: *length 0 for all that follow. Minus an errno, or 0. */
static int lock_range(handle_t gate, const struct flock *lock, uint64_t *start, uint64_t *length) {
    uint64_t base;
    int64_t first, last; /* of the bytes, both meant; with a length below 0 the other way round */

    if (lock->l_whence != SEEK_SET && lock->l_whence != SEEK_CUR && lock->l_whence != SEEK_END) {
        return -EINVAL;
    }
    status_t status = lock_base(gate, lock->l_whence, &base);

    if (status != OK) {
        return errno_from_status(status);
    }
    if (__builtin_add_overflow((int64_t)base, lock->l_start, &first) ||
        __builtin_add_overflow(first, lock->l_len - (lock->l_len > 0), &last)) {
        return -EOVERFLOW;
    }
    *start = (uint64_t)(lock->l_len < 0 ? last : first);
    *length = (uint64_t)(lock->l_len < 0 ? -lock->l_len : lock->l_len);
    return MIN(first, last) < 0 ? -EINVAL : 0;
}

static int lock_errno(status_t status) {
    switch (status) {
    case ERROR_NOT_SUPPORTED:
    case ERROR_BAD_MESSAGE:
    case ERROR_TOO_MANY:
    case ERROR_NO_MEMORY:
        return -ENOLCK;
    default:
        return errno_from_status(status);
    }
}

static void answer_test(struct flock *lock, uint32_t held, uint32_t owner, uint64_t from,
                        uint64_t length) {
    if (held == FILE_LOCK_NONE) {
        lock->l_type = F_UNLCK;
        return;
    }
    *lock = (struct flock){.l_type = held == FILE_LOCK_SHARED ? F_RDLCK : F_WRLCK,
                           .l_whence = SEEK_SET,
                           .l_start = (off_t)from,
                           .l_len = (off_t)length,
                           .l_pid = (pid_t)owner};
}

long lock_control(int number, long command, struct flock *lock) {
    static const uint32_t kinds[] = {
        [F_RDLCK] = FILE_LOCK_SHARED, [F_WRLCK] = FILE_LOCK_EXCLUSIVE, [F_UNLCK] = FILE_LOCK_NONE};
    handle_t gate = fd_gate(number), life = HANDLE_NONE;
    uint32_t held, owner;
    uint64_t start = 0, length = 0, from, held_length;
    short type = lock->l_type;

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    if (type != F_RDLCK && type != F_WRLCK && (type != F_UNLCK || command == F_GETLK)) {
        return -EINVAL;
    }
    int error = lock_range(gate, lock, &start, &length);

    if (error != 0) {
        return error;
    }
    uint32_t kind = kinds[type] | (command == F_GETLK    ? FILE_LOCK_TEST
                                   : command == F_SETLKW ? FILE_LOCK_WAIT
                                                         : 0);
    status_t status = file_lock(gate, kind, start, length, &held, &owner, &from, &held_length,
                                &life, DEADLINE_NEVER);

    if (status == OK) {
        keep_life(life);
    }
    if (status == OK && command == F_GETLK) {
        answer_test(lock, held, owner, from, held_length);
    }
    return lock_errno(status);
}

/* ---- flock ---- */

long call_flock(const long *a) {
    handle_t gate = fd_gate((int)a[0]), life = HANDLE_NONE;
    uint32_t kind, held, owner;
    uint64_t from, length;

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    switch (a[1] & ~(long)LOCK_NB) {
    case LOCK_SH:
        kind = FILE_LOCK_SHARED;
        break;
    case LOCK_EX:
        kind = FILE_LOCK_EXCLUSIVE;
        break;
    case LOCK_UN:
        kind = FILE_LOCK_NONE;
        break;
    default:
        return -EINVAL;
    }
    kind |= FILE_LOCK_DESCRIPTION | ((a[1] & LOCK_NB) == 0 ? FILE_LOCK_WAIT : 0);
    return lock_errno(
        file_lock(gate, kind, 0, 0, &held, &owner, &from, &length, &life, DEADLINE_NEVER));
}

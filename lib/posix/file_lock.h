/* SPDX-License-Identifier: MIT */
/*
 * Locks of files: fcntl's, which belong to the process, and flock's, which belong to the open file.
 *
 * The server frees a process's locks when the gate is closed that the process got with the first of
 * them: at the latest when it ends, however that comes about. fork does not copy that gate, exec
 * keeps it. That closing any descriptor of a file gives up the process's locks on it is this
 * library's business.
 */
#pragma once

#include "lib/native/spawn.h"

struct flock;

/* fcntl's F_GETLK, F_SETLK and F_SETLKW. */
long lock_control(int fd, long command, struct flock *lock);

/* A descriptor of this gate is about to be closed, and locks_may_exist. `mode` as in struct fd. */
void locks_closing(handle_t gate, unsigned mode);

/* May this process have record locks at all? */
extern unsigned locks_n_gates;
static inline bool locks_may_exist(void) {
    return __atomic_load_n(&locks_n_gates, __ATOMIC_RELAXED) != 0;
}

/* For exec: what the new program must have, at most LOCK_ENTRIES_MAX entries; how many. */
enum { LOCK_ENTRIES_MAX = 4 };
size_t lock_entries(struct spawn_entry *entries);

void locks_start(void);
void locks_after_fork(void);

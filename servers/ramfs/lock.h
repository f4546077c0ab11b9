/* SPDX-License-Identifier: MIT */
/*
 * Locks on bytes of files (request `lock` of protocol file): who holds what, apart from messages,
 * so that it is tested on the host.
 *
 * An owner is a process (record locks) or an open file (locks of the whole file, which are in a
 * list of their own). A lock also belongs to the open file it was set through, with whose last
 * close it ends at the latest.
 *
 * Invariant: the ranges of one owner in one list do not overlap; two owners' ranges overlap only if
 * both are shared. `n_locks` of an owner is how many it has in all lists.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/list.h"

/*
 * So many locks may one owner have, and so many there may be in all, of which each login has its
 * share (lib/base/share.h); a wait counts as the lock that it is to become. They take the server's
 * memory, and its time: who waits for whom is found out in locks times waits steps.
 */
enum { LOCKS_PER_OWNER_MAX = 1024, LOCKS_MAX = 4096 };

struct lock_owner {
    uint32_t tag; /* 0: an open file, of whose locks none is counted */
    uint32_t n_locks;
    uint64_t reached;  /* the last search for a deadlock that came here */
    struct list locks; /* struct record_lock, by of_owner */
};

struct record_lock {
    struct list_node node;
    struct list_node of_owner;
    struct lock_owner *owner;
    uint32_t kind;       /* FILE_LOCK_SHARED or FILE_LOCK_EXCLUSIVE */
    uint64_t begin, end; /* end: UINT64_MAX for all that follows */
    const void *holder;  /* the open file */
};

struct lock_list {
    struct list locks; /* zero until the first is set */
};

/* At start: how many there may be in all. */
void locks_start(size_t n_max);

/* Counts n more (less) for the tag's login, with those that are set. False: they are not left. */
WARN_UNUSED bool locks_count(uint32_t tag, size_t n);
void locks_uncount(uint32_t tag, size_t n);

void lock_owner_init(struct lock_owner *owner, uint32_t tag);

/* The first lock of somebody else that stands in the way, after `previous` (NULL: of all); NULL:
 * none. */
const struct record_lock *lock_conflict(const struct lock_list *list,
                                        const struct record_lock *wanted,
                                        const struct record_lock *previous);

/*
 * Sets it (or, kind FILE_LOCK_NONE, takes the range away), in place of what the owner had there.
 * There is no conflict. NO_MEMORY or TOO_MANY: nothing has changed; never for a range that ends
 * where the owner's locks do.
 */
WARN_UNUSED status_t lock_set(struct lock_list *list, const struct record_lock *wanted);

/* Forgets all that were set through this open file; true if there were any. */
bool lock_drop_holder(struct lock_list *list, const void *holder);

/* Forgets all that this owner has, in any file; true if there were any. */
bool lock_drop_owner(struct lock_owner *owner);

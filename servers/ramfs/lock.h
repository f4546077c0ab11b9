/* SPDX-License-Identifier: MIT */
/*
 * Record locks (request `lock` of protocol file): who holds which bytes of a file, apart from
 * messages, so that it is tested on the host.
 *
 * An owner is a process (its tag). A lock also belongs to the open file it was set through, with
 * whose last close it ends.
 *
 * Invariant: the ranges of one owner in one file do not overlap; two owners' ranges overlap only if
 * both are shared.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/list.h"

struct record_lock {
    struct list_node node;
    uint32_t owner;
    uint32_t kind;       /* FILE_LOCK_SHARED or FILE_LOCK_EXCLUSIVE */
    uint64_t begin, end; /* end: UINT64_MAX for all that follows */
    const void *holder;  /* the open file */
};

struct lock_list {
    struct list locks; /* zero until the first is set */
};

/* The first lock of somebody else that stands in the way; NULL: none. */
const struct record_lock *lock_conflict(const struct lock_list *list,
                                        const struct record_lock *wanted);

/* Sets it (or, kind FILE_LOCK_NONE, takes the range away), in place of what the owner had there.
 * There is no conflict. NO_MEMORY: nothing has changed. */
WARN_UNUSED status_t lock_set(struct lock_list *list, const struct record_lock *wanted);

/* Forgets all that were set through this open file; true if there were any. */
bool lock_drop_holder(struct lock_list *list, const void *holder);

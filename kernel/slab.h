/* SPDX-License-Identifier: MIT */
/*
 * Slabs: equal slots cut from single frames, a list of slabs for each kind of slot and budget. Take
 * and give are O(1).
 *
 * A budget pays for its slabs by the frame, and nobody else gets a slot in them: so who keeps one
 * object in each slab pays for all of it, and what budgets promise is there.
 *
 * Invariant: a slab is in its kind's list iff it has a free slot. A slab with no slot in use goes
 * at once, so that a budget is all refunded when its last object is gone.
 */
#pragma once

#include "kernel/types.h"
#include "lib/base/list.h"

struct budget;

/* Kinds of slots: the types of objects, and two more. */
enum slab_kind { SLAB_REGION = OBJECT_IDENTITY + 1, SLAB_SPACE, SLAB_KINDS };

/* Makes SLAB_KINDS empty lists of slabs with a free slot. */
void slab_lists_init(struct list *lists);

/*
 * A zeroed slot of `size` bytes (the same for all of a kind, at most 3 KiB) for the budget (NULL:
 * the kernel's own). Fails: OUT_OF_BUDGET, NO_MEMORY; *slot is NULL then.
 */
WARN_UNUSED status_t slab_take(struct budget *budget, unsigned kind, uint32_t size, void **slot);

/* Gives back what slab_take gave. A double free of the same slot panics in debug builds. */
void slab_give(struct budget *budget, unsigned kind, void *slot);

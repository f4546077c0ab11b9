/* SPDX-License-Identifier: MIT */
/*
 * Budgets: how much memory the holders of a budget may use, pages and kernel objects alike.
 *
 * Invariant: used <= limit; used = bytes charged directly + limits of the budgets split off. The
 * root's limit is what the machine had free at boot less a reserve, so a charge that succeeds is
 * backed by RAM: nothing overcommits.
 */
#pragma once

#include "kernel/frame.h"
#include "kernel/object.h"
#include "kernel/slab.h"

struct budget {
    struct object object;
    struct list slabs[SLAB_KINDS]; /* with room, for the objects that it pays for */
    struct budget *parent;         /* referenced; its `used` includes this limit */
    uint64_t limit;                /* bytes */
    uint64_t used;                 /* bytes */
    uint32_t depth;                /* number of parents above it */
    uint32_t
        spenders; /* handles to it + address spaces that it pays for; see budget_spender_drop */
};

/* A budget that ends, or has no spender, gives back to its parent, and so on: a bounded number of
 * steps. */
#define BUDGET_DEPTH_MAX 16

extern struct budget *budget_root;

/* Makes the root budget of `bytes`. */
void budget_init(uint64_t bytes);

/* Splits `bytes` off. Fails: OUT_OF_BUDGET, NO_MEMORY, TOO_MANY (parents). The caller gets the one
 * reference. */
WARN_UNUSED status_t budget_create(struct budget *parent, uint64_t bytes, struct budget **budget);

void budget_destroy(struct object *object);

/* [book:budget-charge] */
/* True if `bytes` were free and are now charged. A NULL budget (the kernel's own) always has room.
 */
WARN_UNUSED static inline bool budget_charge(struct budget *budget, uint64_t bytes) {
    if (budget == NULL) {
        return true;
    }
    if (bytes > budget->limit - budget->used) {
        return false;
    }
    budget->used += bytes;
    return true;
}
/* [/book] */

void budget_refund_to_parent(struct budget *budget);

static inline void budget_refund(struct budget *budget, uint64_t bytes) {
    if (budget != NULL) {
        budget->used -= bytes;
        if (UNLIKELY(budget->spenders == 0)) {
            budget_refund_to_parent(budget);
        }
    }
}

/* A zeroed frame that the budget pays for. Fails: OUT_OF_BUDGET, NO_MEMORY; *frame is PADDR_NONE
 * then. */
WARN_UNUSED static ALWAYS_INLINE status_t budget_frame_take(struct budget *budget, paddr_t *frame) {
    *frame = PADDR_NONE;
    if (!budget_charge(budget, PAGE_SIZE)) {
        return ERROR_OUT_OF_BUDGET;
    }
    *frame = frame_take_zeroed();
    if (*frame == PADDR_NONE) {
        budget_refund(budget, PAGE_SIZE);
        return ERROR_NO_MEMORY;
    }
    return OK;
}

static inline void budget_spender_add(struct budget *budget) {
    budget->spenders++;
}

/*
 * With the last spender nobody can ask for more, though objects that it paid for may live on in
 * other processes (a dead server's gates): what is not used goes back to the parent, and so does
 * every later refund.
 */
static inline void budget_spender_drop(struct budget *budget) {
    if (--budget->spenders == 0) {
        budget_refund_to_parent(budget);
    }
}

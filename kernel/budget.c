/* SPDX-License-Identifier: MIT */
#include "kernel/budget.h"

#include "kernel/panic.h"

struct budget *budget_root;

void budget_init(uint64_t bytes) {
    struct object *object;

    if (object_create(OBJECT_BUDGET, NULL, &object) != OK) {
        panic("no memory for the first budget");
    }
    budget_root = CONTAINER_OF(object, struct budget, object);
    budget_root->limit = bytes;
    slab_lists_init(budget_root->slabs);
}

status_t budget_create(struct budget *parent, uint64_t bytes, struct budget **budget) {
    struct object *object;
    status_t status;

    if (parent->depth == BUDGET_DEPTH_MAX) {
        return ERROR_TOO_MANY;
    }
    if (!budget_charge(parent, bytes)) {
        return ERROR_OUT_OF_BUDGET;
    }
    status = object_create(OBJECT_BUDGET, parent, &object);
    if (status != OK) {
        budget_refund(parent, bytes);
        return status;
    }
    *budget = CONTAINER_OF(object, struct budget, object);
    slab_lists_init((*budget)->slabs);
    (*budget)->limit = bytes;
    (*budget)->parent = parent;
    (*budget)->depth = parent->depth + 1;
    object_get(&parent->object);
    return OK;
}

void budget_refund_to_parent(struct budget *budget) {
    if (budget->parent != NULL) {
        uint64_t unused = budget->limit - budget->used;

        budget->limit = budget->used;
        budget_refund(budget->parent, unused);
    }
}

void budget_destroy(struct object *object) {
    struct budget *budget = CONTAINER_OF(object, struct budget, object);
    struct budget *parent = budget->parent;

    /* Whatever was charged held a reference, so nothing is charged any more. The root does not end.
     */
    ASSERT(budget->used == 0 && parent != NULL);
    /* What comes back stays with the parent until it is known whether that ends too: a chain of
     * them would hand up the same bytes again and again. */
    budget_spender_add(parent);
    budget_refund(parent, budget->limit);
    object_free(object);
    if (parent->object.references > 1) {
        budget_spender_drop(parent);
    }
    object_put(&parent->object);
}

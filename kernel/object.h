/* SPDX-License-Identifier: MIT */
/*
 * What every kernel object has: a type, a reference count, and the budget that paid for it.
 *
 *   object_create   makes one, charged to a budget
 *   object_get/put  count references; the last put destroys
 *
 * Invariant: `references` = handles to it + pointers that kernel structures keep + 1 while it is on
 * the reaper's list. Invariant: an object holds a reference to its budget until it is freed, and
 * lies in a slab that the budget pays for.
 */
#pragma once

#include "kernel/types.h"
#include "lib/base/list.h"

struct budget;

struct object {
    uint8_t type; /* enum object_type */
    bool revoked; /* gates: see gate_revoke; here, so that the fast path sees both in one load */
    uint32_t references;
    struct budget *budget; /* NULL for what the kernel made for itself at boot */
};

/* Work that may take many steps: done by the reaper, a bounded step at a time. */
struct reapable {
    struct list_node link;
    bool (*step)(struct reapable *); /* does one bounded step; true when all is done (it may be
                                        freed by then) */
};

/*
 * Allocates a zeroed object of this type with one reference, owned by the caller.
 * Fails: OUT_OF_BUDGET, NO_MEMORY; *object is then NULL.
 */
WARN_UNUSED status_t object_create(enum object_type type, struct budget *budget,
                                   struct object **object);

/* Returns the memory of an object whose destruction is complete, refunds and drops its budget. */
void object_free(struct object *object);

static inline void object_get(struct object *object) {
    object->references++;
}

/* The structure of which it is the common part: struct process, gate ... by its type. */
void *object_whole(struct object *object);

void object_destroy(struct object *object);

static inline void object_put(struct object *object) {
    if (--object->references == 0) {
        object_destroy(object);
    }
}

/* Number of live objects of a type. */
uint32_t object_count(enum object_type type);

/* SPDX-License-Identifier: MIT */
/*
 * Handle tables: what a process may use. Lookup, allocation and freeing are O(1).
 *
 * Invariant: an entry with an object holds one reference to it, plus what its rights count: a
 * gate's `senders` (SEND, NOTIFY), an endpoint's `receive_rights` (RECEIVE). object == NULL iff the
 * slot is free, and then it is on the free list. Invariant: n_free >= n_reserved: a receive that
 * reserved slots gets its handles without fail.
 */
#pragma once

#include "kernel/object.h"

struct gate;
struct process;
struct thread;

/* Marks beside the rights of abi/types.h. */
#define HANDLE_REPLY                                                                               \
    (1u << 8) /* a saved reply: object is the calling thread, `sequence` the number of its call */
#define HANDLE_NO_FORK_MARK (1u << 9)

struct handle_entry {
    struct object *object;
    uint64_t rights : 16;
    uint64_t
        sequence : 48; /* saved reply: see struct thread; free slot: next free slot, 0 at the end */
};
_Static_assert(sizeof(struct handle_entry) == 16, "256 entries fill a page");

#define HANDLES_PER_PAGE    256u
#define HANDLE_PAGES_INLINE 4
#define HANDLE_PAGES_MAX    512

struct handle_table {
    struct handle_entry **pages; /* inline_pages, or a frame of HANDLE_PAGES_MAX pointers */
    struct handle_entry *inline_pages[HANDLE_PAGES_INLINE];
    struct budget *budget; /* referenced; the process's, which pays for the pages */
    uint64_t n_pages;      /* 64 bits, for fastpath.S compares with a whole register */
    uint32_t first_free;   /* list of slots that were used before; 0: empty */
    uint32_t first_fresh;  /* from here on no slot was used yet */
    uint32_t n_free;
    uint32_t n_reserved;
};

void handle_table_init(struct handle_table *table, struct budget *budget);

/* From now on `budget` pays, for the pages that are there too. Fails: OUT_OF_BUDGET. */
WARN_UNUSED status_t handle_table_pay(struct handle_table *table, struct budget *budget);

/* Closes some handles or, when none is left, frees some of the table's pages; true when all is
 * done. *cursor: 0 at first. */
bool handle_table_destroy_step(struct handle_table *table, uint32_t *cursor);

/* The entry of an open handle, NULL if there is none. An argument register is taken whole: more
 * than 32 bits are no handle. */
static inline struct handle_entry *handle_entry(const struct handle_table *table, uint64_t handle) {
    uint64_t page = handle / HANDLES_PER_PAGE;
    struct handle_entry *entry;

    if (UNLIKELY(page >= table->n_pages)) {
        return NULL;
    }
    entry = &table->pages[page][handle % HANDLES_PER_PAGE];
    return LIKELY(entry->object != NULL) ? entry : NULL;
}

/* Those of `wanted` that a copy of the entry may have: never more than it has itself, but for the
 * receiver's own handle of a gate, of which copies can send. */
static inline uint32_t handle_copy_rights(const struct handle_entry *entry, uint64_t wanted) {
    bool is_own = entry->object->type == OBJECT_GATE && (entry->rights & RIGHT_RECEIVE) != 0;

    return (uint32_t)((entry->rights | (is_own ? RIGHT_SEND | RIGHT_NOTIFY : 0)) & wanted &
                      RIGHTS_ALL);
}

/* Makes sure of `n` free slots and sets them aside. Fails: OUT_OF_BUDGET, NO_MEMORY, TOO_MANY. */
WARN_UNUSED status_t handle_reserve(struct handle_table *table, uint32_t n);
void handle_unreserve(struct handle_table *table, uint32_t n);

/* Puts an object into a reserved slot, taking over the caller's reference; counts its rights.
 * Cannot fail. */
handle_t handle_install(struct handle_table *table, struct object *object, uint32_t rights);

/* An open handle goes to a reserved slot of `to`, with all that it is: nothing is counted anew. */
handle_t handle_move(struct handle_table *from, handle_t handle, struct handle_table *to);

/* reserve + install: the object's reference passes to the table on success only. */
WARN_UNUSED status_t handle_add(struct handle_table *table, struct object *object, uint32_t rights,
                                handle_t *handle);

/* Ends a system call that made something: a handle of the object in rdx. The caller's reference
 * passes to the table; if that fails it is dropped. */
WARN_UNUSED status_t handle_give(struct thread *thread, struct object *object, uint32_t rights);

/*
 * Copies a part of the slots for fork, at the same numbers: what is not inherited leaves a free
 * slot. *step counts up from 0; true in *done after the last. Fails: OUT_OF_BUDGET, NO_MEMORY.
 */
WARN_UNUSED status_t handle_table_clone_step(const struct handle_table *from,
                                             struct handle_table *to, uint32_t *step, bool *done);

/* Fails: BAD_HANDLE, of one that is not open. */
status_t handle_close(struct handle_table *table, uint64_t handle);

/*
 * The object behind a handle, if it is of this type and the handle has all these rights. No
 * reference is taken: valid until the kernel lock is released. Fails: BAD_HANDLE, WRONG_TYPE,
 * NO_RIGHT.
 */
WARN_UNUSED static ALWAYS_INLINE status_t handle_find(const struct handle_table *table,
                                                      uint64_t handle, enum object_type type,
                                                      uint32_t rights, struct object **object) {
    const struct handle_entry *entry = handle_entry(table, handle);

    if (UNLIKELY(entry == NULL)) {
        return ERROR_BAD_HANDLE;
    }
    if (UNLIKELY(entry->object->type != type || (entry->rights & HANDLE_REPLY) != 0)) {
        return ERROR_WRONG_TYPE;
    }
    if (UNLIKELY((entry->rights & rights) != rights)) {
        return ERROR_NO_RIGHT;
    }
    *object = entry->object;
    return OK;
}

/* The gate behind a handle with NOTIFY, to be told of `bits`: BAD_ARGUMENT if there are none, or
 * CLOSED is among them, which only the kernel says. */
WARN_UNUSED status_t handle_find_bindable(const struct handle_table *table, uint64_t handle,
                                          uint64_t bits, struct gate **gate);

/* Counting of rights: what a new holder of these rights adds to the object, what it takes away. */
void object_rights_add(struct object *object, uint32_t rights);
void object_rights_drop(struct object *object, uint32_t rights);

/* Open handles of all processes. */
uint32_t handle_count_all(void);

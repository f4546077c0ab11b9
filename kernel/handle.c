/* SPDX-License-Identifier: MIT */
#include "kernel/handle.h"

#include "kernel/budget.h"
#include "kernel/endpoint.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "lib/base/string.h"

/* Handles that are copied, and closed, in one step. */
#define CLONE_STEP 64u
#define CLOSE_STEP 8

static uint32_t n_open;

/* `n_bytes` of the page were used. */
static void page_give(struct handle_table *table, void *page, size_t n_bytes) {
    memset(page, 0, n_bytes);
    frame_put_zeroed(pointer_to_paddr(page));
    budget_refund(table->budget, PAGE_SIZE);
}

void handle_table_init(struct handle_table *table, struct budget *budget) {
    *table = (struct handle_table){.budget = budget};
    table->pages = table->inline_pages;
    table->first_fresh = HANDLE_NONE + 1;
    object_get(&budget->object);
}

status_t handle_table_pay(struct handle_table *table, struct budget *budget) {
    uint64_t n_pages = table->n_pages + (table->pages != table->inline_pages);

    if (!budget_charge(budget, n_pages * PAGE_SIZE)) {
        return ERROR_OUT_OF_BUDGET;
    }
    object_get(&budget->object);
    budget_refund(table->budget, n_pages * PAGE_SIZE);
    object_put(&table->budget->object);
    table->budget = budget;
    return OK;
}

/* Puts a slot on the free list; the caller counts it. */
static void slot_push(struct handle_table *table, handle_t handle) {
    struct handle_entry *entry =
        &table->pages[handle / HANDLES_PER_PAGE][handle % HANDLES_PER_PAGE];

    entry->object = NULL;
    entry->rights = 0;
    entry->sequence = table->first_free;
    table->first_free = handle;
}

static void slot_free(struct handle_table *table, handle_t handle) {
    slot_push(table, handle);
    table->n_free++;
}

/* Adds one page of slots. */
static status_t table_grow(struct handle_table *table) {
    status_t status;
    paddr_t page;

    if (table->n_pages == HANDLE_PAGES_MAX) {
        return ERROR_TOO_MANY;
    }
    if (table->n_pages == HANDLE_PAGES_INLINE && table->pages == table->inline_pages) {
        struct handle_entry **directory;

        status = budget_frame_take(table->budget, &page);
        if (status != OK) {
            return status;
        }
        directory = paddr_to_pointer(page);
        for (uint32_t i = 0; i < HANDLE_PAGES_INLINE; i++) {
            directory[i] = table->inline_pages[i];
        }
        table->pages = directory;
    }
    status = budget_frame_take(table->budget, &page);
    if (status != OK) {
        return status;
    }
    table->pages[table->n_pages++] = paddr_to_pointer(page);
    table->n_free += HANDLES_PER_PAGE - (table->n_pages == 1); /* 0 is never a handle */
    return OK;
}

status_t handle_reserve(struct handle_table *table, uint32_t n) {
    while (UNLIKELY(table->n_free - table->n_reserved < n)) {
        status_t status = table_grow(table);

        if (status != OK) {
            return status;
        }
    }
    table->n_reserved += n;
    return OK;
}

void handle_unreserve(struct handle_table *table, uint32_t n) {
    ASSERT(n <= table->n_reserved);
    table->n_reserved -= n;
}

/* A saved reply's object is a thread, of which nothing is counted. */
void object_rights_add(struct object *object, uint32_t rights) {
    if (object->type == OBJECT_GATE && (rights & (RIGHT_SEND | RIGHT_NOTIFY)) != 0) {
        gate_bind(CONTAINER_OF(object, struct gate, object));
    } else if (object->type == OBJECT_BUDGET) {
        budget_spender_add(CONTAINER_OF(object, struct budget, object));
    } else if (object->type == OBJECT_ENDPOINT && (rights & RIGHT_RECEIVE) != 0) {
        CONTAINER_OF(object, struct endpoint, object)->receive_rights++;
    }
}

void object_rights_drop(struct object *object, uint32_t rights) {
    if (object->type == OBJECT_GATE && (rights & (RIGHT_SEND | RIGHT_NOTIFY)) != 0) {
        gate_unbind(CONTAINER_OF(object, struct gate, object));
    } else if (object->type == OBJECT_PROCESS) {
        process_handle_drop(CONTAINER_OF(object, struct process, object));
    } else if (object->type == OBJECT_BUDGET) {
        budget_spender_drop(CONTAINER_OF(object, struct budget, object));
    } else if (object->type == OBJECT_ENDPOINT && (rights & RIGHT_RECEIVE) != 0) {
        endpoint_receive_right_drop(CONTAINER_OF(object, struct endpoint, object));
    }
}

/* Fills a reserved slot; the caller sees to what counts. */
static handle_t slot_fill(struct handle_table *table, struct handle_entry content) {
    handle_t handle = table->first_free != HANDLE_NONE ? table->first_free : table->first_fresh;
    struct handle_entry *entry =
        &table->pages[handle / HANDLES_PER_PAGE][handle % HANDLES_PER_PAGE];

    ASSERT(table->n_reserved != 0);
    if (handle == table->first_free) {
        table->first_free = (uint32_t)entry->sequence;
    } else {
        table->first_fresh++;
    }
    table->n_free--;
    table->n_reserved--;
    *entry = content;
    return handle;
}

handle_t handle_install(struct handle_table *table, struct object *object, uint32_t rights) {
    n_open++;
    object_rights_add(object, rights);
    return slot_fill(table, (struct handle_entry){.object = object, .rights = rights});
}

handle_t handle_move(struct handle_table *from, handle_t handle, struct handle_table *to) {
    struct handle_entry entry = *handle_entry(from, handle);

    slot_free(from, handle);
    return slot_fill(to, entry);
}

status_t handle_add(struct handle_table *table, struct object *object, uint32_t rights,
                    handle_t *handle) {
    status_t status = handle_reserve(table, 1);

    if (status == OK) {
        *handle = handle_install(table, object, rights);
    }
    return status;
}

status_t handle_give(struct thread *thread, struct object *object, uint32_t rights) {
    handle_t handle;
    status_t status = handle_add(&thread->process->handles, object, rights, &handle);

    if (status == OK) {
        thread->registers.rdx = handle;
    } else {
        object_put(object);
    }
    return status;
}

/* [book:fork-inherited] */
/* What a forked child gets: gates, shared memory, processes, budgets; nothing that is one program's
 * own. */
static bool is_inherited(const struct handle_entry *entry) {
    if ((entry->rights & (HANDLE_REPLY | HANDLE_NO_FORK_MARK)) != 0 ||
        (entry->rights & RIGHT_COPY) == 0) {
        return false;
    }
    switch (entry->object->type) {
    case OBJECT_GATE:
    case OBJECT_PROCESS:
    case OBJECT_BUDGET:
        return true;
    case OBJECT_MEMORY:
        return CONTAINER_OF(entry->object, struct memory, object)->kind == MEMORY_KIND_DEMAND;
    default:
        return false;
    }
}
/* [/book] */

status_t handle_table_clone_step(const struct handle_table *from, struct handle_table *to,
                                 uint32_t *step, bool *done) {
    uint32_t base = *step * CLONE_STEP, page = base / HANDLES_PER_PAGE;
    uint32_t n;
    status_t status;

    /* A table that never had a handle has no page either. */
    *done = base >= from->first_fresh || from->n_pages == 0;
    if (*done) {
        return OK;
    }
    status = base % HANDLES_PER_PAGE == 0 ? table_grow(to) : OK;
    if (status != OK) {
        return status;
    }
    n = MIN(from->first_fresh - base, CLONE_STEP);
    to->first_fresh = base + n;
    /* From the end, so that the lowest free numbers are used first. */
    for (uint32_t i = n; i-- > 0;) {
        uint32_t slot = base % HANDLES_PER_PAGE + i;
        const struct handle_entry *entry = &from->pages[page][slot];

        if (entry->object != NULL && is_inherited(entry)) {
            to->pages[page][slot] = *entry;
            to->n_free--;
            n_open++;
            object_get(entry->object);
            object_rights_add(entry->object, entry->rights);
        } else if (base + i != HANDLE_NONE) {
            slot_push(to, base + i);
        }
    }
    ++*step;
    *done = base + n == from->first_fresh;
    return OK;
}

status_t handle_close(struct handle_table *table, uint64_t handle) {
    const struct handle_entry *slot = handle_entry(table, handle);
    struct handle_entry entry;

    if (slot == NULL) {
        return ERROR_BAD_HANDLE;
    }
    entry = *slot;
    slot_free(table, (handle_t)handle);
    n_open--;
    if ((entry.rights & HANDLE_REPLY) != 0) {
        reply_drop(CONTAINER_OF(entry.object, struct thread, object), entry.sequence);
    } else {
        object_rights_drop(entry.object, entry.rights);
    }
    object_put(entry.object);
    return OK;
}

bool handle_table_destroy_step(struct handle_table *table, uint32_t *cursor) {
    for (unsigned i = 0; i < CLOSE_STEP; i++) {
        if (*cursor < table->first_fresh) {
            (void)handle_close(table, *cursor);
            ++*cursor;
        } else if (table->n_pages != 0) {
            uint32_t page = --table->n_pages, first = page * HANDLES_PER_PAGE;
            uint32_t n = table->first_fresh - MIN(table->first_fresh, first);

            page_give(table, table->pages[page],
                      MIN(n, HANDLES_PER_PAGE) * sizeof(struct handle_entry));
            table->pages[page] = NULL;
        } else {
            if (table->pages != table->inline_pages) {
                page_give(table, table->pages, 0);
            }
            object_put(&table->budget->object);
            *table = (struct handle_table){0};
            return true;
        }
    }
    return false;
}

status_t handle_find_bindable(const struct handle_table *table, uint64_t handle, uint64_t bits,
                              struct gate **gate) {
    struct object *object;
    status_t status = handle_find(table, handle, OBJECT_GATE, RIGHT_NOTIFY, &object);

    if (status == OK && (bits == 0 || (bits & NOTIFY_CLOSED) != 0)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status == OK) {
        *gate = CONTAINER_OF(object, struct gate, object);
    }
    return status;
}

uint32_t handle_count_all(void) {
    return n_open;
}

/* SPDX-License-Identifier: MIT */
#include "lib/posix/mapping.h"

#include "abi/kernel.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/pool.h"

static struct list mappings = LIST_INITIALIZER(mappings);
struct lock mapping_lock;

/* Without lock: a program that maps and unmaps in two threads at once has no say in the order. */
static bool is_empty(void) {
    return list_is_empty(&mappings);
}

static void drop(struct mapping_entry *entry) {
    list_remove(&entry->node);
    handle_drop(entry->memory);
    pool_free(entry, sizeof *entry);
}

/* Cuts the entry that goes across `address` in two there. Without memory for the second part that
 * is forgotten: then mremap of it fails, and nothing else. */
static void split_at(uint64_t address) {
    struct mapping_entry *entry;

    LIST_FOR_EACH(entry, &mappings, node) {
        if (entry->start >= address || address >= entry->end) {
            continue;
        }
        struct mapping_entry *upper = pool_allocate(sizeof *upper);
        handle_t memory;

        if (upper != NULL && sys_handle_copy(entry->memory, RIGHTS_ALL, 0, &memory) == OK) {
            *upper = (struct mapping_entry){.start = address,
                                            .end = entry->end,
                                            .memory = memory,
                                            .offset = entry->offset + (address - entry->start),
                                            .flags = entry->flags};
            list_push_back(&mappings, &upper->node);
        } else {
            pool_free(upper, sizeof *upper);
        }
        entry->end = address;
        return;
    }
}

static void forget_locked(uint64_t start, uint64_t end) {
    struct mapping_entry *entry;

    split_at(start);
    split_at(end);
    LIST_FOR_EACH_SAFE(entry, &mappings, node) {
        if (entry->start >= start && entry->end <= end) {
            drop(entry);
        }
    }
}

void mapping_forget(uint64_t start, uint64_t length) {
    if (!is_empty()) {
        critical_lock(&mapping_lock);
        forget_locked(start, start + length);
        critical_unlock(&mapping_lock);
    }
}

void mapping_keep(uint64_t start, uint64_t length, handle_t memory, uint64_t offset,
                  uint32_t flags) {
    struct mapping_entry *entry = pool_allocate(sizeof *entry);

    if (entry == NULL) {
        handle_drop(memory);
        mapping_forget(start, length);
        return;
    }
    *entry = (struct mapping_entry){.start = start,
                                    .end = start + length,
                                    .memory = memory,
                                    .offset = offset,
                                    .flags = flags & (MAP_PROTECTION | MAP_PRIVATE)};
    critical_lock(&mapping_lock);
    forget_locked(start, start + length);
    list_push_back(&mappings, &entry->node);
    critical_unlock(&mapping_lock);
}

void mapping_protect(uint64_t start, uint64_t length, uint32_t protection) {
    struct mapping_entry *entry;

    if (is_empty()) {
        return;
    }
    critical_lock(&mapping_lock);
    split_at(start);
    split_at(start + length);
    LIST_FOR_EACH(entry, &mappings, node) {
        if (entry->start >= start && entry->end <= start + length) {
            entry->flags = (entry->flags & ~(uint32_t)MAP_PROTECTION) | protection;
        }
    }
    critical_unlock(&mapping_lock);
}

bool mapping_find(uint64_t start, struct mapping_entry *found) {
    const struct mapping_entry *entry;
    bool is_found = false;

    critical_lock(&mapping_lock);
    LIST_FOR_EACH(entry, &mappings, node) {
        if (entry->start <= start && start < entry->end) {
            *found = *entry;
            is_found = true;
        }
    }
    critical_unlock(&mapping_lock);
    return is_found;
}

void mapping_extend(uint64_t old_end, uint64_t end) {
    struct mapping_entry *entry;

    critical_lock(&mapping_lock);
    LIST_FOR_EACH(entry, &mappings, node) {
        if (entry->end == old_end) {
            entry->end = end;
        }
    }
    critical_unlock(&mapping_lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * Which memory objects this process has mapped: shared memory and files. mremap needs the object to
 * map it again elsewhere; the kernel does not say what is mapped where. Anonymous private memory,
 * by far the most, is not listed. fork copies the list; the handles are the same there.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/list.h"

struct mapping_entry {
    struct list_node node;
    uint64_t start, end;
    handle_t memory;
    uint64_t offset; /* of `start` in the object, in bytes */
    uint32_t flags;  /* MAP_READ ... MAP_PRIVATE */
};

/* The object is mapped there from now on; the handle is the list's. */
void mapping_keep(uint64_t start, uint64_t length, handle_t memory, uint64_t offset,
                  uint32_t flags);

/* Nothing of the list is mapped there any more. */
void mapping_forget(uint64_t start, uint64_t length);

void mapping_protect(uint64_t start, uint64_t length, uint32_t protection);

/* What is mapped at `start`, if it is in the list. */
bool mapping_find(uint64_t start, struct mapping_entry *found);

/* The mapping that ends there goes on to `end`. */
void mapping_extend(uint64_t old_end, uint64_t end);

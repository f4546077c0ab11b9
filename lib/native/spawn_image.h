/* SPDX-License-Identifier: MIT */
/*
 * The inside of spawn: where a program's bytes come from, and the memory object that holds what the
 * parent writes for the child.
 */
#pragma once

#include "lib/base/elf.h"
#include "lib/native/spawn.h"

enum { CONTENT_HEAD_BYTES = 1024 };

/* The program file. Headers are read from `head`, which one request fills. */
struct spawn_content {
    const struct spawn_source *source;
    uint64_t size;
    handle_t memory; /* its bytes in a memory object, or HANDLE_NONE */
    uint64_t skip;   /* where in it */
    bool owns_memory;
    status_t status; /* of a read that failed */
    uint32_t n_head;
    uint8_t head[CONTENT_HEAD_BYTES];
};

WARN_UNUSED status_t spawn_content_open(struct spawn_content *content,
                                        const struct spawn_source *source);
void spawn_content_close(struct spawn_content *content);

/* For lib/base/elf. */
bool spawn_content_read(void *context, uint64_t offset, void *to, size_t n);

/*
 * Pages that the parent fills and the child then maps private: parts of segments, the top of the
 * stack. Places are handed out first (spawn_copy_add), then the object is made and mapped here,
 * then filled, then mapped there.
 */
struct spawn_copy {
    handle_t memory;
    uint64_t n_pages;
    uint8_t *here;
};

/* The next n_pages of the object; returns their byte offset. */
static inline uint64_t spawn_copy_add(struct spawn_copy *copy, uint64_t n_pages) {
    uint64_t offset = copy->n_pages * PAGE_SIZE;

    copy->n_pages += n_pages;
    return offset;
}

/* What goes onto the new stack, measured before it is written. */
struct spawn_stack {
    uint64_t top;     /* address of its end in the child */
    uint64_t n_pages; /* of the part that is written */
    uint64_t copy_offset;
    size_t strings_bytes;
    size_t block_bytes;
    size_t n_argv;
    size_t n_envp;
    size_t n_entries; /* with those that spawn adds */
};

/* Measures. TOO_LARGE over SPAWN_ARGUMENTS_BYTES_MAX. */
WARN_UNUSED status_t spawn_stack_measure(struct spawn_stack *stack, const struct spawn_args *args);

/*
 * Gives the handles to the process and writes the pages at `pages` (n_pages of them, zeroed).
 * *pointer: the child's first stack pointer.
 */
WARN_UNUSED status_t spawn_stack_write(const struct spawn_stack *stack,
                                       const struct spawn_args *args, const struct elf_image *image,
                                       handle_t process, uint8_t *pages, uint64_t *pointer);

/* SPDX-License-Identifier: MIT */
/*
 * The inside of spawn: where a program's bytes come from, and what goes onto its stack.
 */
#pragma once

#include "lib/base/elf.h"
#include "lib/native/spawn.h"

/* The program file. Headers are read from `head`: the caller's, or what one request reads. */
struct spawn_content {
    const struct spawn_source *source;
    uint64_t size;
    handle_t memory; /* its bytes in a memory object, or HANDLE_NONE */
    uint64_t skip;   /* where in it */
    bool owns_memory;
    status_t status; /* of a read that failed */
    size_t n_head;
    const uint8_t *head;
};

/* `buffer`: of a page, for the headers, where the caller does not know them; it is used as long as
 * n_head is not 0. */
WARN_UNUSED status_t spawn_content_open(struct spawn_content *content,
                                        const struct spawn_source *source, uint8_t *buffer);
void spawn_content_close(struct spawn_content *content);

/* For lib/base/elf. */
bool spawn_content_read(void *context, uint64_t offset, void *to, size_t n);

/* What goes onto the new stack, measured before it is written. */
struct spawn_stack {
    uint64_t top; /* address of its end in the child */
    size_t bytes; /* up to the end, a multiple of 64 */
    size_t strings_bytes;
    size_t block_bytes;
    size_t n_argv;
    size_t n_envp;
    size_t n_entries; /* with those that spawn adds */
};

/* Measures. TOO_LARGE over SPAWN_ARGUMENTS_BYTES_MAX. */
WARN_UNUSED status_t spawn_stack_measure(struct spawn_stack *stack, const struct spawn_args *args);

/*
 * Gives the handles to the process and writes `to` (stack->bytes, any content), which is to be
 * copied to the end of the stack. *pointer: the child's first stack pointer.
 */
WARN_UNUSED status_t spawn_stack_write(const struct spawn_stack *stack,
                                       const struct spawn_args *args, const struct elf_image *image,
                                       handle_t process, uint8_t *to, uint64_t *pointer);

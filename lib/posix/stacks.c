/* SPDX-License-Identifier: MIT */
/*
 * The stacks of threads: pthread_create and pthread_join come here in place of mmap, mprotect and
 * munmap (lib/libc/config.mak.in). A stack whose thread has been joined stays mapped, with the
 * pages that were touched, for the next thread: mapping, guarding, touching and unmapping one costs
 * more than all else that is done for a thread. At most STACKS_MAX are kept.
 *
 * What musl relies on being zero, the block above the first stack pointer (thread-local variables,
 * the thread's structure, its keys), is made zero again. The rest of a stack has no promised
 * content.
 *
 * Invariant: an entry describes memory that is mapped; `top` is 0 until a thread has started on it.
 */
#include "lib/posix/stacks.h"

#include <errno.h>
#include <sys/mman.h>

#include "lib/base/string.h"
#include "lib/libc/hooks.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/thread.h"

enum { STACKS_MAX = 4, STARTING_BYTES = 8192 };

static struct stack {
    uintptr_t base; /* 0: the entry is free */
    size_t size;
    size_t guard;  /* bytes at its base that nobody may touch */
    uintptr_t top; /* where the thread's stack began: above it is what must be zero */
    bool is_idle;  /* its thread is gone */
} stacks[STACKS_MAX];
struct lock stacks_lock;

/* The caller holds the lock. */
static struct stack *stack_at(uintptr_t address) {
    for (unsigned i = 0; i < STACKS_MAX; i++) {
        if (stacks[i].base != 0 && address - stacks[i].base < stacks[i].size) {
            return &stacks[i];
        }
    }
    return NULL;
}

/* An idle one of this size, taken; 0: none. */
static uintptr_t stack_reuse(size_t size, bool has_guard) {
    uintptr_t base = 0, top = 0;

    critical_lock(&stacks_lock);
    for (unsigned i = 0; i < STACKS_MAX && base == 0; i++) {
        struct stack *stack = &stacks[i];

        if (stack->is_idle && stack->size == size && (stack->guard != 0) == has_guard) {
            stack->is_idle = false;
            base = stack->base;
            top = stack->top;
        }
    }
    critical_unlock(&stacks_lock);
    if (base != 0) {
        memset((void *)top, 0, base + size - top);
    }
    return base;
}

static void stack_note(uintptr_t base, size_t size) {
    critical_lock(&stacks_lock);
    for (unsigned i = 0; i < STACKS_MAX; i++) {
        if (stacks[i].base == 0) {
            stacks[i] = (struct stack){.base = base, .size = size};
            break;
        }
    }
    critical_unlock(&stacks_lock);
}

/* Are there pages for what pthread_create writes at the top of a new stack, and for the thread to
 * begin on? */
static bool stack_can_start(uintptr_t top) {
    return memory_touch(top - STARTING_BYTES, STARTING_BYTES);
}

void *__euralios_stack_map(void *where, size_t size, int protection, int flags, int fd,
                           off_t offset) {
    uintptr_t base = stack_reuse(size, protection == PROT_NONE);

    if (base != 0) {
        return (void *)base;
    }
    void *memory = mmap(where, size, protection, flags, fd, offset);

    if (memory == MAP_FAILED) {
        return memory;
    }
    if (protection != PROT_NONE && size >= STARTING_BYTES &&
        !stack_can_start((uintptr_t)memory + size)) {
        munmap(memory, size);
        errno = ENOMEM;
        return MAP_FAILED;
    }
    stack_note((uintptr_t)memory, size);
    return memory;
}

int __euralios_stack_protect(void *address, size_t size, int protection) {
    uintptr_t base = 0;
    size_t guard = 0;
    bool is_ready = false, is_new = true;

    critical_lock(&stacks_lock);
    struct stack *stack = stack_at((uintptr_t)address);

    if (stack != NULL) {
        base = stack->base;
        guard = (uintptr_t)address - base;
        is_new = stack->top == 0;
        is_ready = !is_new && stack->guard == guard;
        stack->guard = guard;
    }
    critical_unlock(&stacks_lock);
    if (is_ready) {
        return 0;
    }
    /* One that is used again with a guard of another size. */
    if (!is_new && mprotect((void *)base, guard, PROT_NONE) != 0) {
        return -1;
    }
    if (mprotect(address, size, protection) != 0) {
        return -1;
    }
    if (is_new && size >= STARTING_BYTES && !stack_can_start((uintptr_t)address + size)) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

int __euralios_stack_unmap(void *address, size_t size) {
    bool is_kept = false;

    critical_lock(&stacks_lock);
    struct stack *stack = stack_at((uintptr_t)address);

    if (stack != NULL) {
        is_kept = stack->top != 0;
        stack->is_idle = is_kept;
        stack->base = is_kept ? stack->base : 0;
    }
    critical_unlock(&stacks_lock);
    return is_kept ? 0 : munmap(address, size);
}

void stack_used(uintptr_t top) {
    critical_lock(&stacks_lock);
    struct stack *stack = stack_at(top);

    if (stack != NULL) {
        stack->top = top;
    }
    critical_unlock(&stacks_lock);
}

void stack_forget(uintptr_t base) {
    critical_lock(&stacks_lock);
    struct stack *stack = stack_at(base);

    if (stack != NULL) {
        *stack = (struct stack){0};
    }
    critical_unlock(&stacks_lock);
}

/* SPDX-License-Identifier: MIT */
#include "lib/native/thread.h"

#include "lib/native/lock.h"
#include "lib/native/syscall.h"

/* Stacks of joined threads, kept for the next: mapping one and touching its pages anew costs more
 * than all the rest. */
enum { STACK_CACHE_MAX = 4 };
static struct lock cache_lock;
static void *cache[STACK_CACHE_MAX];
static unsigned n_cached;

/* What the new thread finds at the top of its stack. */
struct thread_beginning {
    struct thread *thread;
    void (*function)(void *argument);
    void *argument;
};

NORETURN static void thread_main(const struct thread_beginning *beginning) {
    struct thread *thread = beginning->thread;

    beginning->function(beginning->argument);
    sys_thread_exit(&thread->running, 0,
                    0); /* the joiner has the stack back when the word is clear */
}

static status_t stack_create(size_t bytes, void **stack) {
    uint64_t address;

    if (bytes == THREAD_STACK_DEFAULT) {
        lock_take(&cache_lock);
        *stack = n_cached == 0 ? NULL : cache[--n_cached];
        lock_give(&cache_lock);
        if (*stack != NULL) {
            return OK;
        }
    }
    status_t status =
        sys_map(HANDLE_NONE, HANDLE_NONE, 0, bytes + PAGE_SIZE, 0, MAP_READ | MAP_WRITE, &address);
    if (status != OK) {
        return status;
    }
    status = sys_protect(HANDLE_NONE, address, PAGE_SIZE, 0); /* the guard, below the stack */
    if (status != OK) {
        status_t ignored = sys_unmap(HANDLE_NONE, address, bytes + PAGE_SIZE);
        (void)ignored;
        return status;
    }
    *stack = (void *)address;
    return OK;
}

static void stack_destroy(void *stack, size_t bytes) {
    if (bytes == THREAD_STACK_DEFAULT) {
        lock_take(&cache_lock);
        bool kept = n_cached < STACK_CACHE_MAX;
        if (kept) {
            cache[n_cached++] = stack;
        }
        lock_give(&cache_lock);
        if (kept) {
            return;
        }
    }
    status_t status = sys_unmap(HANDLE_NONE, (uint64_t)stack, bytes + PAGE_SIZE);
    (void)status; /* our own mapping: cannot fail */
}

status_t thread_start(struct thread *thread, void (*function)(void *argument), void *argument,
                      size_t stack_bytes) {
    size_t bytes = stack_bytes == 0 ? THREAD_STACK_DEFAULT : ALIGN_UP(stack_bytes, PAGE_SIZE);
    uint64_t fs_base;

    status_t status = stack_create(bytes, &thread->stack);
    if (status != OK) {
        return status;
    }
    thread->stack_bytes = bytes;
    thread->running = 1;

    char *top = (char *)thread->stack + PAGE_SIZE + bytes;
    struct thread_beginning *beginning =
        (struct thread_beginning *)ALIGN_DOWN((uintptr_t)(top - sizeof *beginning), 16);
    *beginning = (struct thread_beginning){thread, function, argument};
    __asm__("movq %%fs:0, %0"
            : "=r"(fs_base)); /* the thread block's first word is its own address */
    /* As after a call: the return address, 0, ends a backtrace. */
    uint64_t *stack = (uint64_t *)beginning - 1;
    *stack = 0;
    status = sys_thread_create((uint64_t)(uintptr_t)thread_main, (uint64_t)stack,
                               (uint64_t)beginning, fs_base, &thread->id);
    if (status != OK) {
        stack_destroy(thread->stack, bytes);
    }
    return status;
}

void thread_join(struct thread *thread) {
    while (__atomic_load_n(&thread->running, __ATOMIC_ACQUIRE) != 0) {
        status_t status = sys_futex_wait(&thread->running, 1, DEADLINE_NEVER, 0);
        (void)status;
    }
    stack_destroy(thread->stack, thread->stack_bytes);
}

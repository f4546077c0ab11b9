/* SPDX-License-Identifier: MIT */
/*
 * Native threads, for servers and drivers: no thread-local storage of their own (they share errno
 * and %fs with the thread that made them, so they call no libc function but those of string.h), a
 * stack with a guard page below it. Programs use pthreads.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

struct thread {
    uint32_t id;               /* the kernel's number */
    volatile uint32_t running; /* cleared by the kernel when the thread is off its stack */
    void *stack;
    size_t stack_bytes; /* guard included */
};

enum { THREAD_STACK_DEFAULT = 64 * 1024 };

/* Runs function(argument) in a new thread. stack_bytes 0: THREAD_STACK_DEFAULT. `thread` must live
 * until it is joined. */
WARN_UNUSED status_t thread_start(struct thread *thread, void (*function)(void *argument),
                                  void *argument, size_t stack_bytes);

/* Waits until it has returned, and frees its stack. */
void thread_join(struct thread *thread);

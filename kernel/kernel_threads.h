/* SPDX-License-Identifier: MIT */
/* The threads of the kernel itself. */
#pragma once

#include "kernel/thread.h"

/* An idle thread, one for each CPU: panics at the ninth. */
struct thread *idle_create(void);

/* Makes reaper and scrubber (ready). */
void kernel_threads_init(void);

/* There is room in the pool of zeroed frames. */
void scrubber_wake(void);

/* The page at this address lies below a kernel thread's stack and must not be mapped. */
bool kernel_thread_is_guard(uint64_t address);

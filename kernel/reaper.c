/* SPDX-License-Identifier: MIT */
/* The kernel's own threads: reaper, scrubber, idle. */
#include "kernel/reaper.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/frame.h"
#include "kernel/kernel_threads.h"
#include "kernel/scheduler.h"

/* Below the servers, above programs: memory comes back before somebody asks for more. */
#define REAPER_PRIORITY 24
/* When nothing else runs. */
#define SCRUBBER_PRIORITY 1

static struct list work = LIST_INITIALIZER(work);
static struct thread *reaper;
static struct thread *scrubber;

void reaper_add(struct reapable *reapable) {
    list_push_back(&work, &reapable->link);
    if (reaper != NULL) {
        kernel_thread_wake(reaper);
    }
}

static void reaper_main(void *unused) {
    (void)unused;
    for (;;) {
        struct reapable *reapable;

        kernel_enter();
        reapable = LIST_FIRST(&work, struct reapable, link);
        if (reapable == NULL) {
            kernel_leave();
            kernel_thread_wait();
            continue;
        }
        /* Off the list during the step: the last one frees it. */
        list_remove(&reapable->link);
        if (!reapable->step(reapable)) {
            list_push_front(&work, &reapable->link);
        }
        kernel_leave();
    }
}

static void scrubber_main(void *unused) {
    (void)unused;
    for (;;) {
        bool more;

        kernel_enter();
        more = frame_scrub();
        kernel_leave();
        if (!more) {
            kernel_thread_wait();
        }
    }
}

void scrubber_wake(void) {
    if (scrubber != NULL) {
        kernel_thread_wake(scrubber);
    }
}

static void idle_main(void *unused) {
    (void)unused;
    for (;;) {
        arch_wait_for_interrupt();
    }
}

/* Stacks with an unmapped page below: see page_table_init, which leaves holes for
 * kernel_thread_guards. */
#define STACK_BYTES (2 * PAGE_SIZE)
#define N_STACKS    3

struct guarded_stack {
    char guard[PAGE_SIZE];
    char stack[STACK_BYTES];
};

static struct guarded_stack stacks[N_STACKS] ALIGNED(PAGE_SIZE);

bool kernel_thread_is_guard(uint64_t address) {
    for (unsigned i = 0; i < N_STACKS; i++) {
        if ((uint64_t)stacks[i].guard == address) {
            return true;
        }
    }
    return false;
}

static struct thread *start(void (*entry)(void *), unsigned priority, unsigned stack) {
    return thread_create_kernel(entry, priority, stacks[stack].stack + STACK_BYTES);
}

struct thread *kernel_threads_init(void) {
    struct thread *idle = start(idle_main, 0, 0);

    reaper = start(reaper_main, REAPER_PRIORITY, 1);
    scrubber = start(scrubber_main, SCRUBBER_PRIORITY, 2);
    scheduler_ready(reaper);
    scheduler_ready(scrubber);
    return idle;
}

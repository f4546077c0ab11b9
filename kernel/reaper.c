/* SPDX-License-Identifier: MIT */
/* The kernel's own threads: reaper, scrubber, idle. */
#include "kernel/reaper.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/frame.h"
#include "kernel/kernel_threads.h"
#include "kernel/panic.h"
#include "kernel/scheduler.h"

/*
 * Below the servers, above programs: memory comes back before somebody asks for more. A thread
 * above it that never waits must not hold it up for ever, though: when work has waited for
 * REAPER_LATE_NS, the reaper does a few steps with the highest priority, then the others have their
 * turn. So it takes a few per cent of the time at most from those above it, whatever programs make
 * it do.
 */
#define REAPER_PRIORITY   24
#define REAPER_LATE_NS    (10 * 1000 * 1000ULL)
#define REAPER_LATE_STEPS 32
/* When nothing else runs. */
#define SCRUBBER_PRIORITY 1

static struct list work = LIST_INITIALIZER(work);
static struct thread *reaper;
static struct thread *scrubber;
static unsigned n_urgent_steps; /* left with the highest priority */

void reaper_add(struct reapable *reapable) {
    list_push_back(&work, &reapable->link);
    if (reaper != NULL) {
        kernel_thread_wake(reaper);
        if (n_urgent_steps == 0 && !deadline_is_armed(reaper)) {
            deadline_arm(reaper, clock_now_ns() + REAPER_LATE_NS);
        }
    }
}

void reaper_is_late(void) {
    n_urgent_steps = REAPER_LATE_STEPS;
    scheduler_set_priority(reaper, PRIORITY_MAX);
}

/* A step is done: the end of a hurry, or of all work, or neither. */
static void reaper_hurry_update(void) {
    if (n_urgent_steps != 0 && (--n_urgent_steps == 0 || list_is_empty(&work))) {
        n_urgent_steps = 0;
        scheduler_set_priority(reaper, REAPER_PRIORITY);
        if (!list_is_empty(&work)) {
            deadline_arm(reaper, clock_now_ns() + REAPER_LATE_NS);
        }
    } else if (list_is_empty(&work)) {
        deadline_disarm(reaper);
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
            arch_kernel_thread_wait();
            continue;
        }
        /* Off the list during the step: the last one frees it. */
        list_remove(&reapable->link);
        if (!reapable->step(reapable)) {
            list_push_front(&work, &reapable->link);
        }
        reaper_hurry_update();
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
            arch_kernel_thread_wait();
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

/* Stacks with an unmapped page below: see map_image. */
#define STACK_BYTES (2 * PAGE_SIZE)
#define N_STACKS    (2 + CPU_MAX)

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

static unsigned n_stacks_used;

static struct thread *start(void (*entry)(void *), unsigned priority) {
    ASSERT(n_stacks_used < N_STACKS);
    return thread_create_kernel(entry, priority, stacks[n_stacks_used++].stack + STACK_BYTES);
}

struct thread *idle_create(void) {
    return start(idle_main, 0);
}

void kernel_threads_init(void) {
    reaper = start(reaper_main, REAPER_PRIORITY);
    scrubber = start(scrubber_main, SCRUBBER_PRIORITY);
    scheduler_ready(reaper);
    scheduler_ready(scrubber);
}

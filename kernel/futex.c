/* SPDX-License-Identifier: MIT */
#include "kernel/futex.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

/* Threads woken or moved by one step of a wake or requeue. */
#define WAKES_PER_STEP 8

/* A word that threads wait for. */
struct futex {
    struct memory *memory; /* NULL: private */
    struct tree *waiters;
    uint64_t key;
};

static status_t futex_find(const struct thread *thread, uint64_t address, uint64_t flags,
                           struct futex *futex) {
    struct space *space = thread->process->space;
    const struct region *region;

    if (!IS_ALIGNED(address, 4)) {
        return ERROR_BAD_ARGUMENT;
    }
    *futex = (struct futex){.waiters = &space->waiters, .key = address};
    if ((flags & FUTEX_SHARED) == 0) {
        return OK;
    }
    region = space_region(space, address);
    if (region == NULL) {
        return ERROR_BAD_ADDRESS;
    }
    if (region->memory != NULL && (region->flags & MAP_PRIVATE) == 0) {
        futex->memory = region->memory;
        futex->waiters = &region->memory->waiters;
        futex->key = address - region->start + region->offset * PAGE_SIZE;
    }
    return OK;
}

static void futex_enter(struct thread *thread, const struct futex *futex) {
    thread->futex_memory = futex->memory;
    if (futex->memory != NULL) {
        object_get(&futex->memory->object);
    }
    thread->waiting = (struct tree_node){0}; /* it was something else until now */
    tree_insert(futex->waiters, &thread->waiting, futex->key);
}

void futex_leave(struct thread *thread) {
    struct memory *memory = thread->futex_memory;

    tree_remove(memory != NULL ? &memory->waiters : &thread->process->space->waiters,
                &thread->waiting);
    if (memory != NULL) {
        object_put(&memory->object);
    }
}

void futex_finish(struct thread *thread, status_t status) {
    futex_leave(thread);
    deadline_disarm(thread);
    thread->registers.rax = (uint64_t)(int64_t)status;
    scheduler_ready(thread);
}

/* The one that has waited for longest; NULL: nobody. */
static struct thread *waiter_first(const struct futex *futex) {
    struct tree_node *node = tree_find(futex->waiters, futex->key);

    return node == NULL ? NULL : CONTAINER_OF(node, struct thread, waiting);
}

static uint32_t wake(const struct futex *futex, uint32_t n) {
    uint32_t n_woken = 0;

    while (n_woken < n) {
        struct thread *thread = waiter_first(futex);

        if (thread == NULL) {
            break;
        }
        futex_finish(thread, OK);
        n_woken++;
    }
    return n_woken;
}

uint32_t futex_wake_private(struct process *process, uint64_t address, uint32_t n) {
    const struct futex futex = {.waiters = &process->space->waiters, .key = address};

    return wake(&futex, n);
}

/* (address, expected, deadline, flags) */
status_t sys_futex_wait(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    struct futex futex;
    uint32_t value;
    status_t status = futex_find(thread, registers->rdi, registers->r10, &futex);

    if (status == OK) {
        status = copy_in_small(thread->process->space, &value, registers->rdi, sizeof(value));
    }
    if (status != OK) {
        return status;
    }
    if (value != (uint32_t)registers->rsi) {
        return ERROR_WOULD_BLOCK;
    }
    if (registers->rdx != DEADLINE_NEVER && registers->rdx <= clock_now_ns()) {
        return ERROR_TIMEOUT;
    }
    scheduler_block(thread, THREAD_FUTEX);
    futex_enter(thread, &futex);
    deadline_arm(thread, registers->rdx);
    return RESULT_KEEP;
}

/* A step of a wake is done: restart with what is left, or finish with the sum. */
static status_t step_done(struct thread *thread, uint32_t n_done, bool all) {
    thread->operation_progress += n_done;
    if (!all) {
        return RESULT_RESTART;
    }
    thread->registers.rdx = thread->operation_progress;
    return OK;
}

/* (address, n, flags) -> n woken */
status_t sys_futex_wake(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct futex futex;
    uint32_t n = (uint32_t)MIN(registers->rsi, (uint64_t)WAKES_PER_STEP);
    status_t status = futex_find(thread, registers->rdi, registers->rdx, &futex);
    uint32_t n_woken;

    if (status != OK) {
        return status;
    }
    n_woken = wake(&futex, n);
    registers->rsi -= n_woken;
    return step_done(thread, n_woken, n_woken < n || registers->rsi == 0);
}

/* (address, n to wake, other address, n to move, flags) -> n woken and moved */
status_t sys_futex_requeue(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct futex from, to;
    uint32_t n_wake = (uint32_t)MIN(registers->rsi, (uint64_t)WAKES_PER_STEP);
    uint32_t n_move = (uint32_t)MIN(registers->r10, (uint64_t)WAKES_PER_STEP);
    uint32_t n_done = 0;
    status_t status = futex_find(thread, registers->rdi, registers->r8, &from);

    if (status == OK) {
        status = futex_find(thread, registers->rdx, registers->r8, &to);
    }
    if (status != OK) {
        return status;
    }
    if (n_wake != 0) {
        n_done = wake(&from, n_wake);
        registers->rsi -= n_done;
        return step_done(thread, n_done, n_done < n_wake || (registers->rsi == 0 && n_move == 0));
    }
    while (n_done < n_move && (from.waiters != to.waiters || from.key != to.key)) {
        struct thread *waiter = waiter_first(&from);

        if (waiter == NULL) {
            break;
        }
        futex_leave(waiter);
        futex_enter(waiter, &to);
        n_done++;
    }
    registers->r10 -= n_done;
    return step_done(thread, n_done, n_done < n_move || registers->r10 == 0);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/futex.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

#define N_BUCKETS 256
/* Threads woken or moved by one step of a wake or requeue. */
#define WAKES_PER_STEP 64

struct futex_key {
    uint64_t object, offset;
};

static struct list buckets[N_BUCKETS];

static struct list *bucket_of(struct futex_key key) {
    uint64_t hash = (key.object ^ (key.offset >> 2)) * 0x9e3779b97f4a7c15ULL;
    struct list *bucket = &buckets[hash >> 56];

    if (UNLIKELY(bucket->head.next == NULL)) {
        list_init(bucket);
    }
    return bucket;
}

static status_t key_find(struct thread *thread, uint64_t address, uint64_t flags,
                         struct futex_key *key) {
    struct region *region;

    if (!IS_ALIGNED(address, 4)) {
        return ERROR_BAD_ARGUMENT;
    }
    *key = (struct futex_key){(uint64_t)thread->process->space, address};
    if ((flags & FUTEX_SHARED) == 0) {
        return OK;
    }
    region = space_region(thread->process->space, address);
    if (region == NULL) {
        return ERROR_BAD_ADDRESS;
    }
    if (region->memory != NULL && (region->flags & MAP_PRIVATE) == 0) {
        *key = (struct futex_key){(uint64_t)region->memory,
                                  address - region->start + region->offset * PAGE_SIZE};
    }
    return OK;
}

void futex_leave(struct thread *thread) {
    list_remove(&thread->item.link);
}

void futex_finish(struct thread *thread, status_t status) {
    futex_leave(thread);
    deadline_disarm(thread);
    thread->registers.rax = (uint64_t)(int64_t)status;
    scheduler_ready(thread);
}

/* The first thread in the bucket that waits on `key`. */
static struct thread *waiter_first(struct futex_key key) {
    struct thread *thread;

    LIST_FOR_EACH(thread, bucket_of(key), item.link) {
        if (thread->futex_object == key.object && thread->futex_offset == key.offset) {
            return thread;
        }
    }
    return NULL;
}

static uint32_t wake(struct futex_key key, uint32_t n) {
    uint32_t n_woken = 0;

    while (n_woken < n) {
        struct thread *thread = waiter_first(key);

        if (thread == NULL) {
            break;
        }
        futex_finish(thread, OK);
        n_woken++;
    }
    return n_woken;
}

uint32_t futex_wake_private(struct process *process, uint64_t address, uint32_t n) {
    return wake((struct futex_key){(uint64_t)process->space, address}, n);
}

/* (address, expected, deadline, flags) */
status_t sys_futex_wait(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    struct futex_key key;
    uint32_t value;
    status_t status = key_find(thread, registers->rdi, registers->r10, &key);

    if (status == OK) {
        status = copy_in(thread->process->space, &value, user_ptr(registers->rdi), sizeof(value));
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
    thread->futex_object = key.object;
    thread->futex_offset = key.offset;
    scheduler_block(thread, THREAD_FUTEX);
    list_push_back(bucket_of(key), &thread->item.link);
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
    thread->operation_progress = 0;
    return OK;
}

/* (address, n, flags) -> n woken */
status_t sys_futex_wake(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct futex_key key;
    uint32_t n = (uint32_t)MIN(registers->rsi, (uint64_t)WAKES_PER_STEP);
    status_t status = key_find(thread, registers->rdi, registers->rdx, &key);
    uint32_t n_woken;

    if (status != OK) {
        thread->operation_progress = 0; /* unmapped between two steps */
        return status;
    }
    n_woken = wake(key, n);
    registers->rsi -= n_woken;
    return step_done(thread, n_woken, n_woken < n || registers->rsi == 0);
}

/* (address, n to wake, other address, n to move, flags) -> n woken and moved */
status_t sys_futex_requeue(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct futex_key from, to;
    uint32_t n_wake = (uint32_t)MIN(registers->rsi, (uint64_t)WAKES_PER_STEP);
    uint32_t n_move = (uint32_t)MIN(registers->r10, (uint64_t)WAKES_PER_STEP);
    uint32_t n_done = 0;
    status_t status = key_find(thread, registers->rdi, registers->r8, &from);

    if (status == OK) {
        status = key_find(thread, registers->rdx, registers->r8, &to);
    }
    if (status != OK) {
        thread->operation_progress = 0; /* unmapped between two steps */
        return status;
    }
    if (n_wake != 0) {
        n_done = wake(from, n_wake);
        registers->rsi -= n_done;
        return step_done(thread, n_done, n_done < n_wake || (registers->rsi == 0 && n_move == 0));
    }
    while (n_done < n_move && (from.object != to.object || from.offset != to.offset)) {
        struct thread *waiter = waiter_first(from);

        if (waiter == NULL) {
            break;
        }
        list_remove(&waiter->item.link);
        waiter->futex_object = to.object;
        waiter->futex_offset = to.offset;
        list_push_back(bucket_of(to), &waiter->item.link);
        n_done++;
    }
    registers->r10 -= n_done;
    return step_done(thread, n_done, n_done < n_move || registers->r10 == 0);
}

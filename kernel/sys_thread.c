/* SPDX-License-Identifier: MIT */
/* System calls on threads. */
#include "kernel/arch/x86_64/thread.h"
#include "kernel/futex.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

/* (entry, stack pointer, argument, FS base) -> thread id */
status_t sys_thread_create(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct thread *new;
    status_t status;

    if (registers->rdi >= USER_TOP || registers->rsi >= USER_TOP || registers->r10 >= USER_TOP) {
        return ERROR_BAD_ADDRESS;
    }
    status = thread_create(thread->process, registers->rdi, registers->rsi, registers->rdx, &new);
    if (status != OK) {
        return status;
    }
    new->fs_base = registers->r10;
    new->priority = thread->priority;
    scheduler_ready(new);
    registers->rdx = new->id;
    return OK;
}

/*
 * (aligned word to clear or 0, unmap base, unmap length): the thread's stack goes, then the word
 * becomes 0 and who waits for it is woken. The word is written first if it lies in what is
 * unmapped: then nobody can wait for it any more.
 */
status_t sys_thread_exit(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct process *process = thread->process;
    void *word;

    if (registers->rdx != 0) {
        uint64_t address = registers->rsi, end = address + registers->rdx;

        if (!user_range_is_valid(address, registers->rdx)) {
            return ERROR_BAD_ARGUMENT;
        }
        /* Its stack may be gone between steps: nothing is pushed there any more. */
        thread->in_upcall = UPCALL_BITS;
        thread->attention = false;
        if (space_unmap_step(process->space, &address, end) == OK && address < end) {
            registers->rdx = end - address;
            registers->rsi = address;
            return RESULT_RESTART;
        }
    }
    if (registers->rdi != 0 && IS_ALIGNED(registers->rdi, 4) &&
        user_resolve(process->space, registers->rdi, ACCESS_WRITE, &word) == OK) {
        *(uint32_t *)word = 0;
        (void)futex_wake_private(process, registers->rdi, 1);
    }
    thread_kill(thread);
    return RESULT_KEEP;
}

/* (thread or 0, operation, argument) -> value */
status_t sys_thread_control(struct thread *thread, struct thread *target) {
    struct registers *registers = &thread->registers;

    if (target->state == THREAD_DEAD) {
        return ERROR_BAD_STATE;
    }
    switch (registers->rsi) {
    case THREAD_SET_FS_BASE:
        return arch_thread_set_fs_base(target, registers->rdx);
    case THREAD_SET_PRIORITY:
        if (registers->rdx > target->process->priority) {
            return ERROR_NO_RIGHT;
        }
        scheduler_set_priority(target, (unsigned)registers->rdx);
        return OK;
    case THREAD_ABANDON_CALL:
        if (target->state == THREAD_AWAITING) {
            call_finish(target, ERROR_OUTCOME_UNKNOWN);
        } else if (target->state == THREAD_SENDING) {
            send_finish(target, ERROR_INTERRUPTED);
        }
        return OK;
    case THREAD_SET_UPCALL_STACK:
        if (registers->rdx >= USER_TOP) {
            return ERROR_BAD_ADDRESS;
        }
        target->upcall_stack = registers->rdx;
        return OK;
    case THREAD_YIELD:
        scheduler_yield(thread);
        return OK;
    case THREAD_GET_ID:
        registers->rdx = target->id;
        return OK;
    case THREAD_OPEN:
        if (registers->rdx != 0) {
            target = process_thread(thread->process, (uint32_t)registers->rdx);
            if (target == NULL || target->id != registers->rdx) {
                return ERROR_NOT_FOUND;
            }
        }
        object_get(&target->object);
        return handle_give(thread, &target->object, RIGHTS_ALL);
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

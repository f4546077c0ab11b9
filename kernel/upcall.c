/* SPDX-License-Identifier: MIT */
#include "kernel/upcall.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

/* What the System V ABI lets a function use below its stack pointer. */
#define RED_ZONE        128
#define FRAME_ALIGNMENT 64

/* Where the frame goes on a stack that ends at `top`. */
static uint64_t frame_place(uint64_t top) {
    return ALIGN_DOWN(top - sizeof(struct upcall_frame), (uint64_t)FRAME_ALIGNMENT);
}

/* Stores the frame and enters the handler. False: neither stack can be written. */
static bool frame_push(struct thread *thread, struct upcall_frame *frame, enum upcall_state state) {
    struct space *space = thread->process->space;
    uint64_t place = frame_place(thread->registers.rsp - RED_ZONE);

    frame->interrupted = thread->in_upcall;
    fpu_export(thread, frame->vector_state);
    registers_export(&thread->registers, &frame->registers);
    if (copy_out(space, user_ptr(place), frame, sizeof(*frame)) != OK) {
        if (thread->upcall_stack == 0) {
            return false;
        }
        place = frame_place(thread->upcall_stack);
        if (copy_out(space, user_ptr(place), frame, sizeof(*frame)) != OK) {
            return false;
        }
    }
    registers_set_call(&thread->registers, thread->process->upcall_entry, place - 8, place);
    registers_load_whole(&thread->registers);
    thread->in_upcall = (uint8_t)state;
    thread->attention = false;
    return true;
}

/* [book:upcall-push] */
void upcall_push(struct thread *thread) {
    struct process *process = thread->process;
    struct upcall_frame frame = {.bits = thread->upcall_bits, .vector = UPCALL_VECTOR_NONE};

    if (process->upcall_entry == 0) {
        /* Nobody to tell; the bits wait for a handler. */
        thread->attention = false;
        return;
    }
    if (thread->registers.rip >= process->block_begin &&
        thread->registers.rip < process->block_end) {
        /* It was about to block: it must not, or the upcall's news would wait with it. */
        thread->registers.rax = (uint64_t)(int64_t)ERROR_INTERRUPTED;
        thread->registers.rip = process->block_end;
    }
    thread->upcall_bits = 0;
    if (!frame_push(thread, &frame, UPCALL_BITS)) {
        process_die_of_fault(thread, VECTOR_PAGE_FAULT, 0, thread->registers.rsp, DEATH_FAULT);
    }
}
/* [/book] */

bool upcall_push_fault(struct thread *thread, unsigned vector, uint64_t error_code,
                       uint64_t fault_address) {
    struct upcall_frame frame = {
        .vector = vector, .error_code = (uint32_t)error_code, .fault_address = fault_address};

    if (thread->process->upcall_entry == 0 || thread->in_upcall == UPCALL_FAULT) {
        return false;
    }
    /* Between two steps of a long call the page of its `syscall` instruction may have gone. */
    thread_operation_drop(thread);
    return frame_push(thread, &frame, UPCALL_FAULT);
}

void upcall_raise(struct thread *thread, uint64_t bits) {
    thread->upcall_bits |= bits;
    if (!thread->in_upcall && thread->process->upcall_entry != 0) {
        thread->attention = true;
        thread_interrupt(thread);
        scheduler_kick_thread(thread);
    }
}

status_t sys_thread_upcall(struct thread *thread) {
    const struct handle_table *table = &thread->process->handles;
    uint64_t handle = thread->registers.rdi;
    struct object *object;
    struct thread *target;
    status_t status = handle_find(table, handle, OBJECT_THREAD, RIGHT_NOTIFY, &object);

    if (status == ERROR_WRONG_TYPE) {
        status = handle_find(table, handle, OBJECT_PROCESS, RIGHT_NOTIFY, &object);
    }
    if (status != OK) {
        return status;
    }
    target = object->type == OBJECT_THREAD
                 ? CONTAINER_OF(object, struct thread, object)
                 : process_thread(CONTAINER_OF(object, struct process, object), 0);
    if (target == NULL || target->state == THREAD_DEAD || process_is_dying(target->process)) {
        return ERROR_CLOSED;
    }
    upcall_raise(target, thread->registers.rsi);
    return OK;
}

/* Bits that came before there was a handler. */
static void upcall_raise_again(struct thread *thread, uint64_t unused) {
    (void)unused;
    if (thread->upcall_bits != 0) {
        upcall_raise(thread, 0);
    }
}

status_t sys_upcall_set(struct thread *thread) {
    struct process *process = thread->process;
    const struct registers *registers = &thread->registers;

    if (registers->rdi >= USER_TOP || registers->rsi > registers->rdx ||
        registers->rdx >= USER_TOP) {
        return ERROR_BAD_ADDRESS;
    }
    process->upcall_entry = registers->rdi;
    process->block_begin = registers->rsi;
    process->block_end = registers->rdx;
    return process_visit_threads(thread, process, upcall_raise_again, 0);
}

status_t sys_upcall_return(struct thread *thread) {
    struct upcall_frame frame;
    status_t status =
        copy_in(thread->process->space, &frame, user_ptr(thread->registers.rdi), sizeof(frame));

    if (status == OK) {
        status = registers_import(&thread->registers, &frame.registers);
    }
    if (status != OK) {
        return status;
    }
    fpu_import(thread, frame.vector_state);
    thread->in_upcall = (uint8_t)MIN(frame.interrupted, (uint64_t)UPCALL_FAULT);
    thread->attention = thread->upcall_bits != 0 && thread->in_upcall == UPCALL_NOT;
    return RESULT_KEEP;
}

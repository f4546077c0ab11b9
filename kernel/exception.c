/* SPDX-License-Identifier: MIT */
/* Exceptions of programs: pages that come on demand, upcalls, and death. Interrupt lines are in
 * irq.c. */
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/lock.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/space.h"
#include "kernel/upcall.h"

/* Page fault error code (Intel SDM 3A 4.7). */
#define FAULT_PRESENT  (1u << 0)
#define FAULT_WRITE    (1u << 1)
#define FAULT_USER     (1u << 2)
#define FAULT_RESERVED (1u << 3)
#define FAULT_FETCH    (1u << 4)

/*
 * A fault that would come again whatever we map: reserved bits in an entry (device memory beyond
 * the processor's address lines), or an access that was made with the rights of ring 0 and that
 * SMAP forbids (QEMU pops a far return's frame that way).
 */
static bool fault_is_final(uint64_t error_code) {
    if (LIKELY((error_code & (FAULT_RESERVED | FAULT_USER)) == FAULT_USER)) {
        return false;
    }
    return (error_code & (FAULT_RESERVED | FAULT_PRESENT)) != 0;
}

static enum access fault_access(uint64_t error_code) {
    if ((error_code & FAULT_FETCH) != 0) {
        return ACCESS_EXECUTE;
    }
    return (error_code & FAULT_WRITE) != 0 ? ACCESS_WRITE : ACCESS_READ;
}

/* The program is told, or it ends. `status` says why no page came. */
static NOINLINE void exception_tell(struct thread *thread, status_t status) {
    unsigned vector = (unsigned)thread->registers.vector;
    uint64_t error_code = thread->registers.error_code;
    uint64_t address = vector == VECTOR_PAGE_FAULT ? arch_fault_address() : 0;
    bool budget = status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY;

    if (vector == VECTOR_DEBUG) {
        arch_debug_status_clear();
    }
    if (status == ERROR_NOT_FOUND) {
        error_code |= FAULT_BEYOND_END;
    }
    if (!upcall_push_fault(thread, vector, error_code | (budget ? FAULT_OUT_OF_BUDGET : 0),
                           address)) {
        process_die_of_fault(thread, vector, error_code, address,
                             budget ? DEATH_BUDGET : DEATH_FAULT);
    }
}

/* [book:exception-enter] */
void exception_enter(struct thread *thread) {
    uint64_t error_code = thread->registers.error_code;
    status_t status = ERROR_NOT_SUPPORTED;

    kernel_lock_take();
    if (LIKELY(thread->registers.vector == VECTOR_PAGE_FAULT && !fault_is_final(error_code))) {
        status =
            space_fault(thread->process->space, arch_fault_address(), fault_access(error_code));
    }
    if (UNLIKELY(status != OK)) {
        exception_tell(thread, status);
    }
    scheduler_leave(thread, SWITCH_PREEMPT);
}
/* [/book] */

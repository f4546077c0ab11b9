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
#define FAULT_WRITE (1u << 1)
#define FAULT_FETCH (1u << 4)

static enum access fault_access(uint64_t error_code) {
    if ((error_code & FAULT_FETCH) != 0) {
        return ACCESS_EXECUTE;
    }
    return (error_code & FAULT_WRITE) != 0 ? ACCESS_WRITE : ACCESS_READ;
}

/* [book:exception-enter] */
void exception_enter(struct thread *thread, unsigned vector, uint64_t error_code,
                     uint64_t fault_address) {
    enum death_cause cause = DEATH_FAULT;
    status_t status = ERROR_NOT_SUPPORTED;

    kernel_lock_take();
    if (LIKELY(vector == VECTOR_PAGE_FAULT)) {
        status = space_fault(thread->process->space, fault_address, fault_access(error_code), NULL);
    }
    if (status == ERROR_OUT_OF_BUDGET || status == ERROR_NO_MEMORY) {
        cause = DEATH_BUDGET;
        error_code |= FAULT_OUT_OF_BUDGET;
    }
    if (UNLIKELY(status != OK) && !upcall_push_fault(thread, vector, error_code, fault_address)) {
        process_die_of_fault(thread, vector, error_code & ~(uint64_t)FAULT_OUT_OF_BUDGET,
                             fault_address, cause);
    }
    scheduler_leave(thread, SWITCH_PREEMPT);
}
/* [/book] */

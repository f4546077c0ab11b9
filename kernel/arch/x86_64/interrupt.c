/* SPDX-License-Identifier: MIT */
/*
 * What happens by vector, once entry.S has saved the registers.
 */
#include "kernel/arch/x86_64/entry.h"

#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/panic.h"

void interrupt_dispatch(struct thread *thread) {
    unsigned vector = (unsigned)thread->registers.vector;

    if (vector < N_EXCEPTIONS) {
        exception_enter(thread);
        return;
    }
    if (vector == VECTOR_WAIT && !registers_are_user(&thread->registers)) {
        kernel_thread_wait_enter(thread);
        return;
    }
    if (vector < VECTOR_IRQ + IRQS) {
        interrupt_enter(thread, vector);
    } else if (vector == VECTOR_TIMER) {
        irq_acknowledge_local();
        timer_enter(thread);
    } else if (vector == VECTOR_KICK) {
        irq_acknowledge_local();
        kick_enter(thread);
    } else if (vector == VECTOR_MAILBOX) {
        irq_acknowledge_local();
        arch_poll_mailbox();
    } else if (vector != VECTOR_SPURIOUS) {
        irq_acknowledge_local(); /* a device sent what nobody gave it: others must still come */
    }
    /* The local APIC's own spurious one is not acknowledged (SDM 3, 10.9). */
}

/* GS base may be the user's if the fault is near swapgs; the panic needs ours. */
void interrupt_fault_in_kernel(struct registers *registers) {
    panic_registers(registers, "exception %u, error %#lx, address %#lx in the kernel",
                    (unsigned)registers->vector, registers->error_code, arch_fault_address());
}

void interrupt_any_time(struct registers *registers) {
    switch (registers->vector) {
    case VECTOR_NMI:
        if (arch_cpus_stopped) {
            arch_halt(); /* another CPU panics */
        }
        break;
    case VECTOR_DEBUG:
        /* No breakpoint is set and FMASK clears TF, so nothing should bring us here; but user mode
         * must not find an instruction that does. Nothing to be seen: go on without the trap. */
        arch_debug_status_clear();
        registers->rflags &= ~(uint64_t)RFLAGS_TRAP;
        break;
    case VECTOR_MACHINE_CHECK:
        panic_registers(registers, "machine check: the hardware is broken");
    default:
        panic_registers(registers, "double fault: stack overflow in the kernel?");
    }
}

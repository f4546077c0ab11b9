/* SPDX-License-Identifier: MIT */
/*
 * Entering and leaving threads. What generic code calls, and the generic functions that entry.S and
 * interrupt.c call.
 *
 * struct thread (kernel/thread.h) has as its first members, in this order, and is aligned to 16
 * bytes: struct registers registers; uint64_t fs_base; struct fpu_state fpu;
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/thread.h"

/*
 * The thread (current, in a system call) is going to wait: of its vector state only MXCSR and FCW
 * are kept. It must go through arch_thread_activate before it runs again, even if it need not wait
 * after all and is both previous and next.
 */
static inline void fpu_note_call(struct thread *thread) {
    if (thread->fpu.kept == FPU_LIVE) {
        fpu_store_control(&thread->fpu.image);
        thread->fpu.kept = FPU_CALL;
    }
}

/*
 * `next` becomes what this CPU runs: cpu->current, the interrupt stack, page tables, and for a user
 * thread FS base and vector registers. root: its page tables; 0: the loaded ones stay (a kernel
 * thread runs with any; but before freeing a root, see that it is no CPU's space_root). previous:
 * what ran until now, NULL the first time; it may have exited, but not be freed yet. Called with
 * the lock held.
 *
 * FS base is loaded even if it is the same number as the previous user thread's: that one may have
 * loaded a selector, which changes the base behind our back (SDM 3, 3.4.4).
 */
static inline void arch_thread_activate(struct thread *previous, struct thread *next,
                                        paddr_t root) {
    struct cpu *cpu = cpu_this();

    if (previous != NULL && previous != next) {
        fpu_save(previous);
    }
    cpu->current = next;
    cpu->tss.rsp[0] = (uint64_t)(&next->registers + 1);
    if (cpu->space_root != root && root != 0) {
        arch_space_load(root);
    }
    if (!registers_are_user(&next->registers)) {
        return; /* what the last user thread had stays, perhaps it is the next one too */
    }
    if (cpu->fpu_owner != next || next->fpu.cpu != cpu) {
        msr_write(MSR_FS_BASE, next->fs_base);
    }
    fpu_load(next);
}

/* Sets the FS base of a thread, at once if it is the current one. BAD_ADDRESS if not in the user
 * half. */
WARN_UNUSED status_t arch_thread_set_fs_base(struct thread *thread, uint64_t fs_base);

/* Leaves the boot path: runs cpu_this()->current. */
NORETURN void arch_return(void);

/* A kernel thread gives the CPU away until it is made ready again: calls kernel_thread_wait_enter.
 * Not between kernel_enter and kernel_leave. What it waits for is checked in there, under the lock,
 * so that no wake-up is lost. */
static inline void arch_kernel_thread_wait(void) {
    __asm__ volatile("int %0" : : "i"(VECTOR_WAIT) : "memory");
}

/*
 * Generic functions that arch calls, on the CPU's kernel stack, interrupts off, with the thread
 * that was interrupted (current). They take and release the kernel lock; when they return,
 * cpu->current is the thread to run.
 */
void syscall_enter(struct thread *thread);
/* An exception in user mode. fault_address is CR2 for page faults (vector 14), else 0. */
void exception_enter(struct thread *thread, unsigned vector, uint64_t error_code,
                     uint64_t fault_address);
/* A device interrupt. line: 0 to 15 of the 8259, 16 and up message-signalled. It is masked (8259)
 * and acknowledged. */
void interrupt_enter(struct thread *thread, unsigned line);
void timer_enter(struct thread *thread);
void kernel_thread_wait_enter(struct thread *thread);

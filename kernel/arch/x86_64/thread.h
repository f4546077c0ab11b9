/* SPDX-License-Identifier: MIT */
/*
 * Entering and leaving threads. What generic code calls, and the generic functions that entry.S and
 * interrupt.c call.
 *
 * struct thread (kernel/thread.h) has as its first members, in this order, and is aligned to 16
 * bytes: struct registers registers; uint64_t fs_base; struct process *process; struct fpu_image
 * fpu;
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/thread.h"

static inline void fpu_image_store(struct fpu_image *image) {
    __asm__ volatile("fxsave64 %0" : "=m"(*image));
}

/*
 * AMD processors without RstrFpErrPtrs load the address of the last x87 instruction only if an
 * exception is pending (APM 5, FXRSTOR), so that of the last thread would be seen: fninit zeroes
 * it.
 */
static inline void fpu_restore(const struct fpu_image *image) {
    if (arch_features.fxsave_leaks) {
        __asm__ volatile("fninit");
    }
    __asm__ volatile("fxrstor64 %0" : : "m"(*image));
}

/* The current thread, in a system call, gives up the CPU: of its vector state only MXCSR and FCW
 * are kept. */
static inline void fpu_save_call(struct thread *thread) {
    if (UNLIKELY(thread->fpu_kept == FPU_IMAGE)) {
        fpu_clean_thread(thread); /* but for the control words, which follow */
    }
    fpu_store_control(&thread->fpu);
}

/* The current thread gives up the CPU at some other time: all is kept. A kernel thread has none. */
static inline void fpu_save(struct thread *thread) {
    if (registers_are_user(&thread->registers)) {
        fpu_image_store(&thread->fpu);
        thread->fpu_kept = FPU_IMAGE;
    }
}

/*
 * `next` becomes what this CPU runs: cpu->current, the interrupt stack, page tables, and for a user
 * thread FS base and vector registers. root: its page tables (a kernel thread runs with any; but
 * before a root is freed, it must not be any CPU's space_root). If another thread was current, what
 * it had must be saved: fpu_save_call or fpu_save. Called with the lock held.
 *
 * FS base is loaded even if it is the same number as the previous user thread's: that one may have
 * loaded a selector, which changes the base behind our back (SDM 3, 3.4.4).
 */
static inline void arch_thread_activate(struct thread *next, paddr_t root) {
    struct cpu *cpu = cpu_this();

    cpu->current = next;
    cpu->tss.rsp[0] = (uint64_t)(&next->registers + 1);
    if (cpu->space_root != root && root != 0) {
        arch_space_load(root);
    }
    if (registers_are_user(&next->registers)) {
        msr_write(MSR_FS_BASE, next->fs_base);
        fpu_restore(&next->fpu);
    }
}

/* Sets the FS base of a thread, at once if it is the current one. BAD_ADDRESS if not in the user
 * half; BAD_STATE if it runs on another CPU. */
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
 * cpu->current is the thread to run. Not inline: one of these that needs many registers would save
 * them for all others.
 */
void syscall_enter(struct thread *thread);
/* An exception in user mode: vector and error code are in the registers, the address of a page
 * fault is arch_fault_address. */
NOINLINE void exception_enter(struct thread *thread);
/* A device interrupt, of which irq_acknowledge has yet to be told. */
NOINLINE void interrupt_enter(struct thread *thread, unsigned vector);
NOINLINE void timer_enter(struct thread *thread);
/* Another CPU wants this one to look who should run. */
NOINLINE void kick_enter(struct thread *thread);
NOINLINE void kernel_thread_wait_enter(struct thread *thread);

/* SPDX-License-Identifier: MIT */
/*
 * The kernel in a program of the host: everything of kernel/ that is plain C, with its page tables
 * and scheduler, on one processor and `HOST_MEMORY` bytes of memory that are an array of this
 * program; so a sanitizer sees every access, that to freed frames and slots of slabs too. What
 * touches the machine is here (machine.c) or in tests/host/include, which stands before the
 * repository in the search for headers.
 *
 * A unit test or fuzz target says `Build: kernel` in its head comment. Programs do not run: a test
 * is the current thread. It puts the number and arguments of a system call into its registers and
 * calls host_syscall; or it calls the kernel's functions as they are.
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/process.h"
#include "kernel/thread.h"

#define HOST_MEMORY (16 * MiB)

/* Starts the kernel: memory, the idle thread, the root budget. Once in a program; does nothing the
 * next times. */
void host_kernel_start(void);

/* Calls to be made under the kernel's lock, by tests that use parts of the kernel alone. */
void host_reap(void);        /* does all that waits for the reaper */
uint64_t host_n_reaps(void); /* steps that it took since the start */

/* Lets the time pass to the next timer interrupt (at most to `end_ns`), which is served. */
void host_wait(uint64_t end_ns);

/* A running process with `n_threads` threads of this priority, and a budget of its own of `bytes`.
 */
struct process *host_process(uint64_t bytes, uint32_t n_threads, unsigned priority);

/* The current thread, which is not the idle one, makes a system call: rdi rsi rdx r10 r8 r9 r12 r13
 * r14 r15 rbx, those not given are 0. The result is in its registers, if it has not ended and does
 * not wait. */
void host_syscall(uint64_t number, const uint64_t *arguments, size_t n);

/* Where all system calls are made: a thread whose rip is this has to go on with one (RESTART). */
#define HOST_SYSCALL_RIP 0x2000
static inline bool host_restarts(const struct thread *thread) {
    return thread->registers.rip == HOST_SYSCALL_RIP;
}

/* The current thread goes on with the system call that its registers hold. */
void host_resume(void);

/* The current thread has a page fault: bit 1 of the error code: it wrote; bit 4: it wanted to run
 * what is there. */
void host_fault(uint64_t address, uint64_t error_code);

/* Makes this READY thread the current one: its priority is at least that of the one that runs, and
 * nobody with a higher one is READY. */
void host_run(struct thread *thread);

static inline struct thread *host_current(void) {
    return cpu_this()->current;
}

/*
 * Translations that the processor may have kept: host_tlb_note tells of an access that was allowed.
 * host_tlb_check panics if one of those not flushed since is no longer what the page tables of the
 * space that is loaded say.
 */
void host_tlb_note(uint64_t address);
void host_tlb_check(void);

/* How a panic ends: by default abort. A test of misuse sets it, and leaves by longjmp. */
extern void (*host_on_panic)(const char *text);

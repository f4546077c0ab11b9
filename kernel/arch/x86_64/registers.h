/* SPDX-License-Identifier: MIT */
/*
 * The saved registers of a thread: the first member of struct thread, at offset 0.
 *
 * The end is laid out as the frame that iretq takes, and interrupts from user mode push straight
 * into it: TSS.RSP0 points to the end of the running thread's registers (see entry.S). For that,
 * struct thread is aligned to 16 bytes.
 *
 * Invariant: a user thread's cs and ss are the user selectors, set once by registers_init_user.
 * Invariant: RFLAGS.RF of the saved rflags is our mark for "load everything, by iretq". The
 * processor clears it in what `syscall` saves, so a thread that came by syscall has it clear, and
 * returns by sysret, which loses rcx and r11. Interrupts and exceptions set it. Whoever changes
 * rcx, r11, rip or rflags of a thread to values that a system call did not leave there calls
 * registers_load_whole. (For the program RF only means that an instruction breakpoint at rip is
 * ignored once; there are none.)
 */
#pragma once

#include "abi/kernel.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/types.h"

struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector;     /* last exception or interrupt of this thread; */
    uint64_t error_code; /* and its error code, 0 if it has none */
    uint64_t rip, cs, rflags, rsp, ss;
} ALIGNED(16);

/* A user thread about to run at `entry` with rdi = argument; all else is zero, as it must be
 * before. Any address will do: one that cannot be executed is a fault of that thread. */
void registers_init_user(struct registers *registers, uint64_t entry, uint64_t stack_pointer,
                         uint64_t argument);

/* A kernel thread: calls entry(NULL) in ring 0 with interrupts on. entry must not return.
 * stack_top: end of its stack, aligned to 16 bytes. */
void registers_init_kernel(struct registers *registers, void (*entry)(void *), void *stack_top);

/* The next return to this thread loads all its registers. */
static inline void registers_load_whole(struct registers *registers) {
    registers->rflags |= RFLAGS_RESUME;
}

static inline bool registers_are_user(const struct registers *registers) {
    return (registers->cs & 3) != 0;
}

/* Undoes the step over `syscall`, so that the thread makes the same system call again. rax must
 * hold its number. */
static inline void registers_restart_syscall(struct registers *registers) {
    registers->rip -= 2;
}

/* Enters `entry`(argument) with this stack pointer when the thread runs next; all else is kept.
 * Flags: DF and TF clear. */
void registers_set_call(struct registers *registers, uint64_t entry, uint64_t stack_pointer,
                        uint64_t argument);

/* As a program sees them. */
void registers_export(const struct registers *registers, struct user_registers *user);

/* From a program: flags that it may not choose are set right, selectors kept. BAD_ADDRESS (nothing
 * changed) if rip is not in the user half. The next return loads all. */
WARN_UNUSED status_t registers_import(struct registers *registers,
                                      const struct user_registers *user);

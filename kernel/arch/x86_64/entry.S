/* SPDX-License-Identifier: MIT */
/*
 * Every way into the kernel and out of it.
 *
 * In: all registers go to current->registers (struct thread starts with them), then C runs on the
 * CPU's kernel stack, which is empty at each entry. Out: arch_return runs whatever thread is
 * current by then. So no kernel stack belongs to a thread, and a switch is nothing but another
 * value in cpu->current.
 *
 * While a thread runs in user mode, TSS.RSP0 is the end of its struct registers: the processor
 * pushes ss, rsp, rflags, cs and rip, the stub error code and vector, and PUSH_REGISTERS the rest,
 * all right into their fields.
 */
#include "kernel/arch/x86_64/layout.h"

#define OFFSET(name, structure, member, offset) .set name, offset
#define NUMBER(name, value, truth) .set name, value
#include "kernel/arch/x86_64/offsets.def"

/* From r15 down to rax, the order of struct registers. */
.macro PUSH_REGISTERS
    .irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    pushq %\name
    .endr
.endm

/* The opposite; then vector and error code are skipped, and the frame for iretq is next. */
.macro POP_REGISTERS
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    popq %\name
    .endr
    addq $16, %rsp
.endm

/*
 * At `syscall`: what every call saves, and the lock. Then rcx, r11 and rbp are free.
 */
/* [book:entry-save] */
.macro SYSCALL_SAVE
    swapgs
    movq %rsp, %gs:CPU_SCRATCH /* no register is free */
    movq %gs:CPU_CURRENT, %rsp /* used as a pointer; NMI and the like have stacks of their own */
    movq %rcx, REGISTERS_RIP(%rsp)
    movq %r11, REGISTERS_RFLAGS(%rsp)
    movq %rbp, REGISTERS_RBP(%rsp)
    movq %gs:CPU_SCRATCH, %rbp
    movq %rbp, REGISTERS_RSP(%rsp)
    movl $1, %ebp /* as kernel_lock_take */
    lock xaddl %ebp, kernel_lock + LOCK_NEXT
    cmpl %ebp, kernel_lock + LOCK_SERVING
    jne syscall_contended
.endm
/* [/book] */

.macro SYSCALL_SAVE_REST
    .irp name, RAX, RBX, RDX, RSI, RDI, R8, R9, R10, R12, R13, R14, R15
    movq %\name, REGISTERS_\name(%rsp)
    .endr
.endm

    .text

/*
 * `syscall`: the processor left rip in rcx and rflags (without RF) in r11, and cleared the flags in
 * FMASK, interrupts among them (SDM 2, SYSCALL). rcx and r11 are lost for the program. cs and ss in
 * the structure are the user's already.
 */
    .balign 64
    .globl syscall_entry
/* [book:entry-syscall] */
syscall_entry:
    SYSCALL_SAVE
    cmpq $NUMBER_CALL, %rax
    je fast_call
    cmpq $NUMBER_REPLY_RECEIVE, %rax
    je fast_reply_receive
    testq %rax, %rax
    jz fast_null
/* The way through C. rip, rflags, rbp and rsp are saved, the lock is held. */
    .globl syscall_in_c
syscall_in_c:
    SYSCALL_SAVE_REST
    movq %rsp, %rdi /* current */
    movq %gs:CPU_STACK_TOP, %rsp
    call syscall_enter
    jmp arch_return
/* [/book] */

/* What the processor enters if there is to be no fast path. */
    .globl syscall_entry_in_c
syscall_entry_in_c:
    SYSCALL_SAVE
    jmp syscall_in_c

/* Somebody else holds the lock, for which we have drawn the ticket in ebp. */
syscall_contended:
    SYSCALL_SAVE_REST
    movl %ebp, %edi
    movq %gs:CPU_STACK_TOP, %rsp
    call kernel_lock_wait
    movq %gs:CPU_CURRENT, %rdi
    call syscall_enter
    /* on to arch_return */

/*
 * Runs current. By sysret if it came by syscall and nothing demands more: then RF is clear (see
 * registers.h), and rip is what `syscall` left or an instruction before it: never non-canonical, as
 * the last page of the user half is never mapped, so sysret cannot fault in ring 0. TF wants iretq
 * too: after sysret the trap would come one instruction early.
 */
    .globl arch_return
arch_return:
    movq %gs:CPU_CURRENT, %rsp
    testl $(RFLAGS_RESUME | RFLAGS_TRAP), REGISTERS_RFLAGS(%rsp)
    jnz return_whole
    movq REGISTERS_RIP(%rsp), %rcx
    movq REGISTERS_RFLAGS(%rsp), %r11
    .irp name, RAX, RBX, RDX, RSI, RDI, RBP, R8, R9, R10, R12, R13, R14, R15, RSP
    movq REGISTERS_\name(%rsp), %\name
    .endr
    swapgs
    sysretq

return_whole:
    testb $3, REGISTERS_CS(%rsp)
    jz 1f /* a kernel thread: GS stays the kernel's */
    movq REGISTERS_RIP(%rsp), %rax
    shrq $47, %rax
    jnz return_refused /* iretq would fault here, in ring 0 */
    swapgs
1:  POP_REGISTERS
    iretq /* cannot fault: rip is canonical, cs and ss are our constants */

/*
 * The thread's rip is not in the user half: some processors (AMD) save such a one in an interrupt
 * that comes just after a jump to it. Treated as the protection fault that the jump deserves.
 */
return_refused:
    movq $VECTOR_PROTECTION, REGISTERS_VECTOR(%rsp)
    movq $0, REGISTERS_ERROR(%rsp)
    movq %rsp, %rdi
    movq %gs:CPU_STACK_TOP, %rsp
    call exception_enter
    jmp arch_return

/*
 * The stubs, 16 bytes each, for the gates of all 256 vectors. Some exceptions push an error code
 * (SDM 3, table 6-1; 29 and 30 are AMD's); the others get a 0, so that all frames are alike.
 */
    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
    pushq $0
    .endif
    pushq $vector
    .if vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
    jmp interrupt_on_own_stack
    .elseif vector == VECTOR_DEBUG
    jmp interrupt_debug
    .else
    jmp interrupt_common
    .endif
    .set vector, vector + 1
    .endr

/* [book:entry-interrupt] */
interrupt_common:
    testb $3, 24(%rsp) /* cs, above vector, error code and rip */
    jz interrupt_in_kernel
    swapgs
    PUSH_REGISTERS /* now rsp = current */

/* rsp: the registers of the current thread, complete. */
interrupt_saved:
    .globl interrupt_clac
interrupt_clac:
    nopl (%rax) /* `clac`, if there is SMAP: the program may have set AC. See cpu.c */
    cld /* nor does an interrupt clear DF */
    movq %rsp, %rdi
    orl $RFLAGS_RESUME, REGISTERS_RFLAGS(%rdi) /* the way back loads everything */
    movq %gs:CPU_STACK_TOP, %rsp
    call interrupt_dispatch
    jmp arch_return
/* [/book] */

/*
 * In ring 0. An interrupt (not an exception) where interrupts were on: a kernel thread, whose
 * registers were pushed on its own stack. Anything else is a fault of the kernel.
 */
interrupt_in_kernel:
    PUSH_REGISTERS
    cld
    testl $RFLAGS_INTERRUPT, REGISTERS_RFLAGS(%rsp)
    jz interrupt_fault
    cmpq $N_EXCEPTIONS, REGISTERS_VECTOR(%rsp)
    jae interrupt_copy
interrupt_fault:
    movq %rsp, %rdi
    call interrupt_fault_in_kernel /* does not return */

/* rsp: the registers of the current thread, on another stack than its structure. */
interrupt_copy:
    movq %rsp, %rsi
    movq %gs:CPU_CURRENT, %rdi
    movl $(REGISTERS_BYTES / 8), %ecx
    rep movsq
    movq %gs:CPU_CURRENT, %rsp
    jmp interrupt_saved

/* #DB. From user mode an exception like any other, but for the stack it is on. */
interrupt_debug:
    testb $3, 24(%rsp)
    jz interrupt_on_own_stack
    swapgs
    PUSH_REGISTERS
    cld
    jmp interrupt_copy

/*
 * NMI, #MC, #DF, and #DB in ring 0 come at any instruction, also where GS or rsp are still or again
 * the user's. Each has a stack of its own (IST), with the CPU's structure in the word at its top,
 * and GS base is set by its MSR and put back.
 */
interrupt_on_own_stack:
    PUSH_REGISTERS
    cld
    movl $MSR_GS_BASE, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %rbx /* GS base of the interrupted code; C keeps rbx */
    movq REGISTERS_BYTES(%rsp), %rax /* the word at the top of the stack */
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
    movq %rsp, %rdi
    call interrupt_any_time
    movl $MSR_GS_BASE, %ecx
    movq %rbx, %rax
    movq %rbx, %rdx
    shrq $32, %rdx
    wrmsr
    POP_REGISTERS
    iretq

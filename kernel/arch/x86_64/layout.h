/* SPDX-License-Identifier: MIT */
/*
 * Numbers that C and assembly share: where the kernel lives, selectors, vectors. Only macros, so
 * that .S files can include it. Offsets in structures are in offsets.def.
 */
#pragma once

/* The kernel image is linked at KERNEL_BASE + the physical address it is loaded at. */
#define KERNEL_BASE 0xffffffff80000000

/*
 * The global descriptor table. The order of the three after KERNEL_DATA is what syscall and sysret
 * compute from the STAR register (SDM 2, SYSRET). There is no 32-bit code segment.
 */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b /* 0x18, privilege level 3 */
#define SELECTOR_USER_CODE   0x23 /* 0x20, privilege level 3 */
#define SELECTOR_TSS         0x28 /* two slots */

/* Flags in RFLAGS (SDM 1, 3.4.3). */
#define RFLAGS_FIXED     0x2
#define RFLAGS_TRAP      0x100
#define RFLAGS_INTERRUPT 0x200
#define RFLAGS_DIRECTION 0x400
#define RFLAGS_NESTED    0x4000
#define RFLAGS_RESUME    0x10000
#define RFLAGS_ALIGNMENT 0x40000

/* What a program may choose: carry parity adjust zero sign trap direction overflow, align, ID. */
#define RFLAGS_USER 0x240dd5

/* Exceptions that the entry code treats in their own way (SDM 3, table 6-1). */
#define VECTOR_DEBUG         1
#define VECTOR_NMI           2
#define VECTOR_BREAKPOINT    3
#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_PROTECTION    13
#define VECTOR_PAGE_FAULT    14
#define VECTOR_MACHINE_CHECK 18
#define N_EXCEPTIONS         32

/* Interrupts: lines of the two 8259; what comes to the local APIC by itself, which are lines of
 * I/O APICs and then messages (the kernel's irq numbers 0 to IRQS - 1); our own. */
#define VECTOR_PIC      0x20
#define VECTOR_IRQ      0x30
#define VECTOR_TIMER    0xf0
#define VECTOR_WAIT     0xf1 /* software interrupt of kernel threads: kernel_thread_wait */
#define VECTOR_KICK     0xf2 /* from another CPU: enter the kernel */
#define VECTOR_MAILBOX  0xf3 /* from another CPU: see struct cpu */
#define VECTOR_SPURIOUS 0xff /* of the local APIC; low four bits set, as old ones demand */

/* sizeof(struct registers) */
#define REGISTERS_BYTES 176

/* Stacks of a CPU: each array starts with a guard page. */
#define STACK_GUARD_BYTES     4096
#define KERNEL_STACK_BYTES    16384
#define INTERRUPT_STACK_BYTES 8192

/* Model-specific registers (SDM 4, 2.1). */
#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_PAT            0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC         0x800
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SYSCALL   0x1
#define EFER_LONG_MODE 0x100
#define EFER_NX        0x800

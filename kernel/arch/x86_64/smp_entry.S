/* SPDX-License-Identifier: MIT */
/*
 * Where another processor begins: in real mode, at the start of a page below 1 MiB to which smp.c
 * copied what is between smp_entry and smp_entry_end (SDM 3, 8.4.4.1). cs is that page. From here
 * straight into long mode, with page tables that map the page at its own address too, and on to C.
 * The words at the end are filled in by smp.c.
 */
#include "kernel/arch/x86_64/layout.h"

#define HERE(label) ((label) - smp_entry)

    .section .rodata
    .balign 16
    .globl smp_entry, smp_entry_end, smp_entry_parameters
    .code16
smp_entry:
    cli
    movw %cs, %ax
    movw %ax, %ds
    movl $0x20, %eax /* CR4: physical address extension */
    movl %eax, %cr4
    movl HERE(parameter_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LONG_MODE | EFER_NX | EFER_SYSCALL), %eax
    wrmsr
    movl $0x80050033, %eax /* CR0: PG AM WP NE ET MP PE; caches on */
    movl %eax, %cr0
    lgdtl HERE(parameter_gdt)
    ljmpl *HERE(parameter_start_64)

    .code64
start_64:
    movq parameter_stack(%rip), %rsp
    movq parameter_cpu(%rip), %rdi
    movq parameter_main(%rip), %rax
    xorl %ebp, %ebp /* backtraces end here */
    movl %ebp, %ds
    movl %ebp, %es
    movl %ebp, %ss
    movl %ebp, %fs
    movl %ebp, %gs
    call *%rax /* does not return */
    ud2

    .balign 8
smp_entry_parameters: /* struct smp_parameters */
parameter_root:
    .long 0
parameter_start_64: /* a far pointer: start_64 is so far from smp_entry; smp.c adds the page */
    .long HERE(start_64)
    .word SELECTOR_KERNEL_CODE
parameter_gdt:
    .word 15
    .long HERE(gdt)
    .balign 8
parameter_stack:
    .quad 0
parameter_cpu:
    .quad 0
parameter_main:
    .quad 0
gdt:
    .quad 0
    .quad 0x00209a0000000000 /* SELECTOR_KERNEL_CODE: 64-bit, ring 0 */
smp_entry_end:

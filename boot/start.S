/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C. Both loaders, PVH (Xen's "x86/HVM direct boot ABI") and multiboot2
 * (specification 2.0, 3.3), come here in 32-bit protected mode with flat segments, paging and
 * interrupts off, and ebx = physical address of their information. Here: page tables for the first
 * 4 GiB, long mode, the jump to the upper half, a stack, boot_main.
 */
#include "kernel/arch/x86_64/layout.h"

/* Until paging is on, everything is at its physical address. */
#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)

#define MULTIBOOT2_MAGIC 0xe85250d6

#define PAGE_PRESENT  0x1
#define PAGE_WRITE    0x2
#define PAGE_UNCACHED 0x18 /* PWT and PCD */
#define PAGE_LARGE    0x80
#define PAGE_NX_HIGH  0x80000000 /* in the upper half of an entry */

    .section .multiboot, "a"
    .balign 8
multiboot_header:
    .long MULTIBOOT2_MAGIC
    .long 0 /* architecture: i386 */
    .long multiboot_header_end - multiboot_header
    .long -(MULTIBOOT2_MAGIC + (multiboot_header_end - multiboot_header))
    .word 3, 0 /* tag: entry address */
    .long 12, PHYSICAL(multiboot_start)
    .balign 8
    .word 0, 0 /* tag: end */
    .long 8
multiboot_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* lengths of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad PHYSICAL(pvh_start)

    .text
    .code32
    .globl multiboot_start
multiboot_start:
    movl %eax, %esi /* the loader's magic number; rdtsc needs eax */
    rdtsc
    jmp start
pvh_start:
    rdtsc
    xorl %esi, %esi /* 0 stands for PVH */

start:
    cld
    movl $PHYSICAL(cpu_stacks + STACK_GUARD_BYTES + KERNEL_STACK_BYTES), %esp
    pushl %edx /* as 64-bit words, to be popped below: when we started, */
    pushl %eax
    pushl $0 /* where the information is, */
    pushl %ebx
    pushl $0 /* and whose it is */
    pushl %esi

    movl $0x80000000, %eax /* highest extended CPUID leaf */
    cpuid
    cmpl $0x80000001, %eax
    jb not_supported
    movl $0x80000001, %eax
    cpuid
    andl $0x20100000, %edx /* long mode and no-execute */
    cmpl $0x20100000, %edx
    jne not_supported

    /* [book:boot-tables] */
    movl $PHYSICAL(boot_directories), %edi /* 4 directories: 2048 pages of 2 MiB */
    movl $(PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE), %eax
    movl $2048, %ecx
1:  movl %eax, (%edi) /* the upper half of the entry is 0 */
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    /* [/book] */

    movl $10, %ecx /* APICs: the 20 MiB from 0xfec00000 to 4 GiB are not RAM */
2:  subl $8, %edi
    orl $PAGE_UNCACHED, (%edi)
    decl %ecx
    jnz 2b

    movl $(PHYSICAL(boot_directories) + PAGE_PRESENT + PAGE_WRITE), %eax
    movl %eax, PHYSICAL(boot_table_kernel) + 510 * 8 /* -2 GiB: the first GiB */
    movl $PHYSICAL(boot_table_low), %edi
    movl $4, %ecx
3:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    decl %ecx
    jnz 3b

    movl $(PHYSICAL(boot_table_low) + PAGE_PRESENT + PAGE_WRITE), %eax
    movl %eax, PHYSICAL(boot_root) /* identity, for the jump */
    movl %eax, PHYSICAL(boot_root) + 256 * 8 /* direct map, not executable */
    movl $PAGE_NX_HIGH, PHYSICAL(boot_root) + 256 * 8 + 4
    movl $(PHYSICAL(boot_table_kernel) + PAGE_PRESENT + PAGE_WRITE), PHYSICAL(boot_root) + 511 * 8

    /* [book:boot-long-mode] */
    /* SDM 3, 9.8.5: the way into long mode. */
    movl $0x20, %eax /* CR4: physical address extension, nothing else */
    movl %eax, %cr4
    movl $PHYSICAL(boot_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LONG_MODE | EFER_NX | EFER_SYSCALL), %eax
    wrmsr
    movl $0x80050033, %eax /* CR0: PG AM WP NE ET MP PE; caches on */
    movl %eax, %cr0
    lgdt PHYSICAL(boot_gdt_pointer)
    ljmp $SELECTOR_KERNEL_CODE, $PHYSICAL(start_64)
    /* [/book] */

/* Says so on the serial line and on the screen, and stays here. */
not_supported:
    movl $PHYSICAL(message), %esi
    movl $0xb8000, %edi
1:  lodsb
    testb %al, %al
    jz 3f
    movb $0x4f, %ah /* white on red */
    stosw
    movw $0x3fd, %dx /* COM1, line status: wait until a byte can be sent, not for ever */
    movl $100000, %ecx
    movb %al, %bl
2:  inb %dx, %al
    testb $0x20, %al
    loopz 2b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 1b
3:  cli
    hlt
    jmp 3b

    .code64
start_64:
    movq $start_upper, %rax
    jmp *%rax
start_upper:
    movabsq $KERNEL_BASE, %rax
    addq %rax, %rsp /* the same stack, seen from the upper half */
    movq $0, boot_root /* the identity map has done its duty */
    movq %cr3, %rax
    movq %rax, %cr3
    xorl %eax, %eax
    movl %eax, %ds /* 64-bit mode does not use these; GS and FS get their bases in cpu.c */
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    xorl %ebp, %ebp /* backtraces end here */
    popq %rdi /* magic */
    popq %rsi /* physical address of the information */
    popq %rdx /* time stamp */
    call boot_main /* does not return; the stack is aligned to 16 bytes */
    ud2

    .section .rodata
message:
    .asciz "EuraliOS needs a 64-bit processor with no-execute pages.\r\n"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000 /* SELECTOR_KERNEL_CODE: 64-bit, ring 0 */
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .long PHYSICAL(boot_gdt)

    .bss
    .balign 4096
    .globl boot_root
boot_root:
    .skip 4096
boot_table_low:
    .skip 4096
boot_table_kernel:
    .skip 4096
boot_directories:
    .skip 4 * 4096

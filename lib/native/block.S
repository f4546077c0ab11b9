/* SPDX-License-Identifier: MIT */
/*
 * The calls that an upcall ends: see lib/native/block.h. `native_block` is the only place where they are made; what the kernel may cut
 * short is exactly [native_block_begin, native_block_end).
 */
#include "lib/native/block_offsets.h"

    .section .rodata
    .balign 4
never_stop:
    .long 0

    .text

/* All registers set up by the caller; rcx: address of the word that stops the call. Result in eax. */
    .type native_block, @function
    .globl native_block_begin, native_block_end
/* [book:block-range] */
native_block:
native_block_begin:
    cmpl $0, (%rcx)
    jne .Lstopped
    syscall
native_block_end:
    ret
.Lstopped:
    movl $-ERROR_NUMBER_INTERRUPTED, %eax
    ret
    .size native_block, . - native_block
/* [/book] */

/* Saves what a message call uses, and loads it: eax the number, rsi the message, rdx the word that stops it, or NULL. */
    .macro message_load
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsi, %rbp
    leaq never_stop(%rip), %rcx
    testq %rdx, %rdx
    cmovnzq %rdx, %rcx
    movl MESSAGE_GATE(%rbp), %edi
    movl MESSAGE_LABEL(%rbp), %esi
    movq MESSAGE_WORD0(%rbp), %rdx
    movq MESSAGE_WORD0 + 8(%rbp), %r10
    movq MESSAGE_WORD0 + 16(%rbp), %r8
    movq MESSAGE_WORD0 + 24(%rbp), %r9
    movq MESSAGE_DEADLINE(%rbp), %r12
    movq MESSAGE_CONTROL(%rbp), %r13
    movq MESSAGE_HANDLES(%rbp), %r14
    movq MESSAGE_HANDLES + 8(%rbp), %r15
    leaq MESSAGE_SEGMENTS_AT(%rbp), %rbx
    .endm

    .macro message_store
    movq %rsi, MESSAGE_LABEL(%rbp) /* and the tag behind it */
    movq %rdx, MESSAGE_WORD0(%rbp)
    movq %r10, MESSAGE_WORD0 + 8(%rbp)
    movq %r8, MESSAGE_WORD0 + 16(%rbp)
    movq %r9, MESSAGE_WORD0 + 24(%rbp)
    movq %r13, MESSAGE_CONTROL(%rbp)
    movq %r14, MESSAGE_HANDLES(%rbp)
    movq %r15, MESSAGE_HANDLES + 8(%rbp)
    .endm

    .macro message_return
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .endm

/* status_t native_message(number, message, stop) */
    .globl native_message
    .type native_message, @function
native_message:
    movl %edi, %eax
    message_load
    call native_block
    testl %eax, %eax
    js 1f
    movl %eax, MESSAGE_KIND(%rbp)
    movq %rdi, MESSAGE_BADGE(%rbp)
    movq %r12, MESSAGE_READABLE(%rbp) /* and what is writable behind it */
    movq %rbx, MESSAGE_OWN_BADGE(%rbp)
    message_store
    xorl %eax, %eax
1:  message_return
    .size native_message, . - native_message

/* status_t native_call(message, stop) */
    .globl native_call
    .type native_call, @function
native_call:
    movq %rsi, %rdx
    movq %rdi, %rsi
    movl $SYSCALL_NUMBER_CALL, %eax
    message_load
    call native_block
    testl %eax, %eax
    js 1f
    cmpl $-ERROR_NUMBER_INTERRUPTED, %esi
    je 2f
    message_store
1:  message_return
2:  movl %esi, %eax
    jmp 1b
    .size native_call, . - native_call

/* status_t native_futex_wait(address, expected, deadline, flags, stop) */
    .globl native_futex_wait
    .type native_futex_wait, @function
native_futex_wait:
    movl %ecx, %r10d
    leaq never_stop(%rip), %rcx
    testq %r8, %r8
    cmovnzq %r8, %rcx
    movl $SYSCALL_NUMBER_FUTEX_WAIT, %eax
    jmp native_block
    .size native_futex_wait, . - native_futex_wait

/* status_t native_process_fork(child, stop): the child begins behind the range. */
    .globl native_process_fork
    .type native_process_fork, @function
native_process_fork:
    pushq %rdi
    movq %rsi, %rcx
    movl $SYSCALL_NUMBER_PROCESS_FORK, %eax
    call native_block
    popq %rdi
    testl %eax, %eax
    jnz 1f
    movl %edx, (%rdi)
1:  ret
    .size native_process_fork, . - native_process_fork

    .section .note.GNU-stack, "", @progbits

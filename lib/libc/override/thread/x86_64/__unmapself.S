/* SPDX-License-Identifier: MIT */
/*
 * void __unmapself(void *base, size_t size): the end of a detached thread, which takes its own stack
 * away. Upstream makes two system calls without a stack; ours is one operation.
 */
    .text
    .global __unmapself
    .hidden __unmapself
    .type __unmapself, @function
__unmapself:
    jmp __euralios_unmapself
    .size __unmapself, . - __unmapself

    .section .note.GNU-stack, "", @progbits

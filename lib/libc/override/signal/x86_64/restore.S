/* SPDX-License-Identifier: MIT */
/*
 * __restore_rt: where a signal handler returns to. The nop is upstream's: unwinders look up the
 * address before a return address, which must lie in a function too.
 */
    .text
    .global __restore_rt
    .hidden __restore_rt
    .type __restore_rt, @function
    nop
__restore_rt:
    jmp __euralios_sigreturn
    .size __restore_rt, . - __restore_rt

    .section .note.GNU-stack, "", @progbits

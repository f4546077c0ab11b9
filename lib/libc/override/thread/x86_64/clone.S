/* SPDX-License-Identifier: MIT */
/*
 * int __clone(int (*function)(void *), void *stack, int flags, void *argument, int *parent_tid,
 *             void *tls, int *child_tid)
 * The hook has the same seven parameters (upstream's is variadic, which changes no register).
 */
    .text
    .global __clone
    .hidden __clone
    .type __clone, @function
__clone:
    jmp __euralios_clone
    .size __clone, . - __clone

    .section .note.GNU-stack, "", @progbits

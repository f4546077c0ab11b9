/* SPDX-License-Identifier: MIT */
/*
 * long __syscall_cp_asm(volatile void *cancel, long number, long a, ... long f): a system call at
 * which the thread can be cancelled.
 *
 * Upstream's signal handler cancels a thread whose RIP lies in [__cp_begin, __cp_end): between the
 * look at *cancel and the end of the `syscall`. Here that range is the look only. A cancellation
 * that comes later has to end the hook with -EINTR (hooks.h), upon which musl's __syscall_cp_c
 * looks at *cancel itself.
 */
    .text
    .global __cp_begin, __cp_end, __cp_cancel, __syscall_cp_asm
    .hidden __cp_begin, __cp_end, __cp_cancel, __syscall_cp_asm, __cancel
    .type __syscall_cp_asm, @function
__syscall_cp_asm:
__cp_begin:
    mov (%rdi), %eax
    test %eax, %eax
    jnz __cp_cancel
    jmp __euralios_syscall_cp       /* the same eight parameters, two of them on the stack */
__cp_end:
__cp_cancel:
    jmp __cancel
    .size __syscall_cp_asm, . - __syscall_cp_asm

    .section .note.GNU-stack, "", @progbits

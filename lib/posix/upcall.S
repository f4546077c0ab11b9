/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel enters for an upcall, where handlers start, and the switch to the alternate stack.
 */
    .text

/* rdi = struct upcall_frame; rsp = frame - 8: aligned as after a call. upcall_take does not return. */
    .global upcall_entry
    .type upcall_entry, @function
upcall_entry:
    cld
    xor %ebp, %ebp
    call upcall_take_aligned
    ud2

upcall_take_aligned:
    sub $8, %rsp
    and $-16, %rsp
    call upcall_take
    ud2

/* rdi = struct upcall_frame of what was interrupted, on this stack above us. */
    .global upcall_trampoline
    .type upcall_trampoline, @function
upcall_trampoline:
    xor %ebp, %ebp
    and $-16, %rsp
    call upcall_deliver
    ud2

/* (handler, signal, information, context, stack): calls handler(signal, information, context) on `stack`, 0: on this one. */
    .global upcall_call_handler
    .type upcall_call_handler, @function
upcall_call_handler:
    push %rbp
    mov %rsp, %rbp
    mov %rdi, %rax
    mov %esi, %edi
    mov %rdx, %rsi
    mov %rcx, %rdx
    test %r8, %r8
    jz 1f
    mov %r8, %rsp
1:  and $-16, %rsp
    call *%rax
    mov %rbp, %rsp
    pop %rbp
    ret

/* musl's restorer. Handlers return to upcall_call_handler: nobody comes here. */
    .global __euralios_sigreturn
    .type __euralios_sigreturn, @function
__euralios_sigreturn:
    ud2

    .section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/* pid_t vfork(void) */
    .text
    .global vfork
    .type vfork, @function
vfork:
    jmp __euralios_vfork
    .size vfork, . - vfork

    .section .note.GNU-stack, "", @progbits

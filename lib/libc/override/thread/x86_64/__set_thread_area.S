/* SPDX-License-Identifier: MIT */
/* int __set_thread_area(void *tp): sets the FS base. 0, or minus an errno. */
    .text
    .global __set_thread_area
    .hidden __set_thread_area
    .type __set_thread_area, @function
__set_thread_area:
    jmp __euralios_set_tp
    .size __set_thread_area, . - __set_thread_area

    .section .note.GNU-stack, "", @progbits

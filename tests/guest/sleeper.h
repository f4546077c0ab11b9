/* SPDX-License-Identifier: MIT */
/* Threads that only wait, by the thousand: they have no stack, and all that they do is system
 * calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/native/syscall.h"

/* What such a thread is told: it waits as long as the word is 0, each time until the deadline. */
struct sleeper {
    volatile uint32_t word;
    uint64_t deadline;
};

_Static_assert(offsetof(struct sleeper, deadline) == 8, "the code below reads it there");

/* Where it begins, with a struct sleeper as its argument. Woken when the word is not 0, it ends. */
__attribute__((naked)) static void sleeper_main(void) {
    __asm__ volatile("movq %%rdi, %%rbx\n"
                     "1: movl %0, %%eax\n"
                     "movq %%rbx, %%rdi\n"
                     "xorl %%esi, %%esi\n"
                     "movq 8(%%rbx), %%rdx\n"
                     "xorl %%r10d, %%r10d\n"
                     "syscall\n"
                     "cmpl $0, (%%rbx)\n"
                     "je 1b\n"
                     "movl %1, %%eax\n"
                     "xorl %%edi, %%edi\n"
                     "xorl %%esi, %%esi\n"
                     "xorl %%edx, %%edx\n"
                     "syscall\n"
                     :
                     : "i"(SYSCALL_futex_wait), "i"(SYSCALL_thread_exit));
}

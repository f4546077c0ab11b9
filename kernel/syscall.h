/* SPDX-License-Identifier: MIT */
/*
 * System calls: the table and its entries. Each sys_NAME reads its arguments from
 * thread->registers, checks everything, then commits with steps that cannot fail, and returns the
 * status for rax (results go to rdx and rsi), or one of the two below.
 */
#pragma once

#include "kernel/thread.h"

struct irq;

/* rax is set already, or will be when the thread wakes. */
#define RESULT_KEEP 1
/* Unfinished: the progress is in the registers or in thread->operation; the thread makes the same
 * call again. */
#define RESULT_RESTART 2

/* A call ON an object gets it looked up and its right checked. */
#define SYSCALL(number, name, text) status_t sys_##name(struct thread *thread);
#define SYSCALL_ON(number, name, kind, structure, right, text)                                     \
    status_t sys_##name(struct thread *thread, struct structure *first);
#define SYSCALL_OWN SYSCALL_ON
#include "abi/syscalls.def"
#undef SYSCALL

extern uint64_t syscall_n_made; /* since boot, but for those of the fast path, cpu_generic.n_fast */

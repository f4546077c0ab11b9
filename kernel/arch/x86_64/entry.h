/* SPDX-License-Identifier: MIT */
/*
 * Labels of entry.S and start.S, and what entry.S calls.
 */
#pragma once

#include "kernel/arch/x86_64/registers.h"

struct thread;

#define INTERRUPT_STUB_BYTES 16

extern char syscall_entry[], syscall_entry_in_c[], interrupt_stubs[], interrupt_clac[];
extern char *const fastpath_fninit[2];
extern char boot_root[]; /* the boot page tables */

/* Exception or interrupt that came while the thread, whose registers are saved, was running. */
void interrupt_dispatch(struct thread *thread);

/* Exception in the kernel itself. */
NORETURN void interrupt_fault_in_kernel(struct registers *registers);

/* NMI, #MC, #DF, and #DB in ring 0; comes back if nothing is broken. */
void interrupt_any_time(struct registers *registers);

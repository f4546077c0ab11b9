/* SPDX-License-Identifier: MIT */
/*
 * Several processors: starting them (SDM 3, 8.4), and what one asks of another by an interrupt.
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"

struct boot_info;

/*
 * Starts the processors that the ACPI tables name, up to CPU_MAX and to `cpus=` on the command
 * line, and waits until each runs: cpu_n says how many. Called once, with the lock held, on the
 * boot CPU; each new one calls smp_enter, which waits for the lock. Takes about 10 ms for each.
 */
void smp_start(const struct boot_info *boot);

/* Generic: the rest of a new CPU's way. Interrupts off, all of arch ready, the lock not taken. */
NORETURN void smp_enter(void);

/* Makes another CPU enter the kernel soon, by VECTOR_KICK. */
void arch_cpu_kick(const struct cpu *cpu);

/*
 * Every CPU that has this space loaded forgets what it knows of the space (CPU_FLUSH), or loads the
 * kernel's own tables, as nothing but a kernel thread can run there (CPU_LEAVE_SPACE). Returns when
 * that is done. The lock is held, so that no CPU loads a space meanwhile; who waits for the lock
 * answers too. Not inline, as tools/stretch does not count the waiting.
 */
NOINLINE void arch_space_request(paddr_t root, enum cpu_request request);

/* All other CPUs stop for good. For panic: whatever they are at. */
void arch_cpus_stop(void);
extern bool arch_cpus_stopped;

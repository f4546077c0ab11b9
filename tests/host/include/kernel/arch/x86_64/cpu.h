/* SPDX-License-Identifier: MIT */
/* Stand-in on the host for the instructions that only a kernel may use; all else is the kernel's.
 */
#pragma once

#define cpu_this                cpu_this_of_kernel
#define msr_write               msr_write_of_kernel
#define tsc_read                tsc_read_of_kernel
#define arch_space_load         arch_space_load_of_kernel
#define arch_tlb_flush_page     arch_tlb_flush_page_of_kernel
#define arch_tlb_flush_all      arch_tlb_flush_all_of_kernel
#define arch_fault_address      arch_fault_address_of_kernel
#define arch_interrupts_disable arch_interrupts_disable_of_kernel
#define arch_interrupts_enable  arch_interrupts_enable_of_kernel
#include_next "kernel/arch/x86_64/cpu.h"
#undef cpu_this
#undef msr_write
#undef tsc_read
#undef arch_space_load
#undef arch_tlb_flush_page
#undef arch_tlb_flush_all
#undef arch_fault_address
#undef arch_interrupts_disable
#undef arch_interrupts_enable

/* The processor that acts; the clock, a tick a nanosecond; the address of the last page fault. */
extern uint32_t host_cpu;
extern uint64_t host_now_ns;
extern uint64_t host_fault_address;

static inline struct cpu *cpu_this(void) {
    return &cpus[host_cpu];
}

static inline void msr_write(uint32_t msr, uint64_t value) {
    (void)msr;
    (void)value;
}

static inline uint64_t tsc_read(void) {
    return host_now_ns;
}

/* See host_tlb_check. */
void arch_tlb_flush_page(uint64_t address);
void arch_tlb_flush_all(void);

static inline void arch_space_load(paddr_t root) {
    cpu_this()->space_root = root;
    arch_tlb_flush_all();
}

static inline uint64_t arch_fault_address(void) {
    return host_fault_address;
}

static inline void arch_interrupts_disable(void) {
}

static inline void arch_interrupts_enable(void) {
}

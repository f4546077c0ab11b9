/* SPDX-License-Identifier: MIT */
/*
 * One processor: its structure, reached through GS, its tables, and the instructions that only the
 * kernel may use.
 *
 * Invariant: in kernel mode GS base is this CPU's struct cpu, in user mode it is the user's 0 and
 * KERNEL_GS_BASE holds the structure (SDM 2, SWAPGS). Entries that may interrupt the few
 * instructions around swapgs set it themselves. Invariant: the kernel runs with interrupts off, but
 * for kernel threads outside kernel_enter ... kernel_leave.
 */
#pragma once

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/registers.h"
#include "kernel/cpu_generic.h"
#include "kernel/types.h"

/* Task state segment, 64-bit (SDM 3, 8.7): where stacks are found at an interrupt. */
struct tss {
    uint32_t reserved_0;
    uint64_t rsp[3];
    uint64_t reserved_1;
    uint64_t ist[7]; /* [0] is IST 1 */
    uint64_t reserved_2;
    uint16_t reserved_3;
    uint16_t io_map_base; /* beyond the limit: no port is open to user mode */
} PACKED;

enum interrupt_stack {
    IST_NMI = 1,
    IST_MACHINE_CHECK = 2,
    IST_DOUBLE_FAULT = 3,
    IST_DEBUG = 4,
    N_IST = 4
};

/* Processors that the kernel can run on. The machine may have more: they stay parked. */
#define CPU_MAX 8

struct cpu {
    struct cpu *self;
    struct thread *current;
    uint64_t kernel_stack_top;
    uint64_t scratch;   /* the user's stack pointer, for an instant, at `syscall` */
    paddr_t space_root; /* what CR3 holds */
    uint64_t gdt[7];
    struct tss tss;
    uint32_t apic_id;
    uint32_t mailbox; /* what another CPU, which holds the lock, waits for: enum cpu_request. Set by
                         that one, zeroed by this one, with or without the lock. */
    struct cpu_generic generic;
} ALIGNED(64);

enum cpu_request { CPU_IDLE = 0, CPU_FLUSH = 1, CPU_LEAVE_SPACE = 2 };

/* Those that run: [0] is the boot CPU. The number grows only before the first program starts. */
extern struct cpu cpus[CPU_MAX];
extern uint32_t cpu_n;

/* Where the kernel stack of a CPU begins. */
uint64_t cpu_stack_top(const struct cpu *cpu);

/* True for the page below the kernel stack or an interrupt stack of a CPU: it must stay unmapped.
 */
bool cpu_is_guard(uint64_t address);

/* [book:cpu-this] */
/* A load like any other for the compiler, which must make it again after whatever may change
 * memory: a kernel thread goes on on another CPU when it has let interrupts in. */
static inline struct cpu *cpu_this(void) {
    return *(struct cpu * __seg_gs *)offsetof(struct cpu, self);
}
/* [/book] */

/* Sets up the boot CPU: control registers, descriptor tables, GS, syscall, FPU. Panics if the
 * processor lacks something. */
void cpu_init_boot(void);

/* What each CPU does of this for itself; another than the boot CPU calls it once that is set up. */
void cpu_init(struct cpu *cpu);

/* From now on the system calls of this CPU, and of those that start later, do or do not try the
 * fast path (fastpath.S) first. At first they do. */
void cpu_set_fast_path(bool on);

static inline uint64_t msr_read(uint32_t msr) {
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t tsc_read(void) {
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* The page tables at `root` (physical, page-aligned) become the ones in use. Flushes all that is
 * not global. */
static inline void arch_space_load(paddr_t root) {
    cpu_this()->space_root = root;
    __asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

/* Forgets the translation of one page on this CPU, also if it is global. */
static inline void arch_tlb_flush_page(uint64_t address) {
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Forgets all translations that are not global, on this CPU. */
static inline void arch_tlb_flush_all(void) {
    uint64_t root;

    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(root) : : "memory");
}

/* What the last page fault was about (the kernel itself has none). */
static inline uint64_t arch_fault_address(void) {
    uint64_t address;

    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

/* Tells the processor's debug unit that all is seen (SDM 3, 17.2.3); no breakpoint is ever set. */
static inline void arch_debug_status_clear(void) {
    __asm__ volatile("movq %0, %%dr6" : : "r"(0xffff0ff0ull));
}

static inline void arch_interrupts_disable(void) {
    __asm__ volatile("cli" : : : "memory");
}

static inline void arch_interrupts_enable(void) {
    __asm__ volatile("sti" : : : "memory");
}

/* Sleeps until the next interrupt; for the idle thread, interrupts on. */
static inline void arch_wait_for_interrupt(void) {
    __asm__ volatile("hlt" : : : "memory");
}

static inline void arch_relax(void) {
    __asm__ volatile("pause" : : : "memory");
}

/* Does what another CPU asks of this one; needs no lock. */
void cpu_mailbox_answer(struct cpu *cpu);
static inline void arch_poll_mailbox(void) {
    struct cpu *cpu = cpu_this();

    if (UNLIKELY(__atomic_load_n(&cpu->mailbox, __ATOMIC_ACQUIRE) != CPU_IDLE)) {
        cpu_mailbox_answer(cpu);
    }
}

/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/cpu.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/entry.h"
#include "kernel/arch/x86_64/features.h"
#include "lib/base/string.h"

_Static_assert(sizeof(struct registers) == REGISTERS_BYTES && REGISTERS_BYTES % 16 == 0,
               "the processor pushes at multiples of 16");
_Static_assert(sizeof(struct tss) == 104, "SDM 3, 8.7");

/* Control register 4 (SDM 3, 2.5). FSGSBASE, PCIDE, OSXSAVE (so AVX too) and PCE stay off. */
#define CR4_PAE             (1ull << 5)
#define CR4_MACHINE_CHECK   (1ull << 6)
#define CR4_GLOBAL_PAGES    (1ull << 7)
#define CR4_FXSAVE          (1ull << 9)
#define CR4_SIMD_EXCEPTIONS (1ull << 10)
#define CR4_UMIP            (1ull << 11)
#define CR4_SMEP            (1ull << 20)
#define CR4_SMAP            (1ull << 21)

/* Entry 1 (PWT alone) becomes write-combining; 0, 2, 3 stay write-back, UC-, uncached; so 4 to 7.
 */
#define PAT_VALUE 0x0007010600070106

/* A gate of the interrupt descriptor table (SDM 3, 6.14.1). */
struct gate_descriptor {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

/* lgdt and lidt take this. */
struct table_pointer {
    uint16_t limit;
    uint64_t base;
} PACKED;

/* An interrupt stack; the entry code finds the CPU in the word at its top. */
struct interrupt_stack_pages {
    uint8_t guard[STACK_GUARD_BYTES];
    uint8_t stack[INTERRUPT_STACK_BYTES - 16];
    struct cpu *cpu;
    uint64_t unused;
};

uint8_t cpu_stacks[CPU_MAX][STACK_GUARD_BYTES + KERNEL_STACK_BYTES] ALIGNED(4096);
static struct interrupt_stack_pages interrupt_stacks[CPU_MAX][N_IST] ALIGNED(4096);
struct cpu cpus[CPU_MAX];
uint32_t cpu_n = 1;
static char *cpu_syscall_entry = syscall_entry; /* of all CPUs */
static struct gate_descriptor idt[256] ALIGNED(16);

uint64_t cpu_stack_top(const struct cpu *cpu) {
    return (uint64_t)cpu_stacks[cpu - cpus] + STACK_GUARD_BYTES + KERNEL_STACK_BYTES;
}

bool cpu_is_guard(uint64_t address) {
    for (unsigned i = 0; i < CPU_MAX; i++) {
        if ((uint64_t)cpu_stacks[i] == address) {
            return true;
        }
        for (unsigned j = 0; j < N_IST; j++) {
            if ((uint64_t)interrupt_stacks[i][j].guard == address) {
                return true;
            }
        }
    }
    return false;
}

static void control_registers_set(void) {
    const struct arch_features *f = &arch_features;
    uint64_t cr4 = CR4_PAE | CR4_MACHINE_CHECK | CR4_FXSAVE | CR4_SIMD_EXCEPTIONS;

    cr4 |= f->global_pages ? CR4_GLOBAL_PAGES : 0;
    cr4 |= f->umip ? CR4_UMIP : 0;
    cr4 |= f->smep ? CR4_SMEP : 0;
    cr4 |= f->smap ? CR4_SMAP : 0;
    __asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
    msr_write(MSR_PAT, PAT_VALUE);
    /* No debugger, no breakpoints: 0x400 is the bit that is always set. */
    __asm__ volatile("movq %0, %%dr7" : : "r"(0x400ull));
}

static void gdt_load(struct cpu *cpu) {
    uint64_t tss = (uint64_t)&cpu->tss;
    struct table_pointer pointer = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};

    cpu->gdt[1] = 0x00209b0000000000; /* kernel code: present, 64-bit, ring 0 */
    cpu->gdt[2] = 0x0000930000000000; /* kernel data */
    cpu->gdt[3] = 0x0000f30000000000; /* user data */
    cpu->gdt[4] = 0x0020fb0000000000; /* user code */
    /* TSS: available, 64-bit; base and limit in pieces (SDM 3, 7.2.3). */
    cpu->gdt[5] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
                  (tss >> 24 & 0xff) << 56;
    cpu->gdt[6] = tss >> 32;
    cpu->tss.io_map_base = sizeof(struct tss);

    __asm__ volatile("lgdt %0" : : "m"(pointer));
    __asm__ volatile("pushq %0\n\t" /* far return: loads cs */
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %1, %%ss\n\t"
                     "movl %2, %%ds\n\t" /* ds, es, fs, gs: none; user mode may load them */
                     "movl %2, %%es\n\t"
                     "movl %2, %%fs\n\t"
                     "movl %2, %%gs"
                     :
                     : "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(0)
                     : "rax", "memory");
    __asm__ volatile("lldt %w0\n\tltr %w1" : : "r"(0), "r"(SELECTOR_TSS) : "memory");
}

static void gate_set(unsigned vector, unsigned stack, unsigned privilege) {
    uint64_t stub = (uint64_t)interrupt_stubs + vector * INTERRUPT_STUB_BYTES;

    idt[vector] = (struct gate_descriptor){
        .offset_low = (uint16_t)stub,
        .selector = SELECTOR_KERNEL_CODE,
        .stack = (uint8_t)stack,
        .type = (uint8_t)(0x8e | privilege << 5), /* present, interrupt gate: interrupts go off */
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

/* One table for all CPUs: the stacks it names are in each one's TSS. */
static void idt_fill(void) {
    for (unsigned vector = 0; vector < 256; vector++) {
        gate_set(vector, 0, 0);
    }
    gate_set(VECTOR_BREAKPOINT, 0, 3); /* int3 is the one that a program may raise */
    gate_set(VECTOR_NMI, IST_NMI, 0);
    gate_set(VECTOR_MACHINE_CHECK, IST_MACHINE_CHECK, 0);
    gate_set(VECTOR_DOUBLE_FAULT, IST_DOUBLE_FAULT, 0);
    gate_set(VECTOR_DEBUG, IST_DEBUG, 0);
}

static void syscall_init(void) {
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SYSCALL);
    /* syscall: cs = 0x08, ss = 0x10; sysret: ss = 0x10 + 8, cs = 0x10 + 16, both with level 3. */
    msr_write(MSR_STAR,
              (uint64_t)(SELECTOR_KERNEL_DATA | 3) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)cpu_syscall_entry);
    msr_write(MSR_CSTAR, 0); /* from 32-bit code, which cannot exist */
    msr_write(MSR_FMASK,
              RFLAGS_TRAP | RFLAGS_INTERRUPT | RFLAGS_DIRECTION | RFLAGS_ALIGNMENT | RFLAGS_NESTED);
    msr_write(MSR_SYSENTER_CS, 0); /* sysenter: a protection fault */
}

void cpu_set_fast_path(bool on) {
    cpu_syscall_entry = on ? syscall_entry : syscall_entry_in_c;
    msr_write(MSR_LSTAR, (uint64_t)cpu_syscall_entry);
}

void cpu_init(struct cpu *cpu) {
    struct table_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};
    unsigned index = (unsigned)(cpu - cpus);

    cpu->self = cpu;
    cpu->kernel_stack_top = cpu_stack_top(cpu);
    for (unsigned i = 0; i < N_IST; i++) {
        interrupt_stacks[index][i].cpu = cpu;
        cpu->tss.ist[i] = (uint64_t)&interrupt_stacks[index][i].cpu;
    }
    control_registers_set();
    gdt_load(cpu);
    msr_write(MSR_FS_BASE, 0);
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    syscall_init();
    fpu_init_cpu();
}

void cpu_init_boot(void) {
    features_detect();
    if (arch_features.smap) {
        /* The text is still writable: replace the nopl by `clac`. */
        memcpy(interrupt_clac, "\x0f\x01\xca", 3);
    }
    if (arch_features.fxsave_leaks) {
        for (unsigned i = 0; i < ARRAY_SIZE(fastpath_fninit); i++) {
            memcpy(fastpath_fninit[i], "\xdb\xe3", 2); /* in place of a nop: `fninit` */
        }
    }
    idt_fill();
    cpus[0].space_root = (uint64_t)boot_root - KERNEL_BASE;
    cpu_init(&cpus[0]);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/smp.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/entry.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/page_table.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/console.h"
#include "kernel/frame.h"
#include "kernel/kernel_threads.h"
#include "kernel/scheduler.h"
#include "lib/base/string.h"

#define REAL_MODE_END (1 * MiB)
#define NS_PER_US     1000ull
#define NS_PER_MS     (1000 * NS_PER_US)
/* SDM 3, 8.4.4.1: 10 ms after INIT, 200 us after a start-up message. */
#define INIT_NS     (10 * NS_PER_MS)
#define START_UP_NS (200 * NS_PER_US)
/* An emulator may be busy with other things. */
#define ARRIVAL_NS (500 * NS_PER_MS)

/* Interrupt command register (SDM 3, 10.6.1). */
#define COMMAND_FIXED    0x04000
#define COMMAND_NMI      0x04400
#define COMMAND_INIT     0x04500
#define COMMAND_START_UP 0x04600

/* The end of smp_entry.S. */
struct smp_parameters {
    uint32_t root;
    uint32_t start_64;
    uint16_t start_64_selector;
    uint16_t gdt_limit;
    uint32_t gdt;
    uint64_t stack;
    uint64_t cpu;
    uint64_t entry;
} PACKED;

extern char smp_entry[], smp_entry_end[], smp_entry_parameters[];

/* Whether the one that is being started came in time. Who changes it from STARTING decides. */
enum arrival { STARTING, ARRIVED, GIVEN_UP };
static uint32_t arrival;
bool arch_cpus_stopped;
static bool ready; /* the one that arrived is set up */

static void wait_ns(uint64_t ns) {
    uint64_t end = clock_now_ns() + ns;

    while (clock_now_ns() < end) {
        arch_relax();
    }
}

static bool arrival_change(enum arrival to) {
    uint32_t from = STARTING;

    return __atomic_compare_exchange_n(&arrival, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* [book:cpu-main] */
/* First C function of another processor: on its own stack, with the page tables for the start. */
static NORETURN void cpu_main(struct cpu *cpu) {
    if (!arrival_change(ARRIVED)) {
        arch_halt();
    }
    cpu_init(cpu);
    arch_space_load(page_table_kernel_root);
    lapic_init_other();
    arch_clock_init_cpu();
    __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    smp_enter();
}
/* [/book] */

static bool arrives_within(uint64_t ns) {
    uint64_t end = clock_now_ns() + ns;

    while (__atomic_load_n(&arrival, __ATOMIC_ACQUIRE) == STARTING) {
        if (clock_now_ns() >= end) {
            return false;
        }
        arch_relax();
    }
    return true;
}

/* [book:cpu-start] */
/* Wakes one processor; false if it does not come. */
static bool cpu_start(struct cpu *cpu, paddr_t page) {
    uint32_t start_up = COMMAND_START_UP | (uint32_t)(page >> PAGE_SHIFT);

    arrival = STARTING;
    ready = false;
    lapic_send(cpu->apic_id, COMMAND_INIT);
    wait_ns(INIT_NS);
    for (unsigned i = 0; i < 2 && arrival == STARTING; i++) {
        lapic_send(cpu->apic_id, start_up);
        (void)arrives_within(START_UP_NS);
    }
    if (!arrives_within(ARRIVAL_NS) && arrival_change(GIVEN_UP)) {
        return false;
    }
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        arch_relax();
    }
    return true;
}
/* [/book] */

/* One after the other; stops at the first that does not come, which may still be somewhere. */
static bool cpus_start(paddr_t page, const uint32_t ids[], unsigned n) {
    size_t offset = (size_t)(smp_entry_parameters - smp_entry);
    struct smp_parameters *parameters = (void *)((char *)paddr_to_pointer(page) + offset);

    memcpy(paddr_to_pointer(page), smp_entry, (size_t)(smp_entry_end - smp_entry));
    parameters->root = (uint32_t)((uint64_t)boot_root - KERNEL_BASE);
    parameters->start_64 += (uint32_t)page;
    parameters->gdt += (uint32_t)page;
    parameters->entry = (uint64_t)cpu_main;
    for (unsigned i = 0; i < n && cpu_n < CPU_MAX; i++) {
        struct cpu *cpu = &cpus[cpu_n];

        if (ids[i] == cpus[0].apic_id) {
            continue;
        }
        cpu->apic_id = ids[i];
        scheduler_add_cpu(cpu, idle_create());
        parameters->cpu = (uint64_t)cpu;
        parameters->stack = cpu_stack_top(cpu);
        if (!cpu_start(cpu, page)) {
            kernel_log("processor %u does not start\n", ids[i]);
            return false;
        }
        cpu_n++;
    }
    return true;
}

/* What `cpus=` allows. */
static unsigned cpus_allowed(const struct boot_info *boot) {
    size_t length = 0;
    const char *value = boot_option(boot, "cpus", &length);

    /* One digit says all there is to say. */
    return value == NULL || length != 1 || *value < '1' || *value > '0' + CPU_MAX
               ? CPU_MAX
               : (unsigned)(*value - '0');
}

void smp_start(const struct boot_info *boot) {
    unsigned n = MIN(acpi.n_cpus, cpus_allowed(boot));
    pte_t *root = (pte_t *)boot_root;
    uint64_t below = REAL_MODE_END / PAGE_SIZE;
    paddr_t page;

    cpus[0].apic_id = lapic_id();
    if (n < 2) {
        return;
    }
    if (frame_take_run(1, &below, &page) != FRAME_RUN_TAKEN) {
        kernel_log("no memory to start other processors with\n");
        return;
    }
    /* They begin as this one did: with the boot tables, which map the first 4 GiB at their own
     * addresses again for so long. */
    root[0] = root[KERNEL_HALF] & ~PTE_NO_EXECUTE;
    if (cpus_start(page, acpi.cpu_ids, n)) {
        root[0] = 0;
        frame_free(page);
    }
    kernel_log("%u processors\n", cpu_n);
}

void arch_cpu_kick(const struct cpu *cpu) {
    lapic_send(cpu->apic_id, COMMAND_FIXED | VECTOR_KICK);
}

void cpu_mailbox_answer(struct cpu *cpu) {
    if (cpu->mailbox == CPU_LEAVE_SPACE) {
        arch_space_load(page_table_kernel_root);
    } else {
        arch_tlb_flush_all();
    }
    __atomic_store_n(&cpu->mailbox, CPU_IDLE, __ATOMIC_RELEASE);
}

/* [book:space-request] */
void arch_space_request(paddr_t root, enum cpu_request request) {
    struct cpu *this = cpu_this();

    for (uint32_t i = 0; i < cpu_n; i++) {
        if (&cpus[i] != this && cpus[i].space_root == root) {
            /* A kernel thread needs no space: it is not asked twice. */
            bool is_user = registers_are_user(&cpus[i].current->registers);

            __atomic_store_n(&cpus[i].mailbox, is_user ? request : CPU_LEAVE_SPACE,
                             __ATOMIC_RELEASE);
            lapic_send(cpus[i].apic_id, COMMAND_FIXED | VECTOR_MAILBOX);
        }
    }
    for (uint32_t i = 0; i < cpu_n; i++) {
        while (__atomic_load_n(&cpus[i].mailbox, __ATOMIC_ACQUIRE) != CPU_IDLE) {
            arch_relax();
        }
    }
}
/* [/book] */

void arch_cpus_stop(void) {
    const struct cpu *this = cpu_this();

    __atomic_store_n(&arch_cpus_stopped, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < cpu_n; i++) {
        if (&cpus[i] != this) {
            lapic_send(cpus[i].apic_id, COMMAND_NMI);
        }
    }
}

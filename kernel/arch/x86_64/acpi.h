/* SPDX-License-Identifier: MIT */
/*
 * What the kernel reads of the ACPI tables: which processors there are, and where interrupt lines
 * come to. Everything else of ACPI is for a server.
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"

struct boot_info;

#define ACPI_IOAPICS_MAX 4

struct acpi {
    /* Local APIC numbers of the processors that can be used, in the order of the table (ACPI 6.4,
     * 5.2.12: the boot processor should come first, but need not), CPU_MAX at most. */
    unsigned n_cpus;
    uint32_t cpu_ids[CPU_MAX];
    /* I/O APICs, and the global number of the first line of each. */
    unsigned n_ioapics;
    struct {
        uint32_t paddr, first;
    } ioapics[ACPI_IOAPICS_MAX];
    /* What becomes of the lines of the ISA bus: global number, mode as the I/O APIC sees it. */
    struct acpi_isa_line {
        uint32_t line;
        bool is_level, is_active_low;
    } isa[IRQ_ISA_LINES];
};

/* All zeroes if there are no tables, or if they are damaged. */
extern struct acpi acpi;

/* Fills it. The direct map is there. */
void acpi_read(const struct boot_info *boot);

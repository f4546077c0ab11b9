/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts, by number: lines, which come to a pin of an I/O APIC if the ACPI tables say
 * so (ioapic.h) and they are no edges of the ISA bus, else to the two 8259 controllers and through
 * them to the local APIC's LINT0 (virtual wire, SDM 3, 10.5.1 and Intel MP specification 3.6.2.2);
 * then messages (SDM 3, 10.11). All of them go to the boot CPU.
 *
 * An interrupt is acknowledged to its controller at once. Its line is masked then, unless it is an
 * edge at an I/O APIC, which forgets edges of masked pins.
 */
#pragma once

#include "kernel/types.h"

#define IRQ_ISA_LINES 16 /* of the 8259; line 2 is its cascade and cannot be had */
#define IRQ_LINES     64 /* and the lines that only I/O APICs have */
#define IRQS          (IRQ_LINES + 64)

/* Where I/O APICs and local APICs are, as every PC has them: mapped uncached in the direct map. */
#define APICS_START 0xfec00000
#define APICS_END   (4 * GiB)
#define LOCAL_APIC  0xfee00000 /* its registers; and messages go there (10.4.1, 10.11.1) */

/* All lines masked, vectors set, local APIC on. Only the 8259 is used before ioapic_init. */
void irq_init(void);

/* Makes a number ready to be had, masked. False if it cannot be had, or not with this trigger: at
 * the 8259 lines 0, 1, 2, 8 and 13 are edge-triggered for ever. */
WARN_UNUSED bool arch_irq_route(unsigned number, bool is_level, bool is_active_low);

/* For numbers that are routed. Messages cannot be masked: nothing happens. */
void arch_irq_mask(unsigned number);
void arch_irq_unmask(unsigned number);

/* What a device has to write to raise this one, which is a message: address | value << 32. */
uint64_t arch_irq_message(unsigned number);

/* For each interrupt of a device, with the lock held: tells the controller that it is served, and
 * which number it is. False: it was none (spurious). */
WARN_UNUSED bool irq_acknowledge(unsigned vector, unsigned *number);
/* For interrupt.c: for the local APIC's own ones, and those of other CPUs; without the lock. */
void irq_acknowledge_local(void);

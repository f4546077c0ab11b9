/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: the two 8259 controllers through the local APIC's LINT0 (virtual wire, SDM
 * 3, 10.5.1 and Intel MP specification 3.6.2.2), and message-signalled ones (SDM 3, 10.11).
 *
 * An interrupt of an 8259 line goes to interrupt_enter, on the boot CPU, which masks the line and
 * acknowledges it at once.
 */
#pragma once

#include "kernel/types.h"

#define IRQ_LINES 16 /* of the 8259; line 2 is the cascade and cannot be had */

/* All lines masked, vectors set, local APIC on. */
void irq_init(void);

/* line < IRQ_LINES. */
void arch_irq_mask(unsigned line);
void arch_irq_unmask(unsigned line);

/* Trigger mode. The 8259 knows level (always low-active on PCI) and edge; false if the line cannot
 * be that: 0, 1, 2, 8 and 13 are edge-triggered for ever. */
WARN_UNUSED bool arch_irq_set_mode(unsigned line, bool level);

/* Where the registers of the local APIC are: must be mapped uncached in the direct map. 0 if it is
 * in x2APIC mode. */
paddr_t arch_lapic_paddr(void);

/* Masks the line and tells the controller that it is served. False: it was none (spurious). Called
 * with the lock held, once for each interrupt of the 8259. */
WARN_UNUSED bool irq_acknowledge_line(unsigned line);
/* For interrupt.c: the same for what comes by the local APIC; without the lock. */
void irq_acknowledge_local(void);

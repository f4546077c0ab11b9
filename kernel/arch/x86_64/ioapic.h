/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs (82093AA data sheet): where the ACPI tables tell which line comes to which pin of one.
 * They interrupt the boot CPU. A pin that no irq object uses is masked.
 */
#pragma once

#include "kernel/types.h"

/* Finds them by what acpi_read found, masks all pins. On the boot CPU, whose number is known. */
void ioapic_init(void);

/*
 * The line is to be had at its pin from now on, masked at first, if there is one and what the
 * firmware says of the line agrees with what is asked for. Else false, and it is not. Edges of the
 * ISA bus stay with the 8259, which keeps those that come while a line is masked: unmasked, a busy
 * serial line floods its driver until it counts as hung. Lines of the ISA bus are the 8259's too,
 * and without ACPI's machine language nobody knows which of them a PCI device gets when it is not
 * the 8259 that listens: that a line is level-triggered here says that they come here as well.
 */
WARN_UNUSED bool ioapic_route(unsigned line, bool is_level, bool is_active_low);

/* False, and nothing done: the line is not to be had at a pin. */
bool ioapic_set_masked(unsigned line, bool is_masked);

/* An interrupt of the line: masks it if it is level-triggered. A masked edge would be lost. */
void ioapic_acknowledge(unsigned line);

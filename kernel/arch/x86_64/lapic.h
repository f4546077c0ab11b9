/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers, for irq.c, clock.c and smp.c (SDM 3, 10.4.1 and 10.12.1). By memory,
 * or by MSR if the firmware chose the x2APIC mode, which cannot be left.
 */
#pragma once

#include "kernel/types.h"

#define APIC_LVT_TIMER     0x320
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0
#define LVT_MASKED         0x10000
#define LVT_TIMER_DEADLINE 0x40000

uint32_t lapic_read(unsigned offset);
void lapic_write(unsigned offset, uint32_t value);

/* This CPU's number, as the ACPI tables have it. */
uint32_t lapic_id(void);

/* On a CPU that is not the boot CPU: switches its local APIC on, in the boot CPU's mode. No line
 * comes here: the 8259 interrupts the boot CPU. */
void lapic_init_other(void);

/* An interrupt to the CPU with this number: low half of the interrupt command register (SDM 3,
 * 10.6.1). What was written to memory before is seen by who gets it. */
void lapic_send(uint32_t id, uint32_t command);

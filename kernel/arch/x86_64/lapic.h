/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers, for irq.c and clock.c (SDM 3, 10.4.1 and 10.12.1). By memory, or by
 * MSR if the firmware chose the x2APIC mode, which cannot be left.
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

/* SPDX-License-Identifier: MIT */
/*
 * What start.S and boot_main have to do with each other.
 */
#pragma once

#include "boot/boot_info.h"

/* Fills *boot. magic: 0 for PVH, else what the loader gave in eax; paddr: its information. Panics
 * if it is malformed. */
void boot_info_read(struct boot_info *boot, uint32_t magic, paddr_t paddr, uint64_t entry_tsc);

/* First C function. Upper half, boot page tables, interrupts off, stack of the boot CPU. */
NORETURN void boot_main(uint32_t magic, paddr_t paddr, uint64_t entry_tsc);

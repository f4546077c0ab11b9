/* SPDX-License-Identifier: MIT */
/*
 * What the files in boot/ have to do with each other.
 */
#pragma once

#include "boot/boot_info.h"

/* Fills *boot. magic: 0 for PVH, else what the loader gave in eax; paddr: its information. Panics
 * if it is malformed. */
void boot_info_read(struct boot_info *boot, uint32_t magic, paddr_t paddr, uint64_t entry_tsc);

/* Notes one range of the loader's memory map: any numbers will do. Panics if there are more than
 * 256. */
void boot_ranges_add(uint64_t start, uint64_t size, enum boot_range_type type);

/* Makes boot->ranges of the ranges noted, as boot_info.h says. Panics if they do not fit, or none
 * is usable. */
void boot_ranges_finish(struct boot_info *boot);

/* First C function. Upper half, boot page tables, interrupts off, stack of the boot CPU. */
NORETURN void boot_main(uint32_t magic, paddr_t paddr, uint64_t entry_tsc);

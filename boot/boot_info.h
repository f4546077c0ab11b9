/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader told, in one form whatever the loader was: QEMU's direct start (PVH) or
 * multiboot2 (GRUB).
 *
 * Copied out of the loader's memory; only the boot archive stays where it is. Invariant: ranges are
 * sorted, not empty, do not overlap, are below 2^52, and neighbours of one type are merged. The
 * kernel image, the first MiB and the archive are not taken out of the usable ranges.
 */
#pragma once

#include "kernel/types.h"

#define BOOT_RANGES_MAX       128
#define BOOT_COMMAND_LINE_MAX 1024

enum boot_range_type { BOOT_RANGE_USABLE = 1, BOOT_RANGE_OTHER = 2 };

struct boot_range {
    paddr_t start, end; /* bytes; usable ones start and end at page boundaries */
    uint32_t type;      /* enum boot_range_type */
};

enum boot_screen { BOOT_SCREEN_NONE = 0, BOOT_SCREEN_TEXT = 1, BOOT_SCREEN_PIXELS = 2 };

struct boot_info {
    uint32_t n_ranges;
    struct boot_range ranges[BOOT_RANGES_MAX];
    char command_line[BOOT_COMMAND_LINE_MAX]; /* 0-terminated, without the name of the kernel */
    paddr_t archive_paddr;                    /* 0 if there is none */
    uint64_t archive_size;
    paddr_t rsdp_paddr; /* ACPI root pointer; 0 if the loader gave only a copy, or none */
    uint8_t rsdp[36];   /* its bytes; all 0 if there is none */
    uint32_t screen;    /* enum boot_screen */
    uint32_t screen_width, screen_height; /* characters or pixels */
    uint32_t screen_pitch;                /* bytes per row */
    uint32_t screen_bits;                 /* per pixel */
    uint8_t red_position, red_bits, green_position, green_bits, blue_position, blue_bits;
    paddr_t screen_paddr;
    uint64_t entry_tsc; /* when the first instruction of the kernel ran */
};

/* The value of the word `name=value` in the command line: a pointer into it and *length, or NULL.
 * "name" alone has length 0. */
const char *boot_option(const struct boot_info *boot, const char *name, size_t *length);

/* Symbols of boot/kernel.ld. Virtual addresses; physical ones are KERNEL_BASE lower. */
extern char kernel_text_start[], kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[],
    kernel_data_start[], kernel_end[];

/* Generic: what kernel_main was given, for later. */
extern const struct boot_info *boot_info_kept;

/* Generic: the rest of the kernel. Runs on the kernel stack of the boot CPU, interrupts off, arch_*
 * ready, boot page tables in use: the first 4 GiB in the direct map, the first 1 GiB at
 * KERNEL_BASE. */
__attribute__((noreturn)) void kernel_main(const struct boot_info *boot);

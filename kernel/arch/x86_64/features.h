/* SPDX-License-Identifier: MIT */
/*
 * What the processor can do, from CPUID (SDM 2, CPUID; AMD APM 3, appendix E).
 */
#pragma once

#include "kernel/types.h"

struct arch_features {
    bool smep, smap, umip;
    bool global_pages;
    bool apic; /* always, else the kernel does not start */
    bool x2apic;
    bool tsc_deadline;
    bool hypervisor;
    bool fxsave_leaks; /* AMD: FXSAVE and FXRSTOR leave out the last x87 instruction's address */
};

extern struct arch_features arch_features;

void features_detect(void);

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* Zeroes if the processor has no such leaf. */
struct cpuid cpuid_read(uint32_t leaf, uint32_t subleaf);

/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/features.h"

#include "kernel/panic.h"
#include "lib/base/string.h"

struct arch_features arch_features;

struct cpuid cpuid_read(uint32_t leaf, uint32_t subleaf) {
    uint32_t base = leaf & 0xffff0000; /* basic, hypervisor and extended leaves */
    struct cpuid r;

    __asm__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(base), "c"(0));
    if (r.eax < leaf || r.eax > base + 0xffff) {
        return (struct cpuid){0, 0, 0, 0};
    }
    __asm__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static bool bit(uint32_t value, unsigned n) {
    return (value >> n & 1) != 0;
}

static void names_read(struct arch_features *f) {
    struct cpuid leaf = cpuid_read(0, 0);

    memcpy(f->vendor, &leaf.ebx, 4);
    memcpy(f->vendor + 4, &leaf.edx, 4);
    memcpy(f->vendor + 8, &leaf.ecx, 4);
    for (unsigned i = 0; i < 3; i++) {
        leaf = cpuid_read(0x80000002 + i, 0);
        memcpy(f->brand + i * 16, &leaf, 16);
    }
}

void features_detect(void) {
    struct arch_features *f = &arch_features;
    struct cpuid basic = cpuid_read(1, 0);
    struct cpuid structured = cpuid_read(7, 0);
    struct cpuid extended = cpuid_read(0x80000001, 0);
    struct cpuid sizes = cpuid_read(0x80000008, 0);
    bool amd;

    names_read(f);
    amd = memcmp(f->vendor, "AuthenticAMD", 12) == 0 || memcmp(f->vendor, "HygonGenuine", 12) == 0;

    f->smep = bit(structured.ebx, 7);
    f->smap = bit(structured.ebx, 20);
    f->umip = bit(structured.ecx, 2);
    f->pages_1g = bit(extended.edx, 26);
    f->global_pages = bit(basic.edx, 13);
    f->apic = bit(basic.edx, 9);
    f->x2apic = bit(basic.ecx, 21);
    f->tsc_deadline = bit(basic.ecx, 24);
    f->tsc_invariant = bit(cpuid_read(0x80000007, 0).edx, 8);
    f->rdrand = bit(basic.ecx, 30);
    f->hypervisor = bit(basic.ecx, 31);
    f->fxsave_leaks = amd && !bit(sizes.ebx, 2);
    f->physical_bits = (uint8_t)sizes.eax;
    if (f->physical_bits < 32 || f->physical_bits > 52) {
        f->physical_bits = 36;
    }

    /* x86-64-v1: FPU, TSC, MSR, PAT, FXSAVE, SSE, SSE2; SYSCALL. Long mode and NX were seen to in
     * start.S. */
    if ((basic.edx & 0x07010031) != 0x07010031 || !bit(extended.edx, 11)) {
        panic("the processor is not an x86-64 one (CPUID 1: edx %x)", basic.edx);
    }
    if (!f->apic) {
        panic("the processor has no local APIC, or the firmware has switched it off");
    }
}

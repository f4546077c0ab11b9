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

/* FXSAVE leaves out the last x87 instruction's address: APM 5, FXSAVE. */
static bool fxsave_leaks(void) {
    static const char vendors[][13] = {"AuthenticAMD", "HygonGenuine"};
    struct cpuid leaf = cpuid_read(0, 0);
    uint32_t name[3] = {leaf.ebx, leaf.edx, leaf.ecx};

    return (memcmp(name, vendors[0], 12) == 0 || memcmp(name, vendors[1], 12) == 0) &&
           !bit(cpuid_read(0x80000008, 0).ebx, 2);
}

void features_detect(void) {
    struct arch_features *f = &arch_features;
    struct cpuid basic = cpuid_read(1, 0);
    struct cpuid structured = cpuid_read(7, 0);
    struct cpuid extended = cpuid_read(0x80000001, 0);

    f->smep = bit(structured.ebx, 7);
    f->smap = bit(structured.ebx, 20);
    f->umip = bit(structured.ecx, 2);
    f->global_pages = bit(basic.edx, 13);
    f->apic = bit(basic.edx, 9);
    f->x2apic = bit(basic.ecx, 21);
    f->tsc_deadline = bit(basic.ecx, 24);
    f->hypervisor = bit(basic.ecx, 31);
    f->fxsave_leaks = fxsave_leaks();

    /* x86-64-v1: FPU, TSC, MSR, PAT, FXSAVE, SSE, SSE2; SYSCALL. Long mode and NX were seen to in
     * start.S. */
    if ((basic.edx & 0x07010031) != 0x07010031 || !bit(extended.edx, 11)) {
        panic("the processor is not an x86-64 one (CPUID 1: edx %x)", basic.edx);
    }
    if (!f->apic) {
        panic("the processor has no local APIC, or the firmware has switched it off");
    }
}

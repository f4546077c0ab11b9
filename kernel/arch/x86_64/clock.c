/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/clock.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/panic.h"

#define NS_PER_SECOND 1000000000ull

/* Interval timer 8254, channel 2, the speaker's: its gate is ours to open. */
#define PIT_HZ        1193182ull
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_RATE_2                                                                                 \
    0xb4 /* channel 2, low and high byte, mode 2: counts down from 65536, over and over */
#define PIT_LATCH_2      0x80
#define PORT_B           0x61
#define PORT_B_GATE_2    0x01
#define PORT_B_SPEAKER   0x02
#define APIC_DIVIDE_BY_1 0xb

#define MEASURE_TICKS 4800  /* of the 8254: about 4 ms */
#define N_READINGS    16    /* at each end */
#define MEASURES_MAX  10    /* of the APIC timer, until two agree */
#define STUCK_LIMIT   20000 /* readings that are all the same: it does not count */

static uint64_t tsc_hz;
static uint64_t apic_timer_hz; /* 0: the timer takes a TSC deadline */
static uint64_t base_tsc;      /* the clock's zero */
static uint64_t ns_per_tick_32;
static uint64_t timer_per_ns_32; /* ticks of the timer per nanosecond, 32.32 fixed point */

/* a / b as a 32.32 fixed point number. One of them is NS_PER_SECOND, so nothing overflows. */
static uint64_t ratio_32(uint64_t a, uint64_t b) {
    return (a / b << 32) + (a % b << 32) / b;
}

/* The TSC around one reading of the 8254. */
struct reading {
    uint64_t before, after;
    uint16_t count;
};

static struct reading pit_read(void) {
    struct reading r;

    r.before = tsc_read();
    io_out8(PIT_COMMAND, PIT_LATCH_2);
    r.after = tsc_read();
    r.count = io_in8(PIT_CHANNEL_2);
    r.count |= (uint16_t)(io_in8(PIT_CHANNEL_2) << 8);
    return r;
}

/* One end of the measured time: the mean of several readings, for the 8254 ticks once in 838 ns
 * only. */
struct end {
    uint64_t tsc;   /* times n, from `origin` on */
    uint64_t ticks; /* the same */
    uint64_t n;
};

/* Readings that took more than twice the quickest one were disturbed: not counted. */
static struct end end_read(struct reading origin) {
    struct reading readings[N_READINGS];
    struct end end = {0, 0, 0};
    uint64_t quickest = UINT64_MAX;

    for (unsigned i = 0; i < N_READINGS; i++) {
        readings[i] = pit_read();
        quickest = MIN(quickest, readings[i].after - readings[i].before);
    }
    for (unsigned i = 0; i < N_READINGS; i++) {
        if (readings[i].after - readings[i].before <= 2 * quickest) {
            end.tsc += (readings[i].before + readings[i].after) / 2 - origin.before;
            end.ticks += (uint16_t)(origin.count - readings[i].count);
            end.n++;
        }
    }
    return end;
}

/* TSC against the 8254. 0 if there is no 8254 that counts. */
static uint64_t tsc_measure(void) {
    struct reading origin;
    struct end first, last;
    uint64_t tsc, ticks;
    uint16_t count, last_count = 0;
    unsigned n_same = 0;

    io_out8(PORT_B, (uint8_t)((io_in8(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE_2));
    io_out8(PIT_COMMAND, PIT_RATE_2);
    io_out8(PIT_CHANNEL_2, 0);
    io_out8(PIT_CHANNEL_2, 0);
    io_delay();
    origin = pit_read();
    first = end_read(origin);
    do {
        count = pit_read().count;
        n_same = count == last_count ? n_same + 1 : 0;
        last_count = count;
        if (n_same == STUCK_LIMIT) {
            return 0;
        }
    } while ((uint16_t)(origin.count - count) < MEASURE_TICKS);
    last = end_read(origin);
    tsc = last.tsc / last.n - first.tsc / first.n;
    /* In 1/64 ticks: the means are finer than one tick. */
    ticks = last.ticks * 64 / last.n - first.ticks * 64 / first.n;
    return ticks == 0 ? 0 : tsc * PIT_HZ * 64 / ticks;
}

/* What CPUID knows: hypervisor leaf 0x40000010 (kHz), or crystal and ratio (SDM 2, leaf 0x15). 0:
 * nothing. */
static uint64_t tsc_hz_from_cpuid(void) {
    struct cpuid hypervisor = cpuid_read(0x40000010, 0);
    struct cpuid ratio = cpuid_read(0x15, 0);

    if (arch_features.hypervisor && hypervisor.eax != 0) {
        return hypervisor.eax * 1000ull;
    }
    if (ratio.eax != 0 && ratio.ebx != 0 && ratio.ecx != 0) {
        return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
    }
    return 0;
}

/* By more than a hundredth, so that one was disturbed: or nothing was measured yet. */
static bool differ(uint64_t a, uint64_t b) {
    return (a > b ? a - b : b - a) >= b / 100;
}

/* The APIC timer against the TSC, for half a millisecond. Who is interrupted in it (an emulator
 * that gets no processor, system management mode) measures anything. */
static uint64_t apic_timer_measure(void) {
    uint64_t start, ticks, tsc;

    lapic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    lapic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    start = tsc_read();
    do {
        ticks = UINT32_MAX - lapic_read(APIC_TIMER_CURRENT);
        tsc = tsc_read() - start;
    } while (tsc < tsc_hz / 2000);
    lapic_write(APIC_TIMER_INITIAL, 0);
    return ticks * tsc_hz / tsc;
}

void arch_clock_init(uint64_t entry_tsc) {
    uint64_t last_hz = 0;

    base_tsc = entry_tsc;
    tsc_hz = tsc_hz_from_cpuid();
    if (tsc_hz == 0) {
        tsc_hz = tsc_measure();
    }
    if (tsc_hz == 0) {
        tsc_hz = cpuid_read(0x16, 0).eax * 1000000ull; /* nominal; better than nothing */
    }
    if (tsc_hz < 1000000 || tsc_hz > 100 * NS_PER_SECOND) {
        panic("no timer (8254) to measure the processor's clock against");
    }
    ns_per_tick_32 = ratio_32(NS_PER_SECOND, tsc_hz);

    if (arch_features.tsc_deadline) {
        timer_per_ns_32 = ratio_32(tsc_hz, NS_PER_SECOND);
    } else {
        lapic_write(APIC_LVT_TIMER, VECTOR_TIMER | LVT_MASKED);
        for (unsigned i = 0; i < MEASURES_MAX && differ(last_hz, apic_timer_hz); i++) {
            last_hz = apic_timer_hz;
            apic_timer_hz = apic_timer_measure();
        }
        if (apic_timer_hz == 0) {
            panic("the local APIC's timer does not count");
        }
        timer_per_ns_32 = ratio_32(apic_timer_hz, NS_PER_SECOND);
    }
    arch_clock_init_cpu();
}

void arch_clock_init_cpu(void) {
    if (apic_timer_hz != 0) {
        lapic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
        lapic_write(APIC_LVT_TIMER, VECTOR_TIMER);
        return;
    }
    lapic_write(APIC_LVT_TIMER, VECTOR_TIMER | LVT_TIMER_DEADLINE);
    /* That write may be to memory; let no deadline overtake it (SDM 3, 10.5.4.1). */
    __asm__ volatile("mfence" : : : "memory");
}

uint64_t clock_now_ns(void) {
    return multiply_32(tsc_read() - base_tsc, ns_per_tick_32);
}

uint64_t arch_clock_ticks_to_ns(uint64_t ticks) {
    return multiply_32(ticks, ns_per_tick_32);
}

void arch_timer_arm(uint64_t deadline_ns) {
    uint64_t now_tsc = tsc_read();
    uint64_t now_ns = multiply_32(now_tsc - base_tsc, ns_per_tick_32);
    uint64_t delta_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    uint64_t ticks = timer_ticks(delta_ns, timer_per_ns_32);

    if (apic_timer_hz != 0) {
        lapic_write(APIC_TIMER_INITIAL, (uint32_t)MIN(ticks, (uint64_t)UINT32_MAX));
    } else {
        msr_write(MSR_TSC_DEADLINE, now_tsc + ticks);
    }
}

void arch_clock_fill(struct info_page *page) {
    page->version = INFO_PAGE_VERSION;
    page->base_tsc = base_tsc;
    page->base_ns = 0;
    page->ns_per_tick_32 = ns_per_tick_32;
    page->tsc_hz = tsc_hz;
    page->entry_tsc = base_tsc;
    page->n_cpus = cpu_n;
    page->hypervisor = arch_features.hypervisor;
}

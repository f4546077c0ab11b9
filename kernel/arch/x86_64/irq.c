/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/irq.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/lapic.h"

/* 8259A (Intel 8259A data sheet): ports of the two controllers, their words. */
#define PIC_MASTER    0x20
#define PIC_SLAVE     0xa0
#define PIC_MASK      1    /* second port of each: mask, and words ICW2 to ICW4 */
#define ICW1_INIT     0x11 /* edge-triggered, cascade, ICW4 follows */
#define ICW4_8086     0x01
#define OCW2_EOI      0x20
#define OCW3_READ_ISR 0x0b
#define LINE_CASCADE  2
/* Edge/level control registers of the south bridge (PIIX, ICH): a bit per line, set for level. */
#define ELCR            0x4d0
#define LINES_EDGE_ONLY 0x2107 /* 0, 1, 2, 8, 13 */

/* Local APIC registers: offsets of the memory-mapped form (SDM 3, table 10-1). */
#define APIC_BASE_ENABLE   (1ull << 11)
#define APIC_BASE_X2APIC   (1ull << 10)
#define APIC_ID            0x020
#define APIC_VERSION       0x030
#define APIC_TASK_PRIORITY 0x080
#define APIC_END           0x0b0
#define APIC_SPURIOUS      0x0f0
#define APIC_ERROR_STATUS  0x280
#define APIC_COMMAND       0x300
#define APIC_COMMAND_HIGH  0x310
#define APIC_LVT_THERMAL   0x330
#define APIC_LVT_COUNTERS  0x340
#define APIC_LVT_LINT0     0x350
#define APIC_LVT_LINT1     0x360
#define APIC_LVT_ERROR     0x370
#define APIC_SOFTWARE_ON   0x100
#define COMMAND_PENDING    0x1000
#define LVT_NMI            0x400
#define LVT_EXTERNAL       0x700

/* Lines masked, a bit each; the hardware's copies are written from it. */
static uint16_t masked = 0xffff;

uint32_t lapic_read(unsigned offset) {
    if (arch_features.x2apic) {
        return (uint32_t)msr_read(MSR_X2APIC + offset / 16);
    }
    return *(volatile uint32_t *)paddr_to_pointer(LOCAL_APIC + offset);
}

void lapic_write(unsigned offset, uint32_t value) {
    if (arch_features.x2apic) {
        msr_write(MSR_X2APIC + offset / 16, value);
        return;
    }
    *(volatile uint32_t *)paddr_to_pointer(LOCAL_APIC + offset) = value;
}

uint32_t lapic_id(void) {
    uint32_t id = lapic_read(APIC_ID);

    return arch_features.x2apic ? id : id >> 24;
}

void lapic_send(uint32_t id, uint32_t command) {
    if (arch_features.x2apic) {
        /* This write waits for no other (SDM 3, 10.12.3). */
        __asm__ volatile("mfence" : : : "memory");
        msr_write(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)id << 32 | command);
        return;
    }
    while ((lapic_read(APIC_COMMAND) & COMMAND_PENDING) != 0) {
        arch_relax();
    }
    lapic_write(APIC_COMMAND_HIGH, id << 24);
    lapic_write(APIC_COMMAND, command);
}

/* On; where there is an x2APIC in its mode, which is a step of its own (SDM 3, 10.12.5). */
static void lapic_enable(void) {
    uint64_t base = msr_read(MSR_APIC_BASE);

    if ((base & APIC_BASE_X2APIC) == 0) {
        base = (base & (PAGE_SIZE - 1)) | LOCAL_APIC | APIC_BASE_ENABLE;
        msr_write(MSR_APIC_BASE, base);
        if (arch_features.x2apic) {
            msr_write(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
        }
    }
}

/* lint0: what the first input does. */
static void lapic_init(uint32_t lint0) {
    unsigned last_lvt;

    lapic_write(APIC_SPURIOUS, APIC_SOFTWARE_ON | VECTOR_SPURIOUS);
    lapic_write(APIC_TASK_PRIORITY, 0);
    lapic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    lapic_write(APIC_LVT_LINT0, lint0);
    lapic_write(APIC_LVT_LINT1, LVT_NMI);
    lapic_write(APIC_LVT_ERROR, LVT_MASKED);
    last_lvt = lapic_read(APIC_VERSION) >> 16 & 0xff;
    if (last_lvt >= 4) {
        lapic_write(APIC_LVT_COUNTERS, LVT_MASKED);
    }
    if (last_lvt >= 5) {
        lapic_write(APIC_LVT_THERMAL, LVT_MASKED);
    }
    lapic_write(APIC_ERROR_STATUS, 0);
    lapic_write(APIC_END, 0); /* in case the firmware was in the middle of one */
}

void lapic_init_other(void) {
    lapic_enable();
    lapic_init(LVT_MASKED);
}

static void pic_mask_write(unsigned line) {
    if (line < 8) {
        io_out8(PIC_MASTER + PIC_MASK, (uint8_t)masked);
    } else {
        io_out8(PIC_SLAVE + PIC_MASK, (uint8_t)(masked >> 8));
    }
}

static void pic_init_one(uint16_t port, uint8_t vector, uint8_t cascade) {
    io_out8(port, ICW1_INIT);
    io_delay();
    io_out8(port + PIC_MASK, vector);
    io_delay();
    io_out8(port + PIC_MASK, cascade);
    io_delay();
    io_out8(port + PIC_MASK, ICW4_8086);
    io_delay();
}

void irq_init(void) {
    masked = (uint16_t) ~(1u << LINE_CASCADE);
    pic_init_one(PIC_MASTER, VECTOR_PIC, 1 << LINE_CASCADE);
    pic_init_one(PIC_SLAVE, VECTOR_PIC + 8, LINE_CASCADE);
    pic_mask_write(0);
    pic_mask_write(8);
    lapic_enable();
    /* Virtual wire: the 8259 interrupts through LINT0, as if there were no APIC. */
    lapic_init(LVT_EXTERNAL);
}

static void pic_set_masked(unsigned line, bool is_masked) {
    if (line != LINE_CASCADE) {
        masked = (uint16_t)((masked & ~(1u << line)) | (uint32_t)is_masked << line);
        pic_mask_write(line);
    }
}

static bool pic_set_mode(unsigned line, bool is_level) {
    uint16_t port = ELCR + line / 8;
    uint8_t bit = (uint8_t)(1u << line % 8);
    uint8_t modes = io_in8(port);

    if (is_level && (LINES_EDGE_ONLY >> line & 1) != 0) {
        return false;
    }
    io_out8(port, is_level ? modes | bit : modes & (uint8_t)~bit);
    return true;
}

/* A controller that saw a request go away before it was answered gives its lowest line, without
 * setting it in service (data sheet, "default IR7"). */
static bool pic_is_spurious(unsigned line) {
    uint16_t port = line < 8 ? PIC_MASTER : PIC_SLAVE;

    if (line % 8 != 7) {
        return false;
    }
    io_out8(port, OCW3_READ_ISR);
    return (io_in8(port) & 0x80) == 0;
}

static bool pic_acknowledge(unsigned line) {
    bool spurious = pic_is_spurious(line);

    if (!spurious) {
        pic_set_masked(line, true);
        if (line >= 8) {
            io_out8(PIC_SLAVE, OCW2_EOI);
        }
    }
    /* Of a spurious line of the slave the master knows nothing: for it the cascade was in service.
     */
    if (!spurious || line >= 8) {
        io_out8(PIC_MASTER, OCW2_EOI);
    }
    return !spurious;
}

bool arch_irq_route(unsigned number, bool is_level, bool is_active_low) {
    return number >= IRQ_LINES || ioapic_route(number, is_level, is_active_low) ||
           (number < IRQ_ISA_LINES && pic_set_mode(number, is_level));
}

static void irq_set_masked(unsigned number, bool is_masked) {
    if (number < IRQ_LINES && !ioapic_set_masked(number, is_masked)) {
        pic_set_masked(number, is_masked);
    }
}

void arch_irq_mask(unsigned number) {
    irq_set_masked(number, true);
}

void arch_irq_unmask(unsigned number) {
    irq_set_masked(number, false);
}

/* Fixed delivery, an edge, to the boot CPU (10.11.1, 10.11.2). */
uint64_t arch_irq_message(unsigned number) {
    return (uint64_t)(VECTOR_IRQ + number) << 32 | LOCAL_APIC | cpus[0].apic_id << 12;
}

bool irq_acknowledge(unsigned vector, unsigned *number) {
    if (vector < VECTOR_IRQ) {
        *number = vector - VECTOR_PIC;
        return pic_acknowledge(*number);
    }
    *number = vector - VECTOR_IRQ;
    if (*number < IRQ_LINES) {
        ioapic_acknowledge(*number);
    }
    irq_acknowledge_local();
    return true;
}

void irq_acknowledge_local(void) {
    lapic_write(APIC_END, 0);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/ioapic.h"

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"

/* The window on the registers, in words of 32 bits. */
#define IOAPIC_SELECT 0
#define IOAPIC_WINDOW 4

#define IOAPIC_ALIGNMENT 0x400 /* of those that chipsets have (PIIX4, ICH) */

/* Registers: the version, and two for each pin. */
#define IOAPIC_VERSION   0x01
#define IOAPIC_PIN(n)    (0x10 + 2 * (n))
#define ENTRY_ACTIVE_LOW (1u << 13)
#define ENTRY_LEVEL      (1u << 15)
#define ENTRY_MASKED     (1u << 16)

static struct pin {
    volatile uint32_t *ioapic; /* NULL: the line comes to none */
    uint32_t index;
    uint32_t entry; /* the register's value while it is not masked; 0: not in use */
} pins[IRQ_LINES];

static void ioapic_write(volatile uint32_t *ioapic, uint32_t index, uint32_t value) {
    ioapic[IOAPIC_SELECT] = index;
    ioapic[IOAPIC_WINDOW] = value;
}

static uint32_t global_line(unsigned line) {
    return line < IRQ_ISA_LINES ? acpi.isa[line].line : line;
}

static void ioapic_init_one(volatile uint32_t *ioapic, uint32_t first) {
    uint32_t n;

    ioapic[IOAPIC_SELECT] = IOAPIC_VERSION;
    n = (ioapic[IOAPIC_WINDOW] >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < n; i++) {
        ioapic_write(ioapic, IOAPIC_PIN(i), ENTRY_MASKED);
        ioapic_write(ioapic, IOAPIC_PIN(i) + 1, cpus[0].apic_id << 24);
    }
    for (unsigned line = 0; line < IRQ_LINES; line++) {
        uint32_t i = global_line(line) - first; /* wraps around if it is below */

        for (unsigned other = 0; other < line; other++) {
            if (pins[other].ioapic == ioapic && pins[other].index == IOAPIC_PIN(i)) {
                i = n; /* two lines at one pin, say the tables: only the first is there */
            }
        }
        if (i < n) {
            pins[line] = (struct pin){ioapic, IOAPIC_PIN(i), 0};
        }
    }
}

void ioapic_init(void) {
    for (unsigned i = 0; i < acpi.n_ioapics; i++) {
        paddr_t paddr = acpi.ioapics[i].paddr;

        /* What is elsewhere is not mapped uncached, and not heard of; behind comes the local one.
         */
        if (paddr >= APICS_START && paddr < LOCAL_APIC && IS_ALIGNED(paddr, IOAPIC_ALIGNMENT)) {
            ioapic_init_one(paddr_to_pointer(paddr), acpi.ioapics[i].first);
        }
    }
}

bool ioapic_route(unsigned line, bool is_level, bool is_active_low) {
    struct pin *pin = &pins[line];

    pin->entry = 0;
    if (pin->ioapic == NULL || (line < IRQ_ISA_LINES && !(is_level && acpi.isa[line].is_level))) {
        return false;
    }
    if (line < IRQ_ISA_LINES) {
        is_active_low = acpi.isa[line].is_active_low;
    }
    pin->entry =
        (VECTOR_IRQ + line) | (is_level ? ENTRY_LEVEL : 0) | (is_active_low ? ENTRY_ACTIVE_LOW : 0);
    return ioapic_set_masked(line, true);
}

bool ioapic_set_masked(unsigned line, bool is_masked) {
    const struct pin *pin = &pins[line];

    if (pin->entry != 0) {
        ioapic_write(pin->ioapic, pin->index, pin->entry | (is_masked ? ENTRY_MASKED : 0));
    }
    return pin->entry != 0;
}

void ioapic_acknowledge(unsigned line) {
    if ((pins[line].entry & ENTRY_LEVEL) != 0) {
        (void)ioapic_set_masked(line, true);
    }
}

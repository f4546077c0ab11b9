/* SPDX-License-Identifier: MIT */
/*
 * The tables come from the firmware: every length in them is checked, and a table whose bytes do
 * not add up to 0 does not count. Sections are of the ACPI specification 6.4.
 */
#include "kernel/arch/x86_64/acpi.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/features.h"
#include "lib/base/string.h"

/* Where the direct map has what is not RAM. */
#define TABLES_END   (4 * GiB)
#define TABLE_MAX    (1 * MiB)
#define RSDP_1_BYTES 20 /* what its first checksum covers (5.2.5.3) */

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision; /* 2 and up have what follows rsdt */
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} PACKED;
_Static_assert(sizeof(struct rsdp) == sizeof(((struct boot_info *)NULL)->rsdp), "5.2.5.3");

/* 5.2.6 */
struct table_header {
    char signature[4];
    uint32_t length; /* the whole table's */
    uint8_t revision;
    uint8_t checksum;
    char oem[26];
} PACKED;

/* 5.2.12 */
struct madt {
    struct table_header header;
    uint32_t lapic;
    uint32_t flags;
} PACKED;

/* Kinds of entries (table 5.45), and flags of theirs (tables 5.47 and 5.50). */
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };
#define MADT_ENABLED       (1u << 0)
#define MADT_POLARITY      3u
#define MADT_POLARITY_LOW  3u
#define MADT_TRIGGER       (3u << 2)
#define MADT_TRIGGER_LEVEL (3u << 2)

struct madt_entry {
    uint8_t type, length;
} PACKED;
struct madt_lapic {
    struct madt_entry entry;
    uint8_t processor, apic_id;
    uint32_t flags;
} PACKED;
struct madt_ioapic {
    struct madt_entry entry;
    uint8_t id, reserved;
    uint32_t paddr;
    uint32_t first;
} PACKED;
struct madt_override {
    struct madt_entry entry;
    uint8_t bus, source; /* 0: ISA */
    uint32_t line;
    uint16_t flags;
} PACKED;
struct madt_x2apic {
    struct madt_entry entry;
    uint16_t reserved;
    uint32_t apic_id;
    uint32_t flags;
    uint32_t processor;
} PACKED;

static bool sum_is_zero(const void *start, size_t n) {
    const uint8_t *bytes = start;
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

struct acpi acpi;

/* The table at a physical address; NULL if none can be there. */
static const struct table_header *table_at(uint64_t paddr) {
    const struct table_header *table;

    if (paddr == 0 || !u64_range_is_within(paddr, sizeof(*table), TABLES_END)) {
        return NULL;
    }
    table = paddr_to_pointer(paddr);
    if (table->length < sizeof(*table) || table->length > TABLE_MAX ||
        !u64_range_is_within(paddr, table->length, TABLES_END) ||
        !sum_is_zero(table, table->length)) {
        return NULL;
    }
    return table;
}

/* The first table with this signature among those that the root lists, as numbers of `width` bytes
 * (5.2.7, 5.2.8). */
static const struct table_header *table_find(const struct table_header *root, size_t width,
                                             const char *signature) {
    const char *entries = (const char *)(root + 1);

    for (size_t i = 0; i < (root->length - sizeof(*root)) / width; i++) {
        const struct table_header *table;
        uint64_t paddr = 0;

        memcpy(&paddr, entries + i * width, width);
        table = table_at(paddr);
        if (table != NULL && memcmp(table->signature, signature, 4) == 0) {
            return table;
        }
    }
    return NULL;
}

static const struct madt *madt_find(const struct boot_info *boot) {
    const struct table_header *table = NULL;
    const struct table_header *root;
    struct rsdp rsdp;

    memcpy(&rsdp, boot->rsdp, sizeof(rsdp));
    if (memcmp(rsdp.signature, "RSD PTR ", 8) != 0 || !sum_is_zero(&rsdp, RSDP_1_BYTES)) {
        return NULL;
    }
    root = rsdp.revision >= 2 && sum_is_zero(&rsdp, sizeof(rsdp)) ? table_at(rsdp.xsdt) : NULL;
    if (root != NULL) {
        table = table_find(root, sizeof(uint64_t), "APIC");
    } else if ((root = table_at(rsdp.rsdt)) != NULL) {
        table = table_find(root, sizeof(uint32_t), "APIC");
    }
    return table != NULL && table->length >= sizeof(struct madt) ? (const struct madt *)table
                                                                 : NULL;
}

/* Messages to the highest id of either form go to all processors (SDM 3, 10.6.1); one named twice,
 * as it may be in both forms, would be started again while it runs. */
static void read_cpu(uint32_t id, uint32_t flags) {
    bool is_good = (flags & MADT_ENABLED) != 0 && acpi.n_cpus < CPU_MAX &&
                   id < (arch_features.x2apic ? UINT32_MAX : UINT8_MAX);

    for (unsigned i = 0; i < acpi.n_cpus; i++) {
        is_good &= acpi.cpu_ids[i] != id;
    }
    if (is_good) {
        acpi.cpu_ids[acpi.n_cpus++] = id;
    }
}

static void read_ioapic(const struct madt_ioapic *entry) {
    if (acpi.n_ioapics < ACPI_IOAPICS_MAX) {
        acpi.ioapics[acpi.n_ioapics].paddr = entry->paddr;
        acpi.ioapics[acpi.n_ioapics++].first = entry->first;
    }
}

/* Lines that the table does not name are as the bus has them: rising edges. */
static void read_override(const struct madt_override *entry) {
    if (entry->bus == 0 && entry->source < IRQ_ISA_LINES) {
        acpi.isa[entry->source] = (struct acpi_isa_line){
            .line = entry->line,
            .is_level = (entry->flags & MADT_TRIGGER) == MADT_TRIGGER_LEVEL,
            .is_active_low = (entry->flags & MADT_POLARITY) == MADT_POLARITY_LOW,
        };
    }
}

static void read_entry(const struct madt_entry *entry) {
    static const uint8_t sizes[] = {
        [MADT_LAPIC] = sizeof(struct madt_lapic),
        [MADT_IOAPIC] = sizeof(struct madt_ioapic),
        [MADT_OVERRIDE] = sizeof(struct madt_override),
        [MADT_X2APIC] = sizeof(struct madt_x2apic),
    };
    const struct madt_lapic *lapic = (const struct madt_lapic *)entry;
    const struct madt_x2apic *x2apic = (const struct madt_x2apic *)entry;

    if (entry->type >= ARRAY_SIZE(sizes) || entry->length < sizes[entry->type]) {
        return;
    }
    switch (entry->type) {
    case MADT_LAPIC:
        read_cpu(lapic->apic_id, lapic->flags);
        break;
    case MADT_X2APIC:
        read_cpu(x2apic->apic_id, x2apic->flags);
        break;
    case MADT_IOAPIC:
        read_ioapic((const struct madt_ioapic *)entry);
        break;
    case MADT_OVERRIDE:
        read_override((const struct madt_override *)entry);
        break;
    default:
        break;
    }
}

void acpi_read(const struct boot_info *boot) {
    const struct madt *madt = madt_find(boot);
    size_t at = sizeof(*madt);

    for (uint32_t i = 0; i < IRQ_ISA_LINES; i++) {
        acpi.isa[i].line = i;
    }
    while (madt != NULL &&
           u64_range_is_within(at, sizeof(struct madt_entry), madt->header.length)) {
        const struct madt_entry *entry = (const void *)((const char *)madt + at);

        if (entry->length < sizeof(*entry) ||
            !u64_range_is_within(at, entry->length, madt->header.length)) {
            break;
        }
        read_entry(entry);
        at += entry->length;
    }
}

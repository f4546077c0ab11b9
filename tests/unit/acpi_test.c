/* SPDX-License-Identifier: MIT */
/*
 * The tables of the firmware, made by hand: as they should be, as some machines have them, and as
 * none should.
 *
 * Sources: kernel/arch/x86_64/acpi.c
 * Build: kernel
 */
#include "tests/unit/test.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/frame.h"
#include "lib/base/string.h"
#include "tests/host/kernel.h"

/* Where the tables are put: in memory that nobody else uses. */
enum { ROOT = 0x1000, MADT = 0x2000, OTHER = 0x3000, HEADER_BYTES = 36, MADT_BYTES = 44 };

static paddr_t frames[3]; /* of ROOT, MADT, OTHER */
static struct boot_info boot;

static uint64_t place(uint64_t at) {
    return frames[at / PAGE_SIZE - 1] + at % PAGE_SIZE;
}

static uint8_t *bytes_at(uint64_t at) {
    return paddr_to_pointer(place(at));
}

static void put(uint64_t at, const void *from, size_t n) {
    memcpy(bytes_at(at), from, n);
}

/* Makes the bytes from `bytes` on add up to 0 by the one at `which`. */
static void seal(uint8_t *bytes, size_t n, size_t which) {
    uint8_t sum = 0;

    bytes[which] = 0;
    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[which] = (uint8_t)-sum;
}

static void table(uint64_t at, const char *signature, uint32_t length) {
    memset(bytes_at(at), 0, HEADER_BYTES);
    put(at, signature, 4);
    put(at + 4, &length, 4);
    seal(bytes_at(at), length, 9);
}

/* The MADT with these entries; RSDT and RSDP that lead to it. `width`: of the root's numbers. */
static void tables(const uint8_t *entries, uint32_t n, uint32_t width) {
    uint64_t roots[2] = {place(OTHER), place(MADT)};
    uint64_t root = place(ROOT);

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        memset(paddr_to_pointer(frames[i]), 0, PAGE_SIZE);
    }
    table(OTHER, "FACP", HEADER_BYTES);
    put(MADT + MADT_BYTES, entries, n);
    table(MADT, "APIC", MADT_BYTES + n);
    put(ROOT + HEADER_BYTES, &roots[0], width);
    put(ROOT + HEADER_BYTES + width, &roots[1], width);
    table(ROOT, width == 8 ? "XSDT" : "RSDT", HEADER_BYTES + 2 * width);
    memset(&boot, 0, sizeof boot);
    memcpy(boot.rsdp, "RSD PTR ", 8);
    boot.rsdp[15] = width == 8 ? 2 : 0;
    memcpy(&boot.rsdp[width == 8 ? 24 : 16], &root, width);
    seal(boot.rsdp, 20, 8);
    seal(boot.rsdp, sizeof boot.rsdp, 32);
}

static void read_tables(void) {
    memset(&acpi, 0, sizeof acpi);
    acpi_read(&boot);
}

static void test_a_usual_machine(void **state) {
    static const uint8_t entries[] = {
        0, 8,  0,    0,  1, 0, 0,    0,                   /* a processor, */
        0, 8,  1,    2,  1, 0, 0,    0,                   /* another, */
        0, 8,  2,    4,  0, 0, 0,    0,                   /* one that cannot be used */
        1, 12, 0,    0,  0, 0, 0xc0, 0xfe, 0,    0, 0, 0, /* an I/O APIC */
        2, 10, 0,    0,  2, 0, 0,    0,    0,    0,       /* line 0 comes to 2, */
        2, 10, 0,    9,  9, 0, 0,    0,    0x0f, 0,       /* 9 is level and low, */
        2, 10, 1,    5,  7, 0, 0,    0,    0,    0,       /* not of the ISA bus, */
        2, 10, 0,    16, 7, 0, 0,    0,    0,    0,       /* no line of it */
        4, 6,  0xff, 0,  0, 1,                            /* what the kernel does not read */
    };

    (void)state;
    for (uint32_t width = 4; width <= 8; width += 4) {
        tables(entries, sizeof entries, width);
        read_tables();
        assert_int_equal(acpi.n_cpus, 2);
        assert_int_equal(acpi.cpu_ids[0], 0);
        assert_int_equal(acpi.cpu_ids[1], 2);
        assert_int_equal(acpi.n_ioapics, 1);
        assert_int_equal(acpi.ioapics[0].paddr, 0xfec00000);
        assert_int_equal(acpi.isa[0].line, 2);
        assert_false(acpi.isa[0].is_level);
        assert_int_equal(acpi.isa[9].line, 9);
        assert_true(acpi.isa[9].is_level && acpi.isa[9].is_active_low);
        assert_int_equal(acpi.isa[5].line, 5);
    }
}

/* Firmware may name a processor in both forms; and the highest number of either means all. */
static void test_processors_that_are_not(void **state) {
    static const uint8_t entries[] = {
        0, 8,  0, 3,    1,    0,    0,    0,                            /* 3 */
        9, 16, 0, 0,    3,    0,    0,    0,    1, 0, 0, 0, 0, 0, 0, 0, /* again */
        0, 8,  1, 0xff, 1,    0,    0,    0,                            /* all of them */
        9, 16, 0, 0,    0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, /* in the other form */
        9, 16, 0, 0,    0x2c, 1,    0,    0,    1, 0, 0, 0, 0, 0, 0, 0, /* 300 */
    };

    (void)state;
    tables(entries, sizeof entries, 8);
    arch_features.x2apic = false;
    read_tables();
    assert_int_equal(acpi.n_cpus, 1);
    assert_int_equal(acpi.cpu_ids[0], 3);
    arch_features.x2apic = true;
    read_tables();
    assert_int_equal(acpi.n_cpus, 3); /* with it 255 is one like others */
    assert_int_equal(acpi.cpu_ids[1], 0xff);
    assert_int_equal(acpi.cpu_ids[2], 300);
    arch_features.x2apic = false;
}

static void test_more_than_there_is_room_for(void **state) {
    uint8_t entries[8 * (CPU_MAX + 3) + 12 * (ACPI_IOAPICS_MAX + 2)] = {0};
    uint8_t *at = entries;

    (void)state;
    for (uint8_t i = 0; i < CPU_MAX + 3; i++, at += 8) {
        memcpy(at, (uint8_t[]){0, 8, i, i, 1}, 5);
    }
    for (uint8_t i = 0; i < ACPI_IOAPICS_MAX + 2; i++, at += 12) {
        memcpy(at, (uint8_t[]){1, 12, i, 0, 0, (uint8_t)(0x10 * i), 0xc0, 0xfe, (uint8_t)(24 * i)},
               9);
    }
    tables(entries, sizeof entries, 4);
    read_tables();
    assert_int_equal(acpi.n_cpus, CPU_MAX);
    assert_int_equal(acpi.n_ioapics, ACPI_IOAPICS_MAX);
    assert_int_equal(acpi.ioapics[ACPI_IOAPICS_MAX - 1].first, 24 * (ACPI_IOAPICS_MAX - 1));
}

/* An entry that ends behind the table, or has no length, ends the reading; a short one is left out.
 */
static void test_entries_that_are_cut(void **state) {
    static const uint8_t beyond[] = {0, 8, 0, 1, 1, 0, 0, 0, 0, 8, 1, 2, 1, 0};
    static const uint8_t empty[] = {0, 8, 0, 1, 1, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0};
    static const uint8_t tiny[] = {0, 3, 0, 1, 12, 0, 0, 0, 0, 0, 0, 0,
                                   0, 0, 0, 0, 8,  0, 1, 1, 0, 0, 0};

    (void)state;
    tables(beyond, sizeof beyond, 8);
    read_tables();
    assert_int_equal(acpi.n_cpus, 1);
    tables(empty, sizeof empty, 8);
    read_tables();
    assert_int_equal(acpi.n_cpus, 1);
    tables(tiny, sizeof tiny, 8);
    read_tables();
    assert_int_equal(acpi.n_cpus, 1);
    assert_int_equal(acpi.n_ioapics, 1);
}

/* Damaged tables count as none: the machine then has one processor, and the 8259. */
static void test_damage(void **state) {
    static const uint8_t entries[] = {0, 8, 0, 1, 1, 0, 0, 0};
    const uint64_t where[] = {ROOT + 20, MADT + 20, MADT + 4, ROOT + 4};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
        tables(entries, sizeof entries, 8);
        *bytes_at(where[i]) ^= 0x55;
        read_tables();
        assert_int_equal(acpi.n_cpus, 0);
        assert_int_equal(acpi.isa[7].line, 7);
    }
    tables(entries, sizeof entries, 8);
    boot.rsdp[9] ^= 1;
    read_tables();
    assert_int_equal(acpi.n_cpus, 0);

    /* Addresses and lengths that lead out of what is mapped. */
    static const uint64_t far[] = {0, 4 * GiB - 8, 4 * GiB, UINT64_MAX - 8};
    for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
        tables(entries, sizeof entries, 8);
        memcpy(&boot.rsdp[24], &far[i], 8);
        seal(boot.rsdp, sizeof boot.rsdp, 32);
        read_tables();
        assert_int_equal(acpi.n_cpus, 0);
    }
    static const uint32_t lengths[] = {0, HEADER_BYTES - 1, 2 * MiB, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        tables(entries, sizeof entries, 8);
        put(MADT + 4, &lengths[i], 4);
        read_tables();
        assert_int_equal(acpi.n_cpus, 0);
    }
    /* A MADT without the words that each has. */
    tables(entries, sizeof entries, 8);
    table(MADT, "APIC", MADT_BYTES - 1);
    read_tables();
    assert_int_equal(acpi.n_cpus, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_usual_machine),
        cmocka_unit_test(test_processors_that_are_not),
        cmocka_unit_test(test_more_than_there_is_room_for),
        cmocka_unit_test(test_entries_that_are_cut),
        cmocka_unit_test(test_damage),
    };

    host_kernel_start();
    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        frames[i] = frame_take_zeroed();
        assert_int_not_equal(frames[i], PADDR_NONE);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

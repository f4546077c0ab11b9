/* SPDX-License-Identifier: MIT */
/* Exceptions end only the program that raised them, and the record says why. */
#include "tests/guest/kernel/kernel_test.h"

static int read_null(uint64_t address) {
    return *(volatile int *)(uintptr_t)address;
}

static int undefined(uint64_t unused) {
    (void)unused;
    __asm__ volatile("ud2");
    return 0;
}

static int divide(uint64_t zero) {
    __asm__ volatile("xorl %%edx, %%edx; movl $1, %%eax; divl %0"
                     :
                     : "r"((uint32_t)zero)
                     : "eax", "edx");
    return 0;
}

static void page_faults(void) {
    static const uint64_t addresses[] = {
        0, 0x10, 0xffff800000000000, 0xffffffff80100000, 0x00007ffffffff000, 0x0000700000000000};
    struct death_record record;

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        child_dies(read_null, addresses[i], &record);
        CHECK(record.vector == 14 && record.fault_address == addresses[i]);
        CHECK(record.n_backtrace >= 1 && record.backtrace[0] == record.registers.rip);
    }
    child_dies(read_null, 0x8000000000000000, &record);
    CHECK(record.vector == 13);
}

static void exceptions(void) {
    struct death_record record;

    child_dies(undefined, 0, &record);
    CHECK(record.vector == 6);
    child_dies(divide, 0, &record);
    CHECK(record.vector == 0);
}

const struct test fault_tests[] = {
    {"fault pages", page_faults},
    {"fault exceptions", exceptions},
    {NULL, NULL},
};

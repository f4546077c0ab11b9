/* SPDX-License-Identifier: MIT */
/* What a program cannot reach: the kernel's memory, other programs' memory, instructions of ring 0,
 * ports, lines and handles that it was not given. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

/* Where the kernel has its direct map, its image and its tables; and the user half's end. */
static const uint64_t forbidden[] = {
    0,
    0xfff,
    USER_TOP - PAGE_BYTES,
    USER_TOP,
    0x7fffffffffff,
    0xffff800000000000, /* direct map */
    0xffff800000100000,
    0xffff8000fee00000, /* its local APIC, if mapped there */
    0xffff888000000000,
    0xffffff0000000000,
    0xfffffffffffff000,
    0xffffffff80000000,
    0xffffffff80100000, /* the kernel's image */
    0xffffffff80200000,
    UINT64_MAX - 7,
};

static void kernel_memory(void) {
    struct death_record record;

    for (unsigned i = 0; i < ARRAY_SIZE(forbidden); i++) {
        for (unsigned how = PROBE_READ; how <= PROBE_RUN; how++) {
            const void *address = (const void *)(uintptr_t)forbidden[i];

            CHECK(!probe_works((enum probe)how, address, &record));
            CHECK(record.vector == 14 && record.fault_address == forbidden[i]);
            CHECK((record.error_code & 2) == (how == PROBE_WRITE ? 2u : 0u));
        }
    }
}

static void kernel_pages(void) {
    static uint64_t data_word;
    const uint64_t pages[] = {INFO_PAGE_ADDRESS, PROCESS_PAGE_ADDRESS};
    struct death_record record;
    char *heap = pages_map(HANDLE_NONE, 1, MAP_READ | MAP_WRITE);

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        const void *page = (const void *)(uintptr_t)pages[i];

        CHECK_READ_ONLY(page);
        CHECK(!probe_works(PROBE_RUN, page, NULL));
        CHECK_STATUS(sys_unmap(HANDLE_NONE, pages[i], PAGE_BYTES), ERROR_BAD_ARGUMENT);
        CHECK_STATUS(sys_protect(HANDLE_NONE, pages[i], PAGE_BYTES, MAP_READ | MAP_WRITE),
                     ERROR_BAD_ARGUMENT);
        CHECK_STATUS(sys_process_control(HANDLE_NONE, PROCESS_DISCARD, pages[i],
                                         pages[i] + PAGE_BYTES, NULL),
                     ERROR_BAD_ARGUMENT);
        /* Nor does the kernel write there for a program. */
        CHECK_STATUS(sys_handle_info(test_budget, (struct handle_info *)(uintptr_t)page),
                     ERROR_BAD_ADDRESS);
    }
    /* Data is not code: stack, static data, mapped memory. */
    data_word = 0xc3;
    volatile uint64_t local = 0xc3;
    const volatile void *data[] = {&local, &data_word, heap, pages};

    heap[0] = (char)0xc3;
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        CHECK(!probe_works(PROBE_RUN, data[i], &record));
        CHECK(record.vector == 14 && record.registers.rip == (uint64_t)(uintptr_t)data[i]);
    }
    /* And code is not data to write. */
    CHECK_READ_ONLY((const void *)(uintptr_t)&kernel_pages);
    CHECK_READ_ONLY("text");
    pages_unmap(heap, 1);
}

static volatile uint64_t own_word;

static int own_memory_child(uint64_t value) {
    own_word = value;
    for (unsigned i = 0; i < 20; i++) {
        CHECK(own_word == value);
        sleep_us(200);
    }
    return 0;
}

/* The same address in many processes at once is another word in each. */
static void other_processes(void) {
    handle_t children[20];

    own_word = 77;
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = child_start(own_memory_child, i);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        CHECK(child_wait(children[i]).status == 0);
    }
    CHECK(own_word == 77);
}

#define INSTRUCTION(name, text)                                                                    \
    static void name(void) {                                                                       \
        __asm__ volatile(text : : : "rax", "rcx", "rdx", "memory");                                \
    }
INSTRUCTION(do_in8, "inb $0x60, %%al")
INSTRUCTION(do_in32, "movw $0xcf8, %%dx; inl %%dx, %%eax")
INSTRUCTION(do_out8, "movw $0xf4, %%dx; outb %%al, %%dx")
INSTRUCTION(do_out_exit, "xorl %%eax, %%eax; movw $0xf4, %%dx; outl %%eax, %%dx")
INSTRUCTION(do_ins, "movw $0x1f0, %%dx; leaq -256(%%rsp), %%rdi; insb")
INSTRUCTION(do_cli, "cli")
INSTRUCTION(do_sti, "sti")
INSTRUCTION(do_hlt, "hlt")
INSTRUCTION(do_rdmsr, "movl $0xc0000082, %%ecx; rdmsr")
INSTRUCTION(do_wrmsr, "movl $0xc0000101, %%ecx; wrmsr")
INSTRUCTION(do_mov_from_cr0, "movq %%cr0, %%rax")
INSTRUCTION(do_mov_from_cr2, "movq %%cr2, %%rax")
INSTRUCTION(do_mov_to_cr3, "movq %%rax, %%cr3")
INSTRUCTION(do_mov_to_cr4, "movq %%rax, %%cr4")
INSTRUCTION(do_mov_to_cr8, "movq %%rax, %%cr8")
INSTRUCTION(do_mov_dr7, "movq %%rax, %%dr7")
INSTRUCTION(do_lgdt, "lgdt -64(%%rsp)")
INSTRUCTION(do_lidt, "lidt -64(%%rsp)")
INSTRUCTION(do_lldt, "xorl %%eax, %%eax; lldt %%ax")
INSTRUCTION(do_ltr, "movl $0x28, %%eax; ltr %%ax")
INSTRUCTION(do_invlpg, "invlpg (%%rsp)")
INSTRUCTION(do_invd, "invd")
INSTRUCTION(do_wbinvd, "wbinvd")
INSTRUCTION(do_clts, "clts")
INSTRUCTION(do_lmsw, "lmsw %%ax")
INSTRUCTION(do_swapgs, "swapgs")
INSTRUCTION(do_sysret, "xorl %%ecx, %%ecx; sysretq")
INSTRUCTION(do_sysexit, "sysexitl")
INSTRUCTION(do_int_timer, "int $0x20")
INSTRUCTION(do_int_double, "int $8")
INSTRUCTION(do_int_page, "int $14")
INSTRUCTION(do_int_linux, "int $0x80")
INSTRUCTION(do_int_last, "int $0xff")
#undef INSTRUCTION

static const struct {
    const char *name;
    void (*run)(void);
} instructions[] = {
#define ROW(name)                                                                                  \
    { #name, do_##name }
    ROW(in8),          ROW(in32),         ROW(out8),       ROW(out_exit),   ROW(ins),
    ROW(cli),          ROW(sti),          ROW(hlt),        ROW(rdmsr),      ROW(wrmsr),
    ROW(mov_from_cr0), ROW(mov_from_cr2), ROW(mov_to_cr3), ROW(mov_to_cr4), ROW(mov_to_cr8),
    ROW(mov_dr7),      ROW(lgdt),         ROW(lidt),       ROW(lldt),       ROW(ltr),
    ROW(invlpg),       ROW(invd),         ROW(wbinvd),     ROW(clts),       ROW(lmsw),
    ROW(swapgs),       ROW(sysret),       ROW(sysexit),    ROW(int_timer),  ROW(int_double),
    ROW(int_page),     ROW(int_linux),    ROW(int_last),
#undef ROW
};

static int instruction_child(uint64_t i) {
    instructions[i].run();
    return 0;
}

static void privileged_instructions(void) {
    struct death_record record;

    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
        child_dies(instruction_child, i, &record);
        /* sysexit is undefined in long mode on some processors. */
        if (record.vector != 13 && !(record.vector == 6 && instructions[i].run == do_sysexit)) {
            test_print("# %s: vector %u\n", instructions[i].name, record.vector);
            CHECK(record.vector == 13);
        }
    }
}

static void ports(void) {
    handle_t ports = HANDLE_NONE, read_only = HANDLE_NONE;
    const struct {
        uint16_t port;
        uint32_t operation;
        status_t status;
    } rows[] = {
        {0x2ff, 1, ERROR_BAD_ARGUMENT},
        {0x300, 1, OK},
        {0x307, 1, OK},
        {0x308, 1, ERROR_BAD_ARGUMENT},
        {0x306, 2, OK},
        {0x307, 2, ERROR_BAD_ARGUMENT},
        {0x304, 4, OK},
        {0x305, 4, ERROR_BAD_ARGUMENT},
        {0x2fe, 4, ERROR_BAD_ARGUMENT},
        {0, 1, ERROR_BAD_ARGUMENT},
        {0xffff, 1, ERROR_BAD_ARGUMENT},
        {0x300, 0, ERROR_BAD_ARGUMENT},
        {0x300, 3, ERROR_BAD_ARGUMENT},
        {0x300, 8, ERROR_BAD_ARGUMENT},
        {0x300, 16, ERROR_BAD_ARGUMENT},
    };

    CHECK_OK(sys_ioports_create(test_system, 0x300, 8, &ports));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK_STATUS(sys_ioports_access(ports, rows[i].port, rows[i].operation, 0, NULL),
                     rows[i].status);
        CHECK_STATUS(
            sys_ioports_access(ports, rows[i].port, rows[i].operation | IOPORTS_OUT, 0, NULL),
            rows[i].operation == 8 ? ERROR_BAD_ARGUMENT : rows[i].status);
    }
    CHECK_STATUS(syscall_do(SYSCALL_ioports_access, ports, 0x10300, 1, 0, 0, 0).status,
                 ERROR_BAD_ARGUMENT);
    CHECK_STATUS(syscall_do(SYSCALL_ioports_access, ports, UINT64_MAX, 1, 0, 0, 0).status,
                 ERROR_BAD_ARGUMENT);
    CHECK_OK(sys_handle_copy(ports, RIGHT_READ, 0, &read_only));
    CHECK_STATUS(sys_ioports_access(read_only, 0x300, 1 | IOPORTS_OUT, 0, NULL), ERROR_NO_RIGHT);
    CHECK_OK(sys_ioports_access(read_only, 0x300, 1, 0, NULL));
    closed(read_only);
    closed(ports);
    CHECK_OK(sys_ioports_create(test_system, 0xffff, 1, &ports));
    CHECK_STATUS(sys_ioports_access(ports, 0xffff, 2, 0, NULL), ERROR_BAD_ARGUMENT);
    closed(ports);
    CHECK_STATUS(sys_ioports_create(test_system, 0xffff, 2, &ports), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_ioports_create(test_system, 0, 0, &ports), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_ioports_create(test_system, 0, 0x10001, &ports), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_ioports_create(test_budget, 0, 1, &ports), ERROR_WRONG_TYPE);
}

/* Handles that a child must not have: what init may do, what is one program's own. */
static handle_t kept[10];

static int handles_child(uint64_t n_kept) {
    struct handle_info info;
    handle_t handle = HANDLE_NONE;

    for (unsigned i = 0; i < n_kept; i++) {
        CHECK_STATUS(sys_handle_info(kept[i], &info), ERROR_BAD_HANDLE);
        CHECK_STATUS(sys_handle_copy(kept[i], RIGHTS_ALL, 0, &handle), ERROR_BAD_HANDLE);
        CHECK_STATUS(sys_handle_close(kept[i]), ERROR_BAD_HANDLE);
    }
    CHECK_STATUS(sys_irq_create(test_system, 5, 0, &handle), ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_ioports_create(test_system, 0x300, 8, &handle), ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_memory_create_device(test_system, 0xb8000, 1, 0, &handle), ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_system_control(test_system, SYSTEM_POWER_OFF, 0, 0, 0, NULL),
                 ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_process_identify(test_identity, test_self, 1, 1), ERROR_BAD_HANDLE);
    /* No number is one by luck. */
    for (uint64_t number = 1; number < 3000; number++) {
        if (sys_handle_info((handle_t)number, &info) == OK) {
            CHECK(info.type == OBJECT_GATE || info.type == OBJECT_PROCESS ||
                  info.type == OBJECT_BUDGET || info.type == OBJECT_MEMORY);
        }
    }
    for (uint64_t bit = 12; bit < 64; bit++) {
        CHECK_STATUS(sys_handle_close((handle_t)(1ULL << bit)), ERROR_BAD_HANDLE);
        CHECK_STATUS(syscall_do3(SYSCALL_handle_close, 1ULL << bit | 1, 0, 0).status,
                     ERROR_BAD_HANDLE);
    }
    return 0;
}

static void handles_of_others(void) {
    unsigned n = 0;

    kept[n++] = test_system;
    kept[n++] = test_identity;
    kept[n++] = endpoint_new();
    CHECK_OK(sys_irq_create(test_system, 5, 0, &kept[n++]));
    CHECK_OK(sys_ioports_create(test_system, 0x300, 8, &kept[n++]));
    CHECK_OK(sys_memory_create_device(test_system, 0xb8000, 1, 0, &kept[n++]));
    CHECK_OK(sys_memory_create(1, MEMORY_CONTIGUOUS, 0, HANDLE_NONE, &kept[n++]));
    handle_t gate = gate_new(kept[2], 1);

    CHECK_OK(sys_handle_copy(gate, RIGHTS_ALL, HANDLE_NO_FORK, &kept[n++]));
    CHECK_OK(sys_handle_copy(gate, RIGHTS_ALL & ~RIGHT_COPY, 0, &kept[n++]));
    CHECK(child_run(handles_child, n) == 0);
    for (unsigned i = 2; i < n; i++) {
        closed(kept[i]);
    }
    closed(gate);
}

const struct test isolation_tests[] = {
    {"isolation of the kernel's memory", kernel_memory},
    {"isolation of pages", kernel_pages},
    {"isolation of other processes", other_processes},
    {"isolation privileged instructions", privileged_instructions},
    {"isolation of ports", ports},
    {"isolation of handles", handles_of_others},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Calls that fail change nothing; those that are given up half-way leave nothing half done. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#include "lib/native/block.h"

#define READ_WRITE   (MAP_READ | MAP_WRITE)
#define IMAGE_FRAMES 400 /* more than a process of image_make costs */

static status_t map_at(handle_t memory, const char *at, uint64_t n_pages, uint64_t offset,
                       uint32_t flags) {
    uint64_t mapped = 0;

    return sys_map(HANDLE_NONE, memory, (uint64_t)(uintptr_t)at, n_pages * PAGE_BYTES, offset,
                   MAP_FIXED | flags, &mapped);
}

/* What would be replaced is still there after every refusal. */
static void replace_refused(void) {
    handle_t memory = memory_new(2), read_only = HANDLE_NONE;
    char *pages = pages_map(HANDLE_NONE, 300, READ_WRITE);

    CHECK_OK(sys_handle_copy(memory, RIGHT_READ, 0, &read_only));
    for (unsigned i = 0; i < 300; i++) {
        pages[i * PAGE_BYTES] = (char)i;
    }
    CHECK_STATUS(map_at(HANDLE_NONE, pages, 300, 0, MAP_REPLACE | MAP_WRITE | MAP_EXECUTE),
                 ERROR_NO_RIGHT);
    CHECK_STATUS(map_at(read_only, pages, 2, 0, MAP_REPLACE | READ_WRITE), ERROR_NO_RIGHT);
    CHECK_STATUS(map_at(memory, pages, 2, 1, MAP_REPLACE | MAP_READ), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(map_at(memory, pages, 2, (uint64_t)PAGE_BYTES << 28, MAP_REPLACE | MAP_READ),
                 ERROR_BAD_ARGUMENT);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(pages[i * PAGE_BYTES] == (char)i);
    }
    /* Across three regions, with parts of two of them left over; more than one step. */
    CHECK_OK(sys_protect(HANDLE_NONE, (uint64_t)(uintptr_t)pages + 100 * PAGE_BYTES,
                         100 * PAGE_BYTES, MAP_READ));
    CHECK_OK(map_at(HANDLE_NONE, pages + 50 * PAGE_BYTES, 200, 0, MAP_REPLACE | READ_WRITE));
    for (unsigned i = 0; i < 300; i++) {
        CHECK(pages[i * PAGE_BYTES] == (i < 50 || i >= 250 ? (char)i : 0));
    }
    pages_unmap(pages, 300);
    closed(read_only);
    closed(memory);
}

/* Runs with a budget of which nothing is left: no region can be split off or made. */
static void replace_without_budget(uint64_t unused) {
    char *pages = pages_map(HANDLE_NONE, 64, READ_WRITE);
    uint64_t address = 0;
    status_t status = OK;

    (void)unused;
    for (unsigned i = 0; i < 64; i++) {
        pages[i * PAGE_BYTES] = 1;
    }
    CHECK_OK(sys_protect(HANDLE_NONE, (uint64_t)(uintptr_t)pages, 32 * PAGE_BYTES, MAP_READ));
    while (status == OK) {
        status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, PAGE_BYTES, 0, MAP_READ, &address);
    }
    CHECK(status == ERROR_OUT_OF_BUDGET);
    /* Would leave the middle of two regions: more pieces than before. */
    CHECK_STATUS(map_at(HANDLE_NONE, pages + 16 * PAGE_BYTES, 32, 0, MAP_REPLACE | MAP_READ),
                 ERROR_OUT_OF_BUDGET);
    CHECK_STATUS(
        sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)pages + 16 * PAGE_BYTES, 32 * PAGE_BYTES),
        ERROR_OUT_OF_BUDGET);
    for (unsigned i = 0; i < 64; i++) {
        CHECK(pages[i * PAGE_BYTES] == 1);
    }
    /* In place of a whole region another can always be had. */
    CHECK_OK(map_at(HANDLE_NONE, pages, 64, 0, MAP_REPLACE | MAP_READ));
    CHECK_OK(map_at(HANDLE_NONE, pages, 64, 0, MAP_REPLACE | READ_WRITE));
    test_shared[1] = 1;
}

/* Populating more than there is fails, and leaves not a frame behind. */
static void populate_too_much(uint64_t unused) {
    handle_t budget = (handle_t)test_shared[2];
    uint64_t address = 0, before;

    (void)unused;
    pages_unmap(pages_map(HANDLE_NONE, 1, READ_WRITE | MAP_POPULATE), 1);
    before = budget_used(budget);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_STATUS(sys_map(HANDLE_NONE, HANDLE_NONE, 0, 10000 * PAGE_BYTES, 0,
                             READ_WRITE | MAP_POPULATE, &address),
                     ERROR_OUT_OF_BUDGET);
        CHECK(budget_used(budget) == before);
    }
    test_shared[1] = 1;
}

/* Runs it in a process with a budget of its own, of which it gets a handle (word 2), and the system
 * handle (word 3). It sets word 1 when all is well. */
static void in_an_image(void (*function)(uint64_t)) {
    handle_t budget = budget_new(test_budget, 2 * IMAGE_FRAMES), number = HANDLE_NONE;
    struct image image = image_make(budget, function, 0);
    struct process_status status;

    test_shared[1] = 0;
    CHECK_OK(sys_process_give(image.process, budget, RIGHT_READ, &number));
    test_shared[2] = number;
    CHECK_OK(sys_process_give(image.process, test_system, RIGHT_MANAGE | RIGHT_COPY, &number));
    test_shared[3] = number;
    status = child_wait(image_start(&image));
    CHECK(status.cause == DEATH_EXIT && status.status == 0 && test_shared[1] == 1);
    closed(budget);
}

static void nothing_half_mapped(void) {
    in_an_image(replace_without_budget);
    in_an_image(populate_too_much);
}

/* --- an interrupt line's mode ---------------------------------------------------------------- */

#define ELCR_PORT 0x4d0 /* edge and level control, a bit per line */
#define IRQ_LINE  5     /* of no device here */

/* Its handle table is full, and its budget gives no page for more. */
static void irq_without_room(uint64_t unused) {
    handle_t system = (handle_t)test_shared[3], handle;
    uint64_t address;

    (void)unused;
    for (unsigned i = 0; i < 253; i++) {
        CHECK_OK(sys_handle_copy(system, RIGHTS_ALL, 0, &handle));
    }
    for (unsigned n = 1024; n > 0; n /= 2) {
        while (sys_map(HANDLE_NONE, HANDLE_NONE, 0, n * PAGE_BYTES, 0, READ_WRITE | MAP_POPULATE,
                       &address) == OK) {
        }
    }
    CHECK(sys_irq_create(system, IRQ_LINE, IRQ_LEVEL, &handle) == ERROR_OUT_OF_BUDGET);
    test_shared[1] = 1;
}

static void irq_mode_untouched(void) {
    handle_t ports = HANDLE_NONE;
    uint64_t before = 0, after = 0;

    CHECK_OK(sys_ioports_create(test_system, ELCR_PORT, 2, &ports));
    CHECK_OK(sys_ioports_access(ports, ELCR_PORT, 1, 0, &before));
    in_an_image(irq_without_room);
    CHECK_OK(sys_ioports_access(ports, ELCR_PORT, 1, 0, &after));
    CHECK(before == after);
    closed(ports);
}

/* --- upcalls in the middle of protect -------------------------------------------------------- */

#define PROTECT_PAGES 3000

static volatile uint64_t landing_rip, landing_rsp;

/* Does not come back to what it interrupted. */
static void leaving_handler(struct upcall_frame *frame) {
    frame->registers.rip = landing_rip;
    frame->registers.rsp = landing_rsp;
    sys_upcall_return(frame);
}

static void disturber_main(void *thread) {
    while (landing_rsp == 0) {
        sleep_us(20);
    }
    sleep_us(test_shared[1]);
    CHECK_OK(sys_thread_upcall(*(handle_t *)thread, 1));
    for (;;) {
        sleep_us(NS_PER_S / NS_PER_US);
    }
}

static int protect_child(uint64_t pause_us) {
    volatile char *pages = pages_map(HANDLE_NONE, PROTECT_PAGES, READ_WRITE);
    uint64_t at = (uint64_t)(uintptr_t)pages, own = 0, sum = 0;
    handle_t own_thread;
    struct thread other;

    for (unsigned i = 0; i < PROTECT_PAGES; i++) {
        pages[i * PAGE_BYTES] = 1;
    }
    CHECK_OK(sys_protect(HANDLE_NONE, at, PROTECT_PAGES * PAGE_BYTES, 0));
    CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_OPEN, 0, &own));
    own_thread = (handle_t)own;
    CHECK_OK(sys_upcall_set((uint64_t)(uintptr_t)leaving_handler,
                            (uint64_t)(uintptr_t)native_block_begin,
                            (uint64_t)(uintptr_t)native_block_end));
    priority_set(PRIORITY_PROGRAM);
    test_shared[1] = pause_us;
    CHECK_OK(thread_start(&other, disturber_main, &own_thread, 0));
    CHECK_OK(sys_thread_control(thread_opened(other.id), THREAD_SET_PRIORITY, PRIORITY_PROGRAM + 1,
                                NULL));
    /* The call in assembly: wherever the handler comes in, it goes on behind it. */
    __asm__ volatile("leaq 2f(%%rip), %%rax; movq %%rax, %0; movq %%rsp, %1;"
                     "movl %2, %%eax; xorl %%edi, %%edi; movq %3, %%rsi; movq %4, %%rdx;"
                     "movl %5, %%r10d; syscall;"
                     "1: pause; jmp 1b; 2:"
                     : "=m"(landing_rip), "=m"(landing_rsp)
                     : "i"(SYSCALL_protect), "r"(at), "r"((uint64_t)PROTECT_PAGES * PAGE_BYTES),
                       "i"(MAP_READ)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    for (unsigned i = 0; i < PROTECT_PAGES; i++) {
        sum += (uint64_t)pages[i * PAGE_BYTES];
    }
    CHECK(sum == PROTECT_PAGES);
    return 0;
}

static void protect_abandoned(void) {
    for (uint64_t i = 0; i < 5; i++) {
        CHECK(child_run(protect_child, 100 + i * 700) == 0);
    }
}

/* --- become given up ------------------------------------------------------------------------- */

enum { LONG_LIST = 60000 };

static struct image first_image, second_image;
static handle_t listed;
static uint32_t *long_list;
static status_t (*become_code)(handle_t, const uint32_t *, uint64_t, uint64_t, uint64_t, uint64_t);

/* The new image kept nothing: what was marked for an earlier try must be closed. */
static void nothing_kept(uint64_t unused) {
    struct handle_info info;

    (void)unused;
    sys_process_exit(sys_handle_info((handle_t)test_shared[2], &info) == OK ? 32 : 31);
}

static void not_reached(uint64_t unused) {
    (void)unused;
    sys_process_exit(30);
}

/* The page of the `syscall` is gone. */
static void once_more(struct upcall_frame *frame) {
    (void)frame;
    sys_process_exit(sys_process_become(second_image.process, NULL, 0, second_image.entry,
                                        second_image.stack, second_image.argument));
}

static int become_child(uint64_t unused) {
    (void)unused;
    CHECK_OK(sys_upcall_set((uint64_t)(uintptr_t)once_more, (uint64_t)(uintptr_t)native_block_begin,
                            (uint64_t)(uintptr_t)native_block_end));
    test_shared[2] = listed;
    test_shared[0] = 1;
    (void)become_code(first_image.process, long_list, LONG_LIST, first_image.entry,
                      first_image.stack, first_image.argument);
    return 34;
}

/* Its code is taken away while it runs, at all stages; then it tries again with an empty list. */
static void become_abandoned(void) {
    /* movq %rcx, %r10; movl $process_become, %eax; syscall; ret */
    static const char code[] = {
        0x49, (char)0x89, (char)0xca, (char)0xb8, SYSCALL_process_become, 0, 0,
        0,    0x0f,       0x05,       (char)0xc3};
    handle_t endpoint = endpoint_new();

    listed = gate_new(endpoint, 1);
    long_list = (uint32_t *)pages_map(HANDLE_NONE, LONG_LIST * 4 / PAGE_BYTES + 1, READ_WRITE);
    for (unsigned i = 0; i < LONG_LIST; i++) {
        long_list[i] = listed;
    }
    for (unsigned i = 0; i < 12; i++) {
        handle_t memory = memory_new(1);
        char *text = pages_map(memory, 1, READ_WRITE);
        struct process_status status;

        memcpy(text, code, sizeof(code));
        pages_unmap(text, 1);
        text = pages_map(memory, 1, MAP_READ | MAP_EXECUTE);
        become_code = (__typeof__(become_code))(uintptr_t)text;
        first_image = image_make(HANDLE_NONE, not_reached, 0);
        second_image = image_make(HANDLE_NONE, nothing_kept, 0);
        test_shared[0] = 0;
        handle_t child = child_make(become_child, 0);

        CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, PRIORITY_PROGRAM, 0, NULL));
        CHECK_OK(sys_process_start(child, 0, 0, 0));
        while (test_shared[0] == 0) {
            sleep_us(50);
        }
        sleep_us(100 + i * 400);
        CHECK_OK(sys_memory_control(memory, MEMORY_RESIZE, 0, NULL));
        status = child_wait(child);
        CHECK(status.cause == DEATH_KILLED ||
              (status.cause == DEATH_EXIT && (status.status == 30 || status.status == 31)));
        pages_unmap(text, 1);
        closed(memory);
        CHECK_OK(sys_process_kill(first_image.process, 0));
        CHECK_OK(sys_process_kill(second_image.process, 0));
        (void)child_wait(first_image.process);
        (void)child_wait(second_image.process);
    }
    pages_unmap(long_list, LONG_LIST * 4 / PAGE_BYTES + 1);
    closed(listed);
    closed(endpoint);
}

/* --- the budget after become ----------------------------------------------------------------- */

/* 3,000 handles more: their table's pages are this image's to pay. */
static void grow_table(uint64_t unused) {
    handle_t handle;

    (void)unused;
    test_shared[1] = 1;
    while (test_shared[3] == 0) {
        sleep_us(100);
    }
    for (unsigned i = 0; i < 3000; i++) {
        CHECK_OK(sys_handle_copy((handle_t)test_shared[2], RIGHTS_ALL, 0, &handle));
    }
    test_shared[1] = 2;
    while (test_shared[3] == 1) {
        sleep_us(100);
    }
}

static int paid_child(uint64_t unused) {
    handle_t endpoint = endpoint_new();

    (void)unused;
    test_shared[2] = endpoint;
    return sys_process_become(first_image.process, &endpoint, 1, first_image.entry,
                              first_image.stack, first_image.argument);
}

static void wait_for(volatile uint64_t *word, uint64_t value) {
    for (unsigned i = 0; i < 100000 && *word != value; i++) {
        sleep_us(100);
    }
    CHECK(*word == value);
}

static void become_pays(void) {
    handle_t budget = budget_new(test_budget, 2 * IMAGE_FRAMES), child;
    uint64_t new_before, old_before;

    first_image = image_make(budget, grow_table, 0);
    test_shared[1] = test_shared[3] = 0;
    child = child_start(paid_child, 0);
    wait_for(&test_shared[1], 1);
    sleep_us(MACHINE_PAUSE_US); /* the old image's memory has gone by now */
    new_before = budget_used(budget);
    old_before = budget_used(test_budget);
    test_shared[3] = 1;
    wait_for(&test_shared[1], 2);
    CHECK(budget_used(budget) >= new_before + 2);
    CHECK(budget_used(test_budget) <= old_before);
    test_shared[3] = 2;
    CHECK(child_wait(child).status == 0);
    (void)child_wait(first_image.process);
    for (unsigned i = 0; i < 1000 && budget_used(budget) != 0; i++) {
        sleep_us(1000);
    }
    CHECK(budget_used(budget) == 0);
    closed(budget);
}

const struct test undone_tests[] = {
    {"refused replace", replace_refused},
    {"failed map", nothing_half_mapped},
    {"untouched irq mode", irq_mode_untouched},
    {"abandoned protect", protect_abandoned},
    {"undone become", become_abandoned},
    {"paying after become", become_pays},
    {NULL, NULL},
};

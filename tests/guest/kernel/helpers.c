/* SPDX-License-Identifier: MIT */
/* What many of the kernel's tests need. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

handle_t endpoint_new(void) {
    handle_t endpoint = HANDLE_NONE;

    CHECK_OK(sys_endpoint_create(&endpoint));
    return endpoint;
}

handle_t gate_new(handle_t endpoint, uint64_t badge) {
    handle_t gate = HANDLE_NONE;

    CHECK_OK(sys_gate_create(endpoint, badge, &gate));
    return gate;
}

handle_t memory_new(uint64_t n_pages) {
    handle_t memory = HANDLE_NONE;

    CHECK_OK(sys_memory_create(n_pages, 0, 0, HANDLE_NONE, &memory));
    return memory;
}

handle_t budget_new(handle_t parent, uint64_t n_frames) {
    handle_t budget = HANDLE_NONE;

    CHECK_OK(sys_budget_create(parent, n_frames, &budget));
    return budget;
}

void closed(handle_t handle) {
    CHECK_OK(sys_handle_close(handle));
}

handle_t thread_opened(uint32_t id) {
    uint64_t handle = HANDLE_NONE;

    CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_OPEN, id, &handle));
    return (handle_t)handle;
}

char *pages_map(handle_t memory, uint64_t n_pages, uint32_t flags) {
    uint64_t address = 0;

    CHECK_OK(sys_map(HANDLE_NONE, memory, 0, n_pages * PAGE_BYTES, 0, flags, &address));
    return (char *)(uintptr_t)address;
}

void pages_unmap(void *address, uint64_t n_pages) {
    CHECK_OK(sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)address, n_pages * PAGE_BYTES));
}

uint64_t budget_used(handle_t budget) {
    struct handle_info info = {0};

    CHECK_OK(sys_handle_info(budget, &info));
    return info.budget.used;
}

void priority_set(unsigned priority) {
    CHECK_OK(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, priority, NULL));
}

static enum probe probe_how;

static int probe_child(uint64_t address) {
    volatile char *byte = (volatile char *)(uintptr_t)address;
    char value = 0;

    switch (probe_how) {
    case PROBE_READ:
        value = *byte;
        break;
    case PROBE_WRITE:
        *byte = 1; /* without looking at it first */
        break;
    case PROBE_RUN:
        ((void (*)(void))(uintptr_t)address)();
        break;
    }
    (void)value;
    return 0;
}

bool probe_works(enum probe how, const volatile void *address, struct death_record *record) {
    handle_t child, copy = HANDLE_NONE;
    struct death_record own;
    struct process_status status;

    probe_how = how;
    record = record != NULL ? record : &own;
    child = child_start(probe_child, (uint64_t)(uintptr_t)address);
    CHECK_OK(sys_handle_copy(child, RIGHTS_ALL, 0, &copy));
    status = child_wait(child);
    CHECK_OK(sys_process_info(copy, PROCESS_INFO_DEATH, record, sizeof(*record), 0, NULL, NULL));
    closed(copy);
    CHECK(status.cause == DEATH_EXIT || status.cause == DEATH_FAULT);
    return status.cause == DEATH_EXIT;
}

/* xorshift64*: the same sequence for the same seed. */
uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

struct call_result call_registers(uint64_t number, uint64_t *v) {
    register uint64_t r10 __asm__("r10") = v[3];
    register uint64_t r8 __asm__("r8") = v[4];
    register uint64_t r9 __asm__("r9") = v[5];
    register uint64_t r12 __asm__("r12") = v[6];
    register uint64_t r13 __asm__("r13") = v[7];
    register uint64_t r14 __asm__("r14") = v[8];
    register uint64_t r15 __asm__("r15") = v[9];
    uint64_t rax = number, rcx, rdi = v[0], rsi = v[1], rdx = v[2], rbx = v[10];

    /* rbp is kept: what lies on the stack may not be, if a fuzzer's threads share one. */
    __asm__ volatile("lea -128(%%rsp), %%rsp\n"
                     "push %%rbp\n"
                     "mov %%rax, %%rbp\n"
                     "syscall\n"
                     "mov %%rbp, %%rcx\n"
                     "pop %%rbp\n"
                     "lea 128(%%rsp), %%rsp"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+r"(r10), "+r"(r8),
                       "+r"(r9), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15), "=&c"(rcx)
                     :
                     : "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    const uint64_t after[RAW_REGISTERS] = {rdi, rsi, rdx, r10, r8, r9, r12, r13, r14, r15, rbx};

    memcpy(v, after, sizeof(after));
    return (struct call_result){(int64_t)rax, rcx};
}

int64_t call_raw(uint64_t number, const uint64_t *values) {
    uint64_t registers[RAW_REGISTERS];

    memcpy(registers, values, sizeof(registers));
    return call_registers(number, registers).status;
}

/* SPDX-License-Identifier: MIT */
/*
 * System calls of many steps, and what happens between two of them; and calls that fail half-way
 * for want of memory.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

/* Page tables that could be made only in part go with the process, at whatever step the budget
 * ended. */
static void tables_half_made(void) {
    for (uint64_t n_frames = 0; n_frames < 24; n_frames++) {
        handle_t budget = budget_new(test_budget, n_frames), process = HANDLE_NONE;
        status_t status = sys_process_create(budget, NULL, &process);

        for (uint64_t i = 1; status == OK && i < 16; i++) {
            status = sys_map(process, HANDLE_NONE, i << 39, PAGE_BYTES, 0,
                             MAP_READ | MAP_WRITE | MAP_FIXED | MAP_POPULATE, NULL);
        }
        CHECK_STATUS(status, ERROR_OUT_OF_BUDGET);
        if (process != HANDLE_NONE) {
            closed(process);
        }
        closed(budget);
    }
}

/* memory_create (rdi pages, rsi flags), then process_fork. */
static const uint8_t two_calls[] = {
    0x4d, 0x31,
    0xd2, /* xor %r10, %r10 */
    0xb8, SYSCALL_memory_create,
    0,    0,
    0,          /* mov $..., %eax */
    0x0f, 0x05, /* syscall */
    0xb8, SYSCALL_process_fork,
    0,    0,
    0,          /* mov $..., %eax */
    0x0f, 0x05, /* syscall */
    0xc3,       /* ret */
};
#define FIRST_SYSCALL 8

static uint8_t *code;

static void first_call_erase(void *unused) {
    (void)unused;
    sleep_us(1500);
    memset(code + FIRST_SYSCALL, 0x90, 2); /* nop */
}

/* Makes a long call, whose instruction another thread takes away, and goes on with the next. */
static int other_call_child(uint64_t unused) {
    handle_t memory = memory_new(1);
    const char *text = pages_map(memory, 1, MAP_READ | MAP_EXECUTE);
    struct handle_info info = {0};
    struct thread thread;
    uint64_t status, child = 0;

    (void)unused;
    code = (uint8_t *)pages_map(memory, 1, MAP_READ | MAP_WRITE);
    memcpy(code, two_calls, sizeof(two_calls));
    CHECK_OK(thread_start(&thread, first_call_erase, NULL, 0));
    priority_set(PRIORITY_PROGRAM);
    __asm__ volatile("call *%[text]"
                     : "=a"(status), "=d"(child)
                     : [text] "r"(text), "D"(4096ULL), "S"((uint64_t)MEMORY_CONTIGUOUS), "d"(0ULL)
                     : "rcx", "r8", "r9", "r10", "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    CHECK_OK((status_t)status);
    if (child == 0) {
        sys_process_exit(0);
    }
    CHECK_OK(sys_handle_info((handle_t)child, &info));
    CHECK(info.type == OBJECT_PROCESS);
    thread_join(&thread);
    return 0;
}

/* What one call has under construction is nothing to another. */
static void other_call(void) {
    CHECK(child_run(other_call_child, 0) == 0);
}

static int forking_child(uint64_t n_pages) {
    char *pages = pages_map(HANDLE_NONE, n_pages, MAP_READ | MAP_WRITE | MAP_POPULATE);
    handle_t child = HANDLE_NONE;
    status_t status;

    (void)pages;
    priority_set(PRIORITY_PROGRAM);
    test_shared[0] = ((struct process_page *)PROCESS_PAGE_ADDRESS)->id;
    status = sys_process_fork(&child);
    return status == OK ? 0 : 1;
}

/* The unstarted child of process `parent`, HANDLE_NONE if there is none. */
static handle_t child_of(uint64_t parent) {
    struct process_status list[16];
    handle_t process = HANDLE_NONE;
    uint64_t next;

    memset(list, 0, sizeof(list));
    CHECK_OK(sys_process_info(test_identity, PROCESS_INFO_LIST, list, sizeof(list), parent, &next,
                              NULL));
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
        if (list[i].id != 0 && list[i].parent_id == parent && list[i].state == PROCESS_NEW) {
            CHECK_OK(sys_process_info(test_identity, PROCESS_INFO_OPEN, NULL, 0, list[i].id, NULL,
                                      &process));
        }
    }
    return process;
}

/* A child under construction can be found and killed, but not used. */
static void half_made_child(void) {
    for (uint64_t delay_us = 10; delay_us < 2000; delay_us += 150) {
        handle_t parent, child;

        test_shared[0] = 0;
        parent = child_start(forking_child, 2000);
        while (test_shared[0] == 0) {
            sleep_us(50);
        }
        sleep_us(delay_us);
        child = child_of(test_shared[0]);
        if (child != HANDLE_NONE) {
            CHECK_STATUS(sys_process_start(child, 0x1000, 0x2000, 0), ERROR_BAD_STATE);
            CHECK_OK(sys_process_kill(child, 0));
            (void)child_wait(child);
        }
        CHECK(child_wait(parent).cause == DEATH_EXIT);
    }
}

/* A chain of budgets, each of which only the next one holds, ends in one go: it must not be long.
 */
static void budget_chain(void) {
    handle_t budget = HANDLE_NONE, next = HANDLE_NONE;
    status_t status = OK;

    for (uint64_t i = 0; status == OK && i < 4000; i++) {
        status = sys_budget_create(budget, 4100 - i, &next);
        if (status == OK) {
            if (budget != HANDLE_NONE) {
                closed(budget);
            }
            budget = next;
        }
    }
    CHECK_STATUS(status, ERROR_TOO_MANY);
    closed(budget);
}

const struct test restart_tests[] = {
    {"restart page tables half made", tables_half_made},
    {"restart as another call", other_call},
    {"restart half-made child", half_made_child},
    {"restart budget chain", budget_chain},
    {NULL, NULL},
};

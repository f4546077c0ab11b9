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
static uint64_t erase_us;

static void first_call_erase(void *unused) {
    (void)unused;
    sleep_us(erase_us);
    memset(code + FIRST_SYSCALL, 0x90, 2); /* nop */
}

static uint64_t own_frames(void) {
    struct process_status status = {0};

    CHECK_OK(
        sys_process_info(HANDLE_NONE, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    return status.n_frames;
}

/* As soon as the process has some more frames, but not for ever. */
static void populating_call_erase(void *unused) {
    uint64_t n_frames = own_frames();

    (void)unused;
    for (unsigned i = 0; i < 1000 && own_frames() < n_frames + 100; i++) {
        sleep_us(100);
    }
    memset(code + FIRST_SYSCALL, 0x90, 2);
}

/* What the program jumps to, to be run while `erase` changes it. */
static const char *code_set(const uint8_t *bytes, size_t n, struct thread *thread,
                            void (*erase)(void *), uint64_t us) {
    handle_t memory = memory_new(1);
    const char *text = pages_map(memory, 1, MAP_READ | MAP_EXECUTE);

    code = (uint8_t *)pages_map(memory, 1, MAP_READ | MAP_WRITE);
    memcpy(code, bytes, n);
    erase_us = us;
    CHECK_OK(thread_start(thread, erase, NULL, 0));
    priority_set(PRIORITY_PROGRAM);
    return text;
}

/* Makes a long call, whose instruction another thread takes away, and goes on with the next. */
static int other_call_child(uint64_t unused) {
    struct handle_info info = {0};
    struct thread thread;
    const char *text = code_set(two_calls, sizeof(two_calls), &thread, first_call_erase, 1500);
    uint64_t status, child = 0;

    (void)unused;
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

/* map as the registers say; then, if its `syscall` was taken away, with a range that begins within
 * the last page of the one that it was at. */
static const uint8_t map_shifted[] = {
    0x45, 0x31,        0xc0,          /* xor %r8d, %r8d */
    0xb8, SYSCALL_map, 0,    0,    0, /* mov $..., %eax */
    0x0f, 0x05,                       /* syscall */
    0x85, 0xc0,                       /* test %eax, %eax: OK, or an error, if it */
    0x7e, 0x15,                       /* jle 1f           was there to the end */
    0x4a, 0x8d,        0x94, 0x12, 0x01, 0xf0, 0xff, 0xff, /* lea -4095(%rdx, %r10), %rdx */
    0x41, 0xba,        0x00, 0x10, 0x00, 0x00,             /* mov $4096, %r10d */
    0xb8, SYSCALL_map, 0,    0,    0,                      /* mov $..., %eax */
    0x0f, 0x05,                                            /* syscall */
    0xc3,                                                  /* 1: ret */
};

enum { SHIFTED_PAGES = 3000 };

/* 0: the call was over before it was changed. */
static int map_shifted_child(uint64_t unused) {
    struct thread thread;
    const char *text =
        code_set(map_shifted, sizeof(map_shifted), &thread, populating_call_erase, 0);
    register uint64_t length __asm__("r10") = (uint64_t)SHIFTED_PAGES * PAGE_BYTES;
    register uint64_t flags __asm__("r9") = MAP_READ | MAP_WRITE | MAP_POPULATE;
    uint64_t status, address = 0;

    (void)unused;
    __asm__ volatile("call *%[text]"
                     : "=a"(status), "+d"(address), "+r"(length), "+r"(flags)
                     : [text] "r"(text), "D"(0ULL), "S"(0ULL)
                     : "rcx", "r8", "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    thread_join(&thread);
    if (length != PAGE_BYTES) {
        CHECK_OK((status_t)status);
        return 0;
    }
    CHECK_STATUS((status_t)status, ERROR_BAD_ARGUMENT);
    return 1;
}

/* A map that populates looks at its range again at each step. */
static void map_changed(void) {
    unsigned n_met = 0;

    for (unsigned i = 0; i < 20 && n_met == 0; i++) {
        n_met += (unsigned)child_run(map_shifted_child, 0);
    }
    CHECK(n_met != 0);
}

/* memory_create as the registers say; then, if its `syscall` was taken away, with MEMORY_DMA. */
static const uint8_t memory_made_dma[] = {
    0x45,       0x31,
    0xd2, /* xor %r10d, %r10d */
    0xb8,       SYSCALL_memory_create,
    0,          0,
    0,                /* mov $..., %eax */
    0x0f,       0x05, /* syscall */
    0x85,       0xc0, /* test %eax, %eax */
    0x7e,       0x0a, /* jle 1f */
    0x83,       0xce,
    MEMORY_DMA, /* or $..., %esi */
    0xb8,       SYSCALL_memory_create,
    0,          0,
    0,                /* mov $..., %eax */
    0x0f,       0x05, /* syscall */
    0xc3,             /* 1: ret */
};

/* 0: the call was over before it was changed, or had not begun. */
static int memory_made_dma_child(uint64_t delay_us) {
    struct thread thread;
    const char *text =
        code_set(memory_made_dma, sizeof(memory_made_dma), &thread, first_call_erase, delay_us);
    uint64_t status, memory = 0, flags = MEMORY_CONTIGUOUS;

    __asm__ volatile("call *%[text]"
                     : "=a"(status), "+d"(memory), "+S"(flags)
                     : [text] "r"(text), "D"(4096ULL)
                     : "rcx", "r8", "r9", "r10", "r11", "memory", SYSCALL_VECTOR_CLOBBER);
    thread_join(&thread);
    if ((status_t)status == ERROR_NO_RIGHT) {
        return 0;
    }
    CHECK_OK((status_t)status);
    return (flags & MEMORY_DMA) != 0;
}

/* Who may not have memory for devices gets none: it would be kept back when it is closed, and so be
 * missed after this test. */
static void dma_changed(void) {
    unsigned n_met = 0;

    for (uint64_t delay_us = 200; delay_us < 5000 && n_met == 0; delay_us += 200) {
        n_met += (unsigned)child_run(memory_made_dma_child, delay_us);
    }
    CHECK(n_met != 0);
}

/* Forks, and maps less and more, until all have. */
static void forking_thread(void *unused) {
    (void)unused;
    for (unsigned i = 0; i < 20; i++) {
        char *pages = pages_map(HANDLE_NONE, 1 + i % 7 * 20, MAP_READ | MAP_WRITE | MAP_POPULATE);
        handle_t child = HANDLE_NONE;

        status_t status = sys_process_fork(&child);

        /* The children before may not be gone yet. */
        for (unsigned n = 0; n < 2000 && status == ERROR_OUT_OF_BUDGET; n++) {
            sleep_us(1000);
            status = sys_process_fork(&child);
        }
        CHECK_OK(status);
        if (status == OK && child == HANDLE_NONE) {
            sys_process_exit(0);
        }
        if (child != HANDLE_NONE) {
            closed(child);
        }
        pages_unmap(pages, 1 + i % 7 * 20);
    }
}

static int forks_at_once_child(uint64_t unused) {
    struct thread threads[3];

    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], forking_thread, NULL, 0));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
    return 3;
}

/* Threads of one process that fork at the same time do it one after the other. */
static void forks_at_once(void) {
    CHECK(child_run(forks_at_once_child, 0) == 3);
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
    {"restart map with other arguments", map_changed},
    {"restart memory_create with other arguments", dma_changed},
    {"restart forks at once", forks_at_once},
    {"restart half-made child", half_made_child},
    {"restart budget chain", budget_chain},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Tests of the kernel from inside, by a program that the kernel starts in place of init: nothing
 * else runs, so every count must come out even. Each test runs three times: once to warm up, then
 * twice, after which frames, objects and handles are the same.
 *
 * A child made with child_start is a fork: it reports by its exit status, and may do anything to
 * itself.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/base/types.h"
#include "lib/native/message.h"
#include "lib/native/syscall.h"
#include "lib/native/thread.h"
#include "lib/native/time.h"

struct test {
    const char *name;
    void (*run)(void);
};

/* Handles that init has. */
extern handle_t test_system, test_identity, test_budget, test_self;

void test_print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Counts a failure, and says where; in a child ends it with status 99. */
void test_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_failed(__FILE__, __LINE__, #condition);                                           \
        }                                                                                          \
    } while (0)

/* The same with what came instead. */
void test_failed_status(const char *file, int line, const char *call, status_t got,
                        status_t wanted);

#define CHECK_STATUS(call, wanted)                                                                 \
    do {                                                                                           \
        status_t check_got_ = (call);                                                              \
        if (check_got_ != (wanted)) {                                                              \
            test_failed_status(__FILE__, __LINE__, #call, check_got_, (wanted));                   \
        }                                                                                          \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, OK)

/* A forked child that runs function(argument) and exits with what it returns. Not started yet. */
handle_t child_make(int (*function)(uint64_t), uint64_t argument);
handle_t child_start(int (*function)(uint64_t), uint64_t argument);

/* Waits until it is dead, gives its status and closes the handle. Fails the test after 10 s. */
struct process_status child_wait(handle_t child);

/* The same for a child whose failed checks do not count. */
struct process_status child_wait_quietly(handle_t child);

/* Runs it and returns its exit status, which must come from a normal exit. */
int child_run(int (*function)(uint64_t), uint64_t argument);

/* Runs it; it must die of a fault. The record goes to *record. */
void child_dies(int (*function)(uint64_t), uint64_t argument, struct death_record *record);

/* True in a forked child. */
extern bool test_is_child;

/* Memory that all children share with this program: zeros when a test begins. */
enum { SHARED_WORDS = 4096, SHARED_PAGES = SHARED_WORDS * 8 / PAGE_BYTES + 1 };
extern volatile uint64_t *test_shared;
extern handle_t test_shared_memory;

/* Objects that must come to be, and handles that must close. */
handle_t endpoint_new(void);
handle_t gate_new(handle_t endpoint, uint64_t badge);
handle_t memory_new(uint64_t n_pages);
handle_t budget_new(handle_t parent, uint64_t n_frames);
void closed(handle_t handle);

/* A handle of a thread of this process that has not ended. */
handle_t thread_opened(uint32_t id);

/* Pages mapped anywhere in this process: of `memory`, or zeros (HANDLE_NONE). */
char *pages_map(handle_t memory, uint64_t n_pages, uint32_t flags);
void pages_unmap(void *address, uint64_t n_pages);

/* Frames that `budget` has lent out. */
uint64_t budget_used(handle_t budget);

static inline void sleep_us(uint64_t us) {
    time_sleep_until(time_deadline(us * NS_PER_US));
}

/* For "the other thread has blocked by now": longer than the pauses that a busy host makes for us,
 * and than a slice. */
#define MACHINE_PAUSE_US 15000

/* Sets the calling thread's priority. */
void priority_set(unsigned priority);

/* What an access does, tried in a child: OK, or the death record of what it came to. */
enum probe { PROBE_READ, PROBE_WRITE, PROBE_RUN };
bool probe_works(enum probe how, const volatile void *address, struct death_record *record);

#define CHECK_READABLE(address)   CHECK(probe_works(PROBE_READ, (address), NULL))
#define CHECK_WRITABLE(address)   CHECK(probe_works(PROBE_WRITE, (address), NULL))
#define CHECK_UNREADABLE(address) CHECK(!probe_works(PROBE_READ, (address), NULL))
#define CHECK_READ_ONLY(address)                                                                   \
    CHECK(probe_works(PROBE_READ, (address), NULL) && !probe_works(PROBE_WRITE, (address), NULL))

/*
 * A process of its own, paid for by `budget`, that runs function(argument) in a copy of this
 * program's static memory and of test_shared, without any handle, and ends when that returns. Its
 * failed checks end it with status 99. Not started yet.
 */
struct image {
    handle_t process;
    uint64_t entry, stack, argument;
};
struct image image_make(handle_t budget, void (*function)(uint64_t), uint64_t argument);
handle_t image_start(const struct image *image);

/* Sequence of pseudo-random numbers, the same for the same seed (not 0). */
uint64_t random_next(uint64_t *state);

/* One system call with all its registers: rdi rsi rdx r10 r8 r9 r12 r13 r14 r15 rbx. */
enum { RAW_REGISTERS = 11 };
int64_t call_raw(uint64_t number, const uint64_t *values);

/* The same; *values get what is in the registers then. */
struct call_result {
    int64_t status;
    uint64_t number; /* of the call that was made */
};
struct call_result call_registers(uint64_t number, uint64_t *values);

extern const struct test ipc_tests[], memory_tests[], process_tests[], fault_tests[],
    hostile_tests[], schedule_tests[], device_tests[], isolation_tests[], lent_tests[],
    argument_tests[], budget_tests[], upcall_tests[], futex_tests[], fork_tests[], become_tests[],
    blocked_tests[], elf_tests[], restart_tests[], undone_tests[], bounded_tests[], smp_tests[],
    refuse_tests[], quick_tests[], fuzz_tests[], spread_tests[];

/* SPDX-License-Identifier: MIT */
#include "tests/guest/kernel/kernel_test.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/format.h"
#include "lib/native/startup.h"

#define CHILD_FAILED 99
#define NOT_INIT     5
#define SETTLE_MS    5
#define SETTLE_TRIES 400

handle_t test_system, test_identity, test_budget, test_self;
bool test_is_child;
volatile uint64_t *test_shared;
handle_t test_shared_memory;
static unsigned n_quiet;
static unsigned n_failures; /* of the test that runs */
static char *child_failure; /* the end of test_shared: what the first child found */

void test_print(const char *format, ...) {
    char line[256];
    va_list arguments;
    size_t n;

    va_start(arguments, format);
    n = format_buffer_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)syscall_do(SYSCALL_system_control, test_system, SYSTEM_LOG_WRITE,
                     (uint64_t)(uintptr_t)line, n < sizeof(line) ? n : sizeof(line) - 1, 0, 0);
}

/* Children have no right to print: theirs is printed by who waits for them. */
static void failure_note(const char *format, ...) PRINTF_LIKE(1, 2);
static void failure_note(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    if (test_is_child && child_failure[0] == '\0') {
        (void)format_buffer_v(child_failure, PAGE_BYTES, format, arguments);
    }
    va_end(arguments);
}

void test_failed(const char *file, int line, const char *condition) {
    failure_note("%s:%d: %s is not so", file, line, condition);
    if (test_is_child) {
        sys_process_exit(CHILD_FAILED);
    }
    n_failures++;
    test_print("# %s:%d: %s is not so\n", file, line, condition);
}

void test_failed_status(const char *file, int line, const char *call, status_t got,
                        status_t wanted) {
    failure_note("%s:%d: %s gave %d, not %d", file, line, call, got, wanted);
    if (test_is_child) {
        sys_process_exit(CHILD_FAILED);
    }
    n_failures++;
    test_print("# %s:%d: %s gave %d, not %d\n", file, line, call, got, wanted);
}

handle_t child_make(int (*function)(uint64_t), uint64_t argument) {
    handle_t child = HANDLE_NONE;

    CHECK_OK(sys_process_fork(&child));
    if (child == HANDLE_NONE) {
        test_is_child = true;
        sys_process_exit(function(argument));
    }
    return child;
}

handle_t child_start(int (*function)(uint64_t), uint64_t argument) {
    handle_t child = child_make(function, argument);

    CHECK_OK(sys_process_start(child, 0, 0, 0));
    return child;
}

struct process_status child_wait(handle_t child) {
    struct process_status status = {0};
    struct message m = {0};
    handle_t endpoint = HANDLE_NONE, gate = HANDLE_NONE;

    CHECK_OK(sys_endpoint_create(&endpoint));
    CHECK_OK(sys_gate_create(endpoint, 1, &gate));
    CHECK_OK(sys_process_watch(child, gate, 1));
    m.gate = endpoint;
    m.deadline = time_deadline(10 * NS_PER_S);
    CHECK_OK(message_receive(&m));
    CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    CHECK(status.state == PROCESS_DEAD);
    if (child_failure[0] != '\0' && !test_is_child) {
        if (n_quiet == 0) {
            test_print("# in a child: %s\n", child_failure);
        }
        child_failure[0] = '\0';
        n_failures++;
    }
    CHECK_OK(sys_handle_close(gate));
    CHECK_OK(sys_handle_close(endpoint));
    CHECK_OK(sys_handle_close(child));
    return status;
}

struct process_status child_wait_quietly(handle_t child) {
    unsigned n = n_failures;
    struct process_status status;

    n_quiet++;
    status = child_wait(child);
    n_quiet--;
    n_failures = n;
    return status;
}

int child_run(int (*function)(uint64_t), uint64_t argument) {
    struct process_status status = child_wait(child_start(function, argument));

    CHECK(status.cause == DEATH_EXIT);
    return status.status;
}

void child_dies(int (*function)(uint64_t), uint64_t argument, struct death_record *record) {
    handle_t child = child_start(function, argument), copy = HANDLE_NONE;
    struct process_status status;

    CHECK_OK(sys_handle_copy(child, RIGHTS_ALL, 0, &copy));
    status = child_wait(child);
    CHECK(status.cause == DEATH_FAULT || status.cause == DEATH_BUDGET);
    memset(record, 0, sizeof(*record));
    CHECK_OK(sys_process_info(copy, PROCESS_INFO_DEATH, record, sizeof(*record), 0, NULL, NULL));
    CHECK_OK(sys_handle_close(copy));
}

/* What must be the same before and after a test. */
struct balance {
    struct system_info info;
    struct handle_info budget;
};

static void balance_read(struct balance *balance) {
    CHECK_OK(sys_system_control(test_system, SYSTEM_INFO, (uint64_t)(uintptr_t)&balance->info, 0, 0,
                                NULL));
    CHECK_OK(sys_handle_info(test_budget, &balance->budget));
}

static bool balance_is_equal(const struct balance *a, const struct balance *b) {
    return a->info.frames_free == b->info.frames_free &&
           a->info.n_processes == b->info.n_processes && a->info.n_threads == b->info.n_threads &&
           a->info.n_endpoints == b->info.n_endpoints && a->info.n_gates == b->info.n_gates &&
           a->info.n_memory == b->info.n_memory && a->info.n_handles == b->info.n_handles &&
           a->info.n_budgets == b->info.n_budgets && a->info.n_irqs == b->info.n_irqs &&
           a->budget.budget.used == b->budget.budget.used;
}

static void balance_print(const char *when, const struct balance *balance) {
    const struct system_info *info = &balance->info;

    test_print("# %s: frames free %llu, processes %u, threads %u, endpoints %u, gates %u\n", when,
               (unsigned long long)info->frames_free, info->n_processes, info->n_threads,
               info->n_endpoints, info->n_gates);
    test_print("#     memory %u, handles %u, budgets %u, irqs %u, budget used %llu\n",
               info->n_memory, info->n_handles, info->n_budgets, info->n_irqs,
               (unsigned long long)balance->budget.budget.used);
}

/* Reads the counts, when the reaper is through: waits until they are as `wanted`, or for
 * SETTLE_TRIES. */
static bool balance_settles(struct balance *now, const struct balance *wanted) {
    for (unsigned i = 0; i < SETTLE_TRIES; i++) {
        time_sleep_until(time_deadline(SETTLE_MS * NS_PER_MS));
        balance_read(now);
        if (balance_is_equal(now, wanted)) {
            return true;
        }
    }
    return false;
}

/* `before` was read while something of the test was still on its way out: it has more of something,
 * and less of nothing, than what settled later. What leaks is the other way round. */
static bool balance_was_early(const struct balance *before, const struct balance *after) {
    const struct system_info *a = &before->info, *b = &after->info;

    return a->frames_free <= b->frames_free && a->n_processes >= b->n_processes &&
           a->n_threads >= b->n_threads && a->n_endpoints >= b->n_endpoints &&
           a->n_gates >= b->n_gates && a->n_memory >= b->n_memory && a->n_handles >= b->n_handles &&
           a->n_budgets >= b->n_budgets && a->n_irqs >= b->n_irqs &&
           before->budget.budget.used >= after->budget.budget.used;
}

/* Three runs: the first warms up, the two others must leave what they found. */
/* [book:kernel-test-run] */
static bool test_run(const struct test *test) {
    struct balance before, after;
    bool may_be_early = true;

    n_failures = 0;
    for (unsigned run = 0; run < 3 && n_failures == 0; run++) {
        memset((void *)(uintptr_t)test_shared, 0, SHARED_WORDS * sizeof(*test_shared));
        test->run();
        if (run == 0) {
            time_sleep_until(time_deadline(10 * SETTLE_MS * NS_PER_MS));
            balance_read(&before);
        } else if (!balance_settles(&after, &before)) {
            if (may_be_early && balance_was_early(&before, &after)) {
                may_be_early = false;
                before = after;
                run = 0; /* two more, which must be equal to this */
                test_print("# the first count came early\n");
                continue;
            }
            balance_print("before", &before);
            balance_print("after", &after);
            n_failures++;
        }
    }
    (void)syscall_do(SYSCALL_system_control, test_system, SYSTEM_DEBUG, 0, 0, 0, 0);
    return n_failures == 0;
}
/* [/book] */

/* True if the command line names no test, or this one (by its beginning). */
static bool is_wanted(const char *name) {
    const char *line = (const char *)(uintptr_t)startup_block()->command_line;
    const char *wanted = strstr(line, "test=");

    if (wanted == NULL) {
        return true;
    }
    wanted += 5;
    return strncmp(name, wanted, strcspn(wanted, " ")) == 0;
}

/* test_shared, mapped here and, at the same address, in each child; and a page behind it for what
 * children report. Kept for good. */
static void shared_make(void) {
    test_shared_memory = memory_new(SHARED_PAGES);
    char *pages = pages_map(test_shared_memory, SHARED_PAGES, MAP_READ | MAP_WRITE);

    memset(pages, 0, SHARED_PAGES * PAGE_BYTES); /* all there from the beginning */
    test_shared = (volatile uint64_t *)pages;
    child_failure = pages + SHARED_WORDS * sizeof(*test_shared);
}

/* `break=N`, for tests/system/test_panic.py: invariant N of the kernel is broken. */
static void invariant_break(void) {
    const char *found = strstr((const char *)(uintptr_t)startup_block()->command_line, "break=");

    if (found != NULL) {
        (void)syscall_do(SYSCALL_system_control, test_system, SYSTEM_DEBUG,
                         (uint64_t)(found[6] - '0'), 0, 0, 0);
    }
}

int main(void) {
    static const struct test *const groups[] = {
        ipc_tests,      memory_tests, process_tests,   fault_tests,  hostile_tests,
        schedule_tests, device_tests, isolation_tests, lent_tests,   argument_tests,
        budget_tests,   upcall_tests, futex_tests,     fork_tests,   become_tests,
        blocked_tests,  elf_tests,    restart_tests,   undone_tests, bounded_tests,
        smp_tests,      refuse_tests, quick_tests,     fuzz_tests,   spread_tests};
    unsigned n_passed = 0, n_failed = 0;

    test_system = startup_handle(STARTUP_SYSTEM, NULL);
    if (test_system == HANDLE_NONE) {
        return NOT_INIT; /* started by one of its own tests: see elf.c */
    }
    test_identity = startup_handle(STARTUP_IDENTITY, NULL);
    test_budget = startup_handle(STARTUP_BUDGET, NULL);
    test_self = startup_handle(STARTUP_SELF, NULL);
    shared_make();
    invariant_break();
    for (unsigned i = 0; i < ARRAY_SIZE(groups); i++) {
        for (const struct test *test = groups[i]; test->name != NULL; test++) {
            if (is_wanted(test->name)) {
                uint64_t start = time_now_ns();
                bool ok = test_run(test);

                n_passed += ok;
                n_failed += !ok;
                test_print("%s %s (%llu ms)\n", ok ? "ok" : "FAILED", test->name,
                           (unsigned long long)((time_now_ns() - start) / NS_PER_MS));
            }
        }
    }
    test_print("%u passed, %u failed\n", n_passed, n_failed);
    (void)syscall_do(SYSCALL_system_control, test_system, SYSTEM_POWER_OFF, n_failed != 0, 0, 0, 0);
    return 0;
}

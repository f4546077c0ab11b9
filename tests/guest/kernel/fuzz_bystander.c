/* SPDX-License-Identifier: MIT */
/* Somebody who has nothing to do with the fuzzers: whatever they do, its memory, its registers, its
 * handles and its server's answers are what they should be. */
#include <string.h>

#include "lib/base/format.h"
#include "tests/guest/kernel/fuzz.h"

enum { N_WORDS = 16384, N_VECTORS = 16, SPIN = 200000, N_OWN = 5, ROUNDING_UP = 0x5f80 };
#define ANSWER_NS_MAX (5 * NS_PER_S)

struct fuzz_report *fuzz_report;

static uint64_t words[N_WORDS];
static handle_t endpoint;

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            not_so(__LINE__, #condition);                                                          \
        }                                                                                          \
    } while (0)

NORETURN static void not_so(int line, const char *condition) {
    (void)format_buffer(fuzz_report->failure, sizeof(fuzz_report->failure), "%s:%d: %s is not so",
                        __FILE__, line, condition);
    sys_process_exit(1);
}

static void server_main(void *unused) {
    struct message m = {.gate = endpoint, .deadline = DEADLINE_NEVER};
    status_t status = message_receive(&m);

    (void)unused;
    while (status == OK) {
        m.words[0]++;
        m.gate = endpoint;
        m.control = 0;
        m.deadline = DEADLINE_NEVER;
        status = message_reply_receive(&m);
    }
    not_so(__LINE__, "the server receives");
}

static void server_check(handle_t gate, uint64_t number) {
    struct message m = {.gate = gate, .words = {number}, .deadline = time_deadline(ANSWER_NS_MAX)};
    uint64_t begin = time_now_ns(), took;

    HOLDS(message_call(&m) == OK && m.words[0] == number + 1);
    took = time_now_ns() - begin;
    if (took > fuzz_report->longest_answer_ns) {
        fuzz_report->longest_answer_ns = took;
    }
}

/* Vector registers over a time in which others run: for that it is as unimportant as they are. */
static void registers_check(uint64_t *seed) {
    uint64_t vectors[N_VECTORS][2] ALIGNED(16), after[N_VECTORS][2] ALIGNED(16);
    uint32_t control = ROUNDING_UP, control_after = 0;

    for (unsigned i = 0; i < N_VECTORS; i++) {
        vectors[i][0] = random_next(seed);
        vectors[i][1] = random_next(seed);
    }
    HOLDS(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, FUZZ_PRIORITY, NULL) == OK);
#define LOAD(i)  "movaps " #i "*16(%0), %%xmm" #i "\n"
#define STORE(i) "movaps %%xmm" #i ", " #i "*16(%1)\n"
#define ALL(do_)                                                                                   \
    do_(0) do_(1) do_(2) do_(3) do_(4) do_(5) do_(6) do_(7) do_(8) do_(9) do_(10) do_(11) do_(12)  \
        do_(13) do_(14) do_(15)
    __asm__ volatile(ALL(LOAD) "ldmxcsr %3\n"
                               "1: dec %2\n"
                               "jnz 1b\n" ALL(STORE) "stmxcsr %4"
                     :
                     : "r"(vectors), "r"(after), "r"((uint64_t)SPIN), "m"(control),
                       "m"(control_after)
                     : "memory", "cc", SYSCALL_VECTOR_CLOBBER);
    HOLDS(memcmp(vectors, after, sizeof(after)) == 0 && control_after == control);
    HOLDS(sys_thread_control(HANDLE_NONE, THREAD_SET_PRIORITY, PRIORITY_PROGRAM, NULL) == OK);
    __asm__ volatile("stmxcsr %0" : "=m"(control_after)); /* kept by system calls, too */
    HOLDS(control_after == control);
}

/* All that can be seen of what it has. */
struct own_view {
    struct handle_info handles[N_OWN];
    struct process_status status;
    uint64_t word;
};

static void own_see(struct own_view *view, const handle_t *handles) {
    const struct process_page *page = (const struct process_page *)PROCESS_PAGE_ADDRESS;

    memset(view, 0, sizeof(*view));
    for (unsigned i = 0; i < N_OWN; i++) {
        HOLDS(sys_handle_info(handles[i], &view->handles[i]) == OK);
    }
    HOLDS(sys_process_info(HANDLE_NONE, PROCESS_INFO_STATUS, &view->status, sizeof(view->status), 0,
                           NULL, NULL) == OK);
    view->status.cpu_ns = 0;
    view->word = page->word ^ page->tag ^ page->id;
}

int fuzz_bystander(uint64_t unused) {
    static struct own_view before, after;
    static struct thread server;
    handle_t own[N_OWN] = {0};
    uint64_t seed = 1;

    (void)unused;
    HOLDS(sys_endpoint_create(&endpoint) == OK && sys_gate_create(endpoint, 7, &own[0]) == OK);
    HOLDS(sys_memory_create(3, 0, 0, HANDLE_NONE, &own[1]) == OK);
    HOLDS(sys_handle_copy(own[0], RIGHT_NOTIFY, 0, &own[2]) == OK);
    HOLDS(thread_start(&server, server_main, NULL, 0) == OK);
    own[3] = endpoint;
    own[4] = thread_opened(server.id);
    memset(words, 1, sizeof(words)); /* no page comes later */
    registers_check(&seed);
    server_check(own[0], 0);
    own_see(&after, own);
    own_see(&before, own);
    while (!fuzz_report->end) {
        uint64_t first = seed;

        for (unsigned i = 0; i < N_WORDS; i++) {
            words[i] = random_next(&seed);
        }
        server_check(own[0], seed);
        registers_check(&seed);
        sleep_us(first % 2000);
        for (unsigned i = 0; i < N_WORDS; i++) {
            HOLDS(words[i] == random_next(&first));
        }
        own_see(&after, own);
        HOLDS(memcmp(&before, &after, sizeof(after)) == 0);
        fuzz_report->n_rounds++;
    }
    return 0;
}

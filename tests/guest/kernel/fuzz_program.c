/* SPDX-License-Identifier: MIT */
/*
 * A fuzzing program: several threads that make one random system call after the other. Most
 * arguments are such that the call may work, for only then it does anything; the rest is whatever
 * a careless or malicious program might pass.
 */
#include <string.h>

#include "tests/guest/kernel/fuzz.h"

enum {
    N_STACKS = 6,
    STACK_BYTES = 8192,
    N_EXTRA_THREADS = 2,
    POOL_SIZE = 8, /* handles of each kind that are used; place 0 keeps what was given */
    ARENA_PAGES = 64,
    SCRATCH_BYTES = 5 * PAGE_BYTES,
    N_ARGUMENTS = 6,
    N_KINDS = OBJECT_IDENTITY + 1,
    ARENA = 0x200000000000,
    LENT_MAX = 3000, /* all segments of a call fit into the scratch of who reads them */
    FIRST_PORT = 0x80,
    RARELY = 200,
};

/* Registers of a call, as call_registers has them. */
enum { RDI, RSI, RDX, R10, R8, R9, R12, R13, R14, R15, RBX };

struct fuzz_orders fuzz_orders;

static handle_t pools[N_KINDS][POOL_SIZE];
static char stacks[N_STACKS][STACK_BYTES] ALIGNED(64);
static uint32_t stack_used[N_STACKS];
/* From its first page on, nothing that the kernel is asked to write there goes beyond the end. */
static char scratch[SCRATCH_BYTES] ALIGNED(64);
static struct lent_segment segments[MESSAGE_SEGMENTS_MAX];
static uint32_t words[8];
static uint64_t n_left;

/* clang-format off */
/*
 * What each call takes, a letter for each argument, and after a colon the kind of the handle that
 * it gives:
 *   p t e g r m i o b s y  a handle of a process, thread, endpoint, gate, reply, memory object,
 *                          irq, ioports, budget, the system, identity; or 0
 *   h  any handle          a  a page of the arena        l  a length in pages, as bytes
 *   u  a buffer            n  its length, in bytes       w  a word for futexes
 *   c  a small number      f  flags of map               k  an operation
 *   R  rights              B  bits                       d  a deadline
 *   E  a place to run, or 0                              S  a stack, or 0
 *   T  a place to run      V  a stack                    P  a port
 *   U  a place for upcalls                               x  anything   z  0
 */
/* clang-format on */
static const char *const templates[SYSCALL_COUNT] = {
    [SYSCALL_null] = "",
    [SYSCALL_send] = "g",
    [SYSCALL_receive] = "e",
    [SYSCALL_call] = "g",
    [SYSCALL_reply] = "r",
    [SYSCALL_reply_receive] = "e",
    [SYSCALL_notify] = "gB",
    [SYSCALL_reply_save] = "x:r",
    [SYSCALL_lent_read] = "rnunz",
    [SYSCALL_lent_write] = "rnunz",
    [SYSCALL_endpoint_create] = ":e",
    [SYSCALL_gate_create] = "exR:g",
    [SYSCALL_gate_revoke] = "g",
    [SYSCALL_handle_close] = "h",
    [SYSCALL_handle_copy] = "hRc",
    [SYSCALL_handle_info] = "hu",
    [SYSCALL_memory_create] = "ckzb:m",
    [SYSCALL_memory_create_device] = "sacc:m",
    [SYSCALL_memory_control] = "mkc",
    [SYSCALL_map] = "pmallf",
    [SYSCALL_unmap] = "pal",
    [SYSCALL_protect] = "palc",
    [SYSCALL_process_create] = "bu:p",
    [SYSCALL_process_give] = "phRh",
    [SYSCALL_process_start] = "pESx",
    [SYSCALL_process_fork] = ":p",
    [SYSCALL_process_become] = "pucESx",
    [SYSCALL_process_exit] = "c",
    [SYSCALL_process_kill] = "pc",
    [SYSCALL_process_control] = "pkaun",
    [SYSCALL_process_info] = "pkunc",
    [SYSCALL_process_identify] = "ypcx",
    [SYSCALL_process_watch] = "pgB",
    [SYSCALL_thread_create] = "TVxz",
    [SYSCALL_thread_exit] = "wzz",
    [SYSCALL_thread_control] = "tkx",
    [SYSCALL_thread_upcall] = "tB",
    [SYSCALL_upcall_set] = "Uzz",
    [SYSCALL_upcall_return] = "u",
    [SYSCALL_futex_wait] = "wzdc",
    [SYSCALL_futex_wake] = "wcc",
    [SYSCALL_futex_requeue] = "wcwcc",
    [SYSCALL_irq_create] = "scc:i",
    [SYSCALL_irq_control] = "ikgB",
    [SYSCALL_ioports_create] = "sPc:o",
    [SYSCALL_ioports_access] = "oPkx",
    [SYSCALL_budget_create] = "bc:b",
    [SYSCALL_system_control] = "skun",
};

static enum object_type kind_of(char letter) {
    static const char letters[] = "?ptegrmiobsy"; /* in the order of abi/objects.def */
    const char *found = strchr(letters, letter);

    return letter == '\0' || found == NULL ? OBJECT_NONE : (enum object_type)(found - letters);
}

static handle_t any_handle(uint64_t r) {
    return r % 16 == 0 ? (handle_t)((r >> 8) % 64)
                       : pools[1 + (r >> 8) % (N_KINDS - 1)][(r >> 16) % POOL_SIZE];
}

/* What no program should pass. */
static uint64_t hostile_value(uint64_t r) {
    static const uint64_t edges[] = {0,
                                     1,
                                     4095,
                                     4097,
                                     USER_TOP - 1,
                                     USER_TOP,
                                     USER_TOP + PAGE_BYTES,
                                     0x800000000000,
                                     0xffff800000000000,
                                     0xffffffff80100000,
                                     0xfffffffffffff000,
                                     UINT64_MAX,
                                     INT64_MAX,
                                     UINT32_MAX,
                                     (uint64_t)1 << 63,
                                     INFO_PAGE_ADDRESS,
                                     PROCESS_PAGE_ADDRESS};

    switch (r % 6) {
    case 0:
        return edges[(r >> 8) % ARRAY_SIZE(edges)];
    case 1:
        return r >> 32;
    case 2:
        return r;
    case 3: /* across the end of a page */
        return (uint64_t)(uintptr_t)scratch + PAGE_BYTES - (r >> 8) % 16;
    case 4:
        return ((r >> 8) % 64) * PAGE_BYTES;
    default:
        return (r >> 8) % 40;
    }
}

static uint64_t deadline_value(uint64_t r) {
    if (r % 64 == 0) {
        return DEADLINE_NEVER;
    }
    return r % 2 == 0 ? 0 : time_deadline((r >> 8) % (r % 16 == 1 ? 10000000 : 200000));
}

static void thread_main(uint64_t index);
NORETURN static void upcall_main(const struct upcall_frame *frame);

static uint64_t stack_top(uint64_t r) {
    return (uint64_t)(uintptr_t)stacks[r % N_STACKS] + STACK_BYTES - 8;
}

/* A stack that no thread runs on: what an upcall pushes there must not hit another's variables.
 * 0: there is none. */
static uint64_t stack_take(void) {
    for (unsigned i = 0; i < N_STACKS; i++) {
        if (__atomic_exchange_n(&stack_used[i], 1, __ATOMIC_RELAXED) == 0) {
            return stack_top(i);
        }
    }
    return 0;
}

static uint64_t argument_value(char letter, uint64_t r) {
    uint64_t small = r >> 8;

    switch (letter) {
    case 'h':
        return any_handle(r);
    case 'a':
        return ARENA + (small % ARENA_PAGES) * PAGE_BYTES;
    case 'l':
        return (small % 9) * PAGE_BYTES;
    case 'u':
        return small % 2 == 0 ? (uint64_t)(uintptr_t)scratch + (small >> 8) % PAGE_BYTES / 8 * 8
                              : ARENA + (small >> 8) % (ARENA_PAGES * PAGE_BYTES);
    case 'n':
        return small % (small % 7 == 0 ? 3 * PAGE_BYTES : 300);
    case 'w':
        return small % 2 == 0 ? (uint64_t)(uintptr_t)&words[small / 2 % 8]
                              : (uint64_t)(uintptr_t)&test_shared[SHARED_WORDS / 2 + small / 2 % 8];
    case 'c':
        return small % 9;
    case 'f':
        return small % 4 == 0 ? small / 4 % 256 : MAP_READ | small / 4 % 2 * MAP_WRITE;
    case 'k':
        return 1 + small % 11;
    case 'R':
        return small % 2 == 0 ? RIGHTS_ALL : small / 2 % 256;
    case 'B':
        return 1ULL << small % 64;
    case 'd':
        return deadline_value(r);
    case 'E':
        return small % 4 == 0 ? 0 : (uint64_t)(uintptr_t)thread_main;
    case 'T':
        return (uint64_t)(uintptr_t)thread_main;
    case 'U':
        return small % 4 == 0 ? 0 : (uint64_t)(uintptr_t)upcall_main;
    case 'S':
        return small % 4 == 0 ? 0 : stack_top(small);
    case 'V':
        return stack_take();
    case 'P':
        return FIRST_PORT + small % 5;
    case 'x':
        return r;
    default: /* often what all programs have: so they meet */
        return kind_of(letter) == OBJECT_NONE || small % 16 == 0
                   ? 0
                   : pools[kind_of(letter)][small % 2 * (small / 16 % POOL_SIZE)];
    }
}

/* Deadline, handles, segments: what only message calls take. */
static void message_arguments(uint64_t *state, uint64_t *values) {
    uint64_t r = random_next(state);
    unsigned n_handles = r % 8 < 5 ? 0 : (unsigned)(r % 8 - 4), n_accept = r >> 8 & 7;
    unsigned n_segments = (r >> 12 & 3) == 0 ? (unsigned)(r >> 14) % 6 : 0;

    values[R12] = deadline_value(random_next(state));
    values[R13] = MESSAGE_SEND_HANDLES(n_handles) | MESSAGE_SEGMENTS(n_segments) |
                  MESSAGE_ACCEPT(n_accept > 4 && r % 16 != 0 ? 4 : n_accept);
    r = random_next(state);
    for (unsigned i = 0; i < n_handles; i++) {
        if ((r >> i & 3) != 0) {
            values[R13] |= MESSAGE_COPY(i, (r >> 8) % 4 == 0 ? (r >> 16) & 255 : RIGHTS_ALL);
        }
    }
    values[R13] |= r % 16 == 0 ? MESSAGE_NO_INTERRUPT : 0;
    values[R14] = any_handle(random_next(state)) | (uint64_t)any_handle(random_next(state)) << 32;
    values[R15] = any_handle(random_next(state)) | (uint64_t)any_handle(random_next(state)) << 32;
    for (unsigned i = 0; i < n_segments && i < ARRAY_SIZE(segments); i++) {
        r = random_next(state);
        segments[i].address = r % 16 == 0 ? hostile_value(r >> 8) : argument_value('u', r);
        segments[i].length = (uint32_t)((r >> 8) % LENT_MAX);
        segments[i].access = (uint32_t)(r % 33 == 0 ? r >> 40 : LENT_READABLE + (r >> 16) % 2);
    }
    if (r % 8 == 2) { /* one range, in the registers; else what is there is nonsense */
        values[R13] |= MESSAGE_LENDS;
        values[R14] = segments[0].address;
        values[R15] = segments[0].length | (uint64_t)segments[0].access << 32;
    }
    values[RBX] = r % 16 == 1 ? hostile_value(r >> 8) : (uint64_t)(uintptr_t)segments;
}

/* One in so many arguments is hostile; those with which a thread would crash at once, fewer. */
static unsigned hostile_share(uint64_t number) {
    return number == SYSCALL_thread_create || number == SYSCALL_upcall_set ? RARELY : 16;
}

/* What would end the machine, the test, or (nearly always) this program. */
static bool is_forbidden(uint64_t number, uint64_t *values, uint64_t r) {
    switch (number) {
    case SYSCALL_system_control:
        return values[RSI] == SYSTEM_POWER_OFF || values[RSI] == SYSTEM_REBOOT ||
               values[RSI] == SYSTEM_CLAIM_SERIAL;
    case SYSCALL_process_info:
        return values[RSI] == PROCESS_INFO_OPEN &&
               (uint32_t)values[R8] <= fuzz_orders.protected_last_id;
    case SYSCALL_process_exit:
        values[RDI] &= FUZZ_STATUS_MAX;
        return r % RARELY != 0;
    case SYSCALL_process_kill:
        values[RSI] &= FUZZ_STATUS_MAX;
        return r % RARELY != 0;
    case SYSCALL_thread_create:
        return values[RSI] == 0;
    case SYSCALL_thread_exit:
    case SYSCALL_upcall_return:
    case SYSCALL_process_become:
        return r % RARELY != 0;
    case SYSCALL_process_control:
        return values[RSI] == PROCESS_STOP && r % (RARELY / 4) != 0;
    case SYSCALL_process_fork:
        return r % 16 != 0;
    case SYSCALL_handle_close:
        return values[RDI] <= FUZZ_GIVEN && r % RARELY != 0;
    default:
        return false;
    }
}

/* Keeps a handle for later use, in place of an older one of its kind. */
static void handle_keep(enum object_type kind, uint64_t handle, uint64_t r) {
    handle_t *place = &pools[kind][1 + r % (POOL_SIZE - 1)], old = *place;

    *place = (handle_t)handle;
    if (old > FUZZ_GIVEN && r >> 8 & 7) {
        (void)syscall_do3(SYSCALL_handle_close, old, 0, 0); /* it may be gone already */
    }
}

static void message_handles_keep(const uint64_t *values, uint64_t r) {
    for (unsigned i = 0; i < MESSAGE_RESULT_HANDLES(values[R13]); i++) {
        uint64_t handle = values[R14 + i / 2] >> 32 * (i % 2) & UINT32_MAX;
        enum object_type kind = MESSAGE_RESULT_TYPE(values[R13], i);

        if ((int)kind < N_KINDS) {
            handle_keep(kind, handle, r >> 4 * i);
        }
    }
}

/* The kernel's answer is one of those it may give. */
static void status_check(uint64_t number, int64_t status) {
    bool is_message = number >= SYSCALL_send && number <= SYSCALL_reply_receive;

    if (status < ERROR_DEADLOCK || status > (is_message ? MESSAGE_CANCEL : OK)) {
        sys_process_exit(FUZZ_WRONG_OF(number, status));
    }
}

static void result_use(uint64_t number, int64_t status, const uint64_t *values, uint64_t r) {
    const char *result = number < SYSCALL_COUNT ? strchr(templates[number], ':') : NULL;

    if (status < 0) {
        return;
    }
    if (number >= SYSCALL_receive && number <= SYSCALL_reply_receive && number != SYSCALL_reply) {
        message_handles_keep(values, r);
    }
    if (number == SYSCALL_thread_create) {
        struct syscall_result opened =
            syscall_do3(SYSCALL_thread_control, HANDLE_NONE, THREAD_OPEN, values[RDX]);

        if (opened.status == OK) { /* it may have ended */
            handle_keep(OBJECT_THREAD, opened.value, r);
        }
    }
    if (result != NULL && values[RDX] != HANDLE_NONE) {
        handle_keep(kind_of(result[1]), values[RDX], r);
    }
}

static int64_t made(uint64_t number, uint64_t *values) {
    struct call_result result;

    test_shared[fuzz_orders.slot]++;
    result = call_registers(number, values);
    status_check(result.number, result.status);
    test_shared[FUZZ_GOOD + fuzz_orders.slot] += result.status >= OK;
    return result.status;
}

/* A call has come: often its memory is looked at, and it is answered, at once or later. */
static void serve(uint64_t *state) {
    uint64_t r = random_next(state), values[RAW_REGISTERS] = {0};

    for (unsigned n = (unsigned)(r % 4); n > 0; n--) {
        r = random_next(state);
        values[RDI] = HANDLE_NONE;
        values[RSI] = r >> 8 & 4095;
        values[RDX] = argument_value('u', r);
        values[R10] = argument_value('n', r >> 16);
        values[R8] = 0;
        (void)made(r % 2 == 0 ? SYSCALL_lent_read : SYSCALL_lent_write, values);
    }
    if (r % 4 == 0 && made(SYSCALL_reply_save, values) == OK) {
        handle_keep(OBJECT_REPLY, values[RDX], r >> 8);
    } else if (r % 4 != 1) {
        message_arguments(state, values);
        values[RDI] = HANDLE_NONE;
        (void)made(SYSCALL_reply, values);
    }
}

static void one_call(uint64_t *state) {
    uint64_t r = random_next(state), values[RAW_REGISTERS] = {0};
    /* A third are messages and what belongs to them. */
    uint64_t number = r % 3 == 0 ? SYSCALL_send + (r >> 8) % SYSCALL_lent_write
                                 : (r >> 8) % (SYSCALL_COUNT + (r % 64 == 1));
    const char *template = number < SYSCALL_COUNT ? templates[number] : "xxxxxx";
    int64_t status;

    for (unsigned i = 0; i < N_ARGUMENTS && template[i] != '\0' && template[i] != ':'; i++) {
        r = random_next(state);
        values[i] =
            r % hostile_share(number) == 0 ? hostile_value(r >> 8) : argument_value(template[i], r);
    }
    if (number >= SYSCALL_send && number <= SYSCALL_reply_receive) {
        for (unsigned i = RSI; i <= R9; i++) {
            values[i] = random_next(state);
        }
        message_arguments(state, values);
    }
    if (is_forbidden(number, values, random_next(state))) {
        return;
    }
    status = made(number, values);
    if (number == SYSCALL_process_fork && status == OK && values[RDX] == HANDLE_NONE) {
        *state ^= 0x5bd1e995; /* the child goes its own way */
    }
    result_use(number, status, values, random_next(state));
    if (status == MESSAGE_CALL && (number == SYSCALL_receive || number == SYSCALL_reply_receive)) {
        serve(state);
    }
}

static bool calls_left(void) {
    return __atomic_fetch_sub(&n_left, 1, __ATOMIC_RELAXED) - 1 < FUZZ_CALLS_PER_LIFE;
}

/* On one of the stacks; or, by a hostile argument, anywhere. */
static void thread_main(uint64_t argument) {
    uint64_t state = argument | 1;
    unsigned index =
        (unsigned)((uint64_t)(uintptr_t)__builtin_frame_address(0) - (uint64_t)(uintptr_t)stacks) /
        STACK_BYTES;

    if (index >= N_STACKS) {
        sys_thread_exit(NULL, 0, 0);
    }
    stack_used[index] = 1; /* process_become begins here without stack_take */
    while (calls_left()) {
        one_call(&state);
    }
    sys_thread_exit(&stack_used[index], 0, 0);
}

/* Bits, or a fault: then the thread cannot go on. */
static void upcall_main(const struct upcall_frame *frame) {
    if (frame->vector == UPCALL_VECTOR_NONE) {
        sys_upcall_return(frame);
    }
    sys_thread_exit(NULL, 0, 0);
}

void fuzz_program(uint64_t unused) {
    uint64_t state = fuzz_orders.seed * 0x9e3779b97f4a7c15ULL | 1;

    (void)unused;
    for (handle_t handle = 1; handle <= FUZZ_GIVEN; handle++) {
        struct handle_info info;

        if (sys_handle_info(handle, &info) == OK && info.type < N_KINDS) {
            for (unsigned i = 0; i < POOL_SIZE; i++) {
                if (i == 0 || pools[info.type][i] == HANDLE_NONE) {
                    pools[info.type][i] = handle;
                }
            }
        }
    }
    n_left = FUZZ_CALLS_PER_LIFE;
    for (unsigned i = 0; i < N_EXTRA_THREADS; i++) {
        (void)syscall_do(SYSCALL_thread_create, (uint64_t)(uintptr_t)thread_main, stack_take(),
                         random_next(&state), 0, 0, 0);
    }
    while (calls_left()) {
        one_call(&state);
    }
}

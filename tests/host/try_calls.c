/* SPDX-License-Identifier: MIT */
/*
 * The system calls, made at random by the threads of two programs with real powers, with page
 * faults, waits and the reaper's steps in between. Whatever they do is an error of theirs: no
 * invariant of the kernel may break (kernel/debug/check.c looks after each call), no sanitizer may
 * see anything, and when both are dead nothing is left.
 */
#include "tests/host/tries.h"

#include "abi/message.h"
#include "kernel/budget.h"
#include "kernel/debug/check.h"
#include "kernel/frame.h"
#include "kernel/lock.h"
#include "kernel/memory.h"
#include "kernel/scheduler.h"
#include "lib/base/string.h"
#include "tests/host/kernel.h"

#define N_PROGRAMS    2
#define PROGRAM_BYTES (2 * MiB)
#define ARENA         0x200000
#define ARENA_PAGES   8
#define N_VALUES      11
#define STEPS_MAX     2000 /* of one call's restarts: more would be a call that never ends */

/*
 * What a call takes, a letter for each of rdi rsi rdx r10 r8 r9: h a handle, g one or two in one
 * register, a a page of the arena,
 * u an address in it, l a length in pages, n in bytes, c a small number, f a right or flag, B a
 * bit, t a time, s where the stack is, x anything.
 */
static const char *const templates[SYSCALL_COUNT] = {
    [SYSCALL_send] = "hxxxxx",
    [SYSCALL_receive] = "hxxxxx",
    [SYSCALL_call] = "hxxxxx",
    [SYSCALL_reply] = "hxxxxx",
    [SYSCALL_reply_receive] = "hxxxxx",
    [SYSCALL_notify] = "hB",
    [SYSCALL_reply_save] = "x",
    [SYSCALL_lent_read] = "hnun",
    [SYSCALL_lent_write] = "hnun",
    [SYSCALL_endpoint_create] = "",
    [SYSCALL_gate_create] = "hxx",
    [SYSCALL_gate_revoke] = "h",
    [SYSCALL_handle_close] = "h",
    [SYSCALL_handle_copy] = "hxc",
    [SYSCALL_handle_info] = "hu",
    [SYSCALL_memory_create] = "ccxh",
    [SYSCALL_memory_create_device] = "hxcc",
    [SYSCALL_memory_control] = "hcc",
    [SYSCALL_map] = "hhalcf",
    [SYSCALL_unmap] = "hal",
    [SYSCALL_protect] = "halc",
    [SYSCALL_process_create] = "hu",
    [SYSCALL_process_give] = "hgxg",
    [SYSCALL_process_start] = "hauc",
    [SYSCALL_process_fork] = "",
    [SYSCALL_process_become] = "hucauc",
    [SYSCALL_process_exit] = "c",
    [SYSCALL_process_kill] = "hc",
    [SYSCALL_process_control] = "hcaun",
    [SYSCALL_process_info] = "hcunc",
    [SYSCALL_process_identify] = "hhcx",
    [SYSCALL_process_watch] = "hhB",
    [SYSCALL_thread_create] = "auxa",
    [SYSCALL_thread_exit] = "ual",
    [SYSCALL_thread_control] = "hcc",
    [SYSCALL_thread_upcall] = "hB",
    [SYSCALL_upcall_set] = "aaa",
    [SYSCALL_upcall_return] = "s",
    [SYSCALL_futex_wait] = "uctc",
    [SYSCALL_futex_wake] = "ucc",
    [SYSCALL_futex_requeue] = "ucucc",
    [SYSCALL_irq_create] = "hcc",
    [SYSCALL_irq_control] = "hchB",
    [SYSCALL_ioports_create] = "hcc",
    [SYSCALL_ioports_access] = "hccx",
    [SYSCALL_budget_create] = "hc",
    [SYSCALL_system_control] = "hcun",
};

static uint64_t value_of(struct choice *choice, char letter) {
    static const uint64_t edges[] = {UINT64_MAX,        USER_TOP,   USER_TOP - 1,
                                     INFO_PAGE_ADDRESS, 1ULL << 63, 0xffff800000000000};

    if (choose_one_in(choice, 32)) {
        return edges[choose(choice, ARRAY_SIZE(edges))];
    }
    switch (letter) {
    case 'h':
        return choose(choice, 24);
    case 'g':
        return choose(choice, 24) | choose(choice, choose_one_in(choice, 2) ? 24 : 1) << 32;
    case 'a':
        return ARENA + choose(choice, 4 * ARENA_PAGES) * PAGE_SIZE;
    case 'u':
        return ARENA + choose(choice, ARENA_PAGES * PAGE_SIZE / 8) * 8;
    case 'l':
        return choose(choice, 9) * PAGE_SIZE;
    case 'n':
        return choose(choice, choose_one_in(choice, 4) ? 9000 : 200);
    case 'c':
        return choose(choice, 12);
    case 'f':
        return choose(choice, 256);
    case 'B':
        return 1ULL << choose(choice, 64);
    case 't':
        return choose_one_in(choice, 4) ? DEADLINE_NEVER : host_now_ns + choose(choice, 100000);
    case 's':
        return host_current()->registers.rsp;
    default:
        return choose(choice, 1ULL << 16);
    }
}

/* Deadline, control word, handles, segments, which have no letters. */
static void message_values(struct choice *choice, uint64_t *values) {
    uint64_t n_handles = choose(choice, 8), n_segments = choose(choice, 8);

    values[6] = value_of(choice, 't');
    if (choose_one_in(choice, 2)) {
        return;
    }
    values[7] = MESSAGE_SEND_HANDLES(n_handles < 5 ? n_handles : 0) |
                MESSAGE_SEGMENTS(n_segments < 5 ? n_segments : 0) |
                MESSAGE_ACCEPT(choose(choice, 5));
    values[7] |= choose_one_in(choice, 4) ? MESSAGE_COPY(0, RIGHTS_ALL) : 0;
    values[7] |= choose_one_in(choice, 16) ? MESSAGE_REFUSE : 0;
    values[7] |= choose_one_in(choice, 16) ? MESSAGE_NO_INTERRUPT : 0;
    values[8] = choose(choice, 24) | choose(choice, 24) << 32;
    values[9] = choose(choice, 24) | choose(choice, 24) << 32;
    values[10] = value_of(choice, 'u');
}

/* What would end the host, and what outlives the program that did it. */
static bool is_forbidden(uint64_t number, const uint64_t *values) {
    return number == SYSCALL_system_control &&
           (values[1] == SYSTEM_POWER_OFF || values[1] == SYSTEM_REBOOT ||
            values[1] == SYSTEM_BIND_LOG || values[1] == SYSTEM_DEBUG);
}

static void call(struct choice *choice) {
    uint64_t number = choose(choice, SYSCALL_COUNT + 1), values[N_VALUES] = {0};
    const char *letters = number < SYSCALL_COUNT ? templates[number] : NULL;

    for (unsigned i = 0; letters != NULL && letters[i] != '\0'; i++) {
        values[i] = value_of(choice, letters[i]);
    }
    if (number >= SYSCALL_send && number <= SYSCALL_reply_receive) {
        message_values(choice, values);
    }
    /* Programs that end all the time do little. */
    if (!is_forbidden(number, values) &&
        ((number != SYSCALL_process_exit && number != SYSCALL_thread_exit) ||
         choose_one_in(choice, 8))) {
        host_syscall(number, values, N_VALUES);
    }
}

/* What was decided about the thread that runs comes true. */
static void programs_leave(void) {
    scheduler_leave(host_current(), SWITCH_PREEMPT);
    kernel_lock_take();
}

static handle_t given(struct process *process, enum object_type type) {
    struct object *object;
    handle_t handle;

    SAME(object_create(type, process->space->budget, &object), OK);
    SAME(handle_add(&process->handles, object, RIGHTS_ALL, &handle), OK);
    return handle;
}

/* With a budget, memory, the machine, and an endpoint with a gate that it shares with the others.
 */
static void program_make(struct choice *choice, struct object *shared[2]) {
    struct process *process =
        host_process(PROGRAM_BYTES, 2 + (uint32_t)choose(choice, 2), (unsigned)choose(choice, 3));
    struct map_request request = {.address = ARENA,
                                  .length = ARENA_PAGES * PAGE_SIZE,
                                  .flags = MAP_FIXED | MAP_READ | MAP_WRITE,
                                  .protection_max = MAP_PROTECTION};
    uint64_t address;
    handle_t handle;

    SAME(space_map(process->space, &request, &address), OK);
    for (unsigned i = 0; i < 2; i++) {
        object_get(shared[i]);
        SAME(handle_add(&process->handles, shared[i], RIGHTS_ALL, &handle), OK);
    }
    object_get(&process->space->budget->object);
    SAME(handle_add(&process->handles, &process->space->budget->object, RIGHTS_ALL, &handle), OK);
    object_get(&process->object);
    SAME(handle_add(&process->handles, &process->object, RIGHTS_ALL, &handle), OK);
    (void)given(process, OBJECT_SYSTEM);
    (void)given(process, OBJECT_IDENTITY);
    object_put(&process->object); /* it has its own reference, and the handle */
}

/* Nobody runs: time passes, and then somebody has to do something. */
static void idle(struct choice *choice, struct object *shared[2]) {
    unsigned n_alive = 0, n = (unsigned)choose(choice, 4);
    struct process *process;

    host_wait(host_now_ns + 50000);
    host_reap();
    for (process = process_next(0); process != NULL; process = process_next(process->id + 1)) {
        if (!process_is_dying(process) && process->n_threads != 0) {
            if (n_alive++ == n) {
                thread_interrupt(process_thread(process, 0));
            }
        }
    }
    if (n_alive < N_PROGRAMS) {
        program_make(choice, shared);
    } else if (choose_one_in(choice, 8)) {
        process_die(process_next(0), DEATH_KILLED, ERROR_KILLED);
    }
    programs_leave();
}

static void step(struct choice *choice, struct object *shared[2]) {
    uint64_t what = choose(choice, 32);

    for (unsigned i = 0; host_restarts(host_current()); i++) {
        HOLDS(i < STEPS_MAX);
        host_resume();
    }
    if (!registers_are_user(&host_current()->registers)) {
        idle(choice, shared);
    } else if (what < 26) {
        call(choice);
    } else if (what < 28) {
        host_fault(value_of(choice, 'a'), 4 | choose(choice, 2) << 1 | choose(choice, 2) << 4);
    } else if (what < 30) {
        host_wait(host_now_ns + choose(choice, 1ULL << 24));
    } else {
        host_reap();
    }
}

/* All programs die, and what they left goes: DMA memory when it is said that no device writes. */
static void end(void) {
    struct process *last = host_process(16 * PAGE_SIZE, 0, 0);
    uint32_t last_id = last->id;

    object_put(&last->object);
    for (struct process *process = process_next(0); process != NULL;
         process = process_next(process->id + 1)) {
        process_die(process, DEATH_KILLED, ERROR_KILLED);
    }
    programs_leave();
    host_reap();
    for (uint32_t id = 0; id <= last_id; id++) {
        memory_release_quarantine(id);
    }
    host_reap();
    HOLDS(process_next(0) == NULL);
}

void calls_try(struct choice *choice) {
    struct endpoint *endpoint;
    struct gate *gate;
    uint32_t counts[OBJECT_IDENTITY + 1], n_steps = 0;
    uint64_t n_free, used;

    host_kernel_start();
    n_free = frame_n_free();
    used = budget_root->used;
    for (unsigned type = 0; type < ARRAY_SIZE(counts); type++) {
        counts[type] = object_count(type);
    }
    SAME(endpoint_create(budget_root, &endpoint), OK);
    endpoint->receive_rights = 1; /* ours */
    SAME(gate_create(budget_root, endpoint, 1, &gate), OK);
    gate_bind(gate);
    while (choice_more(choice)) {
        step(choice, (struct object *[]){&endpoint->object, &gate->object});
        if (++n_steps % 64 == 0) {
            debug_check_all();
        }
    }
    end();
    gate_unbind(gate);
    object_put(&gate->object);
    endpoint_receive_right_drop(endpoint);
    object_put(&endpoint->object);
    host_reap();
    for (unsigned type = 0; type < ARRAY_SIZE(counts); type++) {
        SAME(object_count(type), counts[type]);
    }
    SAME(handle_count_all(), 0);
    SAME(budget_root->used, used);
    SAME(frame_n_free(), n_free);
}

/* SPDX-License-Identifier: MIT */
/*
 * The checks that the kernel makes of itself (kernel/debug) strike: each invariant is broken by
 * hand, and what the panic says is that one. test_panic does it to some of them in the emulator.
 *
 * Build: kernel
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/debug/check.h"
#include "kernel/endpoint.h"
#include "kernel/handle.h"
#include "kernel/lock.h"
#include "kernel/scheduler.h"
#include "tests/host/kernel.h"

static struct process *process;
static struct thread *thread;
static struct endpoint *endpoint;
static struct gate *gate;
static struct handle_entry *entry, *gate_entry; /* of these */
static struct thread stranger;                  /* waits for nothing */

static jmp_buf back;
static char said[256];

static void on_panic(const char *text) {
    snprintf(said, sizeof said, "%s", text);
    longjmp(back, 1);
}

/* What the checks say: "" if all is well. */
static const char *verdict(void) {
    said[0] = '\0';
    host_on_panic = on_panic;
    if (setjmp(back) == 0) {
        debug_check();
        debug_check_all();
    }
    host_on_panic = NULL;
    return said;
}

/* ---- endpoints and gates ---- */

static void dead(bool is_broken) {
    endpoint->dead = is_broken;
}

static void receiver(bool is_broken) {
    if (is_broken) {
        list_push_back(&endpoint->receivers, &stranger.item.link);
    } else {
        list_remove(&stranger.item.link);
    }
}

static void dead_with_receiver(bool is_broken) {
    endpoint->dead = is_broken;
    endpoint->receive_rights = is_broken ? 0 : 1;
    receiver(is_broken);
}

static void queued(bool is_queued) {
    gate->pending = is_queued ? 1 : 0;
    if (is_queued) {
        list_push_back(&endpoint->queue, &gate->item.link);
    } else {
        list_remove(&gate->item.link);
    }
}

static void queued_and_receiver(bool is_broken) {
    queued(is_broken);
    receiver(is_broken);
}

static void queued_and_revoked(bool is_broken) {
    queued(is_broken);
    gate->object.revoked = is_broken;
}

static void queued_stranger(bool is_broken) {
    stranger.item.kind = QUEUE_THREAD;
    if (is_broken) {
        list_push_back(&endpoint->queue, &stranger.item.link);
    } else {
        list_remove(&stranger.item.link);
    }
}

static void pending(bool is_broken) {
    gate->pending = is_broken;
}

static void urgent(bool is_broken) {
    gate->urgent = is_broken;
}

/* Who made it cannot send; here somebody can whom nobody has counted. */
static void senders(bool is_broken) {
    assert_int_equal(gate->senders, 0);
    gate_entry->rights ^= RIGHT_SEND;
    (void)is_broken;
}

/* ---- handles and budgets ---- */

static void references(bool is_broken) {
    static uint32_t before;

    before = is_broken ? endpoint->object.references : before;
    endpoint->object.references = is_broken ? 0 : before;
}

static void reply(bool is_broken) {
    entry->rights ^= HANDLE_REPLY;
    (void)is_broken;
}

static void budget_used(bool is_broken) {
    static uint64_t before;
    struct budget *budget = process->space->budget;

    before = is_broken ? budget->used : before;
    budget->used = is_broken ? budget->limit + 1 : before;
}

static void budget_limit(bool is_broken) {
    static uint64_t before;
    struct budget *budget = process->space->budget;

    before = is_broken ? budget->limit : before;
    budget->limit = is_broken ? budget->parent->used + 1 : before;
}

static void free_handles(bool is_broken) {
    process->handles.n_free += is_broken ? 1u : -1u;
}

static void n_threads(bool is_broken) {
    process->n_threads += is_broken ? 1u : -1u;
}

/* ---- threads and run queues ---- */

static void call_gate(bool is_broken) {
    thread->call_gate = is_broken ? gate : NULL;
}

static void cancel(bool is_broken) {
    thread->cancel = is_broken ? CANCEL_QUEUED : CANCEL_NONE;
}

static void gives_way(bool is_broken) {
    thread->gives_way = is_broken;
}

static void linked(bool is_broken) {
    if (is_broken) {
        list_push_back(&endpoint->queue, &thread->item.link);
    } else {
        list_remove(&thread->item.link);
    }
}

static void operation(bool is_broken) {
    static struct process other;

    thread->operation = is_broken ? &other.object : NULL;
}

static void ready_mask(bool is_broken) {
    (void)is_broken;
    scheduler_ready_mask ^= 1ULL << 3;
}

static void ready_cpus(bool is_broken) {
    (void)is_broken;
    scheduler_ready_cpus[3] ^= 1;
}

static const struct breakage {
    void (*change)(bool is_broken);
    const char *says;
} breakages[] = {
    {dead, "endpoint->dead == (endpoint->receive_rights == 0)"},
    {dead_with_receiver, "!endpoint->dead || list_is_empty(&endpoint->receivers)"},
    {queued_and_receiver,
     "list_is_empty(&endpoint->receivers) || endpoint_first(endpoint) == NULL"},
    {queued_and_revoked, "!gate->object.revoked || !is_queued"},
    {queued_stranger, "item->kind == QUEUE_GATE"},
    {pending, "is_queued == (gate->pending != 0)"},
    {urgent, "is_queued || !gate->urgent"},
    {senders, "gate->senders != 0 || (rights"},
    {references, "object->references != 0"},
    {reply, "object->type == OBJECT_THREAD"},
    {budget_used, "budget->used <= budget->limit"},
    {budget_limit, "budget->limit <= budget->parent->used"},
    {free_handles, "n_free == table->n_free"},
    {n_threads, "n_threads == process->n_threads"},
    {call_gate, "(thread->call_gate != NULL) == in_call"},
    {cancel, "thread->cancel == CANCEL_NONE"},
    {gives_way, "(!thread->work && !thread->gives_way)"},
    {linked, "list_is_linked(&thread->item.link) == in_list"},
    {operation, "thread->operation == NULL"},
    {ready_mask, "(scheduler_ready_cpus[p] != 0) == (scheduler_ready_mask >> p & 1)"},
    {ready_cpus, "(first != NULL) == (scheduler_ready_cpus[p] >> c & 1)"},
};

static struct object *made(uint64_t number, const uint64_t *arguments, size_t n) {
    host_syscall(number, arguments, n);
    assert_int_equal((int64_t)host_current()->registers.rax, OK);
    return handle_entry(&process->handles, host_current()->registers.rdx)->object;
}

static void test_checks_strike(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(breakages); i++) {
        breakages[i].change(true);
        const char *text = verdict();
        if (strstr(text, breakages[i].says) == NULL) {
            print_error("number %zu: not \"%s\" but \"%s\"\n", i, breakages[i].says, text);
        }
        assert_non_null(strstr(text, breakages[i].says));
        breakages[i].change(false);
        assert_string_equal(verdict(), "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks_strike)};
    uint64_t arguments[2];

    host_kernel_start();
    process = host_process(1 * MiB, 1, 10);
    thread = process_thread(process, 0);
    scheduler_leave(host_current(), SWITCH_PREEMPT); /* it has come to run: it does */
    kernel_lock_take();
    assert_ptr_equal(host_current(), thread);
    list_node_init(&stranger.item.link);
    endpoint = CONTAINER_OF(made(SYSCALL_endpoint_create, NULL, 0), struct endpoint, object);
    arguments[0] = thread->registers.rdx;
    entry = handle_entry(&process->handles, arguments[0]);
    arguments[1] = 7;
    gate = CONTAINER_OF(made(SYSCALL_gate_create, arguments, 2), struct gate, object);
    gate_entry = handle_entry(&process->handles, thread->registers.rdx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

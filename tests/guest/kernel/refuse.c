/* SPDX-License-Identifier: MIT */
/* Endpoints that refuse: whoever waits and whoever comes is told ABSENT, until the next receive. */
#include "tests/guest/kernel/kernel_test.h"

#define N_CALLERS 150 /* more than two steps of a flush */

static status_t refuse(handle_t endpoint) {
    struct message m = {.gate = endpoint, .control = MESSAGE_REFUSE};

    return message_receive(&m);
}

/* A thread that makes one call, which ends as `status` says. */
struct caller {
    struct thread thread;
    struct message m;
    bool is_send;
    status_t status;
};

static void caller_main(void *argument) {
    struct caller *caller = argument;

    caller->status = caller->is_send ? message_send(&caller->m) : message_call(&caller->m);
}

static void caller_start(struct caller *caller, handle_t gate, uint64_t deadline) {
    caller->m = (struct message){.gate = gate, .label = 1, .deadline = deadline};
    CHECK_OK(thread_start(&caller->thread, caller_main, caller, 8192));
}

static status_t caller_join(struct caller *caller) {
    thread_join(&caller->thread);
    return caller->status;
}

/* Nothing gets in, and nothing waits to be told so. */
static void check_refuses(handle_t gate) {
    static const uint64_t deadlines[] = {0, 1, DEADLINE_NEVER};

    for (unsigned i = 0; i < ARRAY_SIZE(deadlines); i++) {
        struct message m = {.gate = gate, .label = 1, .deadline = deadlines[i]};

        /* A call whose time is over is told that first, wherever it goes. */
        CHECK_STATUS(message_call(&m), deadlines[i] <= 1 ? ERROR_TIMEOUT : ERROR_ABSENT);
        m = (struct message){.gate = gate, .label = 1, .deadline = deadlines[i]};
        CHECK_STATUS(message_send(&m), ERROR_ABSENT);
    }
    CHECK_STATUS(sys_notify(gate, 2), ERROR_ABSENT);
}

static status_t receive_until(handle_t endpoint, uint64_t deadline, struct message *m) {
    *m = (struct message){.gate = endpoint, .deadline = deadline};
    return message_receive(m);
}

static void comers_are_told(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 3), other, none = HANDLE_NONE;
    struct message m;

    CHECK_OK(sys_notify(gate, 1)); /* dropped */
    CHECK_OK(refuse(endpoint));
    check_refuses(gate);
    other = gate_new(endpoint, 4);
    closed(other); /* of which nobody hears */
    CHECK_OK(refuse(endpoint));
    check_refuses(gate);
    CHECK_STATUS(receive_until(endpoint, 0, &m), ERROR_TIMEOUT);
    CHECK_OK(sys_notify(gate, 4));
    CHECK_OK(receive_until(endpoint, 0, &m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 3 && m.words[0] == 4);
    m = (struct message){.gate = gate, .label = 1, .deadline = time_deadline(NS_PER_MS)};
    CHECK_STATUS(message_call(&m), ERROR_TIMEOUT); /* it queued again */
    CHECK_OK(sys_handle_copy(endpoint, RIGHTS_ALL & ~(uint32_t)RIGHT_RECEIVE, 0, &none));
    CHECK_STATUS(refuse(none), ERROR_NO_RIGHT);
    CHECK_STATUS(refuse(gate), ERROR_WRONG_TYPE);
    closed(none);
    CHECK_OK(refuse(endpoint));
    closed(endpoint); /* which dies with the sign up */
    m = (struct message){.gate = gate, .label = 1, .deadline = DEADLINE_NEVER};
    CHECK_STATUS(message_call(&m), ERROR_CLOSED);
    CHECK_STATUS(sys_notify(gate, 1), ERROR_CLOSED);
    closed(gate);
}

static void waiters_are_told(void) {
    static struct caller callers[N_CALLERS];
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 3), last = gate_new(endpoint, 5);
    struct message m;

    for (unsigned i = 0; i < N_CALLERS; i++) {
        callers[i].is_send = i % 2 != 0;
        caller_start(&callers[i], i == 7 ? last : gate,
                     i % 3 == 0 ? time_deadline(10 * NS_PER_S) : DEADLINE_NEVER);
    }
    sleep_us(4 * MACHINE_PAUSE_US);
    closed(last); /* its last sender is the call: CLOSED comes up in the midst of it */
    CHECK_OK(refuse(endpoint));
    for (unsigned i = 0; i < N_CALLERS; i++) {
        CHECK_STATUS(caller_join(&callers[i]), ERROR_ABSENT);
    }
    check_refuses(gate);
    CHECK_STATUS(receive_until(endpoint, 0, &m), ERROR_TIMEOUT);
    closed(gate);
    closed(endpoint);
}

static void receiver_main(void *argument) {
    struct caller *caller = argument;

    caller->status = message_receive(&caller->m);
}

static void who_receives_is_in_the_way(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 3);
    struct caller receiver = {.m = {.gate = endpoint, .deadline = DEADLINE_NEVER}};

    CHECK_OK(thread_start(&receiver.thread, receiver_main, &receiver, 8192));
    sleep_us(MACHINE_PAUSE_US);
    CHECK_STATUS(refuse(endpoint), ERROR_BUSY);
    CHECK_OK(sys_notify(gate, 8));
    CHECK_OK(caller_join(&receiver));
    CHECK(receiver.m.words[0] == 8);
    closed(gate);
    closed(endpoint);
}

/* The sign is hung up by another thread while the server works: what it does next takes it down, on
 * the fast path too. */
static void receivers_take_calls_again(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 3);
    struct caller first, second, third;
    struct message m;

    first = second = third = (struct caller){.is_send = false};
    caller_start(&first, gate, DEADLINE_NEVER);
    CHECK_OK(receive_until(endpoint, time_deadline(NS_PER_S), &m));
    CHECK_STATUS(refuse(endpoint), ERROR_PENDING);
    caller_start(&second, gate, DEADLINE_NEVER);
    sleep_us(MACHINE_PAUSE_US);
    struct caller other = {.m = {.gate = endpoint, .control = MESSAGE_REFUSE}};

    CHECK_OK(thread_start(&other.thread, receiver_main, &other, 8192));
    CHECK_OK(caller_join(&other));
    CHECK_STATUS(caller_join(&second), ERROR_ABSENT);
    check_refuses(gate);
    /* Nobody but its own server answers the first one, whose call had come in before. */
    m = (struct message){.gate = endpoint, .label = 11, .deadline = time_deadline(NS_PER_MS)};
    CHECK_STATUS(message_reply_receive(&m), ERROR_TIMEOUT);
    CHECK(caller_join(&first) == OK && first.m.label == 11);
    caller_start(&third, gate, DEADLINE_NEVER);
    CHECK_OK(receive_until(endpoint, time_deadline(NS_PER_S), &m));
    m = (struct message){.label = 12};
    CHECK_OK(message_reply(&m));
    CHECK(caller_join(&third) == OK && third.m.label == 12);
    closed(gate);
    closed(endpoint);
}

/* Calls whose replies are saved are the server's still; but if they are to end, nobody can be told.
 */
static void saved_replies_stay(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 3), replies[3];
    struct caller callers[3] = {{.is_send = false}};
    struct message m;

    for (unsigned i = 0; i < ARRAY_SIZE(callers); i++) {
        /* The second is to be cancelled before the refusal, the third after it. */
        caller_start(&callers[i], gate,
                     i == 0 ? DEADLINE_NEVER : time_deadline(i * 4 * MACHINE_PAUSE_US * NS_PER_US));
        CHECK_OK(receive_until(endpoint, time_deadline(NS_PER_S), &m));
        CHECK_OK(sys_reply_save(i, &replies[i]));
    }
    sleep_us(5 * MACHINE_PAUSE_US);
    CHECK_OK(refuse(endpoint));
    CHECK_STATUS(caller_join(&callers[1]), ERROR_CLOSED);
    CHECK_STATUS(caller_join(&callers[2]), ERROR_CLOSED);
    m = (struct message){.gate = replies[0], .label = 10};
    CHECK_OK(message_reply(&m));
    CHECK(caller_join(&callers[0]) == OK && callers[0].m.label == 10);
    m = (struct message){.gate = replies[1]};
    CHECK_STATUS(message_reply(&m), ERROR_NO_REPLY);
    m = (struct message){.gate = replies[2]};
    CHECK_STATUS(message_reply(&m), ERROR_NO_REPLY);
    CHECK_STATUS(receive_until(endpoint, 0, &m), ERROR_TIMEOUT);
    closed(gate);
    closed(endpoint);
}

const struct test refuse_tests[] = {
    {"refuse: who comes is told", comers_are_told},
    {"refuse: who waits is told", waiters_are_told},
    {"refuse: not while somebody receives", who_receives_is_in_the_way},
    {"refuse: ends with the next receive", receivers_take_calls_again},
    {"refuse: saved replies", saved_replies_stay},
    {NULL, NULL},
};

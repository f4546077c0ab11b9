/* SPDX-License-Identifier: MIT */
/* Calls that lend one range in the registers, or take a handle, and answers that bring one: what
 * the fast path does, and where it must leave off. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

enum { LABEL_STOP, LABEL_PLAIN, LABEL_GATE, GATE_BADGE = 0x600d };

/* A server that waits in reply_receive: answers with the lengths that were lent, and, if the label
 * asks for it, with a gate, moved by the answer. */
struct quick {
    handle_t endpoint;
    struct thread thread;
    unsigned n_served;
    uint64_t accept; /* MESSAGE_ACCEPT of its receives */
};

static void quick_main(void *argument) {
    struct quick *quick = argument;
    struct message m = {
        .gate = quick->endpoint, .deadline = DEADLINE_NEVER, .control = quick->accept};
    status_t status = message_receive(&m);

    while (status == OK && m.label != LABEL_STOP) {
        bool gives = m.label == LABEL_GATE;

        CHECK(m.kind == MESSAGE_CALL && MESSAGE_RESULT_HANDLES(m.control) == 0);
        quick->n_served++;
        m.words[0] = m.readable;
        m.words[1] = m.writable;
        m.control = quick->accept | MESSAGE_SEND_HANDLES(gives);
        m.handles[0] = gives ? gate_new(quick->endpoint, GATE_BADGE) : HANDLE_NONE;
        m.gate = quick->endpoint;
        m.deadline = DEADLINE_NEVER;
        status = message_reply_receive(&m);
        while (status == OK && m.kind == MESSAGE_NOTIFICATION) { /* a gate that was given is gone */
            CHECK(m.badge == GATE_BADGE && m.words[0] == NOTIFY_CLOSED);
            m = (struct message){
                .gate = quick->endpoint, .deadline = DEADLINE_NEVER, .control = quick->accept};
            status = message_receive(&m);
        }
    }
    m = (struct message){.gate = HANDLE_NONE};
    CHECK_OK(message_reply(&m));
}

static handle_t quick_start(struct quick *quick, unsigned n_accept) {
    *quick = (struct quick){.endpoint = endpoint_new(), .accept = MESSAGE_ACCEPT(n_accept)};
    CHECK_OK(thread_start(&quick->thread, quick_main, quick, 0));
    sleep_us(MACHINE_PAUSE_US); /* it waits now */
    return gate_new(quick->endpoint, 1);
}

static void quick_stop(struct quick *quick, handle_t gate) {
    struct message m = {.gate = gate, .label = LABEL_STOP, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_call(&m));
    thread_join(&quick->thread);
    closed(gate);
    closed(quick->endpoint);
}

/* Every refusal of what is lent, with somebody who waits for the call and never sees it; and what
 * just passes. */
static void lent_in_registers(void) {
    static const struct {
        struct lent_segment lent;
        uint64_t control;
        status_t status;
    } rows[] = {
        {{0x1000, 1, 0}, 0, ERROR_BAD_ARGUMENT},
        {{0x1000, 1, 3}, 0, ERROR_BAD_ARGUMENT},
        {{0x1000, 1, UINT32_MAX}, 0, ERROR_BAD_ARGUMENT},
        {{UINT64_MAX, 2, 1}, 0, ERROR_BAD_ADDRESS},
        {{0xffffffff80100000, 8, 1}, 0, ERROR_BAD_ADDRESS},
        {{USER_TOP - 1, 2, 2}, 0, ERROR_BAD_ADDRESS},
        {{USER_TOP + 1, 0, 1}, 0, ERROR_BAD_ADDRESS},
        {{0x1000, LENT_BYTES_MAX + 1, 2}, 0, ERROR_TOO_MANY},
        {{0x1000, UINT32_MAX, 1}, 0, ERROR_TOO_MANY},
        {{0x1000, 1, 1}, MESSAGE_SEND_HANDLES(1), ERROR_BAD_ARGUMENT},
        {{0x1000, 1, 1}, MESSAGE_SEGMENTS(1), ERROR_BAD_ARGUMENT},
        {{0x1000, 1, 1}, MESSAGE_ACCEPT(5), ERROR_BAD_ARGUMENT},
        {{0x1000, 0, 1}, 0, OK},
        {{0x1000, LENT_BYTES_MAX, 1}, 0, OK},
        {{0x1000, LENT_BYTES_MAX, 2}, MESSAGE_ACCEPT(1), OK},
        {{USER_TOP - 7, 7, 2}, 0, OK},
        {{USER_TOP, 0, 2}, MESSAGE_ACCEPT(4), OK},
        {{0, 5, 2}, MESSAGE_NO_INTERRUPT, OK},
    };
    struct quick quick;

    for (unsigned n_accept = 0; n_accept <= 2; n_accept++) {
        handle_t gate = quick_start(&quick, n_accept);
        unsigned n_good = 0;

        for (unsigned i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
            unsigned row = i / 2;
            struct message m = {.gate = gate, .label = LABEL_PLAIN, .lent = rows[row].lent};
            bool is_read = m.lent.access == LENT_READABLE;
            uint32_t length = m.lent.length;

            m.deadline = i % 2 == 0 ? DEADLINE_NEVER : time_deadline(5 * NS_PER_S);
            m.control = MESSAGE_LENDS | rows[row].control;
            CHECK_STATUS(message_call(&m), rows[row].status);
            if (rows[row].status == OK) {
                n_good++;
                CHECK(m.words[0] == (is_read ? length : 0) && m.words[1] == (is_read ? 0 : length));
            }
            CHECK(quick.n_served == n_good);
        }
        struct message m = {.gate = gate, .label = LABEL_PLAIN, .deadline = DEADLINE_NEVER};

        CHECK_OK(message_call(&m)); /* nothing of what was lent is left */
        CHECK(m.words[0] == 0 && m.words[1] == 0);
        quick_stop(&quick, gate);
    }
}

/* One call that takes a handle, and gets one or none. */
static void take_one(handle_t gate, bool wanted, uint64_t control) {
    static char bytes[8];
    struct message m = {.gate = gate,
                        .label = wanted ? LABEL_GATE : LABEL_PLAIN,
                        .lent = MESSAGE_LEND(bytes, sizeof(bytes), LENT_WRITABLE),
                        .deadline = DEADLINE_NEVER,
                        .control = MESSAGE_ACCEPT(1) | control};

    CHECK_OK(message_call(&m));
    CHECK(MESSAGE_RESULT_HANDLES(m.control) == (wanted ? 1 : 0));
    CHECK(m.words[1] == ((control & MESSAGE_LENDS) != 0 ? sizeof(bytes) : 0));
    if (wanted) {
        CHECK(MESSAGE_RESULT_TYPE(m.control, 0) == OBJECT_GATE);
        closed(m.handles[0]);
    }
}

/* Slots are set aside and given back at every fill level of the table, where it grows too. */
static int accepting_child(uint64_t gate) {
    enum { COPIES = 600 };
    handle_t copy = HANDLE_NONE;

    for (unsigned i = 0; i < COPIES; i++) {
        take_one((handle_t)gate, false, 0);
        take_one((handle_t)gate, i % 8 == 0, MESSAGE_LENDS);
        CHECK_OK(sys_handle_copy((handle_t)gate, RIGHTS_ALL, 0, &copy));
    }
    return 5;
}

static void handles_accepted(void) {
    struct quick quick;
    handle_t gate = quick_start(&quick, 1);

    CHECK(child_run(accepting_child, gate) == 5);
    for (unsigned i = 0; i < 100; i++) { /* the same in one process */
        take_one(gate, i % 2 == 0, i % 3 == 0 ? MESSAGE_LENDS : 0);
    }
    quick_stop(&quick, gate);
}

/* Killed while it waits for the answer, with memory lent and a slot set aside. */
static handle_t doomed_gate;

static int doomed_child(uint64_t control) {
    static char bytes[64];
    struct message m = {.gate = doomed_gate,
                        .label = LABEL_GATE,
                        .lent = MESSAGE_LEND(bytes, sizeof(bytes), LENT_READABLE),
                        .deadline = DEADLINE_NEVER,
                        .control = control};

    return message_call(&m);
}

/* The call of such a child is received: now the current reply. */
static handle_t doomed_call(handle_t endpoint, uint64_t control) {
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    handle_t child = child_start(doomed_child, control);

    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_CALL && m.readable == ((control & MESSAGE_LENDS) != 0 ? 64 : 0));
    return child;
}

/* Answers with `handle`, moved, and receives what is there already. */
static status_t answer_with(handle_t endpoint, handle_t handle) {
    struct message m = {.gate = endpoint, .deadline = 0, .control = MESSAGE_SEND_HANDLES(1)};

    m.handles[0] = handle;
    return message_reply_receive(&m);
}

static void callers_killed(void) {
    static const uint64_t controls[] = {MESSAGE_ACCEPT(1), MESSAGE_LENDS,
                                        MESSAGE_ACCEPT(1) | MESSAGE_LENDS};
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 2);
    char byte;

    doomed_gate = gate_new(endpoint, 1);
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(controls); i++) {
        handle_t child = doomed_call(endpoint, controls[i / 2]);

        uint64_t limit = time_deadline(5 * NS_PER_S);

        CHECK_OK(sys_process_kill(child, 9));
        while (sys_lent_read(HANDLE_NONE, 0, &byte, 1, NULL) == OK && time_now_ns() < limit) {
            sleep_us(100); /* child_wait would receive, which we may not yet */
        }
        CHECK_STATUS(sys_lent_read(HANDLE_NONE, 0, &byte, 1, NULL), ERROR_NO_REPLY);
        CHECK_OK(sys_notify(gate, 1));
        if (i % 2 == 0) { /* what was to be moved is still ours, and nothing was received */
            CHECK_STATUS(answer_with(endpoint, gate), ERROR_NO_REPLY);
        }
        struct message m = {.gate = endpoint, .deadline = 0};

        CHECK_OK(message_reply_receive(&m));
        CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 2 && m.words[0] == 1);
        CHECK(child_wait(child).cause == DEATH_KILLED);
    }
    closed(gate);
    closed(doomed_gate);
    closed(endpoint);
}

static void answers_move(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 2);
    struct message m;

    doomed_gate = gate_new(endpoint, 1);
    /* No room for it: nothing has happened, and the answer is still owed. */
    handle_t child = doomed_call(endpoint, MESSAGE_LENDS);

    CHECK_STATUS(answer_with(endpoint, gate), ERROR_TOO_MANY);
    CHECK_STATUS(answer_with(endpoint, 0xffffff), ERROR_BAD_HANDLE);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_STATUS(message_receive(&m), ERROR_PENDING);
    m = (struct message){.gate = endpoint, .control = MESSAGE_SEND_HANDLES(5)};
    CHECK_STATUS(message_reply_receive(&m), ERROR_BAD_ARGUMENT);
    CHECK_OK(sys_notify(gate, 1));
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_OK(message_reply_receive(&m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.words[0] == 1);
    CHECK(child_wait(child).status == OK);
    /* It goes, whatever becomes of the receive. */
    child = doomed_call(endpoint, MESSAGE_ACCEPT(1) | MESSAGE_LENDS);
    CHECK_STATUS(answer_with(endpoint, gate), ERROR_TIMEOUT);
    CHECK_STATUS(sys_handle_close(gate), ERROR_BAD_HANDLE);
    CHECK(child_wait(child).status == OK);
    m = (struct message){.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    CHECK_OK(message_receive(&m)); /* the child closed it, in its end */
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 2 && m.words[0] == NOTIFY_CLOSED);
    /* Even what is to be received from. */
    child = doomed_call(endpoint, MESSAGE_ACCEPT(1));
    CHECK_STATUS(answer_with(endpoint, endpoint), ERROR_BAD_HANDLE);
    CHECK(child_wait(child).status == OK);
    CHECK_STATUS(sys_handle_close(endpoint), ERROR_BAD_HANDLE);
    closed(doomed_gate);
}

const struct test quick_tests[] = {
    {"quick: lent in registers", lent_in_registers},
    {"quick: handles accepted", handles_accepted},
    {"quick: callers killed", callers_killed},
    {"quick: answers that move", answers_move},
    {NULL, NULL},
};

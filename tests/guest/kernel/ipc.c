/* SPDX-License-Identifier: MIT */
/* Messages: calls, sends, handles, lent memory, notifications, cancel, death. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

/* A server thread: answers every call with its words plus one, the badge and the tag, until label 0
 * comes. */
struct echo {
    handle_t endpoint;
    struct thread thread;
    unsigned n_served;
};

static void echo_main(void *argument) {
    struct echo *echo = argument;
    struct message m = {.gate = echo->endpoint, .deadline = DEADLINE_NEVER};
    status_t status = message_receive(&m);

    while (status == OK && m.kind == MESSAGE_CALL && m.label != 0) {
        echo->n_served++;
        m.label += 100;
        for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
            m.words[i]++;
        }
        if (m.badge != 0) {
            m.words[3] = m.badge;
        }
        m.control = 0;
        m.gate = echo->endpoint;
        m.deadline = DEADLINE_NEVER;
        status = message_reply_receive(&m);
    }
    m.label = 0;
    m.control = 0;
    m.gate = HANDLE_NONE;
    CHECK_OK(message_reply(&m));
}

static void echo_start(struct echo *echo) {
    echo->endpoint = endpoint_new();
    echo->n_served = 0;
    CHECK_OK(thread_start(&echo->thread, echo_main, echo, 0));
}

static void echo_stop(struct echo *echo, handle_t gate) {
    struct message m = {.gate = gate, .label = 0, .deadline = DEADLINE_NEVER};

    CHECK_OK(message_call(&m));
    thread_join(&echo->thread);
    closed(gate);
    closed(echo->endpoint);
}

static void call_in_process(void) {
    struct echo echo;
    echo_start(&echo);
    handle_t gate = gate_new(echo.endpoint, 0x123456789abcdef0);

    for (unsigned i = 1; i < 100; i++) {
        struct message m = {
            .gate = gate, .label = i, .words = {i, i + 1, i + 2, 0}, .deadline = DEADLINE_NEVER};

        CHECK_OK(message_call_short(&m));
        CHECK(m.label == i + 100 && m.words[0] == i + 1 && m.words[1] == i + 2 &&
              m.words[2] == i + 3);
        CHECK(m.words[3] == 0x123456789abcdef0);
    }
    CHECK(echo.n_served == 99);
    echo_stop(&echo, gate);
}

static handle_t shared_gate;

static int call_child(uint64_t n) {
    for (uint64_t i = 1; i <= n; i++) {
        struct message m = {.gate = shared_gate,
                            .label = 5,
                            .words = {i, 0, 0, 0},
                            .deadline = time_deadline(NS_PER_S)};

        CHECK_OK(message_call(&m));
        CHECK(m.words[0] == i + 1 && m.label == 105);
    }
    return 7;
}

static void call_between_processes(void) {
    struct echo echo;
    echo_start(&echo);
    shared_gate = gate_new(echo.endpoint, 0);
    CHECK(child_run(call_child, 1000) == 7);
    CHECK(echo.n_served == 1000);
    echo_stop(&echo, shared_gate);
}

static void many_clients(void) {
    struct echo echo;
    handle_t children[20];
    echo_start(&echo);
    shared_gate = gate_new(echo.endpoint, 9);
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = child_start(call_child, 50);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        CHECK(child_wait(children[i]).status == 7);
    }
    CHECK(echo.n_served == 50 * ARRAY_SIZE(children));
    echo_stop(&echo, shared_gate);
}

static void deadlines(void) {
    handle_t endpoint = endpoint_new();
    handle_t gate = gate_new(endpoint, 1);
    struct message m = {.gate = gate, .label = 1, .deadline = 0};
    uint64_t start = time_now_ns();

    CHECK_STATUS(message_call(&m), ERROR_TIMEOUT);
    m = (struct message){.gate = gate, .label = 1, .deadline = time_deadline(20 * NS_PER_MS)};
    CHECK_STATUS(message_call(&m), ERROR_TIMEOUT);
    CHECK(time_now_ns() - start >= 20 * NS_PER_MS && time_now_ns() - start < NS_PER_S);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_STATUS(message_receive(&m), ERROR_TIMEOUT);
    m = (struct message){.gate = endpoint, .deadline = time_deadline(5 * NS_PER_MS)};
    CHECK_STATUS(message_receive(&m), ERROR_TIMEOUT);
    m = (struct message){.gate = gate, .label = 1, .deadline = time_deadline(NS_PER_MS)};
    CHECK_STATUS(message_send(&m), ERROR_TIMEOUT);
    closed(gate);
    closed(endpoint);
}

static void notifications(void) {
    handle_t endpoint = endpoint_new();
    handle_t gate = gate_new(endpoint, 77), other = gate_new(endpoint, 78);
    struct message m = {.gate = endpoint, .deadline = 0};

    CHECK_OK(sys_notify(gate, 1));
    CHECK_OK(sys_notify(other, 2));
    CHECK_OK(sys_notify(gate, 4));
    CHECK_STATUS(sys_notify(gate, NOTIFY_CLOSED), ERROR_BAD_ARGUMENT);
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 77 && m.words[0] == 5);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_OK(message_receive(&m));
    CHECK(m.badge == 78 && m.words[0] == 2);
    closed(gate);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 77 && m.words[0] == NOTIFY_CLOSED);
    CHECK_OK(sys_gate_revoke(other));
    CHECK_STATUS(sys_notify(other, 1), ERROR_CLOSED);
    closed(other);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_STATUS(message_receive(&m), ERROR_TIMEOUT);
    closed(endpoint);
}

/* A child that lends: 10,000 bytes to read, 10,000 to write, in odd pieces. */
static int lend_child(uint64_t unused) {
    static char from[10000], to[10000];
    struct message m = {.gate = shared_gate, .label = 1, .deadline = time_deadline(NS_PER_S)};

    (void)unused;
    for (unsigned i = 0; i < sizeof(from); i++) {
        from[i] = (char)(i * 7);
    }
    m.segments[0] = MESSAGE_LEND(from, 1, LENT_READABLE);
    m.segments[1] = MESSAGE_LEND(to, 4097, LENT_WRITABLE);
    m.segments[2] = MESSAGE_LEND(from + 1, 9999, LENT_READABLE);
    m.segments[3] = MESSAGE_LEND(to + 4097, 10000 - 4097, LENT_WRITABLE);
    m.control = MESSAGE_SEGMENTS(4);
    CHECK_OK(message_call(&m));
    for (unsigned i = 0; i < sizeof(to); i++) {
        CHECK(to[i] == (char)(i * 7 + 1));
    }
    return 3;
}

static void lent_memory(void) {
    static char buffer[10000];
    handle_t endpoint = endpoint_new();
    struct message m = {.gate = endpoint, .deadline = time_deadline(NS_PER_S)};
    uint64_t n = 0;

    shared_gate = gate_new(endpoint, 1);
    handle_t child = child_start(lend_child, 0);
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_CALL && m.readable == 10000 && m.writable == 10000);
    CHECK_OK(sys_lent_read(HANDLE_NONE, 0, buffer, sizeof(buffer), &n));
    CHECK(n == 10000);
    for (unsigned i = 0; i < sizeof(buffer); i++) {
        CHECK(buffer[i] == (char)(i * 7));
        buffer[i]++;
    }
    CHECK_OK(sys_lent_write(HANDLE_NONE, 0, buffer, 5000, &n));
    CHECK_OK(sys_lent_write(HANDLE_NONE, 5000, buffer + 5000, 9000, &n));
    CHECK(n == 5000);
    CHECK_OK(sys_lent_read(HANDLE_NONE, 10000, buffer, 1, &n));
    CHECK(n == 0);
    CHECK_STATUS(sys_lent_read(HANDLE_NONE, 0, (void *)0x10, 8, &n), ERROR_BAD_ADDRESS);
    m = (struct message){0};
    CHECK_OK(message_reply(&m));
    CHECK_STATUS(sys_lent_read(HANDLE_NONE, 0, buffer, 1, &n), ERROR_NO_REPLY);
    CHECK(child_wait(child).status == 3);
    closed(shared_gate);
    closed(endpoint);
}

/* Handles: a child moves a gate and copies another; gets one in the answer. */
static int handles_child(uint64_t unused) {
    handle_t endpoint = endpoint_new();
    handle_t first = gate_new(endpoint, 11), second = gate_new(endpoint, 12);
    struct message m = {.gate = shared_gate, .label = 1, .deadline = time_deadline(NS_PER_S)};

    (void)unused;
    m.handles[0] = first;
    m.handles[1] = second;
    m.handles[2] = shared_gate;
    m.control = MESSAGE_SEND_HANDLES(3) | MESSAGE_COPY(1, RIGHT_NOTIFY) |
                MESSAGE_COPY(2, RIGHTS_ALL) | MESSAGE_ACCEPT(1);
    CHECK_OK(message_call(&m));
    /* Its number may be that of the handle that came. */
    CHECK(first == m.handles[0] || sys_handle_close(first) == ERROR_BAD_HANDLE);
    CHECK(MESSAGE_RESULT_HANDLES(m.control) == 1);
    CHECK(MESSAGE_RESULT_TYPE(m.control, 0) == OBJECT_MEMORY &&
          MESSAGE_RESULT_EXCLUSIVE(m.control, 0));
    CHECK_OK(sys_notify(second, 64));
    m = (struct message){.gate = endpoint, .deadline = time_deadline(NS_PER_S)};
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && (m.badge == 11 || m.badge == 12));
    return 4;
}

static void handles_in_messages(void) {
    handle_t endpoint = endpoint_new(), memory = HANDLE_NONE;
    struct message m = {
        .gate = endpoint, .deadline = time_deadline(NS_PER_S), .control = MESSAGE_ACCEPT(2)};

    shared_gate = gate_new(endpoint, 5);
    handle_t child = child_start(handles_child, 0);
    CHECK_OK(message_receive(&m));
    CHECK(MESSAGE_RESULT_HANDLES(m.control) == 2 && MESSAGE_RESULT_OWN_GATE(m.control) &&
          m.own_badge == 5);
    handle_t first = m.handles[0], second = m.handles[1];
    CHECK_STATUS(sys_notify(first, 1), OK);
    m = (struct message){.gate = second, .label = 1, .deadline = 0};
    CHECK_STATUS(message_call(&m), ERROR_NO_RIGHT);
    CHECK_OK(sys_memory_create(3, 0, 0, HANDLE_NONE, &memory));
    m = (struct message){.handles = {memory}, .control = MESSAGE_SEND_HANDLES(1)};
    CHECK_OK(message_reply(&m));
    CHECK_STATUS(sys_handle_close(memory), ERROR_BAD_HANDLE);
    closed(first);
    closed(second);
    CHECK(child_wait(child).status == 4);
    closed(shared_gate);
    closed(endpoint);
}

/* The next thing at the endpoint is a notification: `bits` through the gate with this badge; 0:
 * there is nothing. */
static void told(handle_t endpoint, uint64_t badge, uint64_t bits) {
    struct message m = {.gate = endpoint, .deadline = 0};

    CHECK_STATUS(message_receive(&m), bits == 0 ? ERROR_TIMEOUT : OK);
    CHECK(bits == 0 || (m.kind == MESSAGE_NOTIFICATION && m.badge == badge && m.words[0] == bits));
}

enum { SENDER = RIGHT_SEND | RIGHT_NOTIFY | RIGHT_COPY };
static handle_t bare_gate;

/* Sends a gate with rights that count for nothing, and one that counts, to their own endpoint. */
static int designate_child(uint64_t unused) {
    struct message m = {.gate = shared_gate, .deadline = time_deadline(NS_PER_S)};

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        m.handles[0] = i == 0 ? bare_gate : shared_gate;
        m.control = MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
        CHECK_OK(message_send(&m));
    }
    return 5;
}

/* A gate of which the receiver keeps a handle is given out again and again, and CLOSED comes each
 * time; whoever had it before cannot use what is left of it. */
static void own_gate(void) {
    handle_t endpoint = endpoint_new(), own = HANDLE_NONE, sender = HANDLE_NONE,
             other = HANDLE_NONE;
    struct message m;

    CHECK_OK(sys_gate_create_own(endpoint, 31, &own));
    told(endpoint, 31, 0);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(sys_handle_copy(own, SENDER, 0, &sender));
        CHECK_OK(sys_handle_copy(own, RIGHT_RECEIVE | RIGHT_COPY, 0, &other));
        CHECK_STATUS(sys_notify(other, 1), ERROR_NO_RIGHT);
        closed(other);
        told(endpoint, 31, 0);
        CHECK_OK(sys_notify(sender, 1));
        told(endpoint, 31, 1);
        CHECK_OK(sys_handle_copy(sender, RIGHT_COPY, 0, &bare_gate));
        closed(sender);
        told(endpoint, 31, NOTIFY_CLOSED);
        CHECK_OK(sys_handle_copy(bare_gate, RIGHTS_ALL, 0, &other));
        CHECK_STATUS(sys_notify(other, 1), ERROR_NO_RIGHT);
        CHECK_STATUS(sys_gate_revoke(other), ERROR_NO_RIGHT);
        closed(other);
        CHECK_OK(sys_handle_copy(own, SENDER, 0, &shared_gate));
        handle_t child = child_start(designate_child, 0);
        for (unsigned k = 0; k < 2; k++) {
            m = (struct message){.gate = endpoint,
                                 .deadline = time_deadline(NS_PER_S),
                                 .control = MESSAGE_ACCEPT(1)};
            CHECK_OK(message_receive(&m));
            CHECK(MESSAGE_RESULT_OWN_GATE(m.control) == k &&
                  MESSAGE_RESULT_HANDLES(m.control) == 1 - k);
            CHECK(k == 0 || m.own_badge == 31);
            if (k == 0) {
                closed(m.handles[0]);
            }
        }
        CHECK(child_wait(child).status == 5);
        closed(bare_gate);
        told(endpoint, 31, 0);
        closed(shared_gate);
        told(endpoint, 31, NOTIFY_CLOSED);
    }
    CHECK_STATUS(sys_notify(own, 2), ERROR_NO_RIGHT);
    closed(own);
    told(endpoint, 31, 0);
    closed(endpoint);
}

static int waiting_child(uint64_t deadline_ms) {
    struct message m = {
        .gate = shared_gate, .label = 1, .deadline = time_deadline(deadline_ms * NS_PER_MS)};
    status_t status = message_call(&m);

    return status == OK ? (int)m.label : status;
}

static void cancel_after_deadline(void) {
    handle_t endpoint = endpoint_new(), reply = HANDLE_NONE;
    struct message m = {.gate = endpoint, .deadline = time_deadline(NS_PER_S)};

    shared_gate = gate_new(endpoint, 6);
    handle_t child = child_start(waiting_child, 20);
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_CALL);
    m = (struct message){.gate = endpoint, .deadline = 0};
    CHECK_STATUS(message_receive(&m), ERROR_PENDING);
    CHECK_OK(sys_reply_save(0xc00c1e, &reply));
    m = (struct message){.gate = endpoint, .deadline = time_deadline(NS_PER_S)};
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_CANCEL && m.badge == 6 && m.words[0] == 0xc00c1e);
    m = (struct message){.gate = reply, .label = 33};
    CHECK_OK(message_reply(&m));
    CHECK_STATUS(sys_handle_close(reply), ERROR_BAD_HANDLE);
    CHECK(child_wait(child).status == 33);
    closed(shared_gate);
    closed(endpoint);
}

static void replies_and_death(void) {
    handle_t endpoint = endpoint_new(), reply = HANDLE_NONE;
    struct message m = {.gate = endpoint, .deadline = time_deadline(NS_PER_S)};

    shared_gate = gate_new(endpoint, 6);
    /* A saved reply that is closed answers CLOSED. */
    handle_t child = child_start(waiting_child, 5000);
    CHECK_OK(message_receive(&m));
    CHECK_OK(sys_reply_save(1, &reply));
    closed(reply);
    CHECK(child_wait(child).status == ERROR_CLOSED);
    /* A caller that is killed: the answer comes too late, and says so. */
    child = child_start(waiting_child, 5000);
    m = (struct message){.gate = endpoint, .deadline = time_deadline(NS_PER_S)};
    CHECK_OK(message_receive(&m));
    CHECK_OK(sys_reply_save(2, &reply));
    CHECK_OK(sys_process_kill(child, 9));
    CHECK(child_wait(child).cause == DEATH_KILLED);
    m = (struct message){.gate = reply};
    CHECK_STATUS(message_reply(&m), ERROR_NO_REPLY);
    /* An endpoint that goes: queued callers hear of it. */
    child = child_start(waiting_child, 5000);
    time_sleep_until(time_deadline(10 * NS_PER_MS));
    closed(endpoint);
    CHECK(child_wait(child).status == ERROR_CLOSED);
    m = (struct message){.gate = shared_gate, .deadline = DEADLINE_NEVER};
    CHECK_STATUS(message_call(&m), ERROR_CLOSED);
    closed(shared_gate);
}

const struct test ipc_tests[] = {
    {"ipc call in one process", call_in_process},
    {"ipc call between processes", call_between_processes},
    {"ipc many clients", many_clients},
    {"ipc deadlines", deadlines},
    {"ipc notifications", notifications},
    {"ipc lent memory", lent_memory},
    {"ipc handles in messages", handles_in_messages},
    {"ipc a gate given out again", own_gate},
    {"ipc cancel after a deadline", cancel_after_deadline},
    {"ipc replies and death", replies_and_death},
    {NULL, NULL},
};

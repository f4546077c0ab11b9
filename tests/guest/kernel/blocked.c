/* SPDX-License-Identifier: MIT */
/* Messages that go wrong: closed under a waiting thread, never answered, to oneself, in circles,
 * with handles of all kinds; and floods of them. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

/* A thread that makes one call, send or receive, and what came of it. */
struct blocker {
    struct thread thread;
    enum syscall_number number;
    struct message m;
    status_t status;
};

static void blocker_main(void *argument) {
    struct blocker *blocker = argument;

    switch (blocker->number) {
    case SYSCALL_call:
        blocker->status = message_call(&blocker->m);
        break;
    case SYSCALL_send:
        blocker->status = message_send(&blocker->m);
        break;
    default:
        blocker->status = message_receive(&blocker->m);
        break;
    }
}

static void blocker_start(struct blocker *blocker, enum syscall_number number, handle_t handle) {
    *blocker = (struct blocker){.number = number};
    blocker->m.gate = handle;
    blocker->m.deadline = DEADLINE_NEVER;
    CHECK_OK(thread_start(&blocker->thread, blocker_main, blocker, 16384));
    sleep_us(MACHINE_PAUSE_US); /* it blocks now */
}

static status_t blocker_join(struct blocker *blocker) {
    thread_join(&blocker->thread);
    return blocker->status;
}

static status_t call_abandon(const struct blocker *blocker) {
    handle_t handle = thread_opened(blocker->thread.id);
    status_t status = sys_thread_control(handle, THREAD_ABANDON_CALL, 0, NULL);

    closed(handle);
    return status;
}

static struct message received(handle_t endpoint) {
    struct message m = {.gate = endpoint, .deadline = time_deadline(2 * NS_PER_S)};

    CHECK_OK(message_receive(&m));
    return m;
}

static void nothing_left(handle_t endpoint) {
    struct message m = {.gate = endpoint, .deadline = 0};

    CHECK_STATUS(message_receive(&m), ERROR_TIMEOUT);
}

/* The number goes, what was begun with it goes on; the endpoint goes, and ends all. */
static void closed_while_blocked(void) {
    struct blocker caller, sender, receiver;
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 4);

    blocker_start(&caller, SYSCALL_call, gate);
    closed(gate);
    struct message m = received(endpoint);

    CHECK(m.kind == MESSAGE_CALL && m.badge == 4);
    m = (struct message){.label = 9};
    CHECK_OK(message_reply(&m));
    CHECK(blocker_join(&caller) == OK && caller.m.label == 9);
    m = received(endpoint);
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.words[0] == NOTIFY_CLOSED);

    gate = gate_new(endpoint, 5);
    blocker_start(&caller, SYSCALL_call, gate);
    blocker_start(&sender, SYSCALL_send, gate);
    CHECK_OK(sys_gate_revoke(gate));
    nothing_left(endpoint); /* which lets the revoked ones go */
    CHECK(blocker_join(&caller) == ERROR_CLOSED && blocker_join(&sender) == ERROR_CLOSED);
    closed(gate);

    gate = gate_new(endpoint, 6);
    blocker_start(&caller, SYSCALL_call, gate);
    blocker_start(&sender, SYSCALL_send, gate);
    closed(endpoint);
    CHECK(blocker_join(&caller) == ERROR_CLOSED && blocker_join(&sender) == ERROR_CLOSED);
    closed(gate);

    endpoint = endpoint_new();
    blocker_start(&receiver, SYSCALL_receive, endpoint);
    closed(endpoint);
    CHECK(blocker_join(&receiver) == ERROR_CLOSED);
}

static void saved_reply_closed(void) {
    struct blocker callers[3];
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 4), reply = HANDLE_NONE;
    handle_t copy = HANDLE_NONE;
    struct handle_info info;

    for (unsigned i = 0; i < ARRAY_SIZE(callers); i++) {
        blocker_start(&callers[i], SYSCALL_call, gate);
    }
    CHECK(received(endpoint).kind == MESSAGE_CALL);
    CHECK_OK(sys_reply_save(1, &reply));
    CHECK_OK(sys_handle_info(reply, &info));
    CHECK(info.type == OBJECT_REPLY);
    CHECK_STATUS(sys_handle_copy(reply, RIGHTS_ALL, 0, &copy), ERROR_NO_RIGHT);
    CHECK_STATUS(sys_thread_control(reply, THREAD_GET_ID, 0, NULL), ERROR_WRONG_TYPE);
    closed(reply);
    CHECK(blocker_join(&callers[0]) == ERROR_CLOSED);
    /* Abandoned by a third thread: the late answer hears of it. */
    CHECK(received(endpoint).kind == MESSAGE_CALL);
    CHECK_OK(sys_reply_save(2, &reply));
    CHECK_OK(call_abandon(&callers[1]));
    CHECK(blocker_join(&callers[1]) == ERROR_OUTCOME_UNKNOWN);
    CHECK_STATUS(sys_handle_info(reply, &info), ERROR_NO_REPLY);
    struct message m = {.gate = reply};

    CHECK_STATUS(message_reply(&m), ERROR_NO_REPLY);
    /* Not received yet: nothing happened. */
    CHECK_OK(call_abandon(&callers[2]));
    CHECK(blocker_join(&callers[2]) == ERROR_INTERRUPTED);
    nothing_left(endpoint);
    closed(gate);
    closed(endpoint);
}

/* A program that waits is killed; one that others wait for is, too. */
static handle_t child_gate;

static int call_for_ever(uint64_t unused) {
    struct message m = {.gate = child_gate, .deadline = DEADLINE_NEVER};

    (void)unused;
    return message_call(&m);
}

static int serve_and_stop(uint64_t unused) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 8), reply = HANDLE_NONE;
    struct message m = {.gate = child_gate, .deadline = DEADLINE_NEVER};

    (void)unused;
    m.handles[0] = gate;
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_OK(message_send(&m));
    (void)received(endpoint);
    CHECK_OK(sys_reply_save(1, &reply));
    (void)received(endpoint); /* one saved, one current, one queued */
    sleep_us(10 * NS_PER_S / NS_PER_US);
    return 0;
}

static void killed_on_either_side(void) {
    handle_t endpoint = endpoint_new();
    handle_t reply = HANDLE_NONE;
    struct blocker callers[3];
    struct handle_info info;

    child_gate = gate_new(endpoint, 3);
    handle_t child = child_start(call_for_ever, 0);

    sleep_us(MACHINE_PAUSE_US);
    CHECK_OK(sys_process_kill(child, 1));
    CHECK(child_wait(child).cause == DEATH_KILLED);
    nothing_left(endpoint);
    /* Received and saved: the server is told, so that it lets go of the reply. */
    child = child_start(call_for_ever, 0);
    CHECK(received(endpoint).kind == MESSAGE_CALL);
    CHECK_OK(sys_reply_save(1, &reply));
    CHECK_OK(sys_process_kill(child, 1));
    CHECK(child_wait(child).cause == DEATH_KILLED);
    struct message m = received(endpoint);

    CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 3 && m.words[0] == NOTIFY_ABANDONED);
    CHECK_STATUS(sys_handle_info(reply, &info), ERROR_NO_REPLY);
    closed(reply);
    nothing_left(endpoint);
    child = child_start(serve_and_stop, 0);
    m = (struct message){
        .gate = endpoint, .deadline = time_deadline(2 * NS_PER_S), .control = MESSAGE_ACCEPT(1)};

    CHECK_OK(message_receive(&m));
    handle_t gate = m.handles[0];

    for (unsigned i = 0; i < ARRAY_SIZE(callers); i++) {
        blocker_start(&callers[i], SYSCALL_call, gate);
    }
    CHECK_OK(sys_process_kill(child, 1));
    CHECK(child_wait(child).cause == DEATH_KILLED);
    for (unsigned i = 0; i < ARRAY_SIZE(callers); i++) {
        CHECK(blocker_join(&callers[i]) == ERROR_CLOSED);
    }
    closed(gate);
    closed(child_gate);
    closed(endpoint);
}

/* Calls that nobody can answer: to oneself, and two servers to each other. */
static void circles(void) {
    handle_t own = endpoint_new(), own_gate = gate_new(own, 1);
    handle_t other = endpoint_new(), other_gate = gate_new(other, 2);
    struct message m = {.gate = own_gate, .deadline = time_deadline(3 * NS_PER_MS)};
    struct blocker caller;

    CHECK_STATUS(message_call(&m), ERROR_TIMEOUT);
    nothing_left(own);
    blocker_start(&caller, SYSCALL_call, own_gate);
    CHECK(received(own).kind == MESSAGE_CALL);
    /* The caller is a server too, and we call it while it waits for us. */
    m = (struct message){.gate = other_gate, .deadline = time_deadline(3 * NS_PER_MS)};
    CHECK_STATUS(message_call(&m), ERROR_TIMEOUT);
    m = (struct message){.label = 3};
    CHECK_OK(message_reply(&m)); /* and still may answer */
    CHECK(blocker_join(&caller) == OK && caller.m.label == 3);
    nothing_left(other);
    closed(own_gate);
    closed(other_gate);
    closed(own);
    closed(other);
}

/* A saved reply goes to another process, which answers. */
static int answer_for_another(uint64_t unused) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 8);
    struct message m = {.gate = child_gate, .deadline = DEADLINE_NEVER};
    uint64_t n = 0;
    char text[16] = "from elsewhere";

    (void)unused;
    m.handles[0] = gate;
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_OK(message_send(&m));
    m = (struct message){
        .gate = endpoint, .deadline = time_deadline(2 * NS_PER_S), .control = MESSAGE_ACCEPT(1)};
    CHECK_OK(message_receive(&m));
    CHECK(MESSAGE_RESULT_HANDLES(m.control) == 1 &&
          MESSAGE_RESULT_TYPE(m.control, 0) == OBJECT_REPLY);
    handle_t reply = m.handles[0];

    CHECK_OK(sys_lent_write(reply, 0, text, sizeof(text), &n));
    CHECK(n == sizeof(text));
    m = (struct message){.gate = reply, .label = 77};
    /* The answer cannot carry what it is given with. */
    m.handles[0] = reply;
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_STATUS(message_reply(&m), ERROR_BAD_ARGUMENT);
    m = (struct message){.gate = reply, .label = 77};
    CHECK_OK(message_reply(&m));
    return 0;
}

static void reply_moved(void) {
    handle_t endpoint = endpoint_new(), reply = HANDLE_NONE;
    static char text[16];
    struct blocker caller = {.number = SYSCALL_call};

    child_gate = gate_new(endpoint, 3);
    handle_t child = child_start(answer_for_another, 0);
    struct message m = {
        .gate = endpoint, .deadline = time_deadline(2 * NS_PER_S), .control = MESSAGE_ACCEPT(1)};

    CHECK_OK(message_receive(&m));
    handle_t gate = m.handles[0];

    caller.m.gate = child_gate;
    caller.m.deadline = DEADLINE_NEVER;
    caller.m.segments[0] = MESSAGE_LEND(text, sizeof(text), LENT_WRITABLE);
    caller.m.control = MESSAGE_SEGMENTS(1);
    CHECK_OK(thread_start(&caller.thread, blocker_main, &caller, 16384));
    CHECK(received(endpoint).kind == MESSAGE_CALL);
    CHECK_OK(sys_reply_save(1, &reply));
    m = (struct message){.gate = gate, .deadline = time_deadline(NS_PER_S)};
    m.handles[0] = reply;
    m.control = MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    CHECK_STATUS(message_send(&m), ERROR_NO_RIGHT); /* there is one reply only */
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_OK(message_send(&m));
    CHECK(blocker_join(&caller) == OK && caller.m.label == 77);
    CHECK(strcmp(text, "from elsewhere") == 0);
    CHECK(child_wait(child).status == 0);
    closed(gate);
    closed(child_gate);
    closed(endpoint);
}

/* Gates of the receiver's own endpoint arrive as their badge: none, one, and two, which is one too
 * many. */
static void own_gates(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);

    for (unsigned n = 0; n <= 2; n++) {
        struct blocker receiver;
        struct message m = {.gate = gate, .deadline = time_deadline(NS_PER_S)};
        handle_t own[2] = {gate_new(endpoint, 21), gate_new(endpoint, 22)};

        blocker_start(&receiver, SYSCALL_receive, endpoint);
        m.handles[0] = own[0];
        m.handles[1] = own[1];
        m.control = MESSAGE_SEND_HANDLES(n);
        CHECK_STATUS(message_send(&m), n == 2 ? ERROR_TOO_MANY : OK);
        if (n == 2) {
            m = (struct message){.gate = gate, .label = 5, .deadline = time_deadline(NS_PER_S)};
            CHECK_OK(message_send(&m)); /* the receiver waits on */
        }
        CHECK(blocker_join(&receiver) == OK && receiver.m.kind == MESSAGE_PLAIN);
        CHECK(MESSAGE_RESULT_HANDLES(receiver.m.control) == 0);
        CHECK(MESSAGE_RESULT_OWN_GATE(receiver.m.control) == (n == 1));
        CHECK(n != 1 || receiver.m.own_badge == 21);
        /* The one that moved is closed, and its endpoint hears that. */
        CHECK_STATUS(sys_handle_close(own[0]), n == 1 ? ERROR_BAD_HANDLE : OK);
        closed(own[1]);
        for (unsigned i = 0; i < 2; i++) {
            struct message event = received(endpoint);

            CHECK(event.kind == MESSAGE_NOTIFICATION && event.words[0] == NOTIFY_CLOSED &&
                  event.badge == 21 + i);
        }
        nothing_left(endpoint);
    }
    closed(gate);
    closed(endpoint);
}

/* More handles than the receiver takes: the sender's error, and the receiver waits on. */
static void too_many_handles(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1), memories[4];
    struct blocker receiver = {.number = SYSCALL_receive};

    receiver.m.gate = endpoint;
    receiver.m.deadline = DEADLINE_NEVER;
    receiver.m.control = MESSAGE_ACCEPT(3);
    CHECK_OK(thread_start(&receiver.thread, blocker_main, &receiver, 16384));
    sleep_us(MACHINE_PAUSE_US);
    struct message m = {.gate = gate, .deadline = time_deadline(NS_PER_S)};

    for (unsigned i = 0; i < 4; i++) {
        m.handles[i] = memories[i] = memory_new(1);
    }
    m.control = MESSAGE_SEND_HANDLES(4);
    CHECK_STATUS(message_send(&m), ERROR_TOO_MANY);
    CHECK_STATUS(message_call(&m), ERROR_TOO_MANY);
    m.handles[2] = m.handles[1];
    m.control = MESSAGE_SEND_HANDLES(3);
    CHECK_STATUS(message_send(&m), ERROR_BAD_ARGUMENT); /* one twice */
    m.handles[2] = memories[2];
    CHECK_OK(message_send(&m));
    CHECK(blocker_join(&receiver) == OK && MESSAGE_RESULT_HANDLES(receiver.m.control) == 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(MESSAGE_RESULT_EXCLUSIVE(receiver.m.control, i));
        closed(receiver.m.handles[i]);
    }
    closed(memories[3]);
    /* One that waits in the queue meets a receiver that takes none. */
    struct blocker sender = {.number = SYSCALL_send};

    sender.m.gate = gate;
    sender.m.deadline = DEADLINE_NEVER;
    sender.m.handles[0] = memory_new(1);
    sender.m.control = MESSAGE_SEND_HANDLES(1);
    handle_t memory = sender.m.handles[0];

    CHECK_OK(thread_start(&sender.thread, blocker_main, &sender, 16384));
    sleep_us(MACHINE_PAUSE_US);
    nothing_left(endpoint);
    CHECK(blocker_join(&sender) == ERROR_TOO_MANY);
    closed(memory);
    closed(gate);
    closed(endpoint);
}

/* 10,000 gates with news, all closed at once, from either end. */
static int gates_flood(uint64_t endpoint_first) {
    handle_t endpoint = endpoint_new(), gate = HANDLE_NONE;

    for (uint64_t i = 0; i < 10000; i++) {
        CHECK_OK(sys_gate_create(endpoint, i, &gate));
        CHECK_OK(sys_notify(gate, 1 + i % 1000));
    }
    if (endpoint_first == 1) {
        closed(endpoint);
        CHECK_STATUS(sys_notify(gate, 1), ERROR_CLOSED);
    } else if (endpoint_first == 2) {
        for (uint64_t i = 0; i < 10000; i++) {
            struct message m = {.gate = endpoint, .deadline = 0};

            CHECK_OK(message_receive(&m));
            CHECK(m.badge == i && m.words[0] == 1 + i % 1000);
        }
        nothing_left(endpoint);
    }
    return 0;
}

static void gates_closed_at_once(void) {
    CHECK(child_run(gates_flood, 0) == 0);
    CHECK(child_run(gates_flood, 1) == 0);
    CHECK(child_run(gates_flood, 2) == 0);
}

static void flood_caller(void *argument) {
    struct message m = {.gate = (handle_t)(uintptr_t)argument, .deadline = DEADLINE_NEVER};

    CHECK_STATUS(message_call(&m), ERROR_CLOSED);
    test_shared[0]++;
}

static int flood_server(uint64_t unused) {
    handle_t endpoint = endpoint_new(), reply = HANDLE_NONE;
    struct message m = {.gate = child_gate, .deadline = DEADLINE_NEVER};

    (void)unused;
    m.handles[0] = gate_new(endpoint, 1);
    m.control = MESSAGE_SEND_HANDLES(1);
    CHECK_OK(message_send(&m));
    for (unsigned i = 0; i < 300; i++) {
        CHECK(received(endpoint).kind == MESSAGE_CALL);
        CHECK_OK(sys_reply_save(i, &reply));
    }
    return 0;
}

/* 400 calls, 300 of which are saved and never answered, when the server dies. */
static void replies_never_given(void) {
    static struct thread threads[400];
    handle_t endpoint = endpoint_new();

    child_gate = gate_new(endpoint, 3);
    handle_t child = child_start(flood_server, 0);
    struct message m = {
        .gate = endpoint, .deadline = time_deadline(2 * NS_PER_S), .control = MESSAGE_ACCEPT(1)};

    CHECK_OK(message_receive(&m));
    test_shared[0] = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        CHECK_OK(thread_start(&threads[i], flood_caller, (void *)(uintptr_t)m.handles[0], 8192));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(&threads[i]);
    }
    CHECK(test_shared[0] == ARRAY_SIZE(threads));
    CHECK(child_wait(child).status == 0);
    closed(m.handles[0]);
    closed(child_gate);
    closed(endpoint);
}

const struct test blocked_tests[] = {
    {"blocked closed meanwhile", closed_while_blocked},
    {"blocked saved replies", saved_reply_closed},
    {"blocked and killed", killed_on_either_side},
    {"blocked in circles", circles},
    {"blocked reply moves on", reply_moved},
    {"blocked own gates", own_gates},
    {"blocked too many handles", too_many_handles},
    {"blocked 10,000 gates closed at once", gates_closed_at_once},
    {"blocked replies never given", replies_never_given},
    {NULL, NULL},
};

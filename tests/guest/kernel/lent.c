/* SPDX-License-Identifier: MIT */
/* Lent memory, while somebody changes it: copies of many steps, with other threads at work. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#define READ_WRITE   (MAP_READ | MAP_WRITE)
#define LENT_BYTES   (16u << 20)
#define LENT_PAGES   (LENT_BYTES / PAGE_BYTES)
#define PRIORITY_LOW 10

static handle_t lent_gate;

/* What the client's second thread does to the lent memory, again and again. */
enum disturbance { UNMAP_ALL, UNMAP_SOME, PROTECT, DISCARD, FORK, NONE };

struct disturber {
    enum disturbance how;
    uint64_t address;
    volatile uint32_t stop;
};

static int fork_only(uint64_t unused) {
    return (int)unused;
}

static void disturb_once(const struct disturber *d, unsigned i) {
    uint64_t page = d->address + (uint64_t)(i * 37 % LENT_PAGES) * PAGE_BYTES, mapped = 0;

    switch (d->how) {
    case UNMAP_ALL:
        CHECK_OK(sys_unmap(HANDLE_NONE, d->address, LENT_BYTES));
        break;
    case UNMAP_SOME:
        CHECK_OK(sys_unmap(HANDLE_NONE, page, PAGE_BYTES));
        CHECK_OK(sys_map(HANDLE_NONE, HANDLE_NONE, page, PAGE_BYTES, 0, MAP_FIXED | READ_WRITE,
                         &mapped));
        break;
    case PROTECT:
        CHECK_OK(sys_protect(HANDLE_NONE, page, PAGE_BYTES, i % 2 == 0 ? MAP_READ : READ_WRITE));
        break;
    case DISCARD:
        CHECK_OK(sys_process_control(HANDLE_NONE, PROCESS_DISCARD, page, page + PAGE_BYTES, NULL));
        break;
    case FORK:
        (void)child_wait(child_start(fork_only, 0));
        break;
    case NONE:
        break;
    }
}

static void disturber_main(void *argument) {
    struct disturber *d = argument;

    priority_set(PRIORITY_MAX); /* above the server's, in whose copies it is to come */
    for (unsigned i = 0; d->stop == 0; i++) {
        sleep_us(300);
        disturb_once(d, i);
    }
}

/* Lends 16 MiB to be read and 16 MiB to be written, twice; exits 0 unless the kernel erred. */
static int lending_child(uint64_t how) {
    static struct disturber d;
    struct thread thread;
    char *pages = pages_map(HANDLE_NONE, LENT_PAGES, READ_WRITE);

    d = (struct disturber){.how = (enum disturbance)how, .address = (uint64_t)(uintptr_t)pages};
    CHECK_OK(thread_start(&thread, disturber_main, &d, 0));
    for (unsigned i = 0; i < 2; i++) {
        struct message m = {.gate = lent_gate, .label = i, .deadline = DEADLINE_NEVER};

        m.segments[0] = MESSAGE_LEND(pages, LENT_BYTES, i == 0 ? LENT_WRITABLE : LENT_READABLE);
        m.control = MESSAGE_SEGMENTS(1);
        CHECK_OK(message_call(&m));
    }
    d.stop = 1;
    thread_join(&thread);
    return 0;
}

/* Writes, or reads, all that the current call lends. */
static status_t copy_all(const struct message *m, char *buffer) {
    uint64_t n = 0;
    status_t status = m->writable != 0 ? sys_lent_write(HANDLE_NONE, 0, buffer, LENT_BYTES, &n)
                                       : sys_lent_read(HANDLE_NONE, 0, buffer, LENT_BYTES, &n);

    CHECK(status != OK || n == LENT_BYTES);
    return status;
}

/* ONCE: one copy. UNTIL_FAULT: again until the client's memory is found gone; for a busy host may
 * keep the disturber's timer back for longer than a copy takes. */
enum copies { ONCE, UNTIL_FAULT };

/* Serves one call; gives the status of the (last) copy. */
static status_t serve_one(handle_t endpoint, char *buffer, enum copies copies) {
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    uint64_t limit = time_deadline(20 * NS_PER_S);
    status_t status;

    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_CALL && m.readable + m.writable == LENT_BYTES);
    do {
        status = copy_all(&m, buffer);
    } while (copies == UNTIL_FAULT && status == OK && time_now_ns() < limit);
    m = (struct message){0};
    status_t answered = message_reply(&m);

    CHECK(answered == OK || answered == ERROR_NO_REPLY);
    return status;
}

static void disturbed_copies(void) {
    handle_t endpoint = endpoint_new();
    char *buffer = pages_map(HANDLE_NONE, LENT_PAGES, READ_WRITE);

    lent_gate = gate_new(endpoint, 1);
    priority_set(PRIORITY_LOW); /* so that the client's threads interrupt every copy */
    for (unsigned how = UNMAP_ALL; how <= NONE; how++) {
        handle_t child = child_start(lending_child, how);
        enum copies copies = how == UNMAP_ALL ? UNTIL_FAULT : ONCE;
        status_t first = serve_one(endpoint, buffer, copies);
        status_t second = serve_one(endpoint, buffer, copies);

        if (how == UNMAP_ALL) {
            CHECK(first == ERROR_PEER_FAULT && second == ERROR_PEER_FAULT);
        } else if (how == FORK || how == NONE || how == DISCARD) {
            CHECK(first == OK && second == OK);
        } else {
            CHECK((first == OK || first == ERROR_PEER_FAULT) &&
                  (second == OK || second == ERROR_PEER_FAULT));
        }
        priority_set(PRIORITY_MAX);
        CHECK(child_wait(child).status == 0);
        priority_set(PRIORITY_LOW);
    }
    priority_set(PRIORITY_MAX);
    pages_unmap(buffer, LENT_PAGES);
    closed(lent_gate);
    closed(endpoint);
}

static void killer_main(void *child) {
    sleep_us(2000);
    CHECK_OK(sys_process_kill((handle_t)(uintptr_t)child, 9));
}

/* The lender is killed in the middle of the copy. */
static void killed_lender(void) {
    handle_t endpoint = endpoint_new();
    char *buffer = pages_map(HANDLE_NONE, LENT_PAGES, READ_WRITE);
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    struct thread killer;
    status_t status = OK;
    uint64_t n = 0;

    lent_gate = gate_new(endpoint, 1);
    handle_t child = child_start(lending_child, NONE);

    CHECK_OK(message_receive(&m));
    CHECK_OK(thread_start(&killer, killer_main, (void *)(uintptr_t)child, 0));
    priority_set(PRIORITY_LOW);
    for (unsigned i = 0; i < 1000 && status == OK; i++) {
        status = sys_lent_write(HANDLE_NONE, 0, buffer, LENT_BYTES, &n);
    }
    priority_set(PRIORITY_MAX);
    CHECK(status == ERROR_NO_REPLY);
    m = (struct message){0};
    CHECK_STATUS(message_reply(&m), ERROR_NO_REPLY);
    thread_join(&killer);
    CHECK(child_wait(child).cause == DEATH_KILLED);
    pages_unmap(buffer, LENT_PAGES);
    closed(lent_gate);
    closed(endpoint);
}

static void unmapper_main(void *buffer) {
    sleep_us(1000);
    pages_unmap((char *)buffer + LENT_BYTES / 2, LENT_PAGES / 2);
}

/* The server's own buffer goes in the middle of the copy: its error. */
static void server_unmaps(void) {
    handle_t endpoint = endpoint_new();
    char *buffer = pages_map(HANDLE_NONE, LENT_PAGES, READ_WRITE);
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    struct thread unmapper;
    status_t status = OK;

    lent_gate = gate_new(endpoint, 1);
    handle_t child = child_start(lending_child, NONE);

    CHECK_OK(message_receive(&m));
    CHECK_OK(thread_start(&unmapper, unmapper_main, buffer, 0));
    priority_set(PRIORITY_LOW);
    for (unsigned i = 0; i < 1000 && status == OK; i++) {
        status = sys_lent_write(HANDLE_NONE, 0, buffer, LENT_BYTES, NULL);
    }
    priority_set(PRIORITY_MAX);
    CHECK(status == ERROR_BAD_ADDRESS);
    thread_join(&unmapper);
    m = (struct message){0};
    CHECK_OK(message_reply(&m));
    pages_unmap(buffer, LENT_PAGES);
    buffer = pages_map(HANDLE_NONE, LENT_PAGES, READ_WRITE);
    CHECK_OK(serve_one(endpoint, buffer, ONCE));
    CHECK(child_wait(child).status == 0);
    pages_unmap(buffer, LENT_PAGES);
    closed(lent_gate);
    closed(endpoint);
}

/* A client that lends to a server in its own process, even the same pages. */
static void own_server_main(void *endpoint) {
    struct message m = {.gate = (handle_t)(uintptr_t)endpoint, .deadline = DEADLINE_NEVER};
    uint64_t n = 0;

    CHECK_OK(message_receive(&m));
    char *lent = (char *)(uintptr_t)m.words[0];

    CHECK_OK(sys_lent_read(HANDLE_NONE, 0, lent, m.readable, &n)); /* onto itself */
    CHECK(n == m.readable);
    CHECK_OK(sys_lent_write(HANDLE_NONE, 0, lent, m.writable, &n));
    CHECK(n == m.writable);
    m = (struct message){0};
    CHECK_OK(message_reply(&m));
}

static void lent_to_itself(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);
    char *pages = pages_map(HANDLE_NONE, 4, READ_WRITE);
    struct thread server;

    for (unsigned i = 0; i < 2 * PAGE_BYTES; i++) {
        pages[i] = (char)(i * 3);
    }
    /* Copy-on-write pages of a child that is not started. */
    handle_t child = child_make(fork_only, 0);
    struct message m = {.gate = gate, .deadline = DEADLINE_NEVER};

    m.words[0] = (uint64_t)(uintptr_t)pages;
    m.segments[0] = MESSAGE_LEND(pages, 2 * PAGE_BYTES, LENT_READABLE);
    m.segments[1] = MESSAGE_LEND(pages + 2 * PAGE_BYTES, 2 * PAGE_BYTES, LENT_WRITABLE);
    m.control = MESSAGE_SEGMENTS(2);
    CHECK_OK(thread_start(&server, own_server_main, (void *)(uintptr_t)endpoint, 0));
    CHECK_OK(message_call(&m));
    thread_join(&server);
    for (unsigned i = 0; i < 2 * PAGE_BYTES; i++) {
        CHECK(pages[i] == (char)(i * 3) && pages[2 * PAGE_BYTES + i] == (char)(i * 3));
    }
    closed(child);
    pages_unmap(pages, 4);
    closed(gate);
    closed(endpoint);
}

/* Every refusal of segments; what is lent is looked at only when it is copied. */
static void bad_segments(void) {
    static const struct {
        struct lent_segment segment;
        status_t status;
    } rows[] = {
        {{0x1000, 1, 0}, ERROR_BAD_ARGUMENT},
        {{0x1000, 1, 3}, ERROR_BAD_ARGUMENT},
        {{0x1000, 1, UINT32_MAX}, ERROR_BAD_ARGUMENT},
        {{UINT64_MAX, 2, 1}, ERROR_BAD_ADDRESS},
        {{0xffffffff80100000, 8, 1}, ERROR_BAD_ADDRESS},
        {{USER_TOP - 1, 2, 2}, ERROR_BAD_ADDRESS},
        {{0x1000, LENT_BYTES + 1, 2}, ERROR_TOO_MANY},
        {{0x1000, UINT32_MAX, 1}, ERROR_TOO_MANY},
    };
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct message m = {.gate = gate, .deadline = time_deadline(NS_PER_S)};

        m.segments[0] = rows[i].segment;
        m.control = MESSAGE_SEGMENTS(1);
        CHECK_STATUS(message_call(&m), rows[i].status);
    }
    for (unsigned n = 5; n < 8; n++) {
        struct message m = {.gate = gate, .deadline = 0, .control = MESSAGE_SEGMENTS(n)};

        CHECK_STATUS(message_call(&m), ERROR_BAD_ARGUMENT);
    }
    uint64_t values[RAW_REGISTERS] = {
        gate, 0, 0, 0, 0, 0, 0, MESSAGE_SEGMENTS(1), 0, 0, 0xffffffff80100000};

    CHECK(call_raw(SYSCALL_call, values) == ERROR_BAD_ADDRESS);
    values[10] = 0;
    CHECK(call_raw(SYSCALL_call, values) == ERROR_BAD_ADDRESS);
    closed(gate);
    closed(endpoint);
}

const struct test lent_tests[] = {
    {"lent to oneself", lent_to_itself},       {"lent bad segments", bad_segments},
    {"lent and disturbed", disturbed_copies},  {"lent by one who is killed", killed_lender},
    {"lent to one who unmaps", server_unmaps}, {NULL, NULL},
};

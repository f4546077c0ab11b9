/* SPDX-License-Identifier: MIT */
/* process_become: what stays, what goes, and who may disturb it; stop, watch, tag and list. */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

static void park_main(void *unused) {
    (void)unused;
    for (;;) {
        sleep_us(NS_PER_S / NS_PER_US);
    }
}

/* Runs in the new image: looks at what came along. Words 1 and 2: numbers kept; 3 and 4: not. */
static void looked_at(uint64_t argument) {
    struct handle_info info;
    const struct process_page *page = (const struct process_page *)PROCESS_PAGE_ADDRESS;

    CHECK(argument == 42);
    CHECK(page->id == test_shared[5] && page->tag == 4711);
    for (unsigned i = 1; i <= 2; i++) {
        CHECK_OK(sys_handle_info((handle_t)test_shared[i], &info));
    }
    for (unsigned i = 3; i <= 4; i++) {
        CHECK_STATUS(sys_handle_info((handle_t)test_shared[i], &info), ERROR_BAD_HANDLE);
    }
    CHECK_OK(sys_notify((handle_t)test_shared[1], 64));
    sys_process_exit(31);
}

static handle_t become_gate;

static int become_child(uint64_t unused) {
    struct image image = image_make(HANDLE_NONE, looked_at, 42);
    struct thread thread;
    handle_t memory = memory_new(1), other = memory_new(1), endpoint = endpoint_new();
    handle_t keep[200] = {become_gate, memory};

    (void)unused;
    for (unsigned i = 2; i < ARRAY_SIZE(keep); i++) {
        keep[i] = i % 2 == 0 ? memory : become_gate; /* the same again is no harm */
    }
    CHECK_OK(thread_start(&thread, park_main, NULL, 0));
    test_shared[1] = become_gate;
    test_shared[2] = memory;
    test_shared[3] = other;
    test_shared[4] = endpoint;
    test_shared[5] = ((struct process_page *)PROCESS_PAGE_ADDRESS)->id;
    while (((struct process_page *)PROCESS_PAGE_ADDRESS)->tag == 0) {
        sleep_us(100);
    }
    /* Refused lists change nothing. */
    keep[150] = 100000;
    CHECK_STATUS(sys_process_become(image.process, keep, ARRAY_SIZE(keep), image.entry, image.stack,
                                    image.argument),
                 ERROR_BAD_HANDLE);
    CHECK_STATUS(sys_process_become(image.process, (handle_t *)(uintptr_t)0xffffffff80100000, 1,
                                    image.entry, image.stack, image.argument),
                 ERROR_BAD_ADDRESS);
    CHECK_STATUS(sys_process_become(image.process, NULL, UINT64_MAX, image.entry, image.stack,
                                    image.argument),
                 ERROR_TOO_MANY);
    keep[150] = memory;
    CHECK_STATUS(sys_process_become(image.process, keep, ARRAY_SIZE(keep), image.entry, image.stack,
                                    image.argument),
                 OK);
    return 1;
}

static void become_keeps(void) {
    handle_t endpoint = endpoint_new();
    struct message m = {.gate = endpoint, .deadline = time_deadline(5 * NS_PER_S)};
    struct process_status status;

    become_gate = gate_new(endpoint, 3);
    handle_t child = child_make(become_child, 0);

    CHECK_OK(sys_process_identify(test_identity, child, 4711, 12345));
    CHECK_OK(sys_process_start(child, 0, 0, 0));
    CHECK_OK(message_receive(&m));
    CHECK(m.kind == MESSAGE_NOTIFICATION && m.words[0] == 64);
    CHECK_OK(sys_process_info(child, PROCESS_INFO_STATUS, &status, sizeof(status), 0, NULL, NULL));
    CHECK(status.tag == 4711 && status.word == 12345 && strcmp(status.name, "image") == 0);
    status = child_wait(child);
    CHECK(status.cause == DEATH_EXIT && status.status == 31 && status.tag == 4711);
    closed(become_gate);
    closed(endpoint);
}

static void not_reached(uint64_t unused) {
    (void)unused;
    sys_process_exit(98);
}

static handle_t prepared_by_parent;
static uint32_t *long_list;

enum { LONG_LIST = 100000 };

static int disturbed_child(uint64_t unused) {
    (void)unused;
    test_shared[0] = 1;
    return sys_process_become(prepared_by_parent, long_list, LONG_LIST, test_shared[1],
                              test_shared[2], test_shared[3]);
}

/* The prepared process is killed, or started, while another becomes it. */
static void become_disturbed(void) {
    handle_t endpoint = endpoint_new(), any = gate_new(endpoint, 1);

    for (unsigned how = 0; how < 12; how++) {
        struct image image = image_make(HANDLE_NONE, not_reached, 0);

        prepared_by_parent = image.process;
        test_shared[0] = 0;
        test_shared[1] = image.entry;
        test_shared[2] = image.stack;
        test_shared[3] = image.argument;
        long_list = (uint32_t *)pages_map(HANDLE_NONE, LONG_LIST * 4 / PAGE_BYTES + 1,
                                          MAP_READ | MAP_WRITE);
        for (unsigned i = 0; i < LONG_LIST; i++) {
            long_list[i] = any;
        }
        handle_t child = child_make(disturbed_child, 0);

        CHECK_OK(sys_process_control(child, PROCESS_SET_PRIORITY, PRIORITY_PROGRAM, 0, NULL));
        CHECK_OK(sys_process_start(child, 0, 0, 0));
        while (test_shared[0] == 0) {
            sleep_us(50);
        }
        sleep_us(100 + how / 3 * 1500);
        status_t done = how % 3 == 0   ? sys_process_kill(image.process, 5)
                        : how % 3 == 1 ? sys_process_start(image.process, image.entry, image.stack,
                                                           image.argument)
                                       : OK;

        CHECK(done == OK || done == ERROR_BAD_STATE);
        struct process_status status = child_wait(child);

        CHECK((status.cause == DEATH_EXIT &&
               (status.status == 98 || status.status == ERROR_BAD_STATE)) ||
              (status.cause == DEATH_KILLED && status.status == ERROR_BAD_STATE));
        CHECK(how % 3 != 2 || status.status == 98);
        (void)child_wait(image.process);
        pages_unmap(long_list, LONG_LIST * 4 / PAGE_BYTES + 1);
    }
    closed(any);
    closed(endpoint);
}

/* The list ends where nothing is mapped. */
static void sleeper_main(void *unused) {
    (void)unused;
    for (;;) {
        sleep_us(100);
        test_shared[7]++;
    }
}

static int half_list_child(uint64_t unused) {
    struct image image = image_make(HANDLE_NONE, not_reached, 0);
    struct thread thread;
    uint64_t at = (uint64_t)(uintptr_t)pages_map(HANDLE_NONE, 4, MAP_READ | MAP_WRITE);

    (void)unused;
    for (unsigned i = 0; i < 4 * PAGE_BYTES / 4; i++) {
        ((handle_t *)(uintptr_t)at)[i] = image.process;
    }
    CHECK_OK(thread_start(&thread, sleeper_main, NULL, 0));
    CHECK_OK(sys_unmap(HANDLE_NONE, at + 3 * PAGE_BYTES, PAGE_BYTES));
    CHECK_STATUS(sys_process_become(image.process, (handle_t *)(uintptr_t)at, 4 * PAGE_BYTES / 4,
                                    image.entry, image.stack, image.argument),
                 ERROR_BAD_ADDRESS);
    /* All as before, the other thread runs again. */
    test_shared[7] = 0;
    for (unsigned i = 0; i < 500 && test_shared[7] == 0; i++) {
        sleep_us(2000);
    }
    CHECK(test_shared[7] != 0);
    CHECK_OK(sys_process_become(image.process, (handle_t *)(uintptr_t)at, 1, image.entry,
                                image.stack, image.argument));
    return 0;
}

static void become_half_a_list(void) {
    CHECK(child_run(half_list_child, 0) == 98);
}

static int exit_soon(uint64_t us) {
    sleep_us(us);
    return 12;
}

/* Three endpoints hear of an exit, a fourth has no place; one that comes late hears at once. */
static void watched(void) {
    handle_t endpoints[4], gates[4], copy = HANDLE_NONE;
    handle_t child = child_make(exit_soon, 0);

    CHECK_OK(sys_handle_copy(child, RIGHTS_ALL, 0, &copy));
    for (unsigned i = 0; i < 4; i++) {
        endpoints[i] = endpoint_new();
        gates[i] = gate_new(endpoints[i], i);
        CHECK_STATUS(sys_process_watch(child, gates[i], 1ULL << i), i < 3 ? OK : ERROR_TOO_MANY);
    }
    CHECK_OK(sys_process_watch(child, gates[1], 16)); /* in place of the first one */
    closed(gates[0]);                                 /* a binding is enough */
    CHECK_OK(sys_process_start(child, 0, 0, 0));
    for (unsigned i = 0; i < 3; i++) {
        struct message m = {.gate = endpoints[i], .deadline = time_deadline(2 * NS_PER_S)};

        CHECK_OK(message_receive(&m));
        CHECK(m.badge == i && (m.words[0] & ~NOTIFY_CLOSED) == (i == 1 ? 16 : 1ULL << i));
    }
    CHECK_OK(sys_process_watch(child, gates[3], 8));
    struct message m = {.gate = endpoints[3], .deadline = 0};

    CHECK_OK(message_receive(&m));
    CHECK(m.badge == 3 && m.words[0] == 8);
    for (unsigned i = 0; i < 4; i++) {
        closed(endpoints[i]);
        if (i != 0) {
            closed(gates[i]);
        }
    }
    CHECK(child_wait(child).status == 12);
    closed(copy);
}

/* Stopped in every kind of wait: it does not run, and misses nothing. */
static int stopped_child(uint64_t unused) {
    struct message m = {.gate = become_gate, .deadline = DEADLINE_NEVER};

    (void)unused;
    sleep_us(40000);
    CHECK_OK(message_call(&m));
    test_shared[0] = 1;
    CHECK_OK(sys_futex_wait((volatile uint32_t *)&test_shared[1], 0, DEADLINE_NEVER, FUTEX_SHARED));
    test_shared[0] = 2;
    return 0;
}

static void stopped_while_waiting(void) {
    handle_t endpoint = endpoint_new();
    struct message m = {.gate = endpoint, .deadline = time_deadline(2 * NS_PER_S)};

    become_gate = gate_new(endpoint, 1);
    handle_t child = child_start(stopped_child, 0);

    sleep_us(1000);
    CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
    sleep_us(50000); /* its sleep ends meanwhile */
    struct message none = {.gate = endpoint, .deadline = 0};

    CHECK_STATUS(message_receive(&none), ERROR_TIMEOUT);
    CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    CHECK_OK(message_receive(&m));
    CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
    m = (struct message){0};
    CHECK_OK(message_reply(&m));
    sleep_us(2000);
    CHECK(test_shared[0] == 0);
    CHECK_OK(sys_process_control(child, PROCESS_CONTINUE, 0, 0, NULL));
    for (unsigned i = 0; i < 500 && test_shared[0] == 0; i++) {
        sleep_us(2000);
    }
    CHECK(test_shared[0] == 1);
    sleep_us(MACHINE_PAUSE_US);
    CHECK_OK(sys_process_control(child, PROCESS_STOP, 0, 0, NULL));
    CHECK_OK(sys_futex_wake((volatile uint32_t *)&test_shared[1], 1, FUTEX_SHARED, NULL));
    sleep_us(2000);
    CHECK(test_shared[0] == 1);
    CHECK_OK(sys_process_kill(child, 3)); /* also what is stopped can be killed */
    CHECK(child_wait(child).cause == DEATH_KILLED);
    closed(become_gate);
    closed(endpoint);
}

/* The list shows each process once, with its tag and word; a fork does not inherit them. */
static void listed(void) {
    handle_t children[40];
    unsigned n_found = 0;
    uint64_t next = 0, last_id = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = child_make(exit_soon, 0);
        CHECK_OK(sys_process_identify(test_identity, children[i], 100 + i, 1000 + i));
    }
    do {
        struct process_status list[7];

        memset(list, 0, sizeof(list));
        CHECK_OK(sys_process_info(test_identity, PROCESS_INFO_LIST, list, sizeof(list), next, &next,
                                  NULL));
        for (unsigned i = 0; i < ARRAY_SIZE(list) && list[i].id != 0; i++) {
            CHECK(list[i].id > last_id);
            last_id = list[i].id;
            if (list[i].tag >= 100 && list[i].tag < 100 + ARRAY_SIZE(children)) {
                CHECK(list[i].word == list[i].tag + 900ULL && list[i].state == PROCESS_NEW);
                n_found++;
            }
        }
    } while (next != 0);
    CHECK(n_found == ARRAY_SIZE(children));
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        CHECK_OK(sys_process_start(children[i], 0, 0, 0));
        CHECK(child_wait(children[i]).status == 12);
    }
}

const struct test become_tests[] = {
    {"become keeps what it should", become_keeps},
    {"become disturbed by others", become_disturbed},
    {"become with half a list", become_half_a_list},
    {"process watched", watched},
    {"process stopped while waiting", stopped_while_waiting},
    {"process list and tags", listed},
    {NULL, NULL},
};

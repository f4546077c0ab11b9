/* SPDX-License-Identifier: MIT */
/*
 * Driver of QEMU's teaching device (QEMU: docs/specs/edu), which interrupts when it is told to and
 * when it has worked out a factorial; by its line or by messages. Tries both, and what the pci
 * server promises about them, says on the log how it went, and then keeps the device busy by
 * messages: to be killed in the midst of them (tests/system/test_interrupts.py).
 */
#include "lib/native/driver_pci.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/message.h"
#include "lib/native/server.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum {
    VENDOR = 0x1234,
    DEVICE = 0x11e8,
    IDENTITY = 0x010000ed, /* version 1.0 */
    MANY = 200,            /* more than there are vectors */
    RAISES = 100,
    BADGE = 7,
    WAIT_MS = 2000,
    QUIET_MS = 20,
    LOAD_MS = 1,
};

/* Registers, in words of 32 bits. */
enum {
    REG_IDENTITY = 0x00 / 4,
    REG_INVERT = 0x04 / 4,
    REG_FACTORIAL = 0x08 / 4,
    REG_STATUS = 0x20 / 4, /* interrupt when a factorial is done */
    REG_INTERRUPT = 0x24 / 4,
    REG_RAISE = 0x60 / 4,
    REG_ACKNOWLEDGE = 0x64 / 4,
    STATUS_BUSY = 0x01,
    STATUS_INTERRUPT = 0x80,
    INTERRUPT_FACTORIAL = 0x1,
};

static struct pci_device pci;
static volatile uint32_t *registers;
static handle_t endpoint, gate;
static unsigned n_failed;

static void check(bool is_so, const char *what, const char *where) {
    if (!is_so) {
        n_failed++;
        log_write(LOG_ERROR, "not ok, %s: %s", where, what);
    }
}

#define CHECK(condition) check((condition), #condition, where)

/* One notification within this time. */
static bool interrupted(uint64_t ms) {
    struct message m = {.gate = endpoint, .deadline = time_deadline(ms * NS_PER_MS)};

    return message_receive(&m) == OK && m.kind == MESSAGE_NOTIFICATION && m.badge == BADGE &&
           m.words[0] == 2;
}

static void acknowledge(handle_t irq) {
    registers[REG_ACKNOWLEDGE] = registers[REG_INTERRUPT];
    status_t status = sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0);
    check(status == OK, status_text(status), "acknowledge");
}

static handle_t irq_get(uint32_t kinds, const char *where) {
    handle_t irq = HANDLE_NONE;

    CHECK(pci_device_irq(&pci, kinds, gate, 2, &irq) == OK);
    return irq;
}

static void drop(handle_t handle) {
    status_t status = sys_handle_close(handle);
    check(status == OK, status_text(status), "close");
}

/* ---- what is tried ---- */

/* Each is told once, and is the one that was raised. */
static void try_raising(handle_t irq, const char *where) {
    for (uint32_t i = 1; i <= RAISES; i++) {
        registers[REG_RAISE] = i << 8;
        CHECK(interrupted(WAIT_MS));
        CHECK(registers[REG_INTERRUPT] == i << 8);
        acknowledge(irq);
    }
    CHECK(!interrupted(QUIET_MS));
}

static void try_factorial(handle_t irq, const char *where) {
    registers[REG_STATUS] = STATUS_INTERRUPT;
    registers[REG_FACTORIAL] = 10;
    CHECK(interrupted(WAIT_MS));
    CHECK(registers[REG_INTERRUPT] == INTERRUPT_FACTORIAL);
    CHECK((registers[REG_STATUS] & STATUS_BUSY) == 0);
    CHECK(registers[REG_FACTORIAL] == 3628800);
    registers[REG_STATUS] = 0;
    acknowledge(irq);
}

/* A line stays up until the device is seen to, and comes again if it was not. */
static void try_level(handle_t irq, const char *where) {
    registers[REG_RAISE] = 0x100;
    CHECK(interrupted(WAIT_MS));
    CHECK(!interrupted(QUIET_MS));
    CHECK(sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0) == OK);
    CHECK(interrupted(WAIT_MS));
    acknowledge(irq);
    CHECK(!interrupted(QUIET_MS));
}

/* A message that nobody took yet is not lost by the next, nor is one that comes meanwhile. */
static void try_overtaking(handle_t irq, const char *where) {
    registers[REG_RAISE] = 0x100;
    registers[REG_RAISE] = 0x200;
    CHECK(interrupted(WAIT_MS));
    CHECK(registers[REG_INTERRUPT] == 0x300);
    registers[REG_ACKNOWLEDGE] = 0x300;
    (void)interrupted(QUIET_MS); /* it may have been taken between the two */
    registers[REG_RAISE] = 0x400;
    CHECK(interrupted(WAIT_MS));
    acknowledge(irq);
    CHECK(!interrupted(QUIET_MS));
}

/* Without the object nobody is told, and the device's line holds up nothing. */
static void try_without(void) {
    const char *where = "without irq";

    registers[REG_RAISE] = 0x100;
    CHECK(!interrupted(QUIET_MS));
    registers[REG_ACKNOWLEDGE] = 0x100;
}

/* Each time the earlier vector is given back. */
static void try_many_times(void) {
    const char *where = "many vectors";

    for (unsigned i = 0; i < MANY && n_failed == 0; i++) {
        drop(irq_get(PCI_INTERRUPT_MESSAGE, where));
    }
}

/* Where the device writes to is not the driver's to say. */
static void try_capability(void) {
    const char *where = "capability";
    uint32_t at = pci.function.msi_offset, control = 0, kind, number;
    handle_t irq;

    CHECK(at != 0);
    for (uint32_t offset = at; offset < at + 12; offset += 4) {
        CHECK(pci_write_config(pci.gate, offset, 4, UINT32_MAX, DEADLINE_NEVER) == ERROR_DENIED);
    }
    CHECK(pci_read_config(pci.gate, at + 2, 2, &control, DEADLINE_NEVER) == OK);
    CHECK((control & 1) != 0);
    CHECK(pci_irq(pci.gate, 8, &kind, &number, &irq, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    /* No kind: none. */
    CHECK(pci_irq(pci.gate, 0, &kind, &number, &irq, DEADLINE_NEVER) == ERROR_NOT_FOUND);
    CHECK(pci_read_config(pci.gate, at + 2, 2, &control, DEADLINE_NEVER) == OK);
    CHECK((control & 1) == 0);
}

static void try_all(void) {
    const char *where = "start";
    handle_t irq;

    CHECK(registers[REG_IDENTITY] == IDENTITY);
    registers[REG_INVERT] = 0x12345678;
    CHECK(registers[REG_INVERT] == ~0x12345678u);
    registers[REG_STATUS] = 0;
    registers[REG_ACKNOWLEDGE] = registers[REG_INTERRUPT]; /* what an earlier run left */

    for (unsigned round = 0; round < 2; round++) {
        irq = irq_get(PCI_INTERRUPT_LINE, "line");
        try_raising(irq, "line");
        try_factorial(irq, "line");
        try_level(irq, "line");
        drop(irq);
        try_without();
        irq = irq_get(PCI_INTERRUPT_LINE | PCI_INTERRUPT_MESSAGE, "message");
        try_raising(irq, "message");
        try_factorial(irq, "message");
        try_overtaking(irq, "message");
        drop(irq);
    }
    try_many_times();
    try_capability();
}

/* ---- afterwards ---- */

static struct server_timer timer;
static handle_t load_irq;
static uint64_t n_interrupts;

static void on_timer(struct server *server, struct server_timer *own) {
    registers[REG_FACTORIAL] = 10;
    server_timer_arm(server, own, time_deadline(LOAD_MS * NS_PER_MS), on_timer);
}

static void on_irq(struct server *server, void *object, uint64_t bits) {
    (void)server, (void)object, (void)bits;
    if (++n_interrupts == RAISES) {
        log_write(LOG_INFO, "%u messages in the loop", RAISES);
    }
    acknowledge(load_irq);
}

static const struct server_class irq_class = {.notified = on_irq};

static status_t load_start(struct server *server) {
    handle_t notification;
    status_t status = server_notification_gate(server, &irq_class, NULL, &notification);

    if (status == OK) {
        status = pci_device_irq(&pci, PCI_INTERRUPT_MESSAGE, notification, 1, &load_irq);
    }
    registers[REG_STATUS] = STATUS_INTERRUPT;
    on_timer(server, &timer);
    return status;
}

int main(void) {
    struct server *server = server_start(&(struct server_options){.name = "edu"});
    volatile void *mapped;
    status_t status = pci_device_claim(&pci, VENDOR, DEVICE, PCI_ANY_ID);

    if (status == OK) {
        status = pci_device_map(&pci, 0, &mapped);
    }
    if (status == OK) {
        registers = mapped;
        status = pci_device_enable(&pci);
    }
    if (status == OK) {
        status = sys_endpoint_create(&endpoint);
    }
    if (status == OK) {
        status = sys_gate_create(endpoint, BADGE, &gate);
    }
    if (status != OK) {
        log_write(LOG_ERROR, "not ok, start: %s", status_text(status));
        return 1;
    }
    try_all();
    if (n_failed == 0) {
        log_write(LOG_INFO, "all as it should be");
    }
    status = load_start(server);
    check(status == OK, status_text(status), "load");
    server_run(server);
}

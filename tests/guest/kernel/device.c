/* SPDX-License-Identifier: MIT */
/* Interrupt lines, on a device that every PC has and nobody uses here: the real-time clock. */
#include "tests/guest/kernel/kernel_test.h"

#define RTC_LINE   8
#define RTC_INDEX  0x70
#define RTC_STATUS 0x0c

static handle_t rtc_ports;

static uint8_t rtc_read(uint8_t index) {
    uint64_t value = 0;

    CHECK_OK(sys_ioports_access(rtc_ports, RTC_INDEX, 1 | IOPORTS_OUT, index, NULL));
    CHECK_OK(sys_ioports_access(rtc_ports, RTC_INDEX + 1, 1, 0, &value));
    return (uint8_t)value;
}

static void rtc_write(uint8_t index, uint8_t value) {
    CHECK_OK(sys_ioports_access(rtc_ports, RTC_INDEX, 1 | IOPORTS_OUT, index, NULL));
    CHECK_OK(sys_ioports_access(rtc_ports, RTC_INDEX + 1, 1 | IOPORTS_OUT, value, NULL));
}

static struct message event_wait(handle_t endpoint, uint64_t ms) {
    struct message m = {.gate = endpoint, .deadline = time_deadline(ms * NS_PER_MS)};

    if (message_receive(&m) != OK) {
        m.kind = UINT32_MAX;
    }
    return m;
}

/* Notes the time whenever nobody more important runs. */
static volatile uint64_t idled_at;
static volatile bool idle_ends;

static void idle_spin(void *unused) {
    (void)unused;
    priority_set(PRIORITY_PROGRAM - 1);
    while (!idle_ends) {
        idled_at = time_read_tsc();
    }
}

/* How long an interrupt takes from there to the thread that waits for it: a row of tools/bench, and
 * of no meaning where the time stamp counter does not count instructions, or on several CPUs. */
static uint64_t wait_and_measure(handle_t endpoint, struct message *m, uint64_t best) {
    uint64_t took;

    *m = event_wait(endpoint, 2000);
    took = time_read_tsc() - idled_at;
    return took < best ? took : best;
}

/* Each interrupt masks its line and is told once; acknowledged, the next comes, which is there
 * already. */
static void interrupts(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 70),
             other = gate_new(endpoint, 71);
    handle_t irq = HANDLE_NONE, again = HANDLE_NONE;

    CHECK_OK(sys_ioports_create(test_system, RTC_INDEX, 2, &rtc_ports));
    CHECK_OK(sys_irq_create(test_system, RTC_LINE, 0, &irq));
    CHECK_STATUS(sys_irq_create(test_system, RTC_LINE, 0, &again), ERROR_BUSY);
    CHECK_OK(sys_irq_control(irq, IRQ_BIND, gate, 4));
    CHECK_STATUS(sys_irq_control(irq, IRQ_BIND, gate, 0), ERROR_BAD_ARGUMENT);
    CHECK_STATUS(sys_irq_control(irq, IRQ_BIND, gate, NOTIFY_CLOSED | 1), ERROR_BAD_ARGUMENT);
    uint8_t control = rtc_read(0x0b);
    uint64_t took = UINT64_MAX;
    struct thread idler;

    idle_ends = false;
    CHECK_OK(thread_start(&idler, idle_spin, NULL, 0));
    sleep_us(MACHINE_PAUSE_US);

    rtc_write(0x0a, 0x26);           /* 1,024 Hz */
    rtc_write(0x0b, control | 0x40); /* periodic */
    (void)rtc_read(RTC_STATUS);
    for (unsigned i = 0; i < 20; i++) {
        struct message m;

        took = wait_and_measure(endpoint, &m, took);
        CHECK(m.kind == MESSAGE_NOTIFICATION && m.badge == 70 && m.words[0] == 4);
        (void)rtc_read(RTC_STATUS);
        if (i < 5) {
            CHECK(event_wait(endpoint, 3).kind == UINT32_MAX); /* masked: no second one, */
            (void)rtc_read(RTC_STATUS); /* but kept, though the line is down again */
        }
        CHECK_OK(sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0));
    }
    idle_ends = true;
    thread_join(&idler);
    test_print("bench irq_to_run %llu\n", (unsigned long long)took);
    /* It goes ahead of what waits already. */
    (void)event_wait(endpoint, 2000);
    CHECK_OK(sys_notify(other, 1));
    (void)rtc_read(RTC_STATUS);
    CHECK_OK(sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0));
    sleep_us(20000);
    CHECK(event_wait(endpoint, 0).badge == 70);
    CHECK(event_wait(endpoint, 0).badge == 71);
    /* The object's end masks the line. */
    (void)rtc_read(RTC_STATUS);
    CHECK_OK(sys_irq_control(irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0));
    closed(irq);
    while (event_wait(endpoint, 20).kind != UINT32_MAX) {
        (void)rtc_read(RTC_STATUS);
    }
    rtc_write(0x0b, control);
    (void)rtc_read(RTC_STATUS);
    closed(gate);
    closed(other);
    closed(endpoint);
    closed(rtc_ports);
}

/* Every line in turn, with modes, without a device on it. From 24 on no machine of ours has them.
 */
static void lines(void) {
    for (unsigned line = 0; line < 70; line++) {
        for (uint32_t flags = 0; flags <= (IRQ_LEVEL | IRQ_ACTIVE_LOW); flags++) {
            handle_t irq = HANDLE_NONE;
            status_t status = sys_irq_create(test_system, line, flags, &irq);

            if (status == OK) {
                CHECK(line != 2 && line < 24);
                closed(irq);
            } else if (line == 2 || line >= 64) {
                CHECK(status == ERROR_BAD_ARGUMENT);
            } else {
                CHECK(status == ERROR_NOT_SUPPORTED);
                CHECK(line >= 16 || (flags & IRQ_LEVEL) != 0);
            }
        }
    }
}

/* Messages: as many as there are vectors, no two the same; what is closed can be had again. */
static void messages(void) {
    static handle_t irqs[256];
    static uint32_t values[256];
    uint32_t address = 0, first_address = 0;
    unsigned n = 0;
    status_t status;

    while (n < ARRAY_SIZE(irqs) &&
           (status = sys_irq_create_message(test_system, &irqs[n], &address, &values[n])) == OK) {
        first_address = n == 0 ? address : first_address;
        CHECK((address & 0xfff00000) == 0xfee00000 && address == first_address);
        CHECK(values[n] >= 0x30 && values[n] < 0xf0);
        for (unsigned i = 0; i < n; i++) {
            CHECK(values[i] != values[n]);
        }
        n++;
    }
    CHECK(n >= 32 && n < ARRAY_SIZE(irqs));
    CHECK_STATUS(status, ERROR_TOO_MANY);
    closed(irqs[n / 2]);
    CHECK_OK(sys_irq_create_message(test_system, &irqs[n / 2], &address, &values[0]));
    CHECK(values[0] == values[n / 2]);
    /* Nothing can mask them, and nothing need: both calls are as for lines. */
    CHECK_STATUS(sys_irq_control(irqs[0], IRQ_ACKNOWLEDGE, HANDLE_NONE, 0), ERROR_BAD_STATE);
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);
    CHECK_OK(sys_irq_control(irqs[0], IRQ_BIND, gate, 1));
    CHECK_OK(sys_irq_control(irqs[0], IRQ_ACKNOWLEDGE, HANDLE_NONE, 0));
    CHECK(event_wait(endpoint, 1).kind == UINT32_MAX);
    while (n > 0) {
        closed(irqs[--n]);
    }
    closed(gate);
    closed(endpoint);
}

/* The log is bound by whoever reads it: bits that the kernel keeps for itself are refused. */
static void log_bits(void) {
    handle_t endpoint = endpoint_new(), gate = gate_new(endpoint, 1);
    static const uint64_t refused[] = {0, NOTIFY_CLOSED, NOTIFY_CLOSED | 1};

    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        CHECK_STATUS(
            syscall_do(SYSCALL_system_control, test_system, SYSTEM_BIND_LOG, gate, refused[i], 0, 0)
                .status,
            ERROR_BAD_ARGUMENT);
    }
    closed(gate);
    closed(endpoint);
}

const struct test device_tests[] = {
    {"device interrupts", interrupts},
    {"device lines", lines},
    {"device messages", messages},
    {"device log bits", log_bits},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
#include "drivers/serial/uart.h"

#include "lib/native/syscall.h"

enum uart_register {
    REGISTER_DATA = 0,       /* divisor, low byte, while DLAB is set */
    REGISTER_INTERRUPTS = 1, /* divisor, high byte */
    REGISTER_CAUSE = 2,      /* read */
    REGISTER_FIFO = 2,       /* write */
    REGISTER_LINE = 3,
    REGISTER_MODEM = 4,
    REGISTER_STATUS = 5,
    REGISTER_MODEM_STATUS = 6,
    REGISTER_SCRATCH = 7,
};

enum {
    INTERRUPT_RECEIVED = 0x01,
    INTERRUPT_SENT = 0x02,
    INTERRUPT_STATUS = 0x04,

    CAUSE_NONE = 0x01,
    CAUSE_MASK = 0x0e,
    CAUSE_MODEM = 0x00,
    CAUSE_FIFO_WORKS = 0xc0,

    FIFO_ON_AT_8 = 0x81, /* interrupt from 8 bytes on, or fewer that are 4 characters old */

    LINE_8N1 = 0x03,
    LINE_DLAB = 0x80,
    DIVISOR_115200 = 1,

    MODEM_DTR_RTS_OUT2 = 0x0b, /* OUT2 lets a PC's interrupt line through */

    STATUS_RECEIVED = 0x01,
    STATUS_OVERRUN = 0x02,
    STATUS_PARITY = 0x04,
    STATUS_FRAMING = 0x08,
    STATUS_BREAK = 0x10,
    STATUS_EMPTY = 0x20,

    FIFO_BYTES = 16,
};

static uint8_t read_register(const struct uart *uart, enum uart_register number) {
    uint64_t value = 0xff; /* what a missing device reads as */
    status_t status =
        sys_ioports_access(uart->ports, (uint16_t)(uart->base + number), 1 | IOPORTS_IN, 0, &value);

    (void)status; /* the handle covers all eight ports */
    return (uint8_t)value;
}

static void write_register(const struct uart *uart, enum uart_register number, uint8_t value) {
    status_t status = sys_ioports_access(uart->ports, (uint16_t)(uart->base + number),
                                         1 | IOPORTS_OUT, value, NULL);

    (void)status;
}

static bool scratch_keeps(const struct uart *uart, uint8_t value) {
    write_register(uart, REGISTER_SCRATCH, value);
    return read_register(uart, REGISTER_SCRATCH) == value;
}

/* Interrupts that the state asks for. */
static void interrupts_set(const struct uart *uart) {
    write_register(uart, REGISTER_INTERRUPTS,
                   INTERRUPT_SENT | INTERRUPT_STATUS | (uart->receives ? INTERRUPT_RECEIVED : 0));
}

bool uart_init(struct uart *uart, handle_t ports, uint16_t base) {
    *uart = (struct uart){.ports = ports, .base = base, .receives = true};
    if (!scratch_keeps(uart, 0x5a) || !scratch_keeps(uart, 0xa5)) {
        return false;
    }
    write_register(uart, REGISTER_LINE, LINE_DLAB);
    write_register(uart, REGISTER_DATA, DIVISOR_115200);
    write_register(uart, REGISTER_INTERRUPTS, 0); /* high byte of the divisor */
    write_register(uart, REGISTER_LINE, LINE_8N1);
    /* Not cleared: what the kernel or an earlier run put there is still to be sent. */
    write_register(uart, REGISTER_FIFO, FIFO_ON_AT_8);
    write_register(uart, REGISTER_MODEM, MODEM_DTR_RTS_OUT2);
    uart->fifo_bytes = (read_register(uart, REGISTER_CAUSE) & CAUSE_FIFO_WORKS) == CAUSE_FIFO_WORKS
                           ? FIFO_BYTES
                           : 1;
    interrupts_set(uart);
    return true;
}

bool uart_is_pending(struct uart *uart) {
    uint8_t cause = read_register(uart, REGISTER_CAUSE); /* also takes back "sent" */

    if ((cause & CAUSE_NONE) != 0) {
        return false;
    }
    if ((cause & CAUSE_MASK) == CAUSE_MODEM) {
        (void)read_register(uart, REGISTER_MODEM_STATUS); /* takes it back; not asked for */
    }
    return true;
}

/* Reading the status takes its errors back, so each is counted where it is read. */
static uint8_t read_status(struct uart *uart) {
    uint8_t status = read_register(uart, REGISTER_STATUS);

    uart->n_overruns += (status & STATUS_OVERRUN) != 0;
    uart->is_break = uart->is_break || (status & STATUS_BREAK) != 0;
    if ((status & STATUS_RECEIVED) != 0 && (status & STATUS_BREAK) == 0) {
        uart->n_line_errors += (status & (STATUS_PARITY | STATUS_FRAMING)) != 0;
    }
    return status;
}

enum uart_received uart_receive(struct uart *uart, uint8_t *byte) {
    uint8_t status = read_status(uart);

    if ((status & STATUS_RECEIVED) == 0) {
        return UART_NOTHING;
    }
    *byte = read_register(uart, REGISTER_DATA);
    enum uart_received received = uart->is_break ? UART_BREAK : UART_BYTE;

    uart->is_break = false;
    return received;
}

uint32_t uart_room(struct uart *uart) {
    return (read_status(uart) & STATUS_EMPTY) != 0 ? uart->fifo_bytes : 0;
}

void uart_send(struct uart *uart, uint8_t byte) {
    write_register(uart, REGISTER_DATA, byte);
}

void uart_set_receiving(struct uart *uart, bool receives) {
    if (uart->receives != receives) {
        uart->receives = receives;
        interrupts_set(uart);
    }
}

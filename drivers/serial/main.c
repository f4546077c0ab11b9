/* SPDX-License-Identifier: MIT */
/*
 * serial: the first serial port, a 16550 UART (or 8250), both ways by interrupts. 115200 baud, 8
 * data bits, no parity, 1 stop bit. Registers: National Semiconductor PC16550D, section 8.
 */
#include "lib/native/driver_char.h"

/* Offsets from the first port. */
enum {
    UART_DATA = 0, /* receive and transmit; divisor low with LCR_DIVISOR */
    UART_IER = 1,  /* interrupt enable; divisor high with LCR_DIVISOR */
    UART_IIR = 2,  /* read: interrupt identification */
    UART_FCR = 2,  /* write: FIFO control */
    UART_LCR = 3,  /* line control */
    UART_MCR = 4,  /* modem control */
    UART_LSR = 5,  /* line status */
    UART_SCRATCH = 7,
};

enum {
    IER_RECEIVED = 1 << 0,
    IER_TRANSMITTED = 1 << 1,
    IIR_FIFO = 3 << 6, /* both set: the FIFOs are on and work */
    FCR_ENABLE = 1 << 0,
    FCR_TRIGGER_8 = 2 << 6,
    LCR_8_BITS = 3,
    LCR_DIVISOR = 1 << 7,
    MCR_DTR_RTS = 3,
    MCR_OUT2 = 1 << 3, /* on PCs: lets the interrupt through */
    LSR_RECEIVED = 1 << 0,
    LSR_HOLDING_EMPTY = 1 << 5,
};

enum { CLOCK_HZ = 115200, BAUD = 115200, FIFO_BYTES = 16 };

static struct driver_ports ports;
static size_t fifo_bytes; /* what the transmitter takes when it is empty */

/* Two different values stay in the scratch register only if there is a UART. */
static bool is_present(void) {
    driver_out8(&ports, UART_SCRATCH, 0x5a);
    bool first = driver_in8(&ports, UART_SCRATCH) == 0x5a;

    driver_out8(&ports, UART_SCRATCH, 0xa5);
    return first && driver_in8(&ports, UART_SCRATCH) == 0xa5;
}

static status_t start(struct driver_ports *given) {
    ports = *given;
    if (!is_present()) {
        return ERROR_NO_DEVICE;
    }
    driver_out8(&ports, UART_IER, 0);
    driver_out8(&ports, UART_LCR, LCR_DIVISOR | LCR_8_BITS);
    driver_out8(&ports, UART_DATA, (CLOCK_HZ / BAUD) & 0xff);
    driver_out8(&ports, UART_IER, CLOCK_HZ / BAUD >> 8);
    driver_out8(&ports, UART_LCR, LCR_8_BITS);
    /* The kernel may have bytes in the transmitter, so only the receiver is cleared by draining it.
     */
    driver_out8(&ports, UART_FCR, FCR_ENABLE | FCR_TRIGGER_8);
    fifo_bytes = (driver_in8(&ports, UART_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_BYTES : 1;
    while ((driver_in8(&ports, UART_LSR) & LSR_RECEIVED) != 0 &&
           driver_in8(&ports, UART_LSR) != 0xff) {
        driver_in8(&ports, UART_DATA);
    }
    driver_out8(&ports, UART_MCR, MCR_DTR_RTS | MCR_OUT2);
    driver_out8(&ports, UART_IER, IER_RECEIVED | IER_TRANSMITTED);
    return OK;
}

/* Reading the identification withdraws a "transmitter empty" interrupt; what it was is seen in the
 * line status anyway. */
static void irq(void) {
    driver_in8(&ports, UART_IIR);
}

static size_t transmit(const uint8_t *bytes, size_t n) {
    if ((driver_in8(&ports, UART_LSR) & LSR_HOLDING_EMPTY) == 0) {
        return 0;
    }
    n = MIN(n, fifo_bytes);
    for (size_t i = 0; i < n; i++) {
        driver_out8(&ports, UART_DATA, bytes[i]);
    }
    return n;
}

static size_t receive(uint8_t *bytes, size_t n) {
    size_t done = 0;

    /* A port that went away reads as all ones: not for ever. */
    while (done < MIN(n, (size_t)256) && (driver_in8(&ports, UART_LSR) & LSR_RECEIVED) != 0) {
        bytes[done++] = driver_in8(&ports, UART_DATA);
    }
    return done;
}

static const struct char_driver driver = {
    .name = "serial",
    .model = "16550 serial port",
    .start = start,
    .irq = irq,
    .transmit = transmit,
    .receive = receive,
};

int main(void) {
    char_driver_run(&driver);
}

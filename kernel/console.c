/* SPDX-License-Identifier: MIT */
#include "kernel/console.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/io.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

/* 16550 (National PC16550D data sheet), at the first serial port of a PC. */
#define COM1              0x3f8
#define UART_DATA         0 /* divisor, low byte, while DLAB is set */
#define UART_INTERRUPTS   1 /* divisor, high byte */
#define UART_FIFO         2
#define UART_LINE         3
#define UART_MODEM        4
#define UART_STATUS       5
#define UART_SCRATCH      7
#define FIFO_ON_AND_CLEAR 0x07
#define LINE_8N1          0x03
#define LINE_DLAB         0x80
#define MODEM_DTR_RTS     0x03
#define STATUS_EMPTY      0x20
#define DIVISOR_115200    1

/* A byte takes 87 us at 115200 baud, 16 of them 1.4 ms; reading the status about 1 us. A UART that
 * is not ready after ten times as long never will be. */
#define UART_WAIT_STEPS 20000

/* Text screen: 80 by 25, a character and its colours in each cell. */
#define SCREEN_PADDR     0xb8000
#define SCREEN_COLUMNS   80
#define SCREEN_ROWS      25
#define SCREEN_WHITE_RED 0x4f00

static bool uart_present;
static bool uart_released;
static bool screen_used;
static unsigned screen_row, screen_column;
static void (*sink)(const char *text, size_t n);

void console_init(void) {
    io_out8(COM1 + UART_SCRATCH, 0x5a);
    if (io_in8(COM1 + UART_SCRATCH) != 0x5a) {
        return;
    }
    io_out8(COM1 + UART_SCRATCH, 0xa5);
    if (io_in8(COM1 + UART_SCRATCH) != 0xa5) {
        return;
    }
    io_out8(COM1 + UART_LINE, LINE_DLAB);
    io_out8(COM1 + UART_DATA, DIVISOR_115200);
    io_out8(COM1 + UART_INTERRUPTS, 0); /* high byte of the divisor */
    io_out8(COM1 + UART_LINE, LINE_8N1);
    io_out8(COM1 + UART_INTERRUPTS, 0);
    io_out8(COM1 + UART_FIFO, FIFO_ON_AND_CLEAR);
    io_out8(COM1 + UART_MODEM, MODEM_DTR_RTS);
    uart_present = true;
}

void console_set_sink(void (*new_sink)(const char *text, size_t n)) {
    sink = new_sink;
}

void console_release_serial(void) {
    uart_released = true;
}

void console_panic_mode(const struct boot_info *boot) {
    uart_released = false;
    sink = NULL;
    if (uart_present) {
        /* Whatever a driver did to it: no interrupts, our line settings. */
        console_init();
    }
    screen_used = boot != NULL && boot->screen == BOOT_SCREEN_TEXT;
}

static void uart_write(char c) {
    unsigned n = 0;

    while ((io_in8(COM1 + UART_STATUS) & STATUS_EMPTY) == 0) {
        if (++n == UART_WAIT_STEPS) {
            uart_present = false;
            return;
        }
    }
    io_out8(COM1 + UART_DATA, (uint8_t)c);
}

/* At the end of the screen it goes on at the top, so that the newest text is always there. */
static void screen_write(char c) {
    volatile uint16_t *cells = paddr_to_pointer(SCREEN_PADDR);

    if (c != '\n') {
        cells[screen_row * SCREEN_COLUMNS + screen_column] = SCREEN_WHITE_RED | (uint8_t)c;
        screen_column++;
    }
    if (c == '\n' || screen_column == SCREEN_COLUMNS) {
        screen_column = 0;
        screen_row = (screen_row + 1) % SCREEN_ROWS;
        for (unsigned i = 0; i < SCREEN_COLUMNS; i++) {
            cells[screen_row * SCREEN_COLUMNS + i] = SCREEN_WHITE_RED | ' ';
        }
    }
}

void console_write(const char *text, size_t n) {
    if (sink != NULL) {
        sink(text, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (uart_present && !uart_released) {
            if (text[i] == '\n') {
                uart_write('\r');
            }
            uart_write(text[i]);
        }
        if (screen_used) {
            screen_write(text[i]);
        }
    }
}

static void console_format_sink(void *context, const char *bytes, size_t n) {
    (void)context;
    console_write(bytes, n);
}

void kernel_log_v(const char *format, va_list args) {
    format_v(console_format_sink, NULL, format, args);
}

void kernel_log(const char *format, ...) {
    va_list args;

    va_start(args, format);
    kernel_log_v(format, args);
    va_end(args);
}

/* SPDX-License-Identifier: MIT */
/*
 * A 16550 UART, register by register (National PC16550D data sheet). No policy, no waiting: who
 * calls decides when.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

struct uart {
    handle_t ports;
    uint16_t base;          /* first of its eight ports */
    uint32_t fifo_bytes;    /* 16; 1 if its FIFO does not work */
    bool receives;          /* the receive interrupt is on */
    bool is_break;          /* the status that told of a break before the next byte has been read */
    uint64_t n_overruns;    /* times that bytes were lost in the UART */
    uint64_t n_line_errors; /* bytes with wrong parity or framing */
};

/* What uart_receive finds besides bytes. */
enum uart_received { UART_NOTHING, UART_BYTE, UART_BREAK };

/* Sets it to 115200 baud, 8N1, interrupts on. False if there is none at these ports. */
WARN_UNUSED bool uart_init(struct uart *uart, handle_t ports, uint16_t base);

/* Is an interrupt pending? To be asked until it says no: the line carries edges. */
bool uart_is_pending(struct uart *uart);

/* Takes the next byte, if there is one. */
enum uart_received uart_receive(struct uart *uart, uint8_t *byte);

/* Room for output: 0 or the size of the FIFO (it tells no more than that it is empty). */
uint32_t uart_room(struct uart *uart);
void uart_send(struct uart *uart, uint8_t byte);

/* Switches the receive interrupt; when on again it comes at once if something is there. */
void uart_set_receiving(struct uart *uart, bool receives);

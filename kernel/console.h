/* SPDX-License-Identifier: MIT */
/*
 * The kernel's voice: COM1, and a sink for the log ring.
 *
 *   kernel_log      formats a message; the caller ends it with a newline
 *   console_write   bytes, to the same places
 */
#pragma once

#include <stdarg.h>

#include "kernel/types.h"

struct boot_info;

/* Finds out whether there is a UART at COM1 and sets it to 115200 baud, 8n1. Text before this is
 * lost. */
void console_init(void);

/* From now on every byte also goes to this function (NULL: no longer), which must not log. */
void console_set_sink(void (*sink)(const char *text, size_t n));

/* A driver owns the UART from now on: the kernel writes it no more, but in a panic. */
void console_release_serial(void);

/* In a panic: the UART is ours again, and the text screen if the machine has one. */
void console_panic_mode(const struct boot_info *boot);

void console_write(const char *text, size_t n);

void kernel_log_v(const char *format, va_list args) PRINTF_LIKE(1, 0);
void kernel_log(const char *format, ...) PRINTF_LIKE(1, 2);

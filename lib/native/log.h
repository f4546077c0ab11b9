/* SPDX-License-Identifier: MIT */
/*
 * Lines for the system log. They go to the log service in messages for which it has a moment to be
 * ready: logging waits no longer than 20 ms, allocates nothing, and loses lines rather than time.
 * init, which starts before the log service and has the system handle, writes to the kernel's log
 * instead. A program that was given neither logs nothing.
 */
#pragma once

#include <stdarg.h>

#include "abi/types.h"
#include "lib/base/types.h"

/* REPORT: a program ended by a fault; shown on consoles whatever they show else. */
enum log_level { LOG_REPORT = 0, LOG_ERROR = 1, LOG_WARNING = 2, LOG_INFO = 3, LOG_DEBUG = 4 };

/* Longest line in bytes; what is longer is cut. */
enum { LOG_LINE_BYTES = 224 };

/* One line, without "\n" at its end; control characters in it become '?'. printf formats of
 * lib/base/format.h. */
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
void log_write_v(enum log_level level, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Text as it comes (write to fd 1 and 2 of a service): collected up to each "\n", then logged. */
void log_text(enum log_level level, const char *text, size_t length);

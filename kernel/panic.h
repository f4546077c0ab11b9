/* SPDX-License-Identifier: MIT */
/*
 * The end, when an invariant of the kernel's own is broken: reason, registers and backtrace on
 * serial line and text screen; then a reboot, or a halt if the command line has panic=halt. Nothing
 * that a program or a device does may lead here.
 */
#pragma once

#include "kernel/types.h"

struct boot_info;
struct registers;

/* The command line decides how a panic ends; before this call it halts. `boot` must stay. */
void panic_init(const struct boot_info *boot);

NORETURN void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same with the registers of the fault. */
NORETURN void panic_registers(const struct registers *registers, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Logs the return addresses found from this frame pointer on. */
void panic_backtrace(uint64_t rip, uint64_t rbp);

/* Checked in every build: cheap conditions only. */
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition))) {                                                              \
            panic("%s:%d: %s is not so", __FILE__, __LINE__, #condition);                          \
        }                                                                                          \
    } while (0)

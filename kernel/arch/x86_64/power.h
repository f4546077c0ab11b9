/* SPDX-License-Identifier: MIT */
/*
 * Ending it all.
 */
#pragma once

#include "kernel/types.h"

/* Switches the machine off. Under QEMU with -device isa-debug-exit,iobase=0xf4,iosize=4 QEMU exits
 * with (min(code, 127) << 1) | 1. Where nothing switches off, the processor halts. */
NORETURN void arch_power_off(unsigned code);

/* Keyboard controller, reset control register, triple fault: what works first. */
NORETURN void arch_reboot(void);

/* Halts for ever, interrupts off. */
NORETURN void arch_halt(void);

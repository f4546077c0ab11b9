/* SPDX-License-Identifier: MIT */
#include "kernel/arch/x86_64/power.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/io.h"

#define PORT_DEBUG_EXIT    0xf4
#define KEYBOARD_STATUS    0x64
#define KEYBOARD_FULL      0x02 /* has not taken the last byte yet */
#define KEYBOARD_RESET     0xfe
#define RESET_CONTROL      0xcf9 /* PIIX, ICH and their heirs; also the usual ACPI reset register */
#define RESET_CONTROL_COLD 0x06

void arch_halt(void) {
    for (;;) {
        arch_interrupts_disable();
        arch_wait_for_interrupt();
    }
}

void arch_power_off(unsigned code) {
    arch_interrupts_disable();
    io_out32(PORT_DEBUG_EXIT, MIN(code, 127u));
    /* SLP_EN with sleep type 5 in the power management control register, at the places where
     * emulators have it. Real machines need their ACPI tables for this, which the kernel does not
     * read. */
    io_out16(0x604, 0x2000);  /* QEMU */
    io_out16(0xb004, 0x2000); /* QEMU under OVMF, Bochs */
    io_out16(0x4004, 0x3400); /* VirtualBox */
    arch_halt();
}

void arch_reboot(void) {
    /* An empty interrupt table: the breakpoint below cannot be delivered, nor the double fault,
     * which resets the processor (SDM 3, 6.15). */
    static const struct {
        uint16_t limit;
        uint64_t base;
    } PACKED no_table = {0, 0};

    arch_interrupts_disable();
    for (unsigned i = 0; i < 10000 && (io_in8(KEYBOARD_STATUS) & KEYBOARD_FULL) != 0; i++) {
        io_delay();
    }
    io_out8(KEYBOARD_STATUS, KEYBOARD_RESET);
    for (unsigned i = 0; i < 10000; i++) {
        io_delay(); /* it takes its time */
    }
    io_out8(RESET_CONTROL, RESET_CONTROL_COLD);
    for (unsigned i = 0; i < 10000; i++) {
        io_delay();
    }
    __asm__ volatile("lidt %0\n\tint3" : : "m"(no_table));
    arch_halt();
}

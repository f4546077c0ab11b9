/* SPDX-License-Identifier: MIT */
#include "boot/boot_read.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/console.h"
#include "kernel/panic.h"

static struct boot_info boot_info;

/* [book:boot-main] */
/* In an order in which each step can tell what went wrong in it. */
void boot_main(uint32_t magic, paddr_t paddr, uint64_t entry_tsc) {
    console_init();
    cpu_init_boot();
    boot_info_read(&boot_info, magic, paddr, entry_tsc);
    panic_init(&boot_info);
    irq_init();
    arch_clock_init(entry_tsc);
    kernel_main(&boot_info);
}
/* [/book] */

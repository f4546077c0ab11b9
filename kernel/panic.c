/* SPDX-License-Identifier: MIT */
#include "kernel/panic.h"

#include <stdarg.h>

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/console.h"
#include "lib/base/string.h"

#define BACKTRACE_MAX   16
#define FRAME_BYTES_MAX KERNEL_STACK_BYTES /* between two frames of one stack */
#define PORT_DEBUG_EXIT 0xf4
#define PANIC_EXIT_CODE 0x7f

static const struct boot_info *boot;
static unsigned depth; /* panics under way: one may come while the first is being told */

void panic_init(const struct boot_info *boot_info) {
    boot = boot_info;
}

/* Under test (run= on the command line) QEMU is to end; else as panic= says. */
static NORETURN void panic_end(void) {
    const char *value;
    size_t length = 0;

    if (boot == NULL) {
        arch_halt();
    }
    if (boot_option(boot, "run", &length) != NULL) {
        io_out32(PORT_DEBUG_EXIT, PANIC_EXIT_CODE);
    }
    value = boot_option(boot, "panic", &length);
    if (value != NULL && string_equal_n(value, length, "halt")) {
        arch_halt();
    }
    arch_reboot();
}

static void panic_begin(const char *format, va_list args) {
    arch_interrupts_disable();
    if (depth++ != 0) {
        kernel_log("\n*** and another one while telling this\n");
        panic_end();
    }
    arch_cpus_stop();
    console_panic_mode(boot);
    kernel_log("\n*** EuraliOS kernel panic: ");
    kernel_log_v(format, args);
    kernel_log("\n");
}

static bool is_text(uint64_t address) {
    return address >= (uint64_t)kernel_text_start && address < (uint64_t)kernel_text_end;
}

void panic_backtrace(uint64_t rip, uint64_t rbp) {
    kernel_log("backtrace: %#lx", rip);
    for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (rbp < DIRECT_MAP_BASE || rbp % 8 != 0 || !is_text(frame[1])) {
            break;
        }
        kernel_log(" %#lx", frame[1]);
        if (frame[0] <= rbp || frame[0] - rbp > FRAME_BYTES_MAX) {
            break; /* stacks grow downwards: the caller's frame is higher */
        }
        rbp = frame[0];
    }
    kernel_log("\n");
}

static void registers_log(const struct registers *r) {
    uint64_t cr3;

    __asm__ volatile("movq %%cr3, %0" : "=r"(cr3));
    kernel_log("rax %016lx  rbx %016lx  rcx %016lx\n", r->rax, r->rbx, r->rcx);
    kernel_log("rdx %016lx  rsi %016lx  rdi %016lx\n", r->rdx, r->rsi, r->rdi);
    kernel_log("rbp %016lx  rsp %016lx  r8  %016lx\n", r->rbp, r->rsp, r->r8);
    kernel_log("r9  %016lx  r10 %016lx  r11 %016lx\n", r->r9, r->r10, r->r11);
    kernel_log("r12 %016lx  r13 %016lx  r14 %016lx\n", r->r12, r->r13, r->r14);
    kernel_log("r15 %016lx  rip %016lx  cr3 %016lx\n", r->r15, r->rip, cr3);
    kernel_log("cs %lx  ss %lx  rflags %lx  vector %lu  error %lx\n", r->cs, r->ss, r->rflags,
               r->vector, r->error_code);
}

void panic(const char *format, ...) {
    va_list args;

    va_start(args, format);
    panic_begin(format, args);
    va_end(args);
    panic_backtrace((uint64_t)__builtin_return_address(0), *(uint64_t *)__builtin_frame_address(0));
    panic_end();
}

void panic_registers(const struct registers *registers, const char *format, ...) {
    va_list args;

    va_start(args, format);
    panic_begin(format, args);
    va_end(args);
    registers_log(registers);
    panic_backtrace(registers->rip, registers->rbp);
    panic_end();
}

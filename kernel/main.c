/* SPDX-License-Identifier: MIT */
/* Merriwig: from the boot code's hand-over to the first program. Read as a table of contents. */
#include "boot/boot_info.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/budget.h"
#include "kernel/console.h"
#include "kernel/frame.h"
#include "kernel/info.h"
#include "kernel/kernel_threads.h"
#include "kernel/loader.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"

/* Slabs are charged by the object, but frames go by the page: what budgets must not promise. */
#define BUDGET_RESERVE_SHIFT 6 /* one part in 64 */
#define BUDGET_RESERVE_MIN   (1 * MiB)

const struct boot_info *boot_info_kept;

/* The idle thread becomes current: from then on the scheduler decides. */
static NORETURN void scheduler_start(void) {
    struct cpu *cpu = cpu_this();

    kernel_lock_take();
    cpu->generic.idle = kernel_threads_init();
    cpu->generic.idle->state = THREAD_RUNNING;
    cpu->generic.running = cpu->generic.idle;
    cpu->generic.switch_tsc = tsc_read();
    arch_thread_activate(cpu->generic.idle, cpu->space_root);
    loader_start_init(boot_info_kept);
    scheduler_leave(cpu->generic.idle, SWITCH_PREEMPT);
    arch_return();
}

/* [book:kernel-main] */
void kernel_main(const struct boot_info *boot) {
    uint64_t reserve;

    boot_info_kept = boot;
    frame_init(boot);
    log_init();
    kernel_log("Merriwig: %llu MiB of memory, %llu free\n",
               (unsigned long long)(frame_n_total() / 256),
               (unsigned long long)(frame_n_free() / 256));
    scheduler_init();
    info_init(boot->entry_tsc);
    reserve = MAX(frame_n_free() * PAGE_SIZE >> BUDGET_RESERVE_SHIFT, BUDGET_RESERVE_MIN);
    budget_init(frame_n_free() * PAGE_SIZE - reserve);
    scheduler_start();
}
/* [/book] */

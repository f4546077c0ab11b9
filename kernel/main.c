/* SPDX-License-Identifier: MIT */
/* Merriwig: from the boot code's hand-over to the first program. Read as a table of contents. */
#include "boot/boot_info.h"
#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/smp.h"
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
#include "lib/base/string.h"

/* What budgets must not promise: the kernel takes frames for itself too. */
#define BUDGET_RESERVE_SHIFT 6 /* one part in 64 */
#define BUDGET_RESERVE_MIN   (1 * MiB)

const struct boot_info *boot_info_kept;

/* fastpath=off and =on; where the kernel checks itself it does so in C. */
static void fast_path_choose(const struct boot_info *boot) {
    size_t length;
    const char *value = boot_option(boot, "fastpath", &length);

    cpu_set_fast_path(value == NULL ? !DEBUG_KERNEL : !string_equal_n(value, length, "off"));
}

/* The idle thread becomes current: from then on the scheduler decides. */
static NORETURN void scheduler_start(void) {
    struct thread *idle = cpu_this()->generic.idle;

    kernel_threads_init();
    arch_thread_activate(idle, cpu_this()->space_root);
    loader_start_init(boot_info_kept);
    scheduler_leave(idle, SWITCH_PREEMPT);
    arch_return();
}

/* [book:kernel-main] */
void kernel_main(const struct boot_info *boot) {
    uint64_t reserve;

    boot_info_kept = boot;
    frame_init(boot);
    log_init();
    acpi_read(boot);
    kernel_log("Merriwig: %llu MiB of memory, %llu free\n",
               (unsigned long long)(frame_n_total() / 256),
               (unsigned long long)(frame_n_free() / 256));
    kernel_lock_take(); /* until the first program runs */
    scheduler_add_cpu(cpu_this(), idle_create());
    fast_path_choose(boot);
    smp_start(boot);
    ioapic_init();
    info_init();
    reserve = MAX(frame_n_free() * PAGE_SIZE >> BUDGET_RESERVE_SHIFT, BUDGET_RESERVE_MIN);
    budget_init(frame_n_free() * PAGE_SIZE - reserve);
    scheduler_start();
}
/* [/book] */

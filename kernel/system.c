/* SPDX-License-Identifier: MIT */
/* What only init may do: the kernel's log, figures, the machine's end. */
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/budget.h"
#include "kernel/console.h"
#include "kernel/debug/check.h"
#include "kernel/endpoint.h"
#include "kernel/frame.h"
#include "kernel/handle.h"
#include "kernel/info.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "lib/base/string.h"

#define LOG_WRITE_MAX 256

static status_t system_log_write(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    char text[LOG_WRITE_MAX];
    status_t status;

    if (registers->r10 > sizeof(text)) {
        return ERROR_TOO_MANY;
    }
    status = copy_in(thread->process->space, text, user_ptr(registers->rdx), registers->r10);
    if (status == OK) {
        console_write(text, registers->r10);
    }
    return status;
}

static status_t system_log_memory(struct thread *thread) {
    struct memory *memory = log_memory();

    object_get(&memory->object);
    return handle_give(thread, &memory->object, RIGHT_READ | RIGHT_COPY);
}

static status_t system_info(struct thread *thread) {
    uint64_t n_fast = scheduler_n_fast();
    struct system_info info = {
        .frames_total = frame_n_total(),
        .frames_free = frame_n_free(),
        .frames_kernel = frame_n_total() - budget_root->limit / PAGE_SIZE,
        .frames_quarantined = memory_n_quarantined(),
        .n_processes = object_count(OBJECT_PROCESS),
        .n_threads = object_count(OBJECT_THREAD),
        .n_endpoints = object_count(OBJECT_ENDPOINT),
        .n_gates = object_count(OBJECT_GATE),
        .n_memory = object_count(OBJECT_MEMORY),
        .n_budgets = object_count(OBJECT_BUDGET),
        .n_irqs = object_count(OBJECT_IRQ),
        .n_handles = handle_count_all(),
        .idle_ns = scheduler_idle_ns(),
        .context_switches = scheduler_n_switches + n_fast,
        .interrupts = irq_count,
        .system_calls = syscall_n_made + n_fast,
        .lock_ticks = kernel_lock_ticks,
        .moves = scheduler_n_moves,
    };

    return copy_out(thread->process->space, user_ptr(thread->registers.rdx), &info, sizeof(info));
}

static status_t system_bind_log(struct thread *thread) {
    uint64_t bits = thread->registers.r10;
    struct gate *gate;
    status_t status =
        handle_find_bindable(&thread->process->handles, thread->registers.rdx, bits, &gate);

    if (status == OK) {
        log_bind(gate, bits);
    }
    return status;
}

/* So that the log server, say, gets no more than it needs. */
static uint32_t operation_right(uint64_t operation) {
    static const uint32_t rights[] = {
        [SYSTEM_LOG_WRITE] = RIGHT_WRITE, [SYSTEM_CLAIM_SERIAL] = RIGHT_WRITE,
        [SYSTEM_LOG_MEMORY] = RIGHT_READ, [SYSTEM_BIND_LOG] = RIGHT_READ,
        [SYSTEM_INFO] = RIGHT_READ,       [SYSTEM_SET_WALL] = RIGHT_EXECUTE,
    };

    return operation < ARRAY_SIZE(rights) && rights[operation] != 0 ? rights[operation]
                                                                    : RIGHT_MANAGE;
}

/* (system, operation, argument, argument, argument) -> value */
status_t sys_system_control(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    uint32_t right = operation_right(registers->rsi);
    struct object *object;
    status_t status =
        handle_find(&thread->process->handles, registers->rdi, OBJECT_SYSTEM, right, &object);

    if (status != OK) {
        return status;
    }
    switch (registers->rsi) {
    case SYSTEM_LOG_WRITE:
        return system_log_write(thread);
    case SYSTEM_LOG_MEMORY:
        return system_log_memory(thread);
    case SYSTEM_CLAIM_SERIAL:
        console_release_serial();
        thread->registers.rdx = log_head();
        return OK;
    case SYSTEM_POWER_OFF:
        arch_power_off((unsigned)registers->rdx);
    case SYSTEM_REBOOT:
        arch_reboot();
    case SYSTEM_INFO:
        return system_info(thread);
    case SYSTEM_SET_WALL:
        info_set_wall((int64_t)registers->rdx);
        return OK;
    case SYSTEM_BIND_LOG:
        return system_bind_log(thread);
    case SYSTEM_RELEASE_DMA:
        memory_release_quarantine((uint32_t)registers->rdx);
        return OK;
    case SYSTEM_DEBUG:
        if (DEBUG_KERNEL && registers->rdx != 0) {
            debug_break(registers->rdx);
        }
        debug_check_all();
        return OK;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

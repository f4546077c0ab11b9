/* SPDX-License-Identifier: MIT */
#include "kernel/irq.h"

#include "abi/kernel.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/endpoint.h"
#include "kernel/lock.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"

#define CASCADE_LINE 2

static struct irq *lines[IRQ_LINES];
uint64_t irq_count;

/* [book:interrupt-enter] */
void interrupt_enter(struct thread *thread, unsigned line) {
    struct irq *irq;

    kernel_lock_take();
    if (line < IRQ_LINES && !irq_acknowledge_line(line)) {
        scheduler_leave(thread, SWITCH_PREEMPT);
        return;
    }
    irq_count++;
    irq = line < IRQ_LINES ? lines[line] : NULL;
    /* The line is masked now and stays so until somebody acknowledges; if nobody is there, for
     * good. */
    if (irq != NULL && irq->gate != NULL) {
        (void)gate_notify(irq->gate, irq->bits, GATE_URGENT);
    }
    scheduler_leave(thread, SWITCH_PREEMPT);
}
/* [/book] */

void irq_destroy(struct object *object) {
    struct irq *irq = CONTAINER_OF(object, struct irq, object);

    arch_irq_mask(irq->line);
    lines[irq->line] = NULL;
    if (irq->gate != NULL) {
        gate_unbind(irq->gate);
    }
    object_free(object);
}

/* (system, line, flags) -> irq */
status_t sys_irq_create(struct thread *thread, struct object *system) {
    const struct registers *registers = &thread->registers;
    struct handle_table *table = &thread->process->handles;
    uint64_t line = registers->rsi;
    struct object *object;
    status_t status;

    (void)system;
    if (line >= IRQ_LINES || line == CASCADE_LINE ||
        (registers->rdx & ~(uint64_t)(IRQ_LEVEL | IRQ_ACTIVE_LOW)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    if (lines[line] != NULL) {
        return ERROR_BUSY;
    }
    status = handle_reserve(table, 1);
    if (status != OK) {
        return status;
    }
    status = object_create(OBJECT_IRQ, thread->process->space->budget, &object);
    if (status == OK && !arch_irq_set_mode((unsigned)line, (registers->rdx & IRQ_LEVEL) != 0)) {
        object_free(object);
        status = ERROR_NOT_SUPPORTED;
    }
    if (status != OK) {
        handle_unreserve(table, 1);
        return status;
    }
    /* Commit. */
    lines[line] = CONTAINER_OF(object, struct irq, object);
    lines[line]->line = (uint32_t)line;
    thread->registers.rdx = handle_install(table, object, RIGHTS_ALL);
    return OK;
}

static status_t irq_bind(struct thread *thread, struct irq *irq) {
    uint64_t bits = thread->registers.r10;
    struct gate *gate;
    status_t status =
        handle_find_bindable(&thread->process->handles, thread->registers.rdx, bits, &gate);

    if (status != OK) {
        return status;
    }
    gate_bind(gate);
    if (irq->gate != NULL) {
        gate_unbind(irq->gate);
    }
    irq->gate = gate;
    irq->bits = bits;
    arch_irq_unmask(irq->line);
    return OK;
}

/* (irq, operation, gate, bits) */
status_t sys_irq_control(struct thread *thread, struct irq *irq) {
    switch (thread->registers.rsi) {
    case IRQ_BIND:
        return irq_bind(thread, irq);
    case IRQ_ACKNOWLEDGE:
        if (irq->gate == NULL) {
            return ERROR_BAD_STATE;
        }
        arch_irq_unmask(irq->line);
        return OK;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

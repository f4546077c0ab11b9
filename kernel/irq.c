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
status_t sys_irq_create(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    struct handle_table *table = &thread->process->handles;
    uint64_t line = registers->rsi;
    struct object *object;
    handle_t handle;
    status_t status = handle_find(table, registers->rdi, OBJECT_SYSTEM, RIGHT_MANAGE, &object);

    if (status != OK) {
        return status;
    }
    if (line >= IRQ_LINES || line == CASCADE_LINE ||
        (registers->rdx & ~(uint64_t)(IRQ_LEVEL | IRQ_ACTIVE_LOW)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    if (lines[line] != NULL) {
        return ERROR_BUSY;
    }
    status = object_create(OBJECT_IRQ, thread->process->space->budget, &object);
    if (status != OK) {
        return status;
    }
    CONTAINER_OF(object, struct irq, object)->line = (uint32_t)line;
    status = arch_irq_set_mode((unsigned)line, (registers->rdx & IRQ_LEVEL) != 0)
                 ? handle_add(table, object, RIGHTS_ALL, &handle)
                 : ERROR_NOT_SUPPORTED;
    if (status != OK) {
        object_free(object);
        return status;
    }
    lines[line] = CONTAINER_OF(object, struct irq, object);
    thread->registers.rdx = handle;
    return OK;
}

static status_t irq_bind(struct thread *thread, struct irq *irq) {
    struct object *object;
    status_t status = handle_find(&thread->process->handles, thread->registers.rdx, OBJECT_GATE,
                                  RIGHT_NOTIFY, &object);

    if (status != OK) {
        return status;
    }
    if (thread->registers.r10 == 0 || (thread->registers.r10 & NOTIFY_CLOSED) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    gate_bind(CONTAINER_OF(object, struct gate, object));
    if (irq->gate != NULL) {
        gate_unbind(irq->gate);
    }
    irq->gate = CONTAINER_OF(object, struct gate, object);
    irq->bits = thread->registers.r10;
    arch_irq_unmask(irq->line);
    return OK;
}

/* (irq, operation, gate, bits) */
status_t sys_irq_control(struct thread *thread) {
    struct object *object;
    struct irq *irq;
    status_t status = handle_find(&thread->process->handles, thread->registers.rdi, OBJECT_IRQ,
                                  RIGHT_MANAGE, &object);

    if (status != OK) {
        return status;
    }
    irq = CONTAINER_OF(object, struct irq, object);
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

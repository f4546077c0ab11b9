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

static struct irq *irqs[IRQS];
uint64_t irq_count;

/* [book:interrupt-enter] */
void interrupt_enter(struct thread *thread, unsigned vector) {
    unsigned number;

    kernel_lock_take();
    if (irq_acknowledge(vector, &number)) {
        const struct irq *irq = irqs[number];

        irq_count++;
        /* A line (irq.h says which) is masked now and stays so until somebody acknowledges; if
         * nobody is there, for good. */
        if (irq != NULL && irq->gate != NULL) {
            (void)gate_notify(irq->gate, irq->bits, GATE_URGENT);
        }
    }
    scheduler_leave(thread, SWITCH_PREEMPT);
}
/* [/book] */

void irq_destroy(struct object *object) {
    struct irq *irq = CONTAINER_OF(object, struct irq, object);

    arch_irq_mask(irq->number);
    irqs[irq->number] = NULL;
    if (irq->gate != NULL) {
        gate_unbind(irq->gate);
    }
    object_free(object);
}

/* What (line, flags) of a program mean: a line, or a message that nobody has. */
static status_t number_choose(uint64_t line, uint64_t flags, unsigned *number) {
    if (flags == IRQ_MESSAGE && line == 0) {
        *number = IRQ_LINES;
        while (*number < IRQS && irqs[*number] != NULL) {
            ++*number;
        }
        return *number == IRQS ? ERROR_TOO_MANY : OK;
    }
    if (line >= IRQ_LINES || line == CASCADE_LINE ||
        (flags & ~(uint64_t)(IRQ_LEVEL | IRQ_ACTIVE_LOW)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    *number = (unsigned)line;
    return irqs[line] != NULL ? ERROR_BUSY : OK;
}

/* (system, line, flags) -> irq, message */
status_t sys_irq_create(struct thread *thread, struct object *system) {
    const struct registers *registers = &thread->registers;
    struct handle_table *table = &thread->process->handles;
    struct object *object;
    unsigned number;
    status_t status = number_choose(registers->rsi, registers->rdx, &number);

    (void)system;
    status = status == OK ? handle_reserve(table, 1) : status;
    if (status != OK) {
        return status;
    }
    status = object_create(OBJECT_IRQ, thread->process->space->budget, &object);
    if (status == OK && !arch_irq_route(number, (registers->rdx & IRQ_LEVEL) != 0,
                                        (registers->rdx & IRQ_ACTIVE_LOW) != 0)) {
        object_free(object);
        status = ERROR_NOT_SUPPORTED;
    }
    if (status != OK) {
        handle_unreserve(table, 1);
        return status;
    }
    /* Commit. */
    irqs[number] = CONTAINER_OF(object, struct irq, object);
    irqs[number]->number = number;
    thread->registers.rdx = handle_install(table, object, RIGHTS_ALL);
    thread->registers.rsi = number < IRQ_LINES ? 0 : arch_irq_message(number);
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
    gate_bind_at(&irq->gate, gate);
    irq->bits = bits;
    arch_irq_unmask(irq->number);
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
        arch_irq_unmask(irq->number);
        return OK;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

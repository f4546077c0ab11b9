/* SPDX-License-Identifier: MIT */
/* System calls on handles, endpoints and gates. */
#include "kernel/budget.h"
#include "kernel/ioports.h"
#include "kernel/irq.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

status_t sys_endpoint_create(struct thread *thread) {
    struct endpoint *endpoint;
    status_t status = endpoint_create(thread->process->space->budget, &endpoint);

    return status == OK ? handle_give(thread, &endpoint->object, RIGHTS_ALL) : status;
}

/* (endpoint, badge, rights) -> gate */
status_t sys_gate_create(struct thread *thread, struct endpoint *endpoint) {
    struct gate *gate;
    status_t status =
        gate_create(thread->process->space->budget, endpoint, thread->registers.rsi, &gate);

    return status == OK
               ? handle_give(thread, &gate->object, (uint32_t)thread->registers.rdx & RIGHTS_ALL)
               : status;
}

/* (gate) */
status_t sys_gate_revoke(struct thread *thread, struct gate *gate) {
    (void)thread;
    gate_revoke(gate);
    return OK;
}

/* (handle) */
status_t sys_handle_close(struct thread *thread) {
    return handle_close(&thread->process->handles, thread->registers.rdi);
}

/* (handle, rights, flags) -> handle */
status_t sys_handle_copy(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    const struct handle_table *table = &thread->process->handles;
    const struct handle_entry *entry = handle_entry(table, registers->rdi);
    uint32_t rights;

    if (entry == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if ((entry->rights & RIGHT_COPY) == 0 || (entry->rights & HANDLE_REPLY) != 0) {
        return ERROR_NO_RIGHT;
    }
    if ((registers->rdx & ~(uint64_t)HANDLE_NO_FORK) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    rights = handle_copy_rights(entry, registers->rsi);
    if ((registers->rdx & HANDLE_NO_FORK) != 0) {
        rights |= HANDLE_NO_FORK_MARK;
    }
    object_get(entry->object);
    return handle_give(thread, entry->object, rights);
}

static void info_fill(const struct handle_entry *entry, struct handle_info *info) {
    struct object *object = entry->object;

    switch (object->type) {
    case OBJECT_PROCESS:
        info->id = CONTAINER_OF(object, struct process, object)->id;
        break;
    case OBJECT_THREAD:
        info->id = CONTAINER_OF(object, struct thread, object)->id;
        break;
    case OBJECT_GATE:
        info->id = (entry->rights & RIGHT_MANAGE) != 0
                       ? CONTAINER_OF(object, struct gate, object)->badge
                       : 0;
        break;
    case OBJECT_MEMORY:
        info->size = CONTAINER_OF(object, struct memory, object)->n_pages;
        break;
    case OBJECT_IRQ:
        info->id = CONTAINER_OF(object, struct irq, object)->number;
        break;
    case OBJECT_IOPORTS:
        info->id = CONTAINER_OF(object, struct ioports, object)->first;
        info->size = CONTAINER_OF(object, struct ioports, object)->n_ports;
        break;
    case OBJECT_BUDGET:
        if ((entry->rights & RIGHT_READ) != 0) {
            const struct budget *budget = CONTAINER_OF(object, struct budget, object);

            info->budget.limit = budget->limit / PAGE_SIZE;
            info->budget.used = DIV_ROUND_UP(budget->used, PAGE_SIZE);
        }
        break;
    default:
        break;
    }
}

/* (handle, buffer). A saved reply whose call is over gives NO_REPLY. */
status_t sys_handle_info(struct thread *thread) {
    const struct handle_entry *entry =
        handle_entry(&thread->process->handles, thread->registers.rdi);
    struct handle_info info = {0};

    if (entry == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if ((entry->rights & HANDLE_REPLY) != 0) {
        info.type = OBJECT_REPLY;
        if (!call_is_open(CONTAINER_OF(entry->object, struct thread, object), entry->sequence)) {
            return ERROR_NO_REPLY;
        }
    } else {
        info.type = entry->object->type;
        info.rights = entry->rights & RIGHTS_ALL;
        info_fill(entry, &info);
    }
    return copy_out(thread->process->space, user_ptr(thread->registers.rsi), &info, sizeof(info));
}

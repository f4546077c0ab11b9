/* SPDX-License-Identifier: MIT */
/* System calls on processes. */
#include "kernel/budget.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/sys_memory.h"
#include "kernel/user_copy.h"
#include "lib/base/string.h"

/* Entries of PROCESS_INFO_LIST given by one call. */
#define LIST_STEP 8

/* (budget or 0, name) -> process */
status_t sys_process_create(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    struct budget *budget;
    char name[sizeof(((struct process *)0)->name)] = {0};
    struct process *process;
    status_t status = budget_find(thread, registers->rdi, RIGHT_MANAGE, &budget);

    if (status == OK && registers->rsi != 0) {
        status = copy_in(thread->process->space, name, user_ptr(registers->rsi), sizeof(name) - 1);
    }
    if (status == OK) {
        status = process_create(budget, thread->process, &process);
    }
    if (status != OK) {
        return status;
    }
    /* What follows the end of the name is not the program's to say. */
    memcpy(process->name, name, strlen(name));
    status = handle_give(thread, &process->object, RIGHTS_ALL);
    if (status != OK) {
        process_die(process, DEATH_KILLED, status); /* it has a reference of its own */
    }
    return status;
}

static status_t gift_check(const struct handle_entry *entry, const struct process *target) {
    if (entry == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if ((entry->rights & (HANDLE_REPLY | RIGHT_COPY)) != RIGHT_COPY) {
        return ERROR_NO_RIGHT;
    }
    /* Two that never start must not keep each other. */
    return target->state == PROCESS_NEW && entry->object->type == OBJECT_PROCESS &&
                   entry->object != &target->object &&
                   CONTAINER_OF(entry->object, struct process, object)->state == PROCESS_NEW
               ? ERROR_BAD_STATE
               : OK;
}

/* Into a reserved slot. */
static handle_t gift_give(const struct handle_entry *entry, struct process *target,
                          uint32_t rights) {
    rights = handle_copy_rights(entry, rights);
    if (entry->object == &target->object) {
        rights |= HANDLE_NO_FORK_MARK; /* a child must not hold its parent */
        target->n_own_handles++;
    }
    object_get(entry->object);
    return handle_install(&target->handles, entry->object, rights);
}

/* (process, handles 0 and 1, rights, handles 2 and 3) -> numbers 0 and 1 there, numbers 2 and 3 */
status_t sys_process_give(struct thread *thread, struct process *target) {
    struct registers *registers = &thread->registers;
    uint64_t handles[PROCESS_GIVE_MAX / 2] = {registers->rsi, registers->r10}; /* then: numbers */
    const struct handle_entry *entries[PROCESS_GIVE_MAX];
    uint32_t n = 0;
    status_t status = OK;

    if (process_is_dying(target) || target->cloner != NULL || target == thread->process) {
        return ERROR_BAD_STATE;
    }
    for (unsigned i = 0; i < PROCESS_GIVE_MAX && status == OK; i++) {
        uint32_t handle = (uint32_t)(handles[i / 2] >> (32 * (i % 2)));

        entries[i] = handle_entry(&thread->process->handles, handle);
        if (handle != HANDLE_NONE || i == 0) {
            status = gift_check(entries[i], target);
            n++;
        }
    }
    status = status == OK ? handle_reserve(&target->handles, n) : status;
    if (status != OK) {
        return status;
    }
    /* Commit. */
    handles[0] = handles[1] = 0;
    for (unsigned i = 0; i < PROCESS_GIVE_MAX; i++) {
        if (entries[i] != NULL) {
            uint32_t rights = (uint32_t)(registers->rdx >> (8 * i));

            handles[i / 2] |= (uint64_t)gift_give(entries[i], target, rights) << (32 * (i % 2));
        }
    }
    registers->rdx = handles[0];
    registers->rsi = handles[1];
    return OK;
}

/* (process, entry, stack pointer, argument). A forked child, which has its thread, is started with
 * entry 0. */
status_t sys_process_start(struct thread *thread, struct process *process) {
    const struct registers *registers = &thread->registers;
    struct thread *first;
    status_t status;

    if (process->state != PROCESS_NEW || process->cloner != NULL ||
        (process->n_threads != 0) != (registers->rsi == 0)) {
        return ERROR_BAD_STATE;
    }
    if (registers->rsi >= USER_TOP || registers->rdx >= USER_TOP) {
        return ERROR_BAD_ADDRESS;
    }
    if (process->n_threads == 0) {
        status = thread_create(process, registers->rsi, registers->rdx, registers->r10, &first);
        if (status != OK) {
            return status;
        }
    }
    process->state = PROCESS_RUNNING;
    scheduler_ready(process_thread(process, 0));
    return OK;
}

/* (status) */
status_t sys_process_exit(struct thread *thread) {
    process_die(thread->process, DEATH_EXIT, (int32_t)thread->registers.rdi);
    return OK;
}

/* (process, status) */
status_t sys_process_kill(struct thread *thread, struct process *process) {
    process_die(process, DEATH_KILLED, (int32_t)thread->registers.rsi);
    return OK;
}

static void member_set_priority(struct thread *member, uint64_t priority) {
    scheduler_set_priority(member, (unsigned)priority);
}

/* PROCESS_WRITE of (address, buffer, length). A step takes what is in one page of the buffer; the
 * registers say how far it came. */
static status_t process_write(struct thread *thread, struct process *process) {
    struct registers *registers = &thread->registers;
    uint64_t n = MIN(registers->r8, user_page_rest(registers->r10));
    status_t status = process->cloner == NULL ? OK : (status_t)ERROR_BAD_STATE;
    void *from;

    if (status != OK || n == 0) {
        return status;
    }
    status = user_resolve(thread->process->space, registers->r10, ACCESS_READ, &from);
    if (status == OK) {
        status = copy_out(process->space, user_ptr(registers->rdx), from, n);
    }
    registers->rdx += n;
    registers->r10 += n;
    registers->r8 -= n;
    return status == OK && registers->r8 != 0 ? RESULT_RESTART : status;
}

/* (process or 0, operation, argument, argument 2, argument 3) -> value */
status_t sys_process_control(struct thread *thread, struct process *process) {
    const struct registers *registers = &thread->registers;

    if (process_is_dying(process)) {
        return ERROR_BAD_STATE;
    }
    switch (registers->rsi) {
    case PROCESS_STOP:
        process->stopped = true;
        if (process->cloner == NULL) {
            process_freeze(process, NULL);
        }
        /* It has stopped when the call returns, also what ran on other CPUs; unless it is one's
         * own, for to make the call again would be to stop again after the CONTINUE. */
        return process != thread->process && scheduler_kick_process(process) ? RESULT_RESTART : OK;
    case PROCESS_CONTINUE:
        process->stopped = false;
        if (process->cloner == NULL) {
            process_thaw(process);
        }
        return OK;
    case PROCESS_SET_PRIORITY:
        if (registers->rdx > thread->process->priority) {
            return ERROR_NO_RIGHT;
        }
        process->priority = (uint8_t)registers->rdx;
        return process_visit_threads(thread, process, member_set_priority, process->priority);
    case PROCESS_DISCARD:
        return process == thread->process ? process_discard(thread) : ERROR_NOT_SUPPORTED;
    case PROCESS_WRITE:
        return process_write(thread, process);
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

/* Fills as many entries as fit into the buffer, at most LIST_STEP. */
static status_t list_fill(struct thread *thread) {
    struct registers *registers = &thread->registers;
    uint64_t n_max = MIN(registers->r10 / sizeof(struct process_status), (uint64_t)LIST_STEP);
    uint64_t n = 0;
    struct process *process = process_next((uint32_t)registers->r8);

    while (process != NULL && n < n_max) {
        struct process_status entry;
        status_t status;

        process_fill_status(process, &entry);
        status = copy_out(thread->process->space, user_ptr(registers->rdx + n * sizeof(entry)),
                          &entry, sizeof(entry));
        if (status != OK) {
            return status;
        }
        n++;
        process = process_next(process->id + 1);
    }
    registers->rdx = process == NULL ? 0 : process->id;
    registers->rsi = n;
    return OK;
}

static status_t info_open(struct thread *thread) {
    uint32_t id = (uint32_t)thread->registers.r8;
    struct process *process = process_next(id);
    status_t status;

    if (process == NULL || process->id != id) {
        return ERROR_NOT_FOUND;
    }
    object_get(&process->object);
    status = handle_give(thread, &process->object, RIGHTS_ALL);
    thread->registers.rsi = thread->registers.rdx;
    return status;
}

static status_t info_answer(struct thread *thread, const void *info, size_t size) {
    const struct registers *registers = &thread->registers;

    return registers->r10 < size
               ? ERROR_BAD_ARGUMENT
               : copy_out(thread->process->space, user_ptr(registers->rdx), info, size);
}

/* (process, 0 for the own, or identity, what, buffer, size, cursor) -> next cursor, number of
 * entries or handle */
status_t sys_process_info(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    struct process *process = thread->process;
    struct object *object;
    struct process_status entry;
    status_t status;

    if (registers->rsi == PROCESS_INFO_LIST || registers->rsi == PROCESS_INFO_OPEN) {
        status = handle_find(&thread->process->handles, registers->rdi, OBJECT_IDENTITY,
                             RIGHT_MANAGE, &object);
        if (status != OK) {
            return status;
        }
        return registers->rsi == PROCESS_INFO_LIST ? list_fill(thread) : info_open(thread);
    }
    if (registers->rdi != HANDLE_NONE) {
        status = handle_find(&thread->process->handles, registers->rdi, OBJECT_PROCESS, RIGHT_READ,
                             &object);
        if (status != OK) {
            return status;
        }
        process = CONTAINER_OF(object, struct process, object);
    }
    switch (registers->rsi) {
    case PROCESS_INFO_STATUS:
        process_fill_status(process, &entry);
        return info_answer(thread, &entry, sizeof(entry));
    case PROCESS_INFO_DEATH:
        return process_is_dying(process)
                   ? info_answer(thread, &process->death, sizeof(process->death))
                   : ERROR_BAD_STATE;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

/* (identity, process, tag, word) */
status_t sys_process_identify(struct thread *thread, struct object *identity) {
    const struct registers *registers = &thread->registers;
    struct object *object;
    status_t status = handle_find(&thread->process->handles, registers->rsi, OBJECT_PROCESS,
                                  RIGHT_MANAGE, &object);

    (void)identity;
    if (status == OK) {
        process_identify(CONTAINER_OF(object, struct process, object), (uint32_t)registers->rdx,
                         registers->r10);
    }
    return status;
}

/* (process, gate, bits): tells at once if it is dead already. */
status_t sys_process_watch(struct thread *thread, struct process *process) {
    const struct registers *registers = &thread->registers;
    struct gate *gate;
    status_t status =
        handle_find_bindable(&thread->process->handles, registers->rsi, registers->rdx, &gate);

    if (status != OK) {
        return status;
    }
    return process->state == PROCESS_DEAD ? gate_notify(gate, registers->rdx, GATE_NORMAL)
                                          : process_watch(process, gate, registers->rdx);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/thread.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/futex.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/reaper.h"
#include "kernel/scheduler.h"

static uint32_t last_id;

status_t thread_create(struct process *process, uint64_t entry, uint64_t stack_pointer,
                       uint64_t argument, struct thread **thread) {
    struct thread *new;
    struct object *object;
    status_t status = last_id == UINT32_MAX - 1
                          ? (status_t)ERROR_TOO_MANY /* no number is given twice */
                          : object_create(OBJECT_THREAD, process->space->budget, &object);

    if (status != OK) {
        return status;
    }
    new = CONTAINER_OF(object, struct thread, object);
    new->process = process;
    object_get(&process->object);
    new->state = THREAD_WAITING;
    new->priority = process->priority;
    new->near = (uint8_t)cpu_this()->generic.index;
    new->item.kind = QUEUE_THREAD;
    new->id = ++last_id;
    new->call_sequence = 1;
    fpu_init_thread(new);
    registers_init_user(&new->registers, entry, stack_pointer, argument);
    tree_insert(&process->threads, &new->process_node, new->id);
    process->n_threads++;
    *thread = new;
    return OK;
}

struct thread *thread_create_kernel(void (*entry)(void *), unsigned priority, void *stack_top) {
    struct thread *thread;

    if (thread_create(&kernel_process, 0, 0, 0, &thread) != OK) {
        panic("no memory for a kernel thread");
    }
    thread->priority = (uint8_t)priority;
    registers_init_kernel(&thread->registers, entry, stack_top);
    return thread;
}

void thread_operation_drop(struct thread *thread) {
    struct object *operation = thread->operation;

    thread->operation_progress = 0;
    thread->restarted = 0;
    if (thread->process->cloner == thread) {
        if (thread->process->becoming) {
            /* Its handles are marked or closed, its threads have ended: it can be neither program.
             */
            process_die(thread->process, DEATH_KILLED, ERROR_KILLED);
        }
        process_thaw(thread->process);
    }
    if (operation != NULL) {
        thread->operation = NULL;
        if (operation->type == OBJECT_PROCESS) {
            process_die(CONTAINER_OF(operation, struct process, object), DEATH_KILLED,
                        ERROR_KILLED);
        }
        object_put(operation);
    }
}

void thread_kill(struct thread *thread) {
    struct process *process = thread->process;
    struct cpu_generic *cpu = &cpu_this()->generic;

    switch ((enum thread_state)thread->state) {
    case THREAD_READY:
        scheduler_unready(thread);
        break;
    case THREAD_RUNNING:
        ASSERT(cpu->running == thread);
        cpu->running = NULL;
        break;
    case THREAD_FUTEX:
        futex_leave(thread);
        break;
    case THREAD_PARKED:
        list_remove(&thread->item.link);
        break;
    default:
        break;
    }
    deadline_disarm(thread);
    ipc_kill(thread);
    thread->state = THREAD_DEAD;
    thread_operation_drop(thread);
    tree_remove(&process->threads, &thread->process_node);
    if (--process->n_threads == 0) {
        process_die(process, DEATH_EXIT, process->status);
    }
    if (thread == cpu_this()->current) {
        /* Its registers are still in use until the switch. At most one thread a time: another kill
         * of `current` is not possible. */
        ASSERT(cpu->zombie == NULL);
        cpu->zombie = thread;
    } else {
        object_put(&thread->object);
    }
}

void thread_destroy(struct object *object) {
    struct thread *thread = CONTAINER_OF(object, struct thread, object);
    struct process *process = thread->process;

    ASSERT(thread->state == THREAD_DEAD);
    object_free(object);
    object_put(&process->object);
}

/* What the thread waits for ends with this status; a call that was received becomes a CANCEL.
 * False: it does not wait for anything of the kind. */
static ALWAYS_INLINE bool wait_end(struct thread *thread, status_t status) {
    switch ((enum thread_state)thread->state) {
    case THREAD_SENDING:
        send_finish(thread, status);
        return true;
    case THREAD_RECEIVING:
        receive_finish(thread, status);
        return true;
    case THREAD_AWAITING:
        call_cancel(thread);
        return true;
    case THREAD_FUTEX:
        futex_finish(thread, status);
        return true;
    default:
        return false;
    }
}

void thread_interrupt(struct thread *thread) {
    if (thread->state != THREAD_AWAITING || !thread->no_interrupt) {
        (void)wait_end(thread, ERROR_INTERRUPTED); /* one that runs has nothing to be ended */
    }
}

void thread_deadline_passed(struct thread *thread) {
    if (!wait_end(thread, ERROR_TIMEOUT)) {
        ASSERT(thread->process == &kernel_process); /* only the reaper does not wait for it */
        reaper_is_late();
    }
}

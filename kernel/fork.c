/* SPDX-License-Identifier: MIT */
/*
 * fork and become (exec): long operations, done in steps. Between steps the thread makes the same
 * system call again; the process under construction is its `operation`, and its process's other
 * threads are frozen.
 */
#include "kernel/syscall.h"

#include "kernel/arch/x86_64/thread.h"
#include "kernel/frame.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/user_copy.h"
#include "lib/base/string.h"

#define STEP_HANDLES 64
#define STEP_CLOSES  8

/* Stages of a child under construction, in its reap_stage, which is 0 again when it is complete. */
enum fork_stage { FORK_MEMORY = 0, FORK_HANDLES = 1, FORK_COPIED = 2 };

/* RESTART: a step of its own, for the pages that a process begins with may all have to be zeroed.
 */
static status_t fork_begin(struct thread *thread) {
    struct process *parent = thread->process;
    struct process *child;
    status_t status = process_create(parent->space->budget, parent, &child);

    if (status != OK) {
        return status;
    }
    memcpy(child->name, parent->name, sizeof(child->name));
    child->upcall_entry = parent->upcall_entry;
    child->block_begin = parent->block_begin;
    child->block_end = parent->block_end;
    thread->operation = &child->object;
    thread->operation_progress = 0;
    child->cloner = thread;
    process_freeze(parent, thread);
    return RESULT_RESTART;
}

/* The child's one thread: the caller, as it will return from this system call. */
static status_t fork_thread(struct thread *thread, struct process *child) {
    struct thread *copy;
    status_t status = thread_create(child, 0, 0, 0, &copy);

    if (status != OK) {
        return status;
    }
    copy->registers = thread->registers;
    copy->registers.rax = OK;
    copy->registers.rdx = HANDLE_NONE;
    copy->fs_base = thread->fs_base;
    copy->priority = thread->priority;
    copy->upcall_stack = thread->upcall_stack;
    fpu_store_control(&copy->fpu);
    return OK;
}

/* [book:fork-steps] */
/* Copies a bounded part of memory, then of handles; RESTART until all is copied. */
static status_t fork_copy_step(struct thread *thread, struct process *child) {
    struct process *parent = thread->process;
    bool done = false;
    status_t status;

    if (child->reap_stage == FORK_MEMORY) {
        status = space_clone_step(parent->space, child->space, &thread->operation_progress, &done);
    } else {
        status =
            handle_table_clone_step(&parent->handles, &child->handles, &child->reap_cursor, &done);
    }
    child->reap_stage += done;
    return status == OK && child->reap_stage != FORK_COPIED ? RESULT_RESTART : status;
}
/* [/book] */

status_t sys_process_fork(struct thread *thread) {
    struct process *parent = thread->process;
    struct process *child;
    handle_t handle;
    status_t status;

    if (thread->operation == NULL) {
        /* Another thread's fork or become may have begun while this call waited for the lock. */
        return parent->cloner != NULL ? RESULT_RESTART : fork_begin(thread);
    }
    child = CONTAINER_OF(thread->operation, struct process, object);
    if (scheduler_kick_process(parent)) {
        return RESULT_RESTART; /* threads that are not parked yet */
    }
    /* Killed by who may open any process? */
    status = process_is_dying(child) ? ERROR_BAD_STATE : fork_copy_step(thread, child);
    if (status == RESULT_RESTART) {
        return status;
    }
    if (status == OK) {
        status = fork_thread(thread, child);
    }
    if (status == OK) {
        status = handle_add(&parent->handles, &child->object, RIGHTS_ALL, &handle);
    }
    if (status == OK) {
        child->reap_stage = 0;
        child->reap_cursor = 0;
        process_thaw(child); /* complete; and stopped, if somebody wanted that */
        /* The table has the reference now. */
        thread->operation = NULL;
        thread->operation_progress = 0;
        thread->registers.rdx = handle;
    }
    thread_operation_drop(thread);
    return status;
}

/* Marks one handle to be kept over become. */
#define HANDLE_KEEP_MARK (1u << 10)

/*
 * become, first part, in two passes over the keep list: the first checks, the second marks. Between
 * the passes only this thread runs, so that what was open stays open; a list that another process
 * shares and changes harms only its owner. RESTART until the pass is done.
 */
static status_t become_keep_step(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    uint64_t first = thread->operation_progress;
    uint64_t n = MIN(registers->rdx - first, (uint64_t)STEP_HANDLES);
    handle_t keep[STEP_HANDLES];
    status_t status =
        copy_in(thread->process->space, keep, user_ptr(registers->rsi + first * sizeof(handle_t)),
                n * sizeof(handle_t));

    for (uint64_t i = 0; status == OK && i < n; i++) {
        struct handle_entry *entry = handle_entry(&thread->process->handles, keep[i]);

        if (entry == NULL) {
            status = ERROR_BAD_HANDLE;
        } else if (thread->process->becoming) {
            entry->rights |= HANDLE_KEEP_MARK;
        }
    }
    thread->operation_progress += n;
    return status == OK && thread->operation_progress < registers->rdx ? RESULT_RESTART : status;
}

/* Closes a step's worth of handles that are not kept, and takes the marks off the others; true at
 * the end of the table. */
static bool become_close(struct process *process) {
    for (unsigned i = 0; i < STEP_CLOSES; i++, process->reap_cursor++) {
        struct handle_entry *entry;

        if (process->reap_cursor >= process->handles.n_pages * HANDLES_PER_PAGE) {
            process->reap_cursor = 0;
            return true;
        }
        entry = handle_entry(&process->handles, process->reap_cursor);
        if (entry == NULL) {
            continue;
        }
        if ((entry->rights & HANDLE_KEEP_MARK) != 0) {
            entry->rights &= ~(uint64_t)HANDLE_KEEP_MARK;
        } else {
            (void)handle_close(&process->handles, process->reap_cursor);
        }
    }
    return false;
}

/* [book:become-commit] */
/* The two processes exchange their memory. Cannot fail. */
static void become_commit(struct thread *thread, struct process *prepared) {
    struct process *process = thread->process;
    const struct registers registers = thread->registers;
    struct process_page *page;
    struct space *space = process->space;
    paddr_t frame = process->page;

    if (thread->current_reply != NULL) {
        call_finish(thread->current_reply, ERROR_CLOSED);
    }
    process->space = prepared->space;
    prepared->space = space;
    process->page = prepared->page;
    prepared->page = frame;
    page = paddr_to_pointer(process->page);
    page->id = process->id;
    page->tag = process->tag;
    page->word = process->word;
    memcpy(process->name, prepared->name, sizeof(process->name));
    process->upcall_entry = process->block_begin = process->block_end = 0;
    thread->registers = (struct registers){0};
    registers_init_user(&thread->registers, registers.r10, registers.r8, registers.r9);
    thread->fs_base = 0;
    thread->upcall_stack = 0;
    thread->in_upcall = UPCALL_NOT;
    thread->attention = false;
    fpu_clean_thread(thread);
    arch_thread_activate(thread, process->space->root);
}
/* [/book] */

/* Between two steps another process with a handle may start it, or kill it, and then its memory is
 * gone. */
static bool prepared_is_fit(const struct process *prepared) {
    return prepared->state == PROCESS_NEW && prepared->n_threads == 0 && prepared->cloner == NULL;
}

static status_t become_begin(struct thread *thread) {
    struct object *object;
    status_t status = handle_find(&thread->process->handles, thread->registers.rdi, OBJECT_PROCESS,
                                  RIGHT_MANAGE, &object);

    if (thread->process->cloner != NULL) {
        return RESULT_RESTART; /* as in fork */
    }
    if (status != OK) {
        return status;
    }
    if (!prepared_is_fit(CONTAINER_OF(object, struct process, object))) {
        return ERROR_BAD_STATE;
    }
    if (thread->registers.rdx > HANDLE_PAGES_MAX * HANDLES_PER_PAGE) {
        return ERROR_TOO_MANY;
    }
    object_get(object);
    thread->operation = object;
    thread->operation_progress = 0;
    thread->process->reap_cursor = 0;
    process_freeze(thread->process, thread);
    return OK;
}

/* What can fail without harm. OK: all is checked, and the new image's budget pays. */
static status_t become_check_step(struct thread *thread, struct process *prepared) {
    status_t status =
        prepared_is_fit(prepared) ? become_keep_step(thread) : (status_t)ERROR_BAD_STATE;

    if (status == OK) {
        status = handle_table_pay(&thread->process->handles, prepared->space->budget);
    }
    if (status != OK && status != RESULT_RESTART) {
        thread->operation = NULL; /* it lives on, if somebody has a handle */
        process_handle_drop(prepared);
        object_put(&prepared->object);
        thread_operation_drop(thread);
    }
    return status;
}

/* Past the point of no return: marks, closes, ends threads; RESTART until that is done. */
static status_t become_clear_step(struct thread *thread) {
    if (thread->operation_progress < thread->registers.rdx) {
        status_t status = become_keep_step(thread);

        if (status != OK) {
            return status;
        }
    }
    return process_threads_end(thread->process, thread) && become_close(thread->process)
               ? OK
               : RESULT_RESTART;
}

/* (prepared process, keep list, n_keep, entry, stack pointer, argument) */
status_t sys_process_become(struct thread *thread) {
    struct process *process = thread->process;
    struct process *prepared;
    status_t status = thread->operation == NULL ? become_begin(thread) : OK;

    if (status != OK) {
        return status;
    }
    if (scheduler_kick_process(process)) {
        return RESULT_RESTART; /* threads that are not parked yet */
    }
    prepared = CONTAINER_OF(thread->operation, struct process, object);
    if (!process->becoming) {
        status = become_check_step(thread, prepared);
        if (status != OK) {
            return status;
        }
        process->becoming = true;
        thread->operation_progress = 0;
    }
    status = become_clear_step(thread);
    if (status == OK && !prepared_is_fit(prepared)) {
        status = ERROR_BAD_STATE;
    }
    if (status == OK) {
        become_commit(thread, prepared);
        process->becoming = false;
        thread_operation_drop(thread);
        return RESULT_KEEP;
    }
    if (status != RESULT_RESTART) {
        process_die(process, DEATH_KILLED, status);
    }
    return status;
}

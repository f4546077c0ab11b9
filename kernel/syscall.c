/* SPDX-License-Identifier: MIT */
#include "kernel/syscall.h"

#include "kernel/arch/x86_64/thread.h"
#include "kernel/debug/check.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"

/* The object that the first argument names; 0: `own`, if there is such a one. */
static status_t first_find(struct thread *thread, enum object_type type, uint32_t rights,
                           struct object *own, struct object **found) {
    *found = own;
    return own == NULL || thread->registers.rdi != HANDLE_NONE
               ? handle_find(&thread->process->handles, thread->registers.rdi, type, rights, found)
               : OK;
}

/* [book:syscall-table] */
#define OWN_PROCESS(thread) (&(thread)->process->object)
#define OWN_THREAD(thread)  (&(thread)->object)
#define CALL_ON(name, kind, right, own)                                                            \
    static status_t on_##name(struct thread *thread) {                                             \
        struct object *found;                                                                      \
        status_t status = first_find(thread, OBJECT_##kind, right, own, &found);                   \
                                                                                                   \
        return status == OK ? sys_##name(thread, object_whole(found)) : status;                    \
    }
#define SYSCALL(number, name, text)
#define SYSCALL_ON(number, name, kind, structure, right, text) CALL_ON(name, kind, right, NULL)
#define SYSCALL_OWN(number, name, kind, structure, right, text)                                    \
    CALL_ON(name, kind, right, OWN_##kind(thread))
#include "abi/syscalls.def"
#undef SYSCALL

static status_t (*const table[])(struct thread *) = {
#define SYSCALL(number, name, text)                            [number] = sys_##name,
#define SYSCALL_ON(number, name, kind, structure, right, text) [number] = on_##name,
#define SYSCALL_OWN                                            SYSCALL_ON
#include "abi/syscalls.def"
#undef SYSCALL
};
_Static_assert(ARRAY_SIZE(table) == SYSCALL_COUNT, "one entry for each system call");
/* [/book] */

uint64_t syscall_n_made;

status_t sys_null(struct thread *thread) {
    (void)thread;
    return OK;
}

/*
 * Whether a call that has something in its way is to be made now: not if an upcall was raised on
 * another CPU after its `syscall`. That comes first, or the call could wait and the upcall with it.
 * Not between two steps of a long call, for which upcalls wait; unless its `syscall` is no longer
 * there (who maps memory can change that): what one call has begun must not meet another.
 */
static NOINLINE bool call_prepare(struct thread *thread, uint64_t number) {
    bool continues = thread->restarted != 0 && thread->restarted == number;

    if (thread->restarted != 0 && !continues) {
        thread_operation_drop(thread);
    }
    thread->restarted = 0;
    return continues || !thread->attention;
}

void syscall_enter(struct thread *thread) {
    uint64_t number = thread->registers.rax;
    status_t status = ERROR_BAD_SYSCALL;

    syscall_n_made++;
    if (LIKELY(number < ARRAY_SIZE(table))) {
        bool is_made =
            LIKELY(!thread->attention && thread->restarted == 0) || call_prepare(thread, number);

        status = is_made ? table[number](thread) : RESULT_RESTART;
    }
    if (UNLIKELY(status == RESULT_RESTART)) {
        registers_restart_syscall(&thread->registers);
        if (thread->operation != NULL || thread->operation_progress != 0) {
            thread->restarted = (uint8_t)number;
        }
    } else if (status != RESULT_KEEP) {
        thread->registers.rax = (uint64_t)(int64_t)status;
        thread->operation_progress = 0; /* of this call: whichever way it ended */
    }
    if (DEBUG_KERNEL) {
        debug_check();
    }
    /* A program's vector registers are dead in a system call, but not those that upcall_return has
     * just loaded. */
    scheduler_leave(thread, number == SYSCALL_upcall_return ? SWITCH_PREEMPT : SWITCH_CALL);
}

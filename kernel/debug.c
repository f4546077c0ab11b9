/* SPDX-License-Identifier: MIT */
#include "kernel/debug.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/thread.h"

/* [book:debug-thread] */
/* state <-> which fields may be set: see kernel/thread.h and kernel/endpoint.h. */
static void thread_check(const struct thread *thread) {
    bool in_call = thread->state == THREAD_SENDING || thread->state == THREAD_AWAITING;
    bool waits = in_call || thread->state == THREAD_RECEIVING || thread->state == THREAD_FUTEX;

    ASSERT((thread->call_gate != NULL) == in_call);
    ASSERT(waits || !deadline_is_armed(thread));
    ASSERT(thread->current_reply == NULL || thread->current_reply->replier == thread);
    ASSERT(thread->replier == NULL || thread->replier->current_reply == thread);
    ASSERT(thread->state != THREAD_RECEIVING || thread->current_reply == NULL);
    ASSERT(thread->cancel == CANCEL_NONE || thread->state == THREAD_AWAITING);
    if (thread->state == THREAD_RUNNING || thread->state == THREAD_DEAD ||
        thread->state == THREAD_WAITING) {
        ASSERT(!list_is_linked(&thread->item.link));
    }
}
/* [/book] */

void debug_check(void) {
    thread_check(cpu_this()->current);
}

static void handles_check(const struct process *process) {
    const struct handle_table *table = &process->handles;
    uint32_t n_free = 0;

    for (uint32_t i = 1; i < table->n_pages * HANDLES_PER_PAGE; i++) {
        const struct handle_entry *entry = handle_entry(table, i);

        n_free += entry == NULL;
        ASSERT(entry == NULL || entry->object->references != 0);
    }
    ASSERT(process_is_dying(process) || (n_free == table->n_free && table->n_reserved <= n_free));
}

void debug_check_all(void) {
    struct process *process = process_next(0);

    for (; process != NULL; process = process_next(process->id + 1)) {
        struct thread *thread = process_thread(process, 0);
        uint32_t n_threads = 0;

        handles_check(process);
        for (; thread != NULL; thread = process_thread(process, thread->id + 1)) {
            ASSERT(thread->process == process);
            thread_check(thread);
            n_threads++;
        }
        ASSERT(n_threads == process->n_threads);
    }
}

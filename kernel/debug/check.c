/* SPDX-License-Identifier: MIT */
#include "kernel/debug/check.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/budget.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/thread.h"

/* What one system call looks at besides its own thread. */
#define THREADS_PER_CALL 2
#define HANDLES_PER_CALL 16
#define QUEUE_PER_CALL   8

static uint32_t next_process, next_thread, next_handle;

static bool is_idle(const struct thread *thread) {
    return thread->process == &kernel_process && thread->priority == 0;
}

/* [book:debug-thread] */
/* state <-> which fields may be set: see kernel/thread.h and kernel/endpoint.h. */
static void thread_check(const struct thread *thread) {
    bool in_call = thread->state == THREAD_SENDING || thread->state == THREAD_AWAITING;
    bool waits = in_call || thread->state == THREAD_RECEIVING || thread->state == THREAD_FUTEX;
    bool in_list = thread->state == THREAD_SENDING || thread->state == THREAD_RECEIVING ||
                   thread->state == THREAD_PARKED ||
                   (thread->state == THREAD_READY && !is_idle(thread)) ||
                   (thread->state == THREAD_AWAITING && thread->cancel == CANCEL_QUEUED);

    ASSERT(list_is_linked(&thread->item.link) == in_list);
    ASSERT(thread->state != THREAD_FUTEX || tree_is_linked(&thread->waiting));
    ASSERT((!thread->work && !thread->gives_way) || thread->process == &kernel_process);
    ASSERT((thread->call_gate != NULL) == in_call);
    ASSERT(!in_call || thread->call_gate->senders != 0);
    ASSERT(waits || !deadline_is_armed(thread) || thread->process == &kernel_process);
    ASSERT((thread->deadline_place == DEADLINE_RECENT) == list_is_linked(&thread->deadline_link));
    ASSERT((thread->deadline_place == DEADLINE_SORTED) == tree_is_linked(&thread->deadline));
    ASSERT(thread->current_reply == NULL || thread->current_reply->replier == thread);
    ASSERT(thread->replier == NULL || thread->replier->current_reply == thread);
    ASSERT(thread->replier == NULL || thread->state == THREAD_AWAITING);
    ASSERT(thread->state != THREAD_RECEIVING || thread->current_reply == NULL);
    ASSERT(thread->cancel == CANCEL_NONE || thread->state == THREAD_AWAITING);
    ASSERT(thread->n_accept == 0 || in_call || thread->state == THREAD_RECEIVING);
    ASSERT(thread->n_accept <= thread->process->handles.n_reserved);
    /* A program killed in the middle of a become keeps it until its threads go. */
    ASSERT(thread->operation == NULL || thread->restarted != 0 ||
           process_is_dying(thread->process));
}
/* [/book] */

static void queue_check(const struct endpoint *endpoint) {
    const struct queue_item *item;
    unsigned n = 0;

    ASSERT(endpoint->dead == (endpoint->receive_rights == 0));
    ASSERT(list_is_empty(&endpoint->receivers) || endpoint_first(endpoint) == NULL);
    ASSERT(!endpoint->dead || list_is_empty(&endpoint->receivers));
    LIST_FOR_EACH(item, &endpoint->queue, link) {
        const struct thread *thread = CONTAINER_OF(item, struct thread, item);

        ASSERT(item->kind == QUEUE_GATE || thread->state == THREAD_SENDING ||
               (thread->state == THREAD_AWAITING && thread->cancel == CANCEL_QUEUED));
        if (++n == QUEUE_PER_CALL) {
            break;
        }
    }
}

static void gate_check(const struct gate *gate, uint32_t rights) {
    bool is_queued = list_is_linked(&gate->item.link);

    ASSERT(gate->senders != 0 || (rights & (RIGHT_SEND | RIGHT_NOTIFY)) == 0);
    ASSERT(is_queued == (gate->pending != 0));
    ASSERT(!is_queued || list_is_empty(&gate->endpoint->receivers));
    ASSERT(!gate->object.revoked || !is_queued);
    ASSERT(is_queued || !gate->urgent);
}

static void budget_check(const struct budget *budget) {
    for (; budget != NULL; budget = budget->parent) {
        ASSERT(budget->used <= budget->limit);
        ASSERT(budget->parent == NULL || budget->limit <= budget->parent->used);
    }
}

static void handle_check(const struct handle_entry *entry) {
    const struct object *object = entry->object;

    ASSERT(object->references != 0);
    budget_check(object->budget);
    if ((entry->rights & HANDLE_REPLY) != 0) {
        ASSERT(object->type == OBJECT_THREAD);
    } else if (object->type == OBJECT_GATE) {
        gate_check(CONTAINER_OF(object, struct gate, object), entry->rights);
    } else if (object->type == OBJECT_ENDPOINT && (entry->rights & RIGHT_RECEIVE) != 0) {
        queue_check(CONTAINER_OF(object, struct endpoint, object));
    } else if (object->type == OBJECT_BUDGET) {
        ASSERT(CONTAINER_OF(object, struct budget, object)->spenders != 0);
        budget_check(CONTAINER_OF(object, struct budget, object));
    }
}

/* A bit for each run queue that is not empty; who is first there belongs there. */
static void run_queues_check(void) {
    for (unsigned p = 0; p <= PRIORITY_MAX; p++) {
        for (unsigned c = 0; c < cpu_n; c++) {
            const struct list *queue = &run_queues[p][c];
            const struct thread *first = LIST_FIRST(queue, struct thread, item.link);

            ASSERT((first != NULL) == (scheduler_ready_cpus[p] >> c & 1));
            ASSERT(first == NULL || (first->state == THREAD_READY && first->priority == p &&
                                     first->near == c && first != cpus[c].generic.idle));
        }
        ASSERT((scheduler_ready_cpus[p] != 0) == (scheduler_ready_mask >> p & 1));
    }
    ASSERT(kernel_lock.next != kernel_lock.serving); /* ours */
}

static int priority_of(const struct cpu_generic *cpu) {
    return cpu->running == cpu->idle ? -1 : cpu->running->priority;
}

/* [book:debug-leave] */
/* The invariants of kernel/scheduler.h that hold between entries, as this CPU leaves the kernel. */
void debug_check_leave(void) {
    const struct cpu_generic *this = &cpu_this()->generic;
    const struct tree_node *first = tree_first(&this->deadlines);
    int top = scheduler_ready_mask == 0 ? -1 : 63 - __builtin_clzll(scheduler_ready_mask);
    bool is_less = false, is_kicked = false;

    for (uint32_t i = 0; i < cpu_n; i++) {
        const struct cpu_generic *cpu = &cpus[i].generic;

        if (priority_of(cpu) < top) {
            bool pauses = cpu->running == cpu->idle && cpu->timer_ns == 0;

            ASSERT(cpu != this || pauses);
            is_less = true;
            is_kicked |= cpu->kicked || cpu->running->gives_way || pauses;
        }
    }
    ASSERT(!is_less || is_kicked);
    ASSERT(this->running->state == THREAD_RUNNING && this->running == cpu_this()->current);
    ASSERT(this->running->near == this->index);
    ASSERT(first == NULL || this->timer_ns <= first->key);
    ASSERT(priority_of(this) != top || top < 0 || this->kicked ||
           (this->slice_end_ns != 0 && this->timer_ns <= this->slice_end_ns));
}
/* [/book] */

/* The next threads and handles of the process that is looked at, and then the next process. */
static void next_check(void) {
    const struct process *process = process_next(next_process);
    const struct thread *thread;
    uint32_t end;

    if (process == NULL || process_is_dying(process)) {
        next_process = process == NULL ? 0 : process->id + 1;
        next_thread = next_handle = 0;
        return;
    }
    next_process = process->id;
    budget_check(process->space->budget);
    ASSERT(process->handles.n_reserved <= process->handles.n_free);
    thread = process_thread(process, next_thread);
    for (unsigned i = 0; i < THREADS_PER_CALL && thread != NULL; i++) {
        thread_check(thread);
        next_thread = thread->id + 1;
        thread = process_thread(process, next_thread);
    }
    end = next_handle + HANDLES_PER_CALL;
    for (; next_handle < MIN(end, process->handles.first_fresh); next_handle++) {
        const struct handle_entry *entry = handle_entry(&process->handles, next_handle);

        if (entry != NULL) {
            handle_check(entry);
        }
    }
    if (thread == NULL && next_handle >= process->handles.first_fresh) {
        next_process++;
        next_thread = next_handle = 0;
    }
}

void debug_check(void) {
    thread_check(cpu_this()->current);
    run_queues_check();
    next_check();
}

static void handles_check(const struct process *process) {
    const struct handle_table *table = &process->handles;
    uint32_t n_free = 0;

    for (uint32_t i = 1; i < table->n_pages * HANDLES_PER_PAGE; i++) {
        const struct handle_entry *entry = handle_entry(table, i);

        n_free += entry == NULL;
        if (entry != NULL) {
            handle_check(entry);
        }
    }
    ASSERT(process_is_dying(process) || (n_free == table->n_free && table->n_reserved <= n_free));
}

void debug_check_all(void) {
    struct process *process = process_next(0);

    for (; process != NULL; process = process_next(process->id + 1)) {
        struct thread *thread = process_thread(process, 0);
        uint32_t n_threads = 0, n_accept = 0;

        handles_check(process);
        for (; thread != NULL; thread = process_thread(process, thread->id + 1)) {
            ASSERT(thread->process == process);
            thread_check(thread);
            n_threads++;
            n_accept += thread->n_accept;
        }
        ASSERT(n_threads == process->n_threads);
        ASSERT(process_is_dying(process) || n_accept == process->handles.n_reserved);
    }
}

void debug_fill_check(const void *memory, size_t size, uint8_t fill) {
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < size; i++) {
        ASSERT(bytes[i] == fill);
    }
}

/* What is written after the end of an object's life. */
static void freed_break(void) {
    struct thread *thread = cpu_this()->current;
    struct budget *budget = thread->process->space->budget;
    void *slots[2];

    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        ASSERT(slab_take(budget, SLAB_REGION, sizeof(struct region), &slots[i]) == OK);
    }
    slab_give(budget, SLAB_REGION, slots[0]);
    ((uint8_t *)slots[0])[sizeof(void *)]++;
    ASSERT(slab_take(budget, SLAB_REGION, sizeof(struct region), &slots[0]) == OK);
}

void debug_break(uint64_t which) {
    struct thread *thread = cpu_this()->current;
    struct process *process = thread->process;

    switch (which) {
    case 1:
        thread->deadline_place = DEADLINE_SORTED;
        break;
    case 2:
        scheduler_ready_mask ^= 1ULL << 3;
        break;
    case 3:
        process->handles.n_free++;
        debug_check_all();
        break;
    case 4:
        budget_root->used = budget_root->limit + 1;
        break;
    case 5:
        thread->replier = thread;
        break;
    case 6:
        process->handles.n_reserved = process->handles.n_free + 1;
        break;
    case 7:
        thread->n_accept = 1;
        break;
    default:
        freed_break();
        break;
    }
    next_check(); /* two calls later, say: the part that is broken has its turn */
    next_check();
}

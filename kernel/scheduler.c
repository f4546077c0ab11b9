/* SPDX-License-Identifier: MIT */
#include "kernel/scheduler.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/frame.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/upcall.h"

#define SLICE_NS (10 * 1000 * 1000ULL)
/* Deadlines handled by one timer interrupt; the rest make it fire again at once. */
#define DEADLINES_PER_STEP 64
#define N_PRIORITIES       (PRIORITY_MAX + 1)

static struct list run_queues[N_PRIORITIES];
static uint64_t ready_mask;
static struct tree deadlines;
static uint64_t idle_ticks;
uint64_t scheduler_n_switches;
struct kernel_lock kernel_lock;

static struct cpu_generic *generic(void) {
    return &cpu_this()->generic;
}

void kernel_lock_wait(uint32_t ticket) {
    while (__atomic_load_n(&kernel_lock.serving, __ATOMIC_ACQUIRE) != ticket) {
        arch_poll_mailbox();
        arch_relax();
    }
}

void scheduler_init(void) {
    for (unsigned i = 0; i < N_PRIORITIES; i++) {
        list_init(&run_queues[i]);
    }
    tree_init(&deadlines);
    generic()->timer_ns = DEADLINE_NEVER;
}

/* The highest priority that has a ready thread, -1 if none has. */
static int ready_top(void) {
    return ready_mask == 0 ? -1 : 63 - __builtin_clzll(ready_mask);
}

static void queue_in(struct thread *thread, struct list_node *place) {
    thread->state = THREAD_READY;
    list_insert_before(place, &thread->item.link);
    ready_mask |= 1ULL << thread->priority;
    generic()->timer_check = true;
}

void scheduler_ready(struct thread *thread) {
    queue_in(thread, &run_queues[thread->priority].head);
}

void scheduler_ready_first(struct thread *thread) {
    queue_in(thread, run_queues[thread->priority].head.next);
}

void scheduler_unready(struct thread *thread) {
    list_remove(&thread->item.link);
    if (list_is_empty(&run_queues[thread->priority])) {
        ready_mask &= ~(1ULL << thread->priority);
    }
}

void scheduler_block(struct thread *thread, enum thread_state state) {
    ASSERT(thread == generic()->running);
    thread->state = (uint8_t)state;
    generic()->running = NULL;
}

/* [book:scheduler-handoff] */
void scheduler_handoff(struct thread *next) {
    struct cpu_generic *cpu = generic();
    int top = ready_top();

    if (cpu->running == NULL && (int)next->priority >= top) {
        next->state = THREAD_RUNNING;
        cpu->running = next;
        if ((int)next->priority == top) {
            cpu->timer_check = true; /* the slice is shared now, it was not if the priority was
                                        another */
        }
        return;
    }
    scheduler_ready(next);
}
/* [/book] */

/* The running thread stops running, but not because it waits. */
static void running_requeue(struct cpu_generic *cpu, bool first) {
    struct thread *thread = cpu->running;

    cpu->running = NULL;
    if (thread == cpu->idle) {
        thread->state = THREAD_READY; /* but in no queue */
    } else if (first) {
        uint64_t now = clock_now_ns();

        thread->slice_left_ns = cpu->slice_end_ns > now ? cpu->slice_end_ns - now : 0;
        scheduler_ready_first(thread);
    } else {
        thread->slice_left_ns = SLICE_NS;
        scheduler_ready(thread);
    }
}

void scheduler_yield(struct thread *thread) {
    if (!list_is_empty(&run_queues[thread->priority])) {
        running_requeue(generic(), false);
    }
}

void scheduler_set_priority(struct thread *thread, unsigned priority) {
    if (thread->state == THREAD_READY) {
        scheduler_unready(thread);
        thread->priority = (uint8_t)priority;
        scheduler_ready(thread);
    } else {
        thread->priority = (uint8_t)priority;
        generic()->timer_check = true; /* it may run, and have company there */
    }
}

/* Takes the thread that should run into cpu->running. */
static void running_choose(struct cpu_generic *cpu) {
    int top = ready_top();
    struct thread *thread;

    if (cpu->running != NULL) {
        if (cpu->running == cpu->idle ? top < 0 : top <= (int)cpu->running->priority) {
            return;
        }
        running_requeue(cpu, true);
        top = ready_top();
    }
    if (top < 0) {
        thread = cpu->idle;
    } else {
        thread = CONTAINER_OF(list_first(&run_queues[top]), struct thread, item.link);
        scheduler_unready(thread);
        cpu->slice_end_ns =
            clock_now_ns() + (thread->slice_left_ns != 0 ? thread->slice_left_ns : SLICE_NS);
        thread->slice_left_ns = 0;
    }
    thread->state = THREAD_RUNNING;
    cpu->running = thread;
    cpu->timer_check = true;
}

/* The running thread must not simply go on: it ends, is parked, or makes an upcall. */
static void running_attend(struct cpu_generic *cpu) {
    struct thread *thread = cpu->running;

    if (process_is_dying(thread->process)) {
        thread_kill(thread);
    } else if (thread->process->hold && thread->process->cloner != thread) {
        cpu->running = NULL;
        thread->state = THREAD_PARKED;
        list_push_back(&thread->process->parked, &thread->item.link);
    } else {
        upcall_push(thread);
    }
}

static inline bool needs_attention(const struct thread *thread) {
    const struct process *process = thread->process;

    /* Upcalls wait until a multi-step system call is through: a handler might make the same call.
     */
    return (UNLIKELY(thread->attention) && thread->restarted == 0) ||
           (UNLIKELY(process->hold) && (process_is_dying(process) || process->cloner != thread));
}

/* Arms the timer, if it would fire too late. */
static void timer_update(struct cpu_generic *cpu) {
    const struct tree_node *first = tree_first(&deadlines);
    uint64_t wanted = first == NULL ? DEADLINE_NEVER : first->key;

    cpu->timer_check = false;
    if (cpu->running != cpu->idle && !list_is_empty(&run_queues[cpu->running->priority])) {
        wanted = MIN(wanted, cpu->slice_end_ns);
    }
    if (wanted < cpu->timer_ns) {
        cpu->timer_ns = wanted;
        arch_timer_arm(wanted);
    }
}

static void switch_account(struct cpu_generic *cpu, struct thread *from) {
    uint64_t now = tsc_read();

    if (from == cpu->idle) {
        idle_ticks += now - cpu->switch_tsc;
    } else {
        from->process->cpu_ticks += now - cpu->switch_tsc;
    }
    cpu->switch_tsc = now;
    scheduler_n_switches++;
}

void scheduler_leave(struct thread *entered, enum switch_kind kind) {
    struct cpu_generic *cpu = generic();
    paddr_t root;

    for (;;) {
        if (cpu->running == NULL || (ready_mask >> cpu->running->priority) > 1 ||
            cpu->running == cpu->idle) {
            running_choose(cpu);
        }
        if (LIKELY(!needs_attention(cpu->running))) {
            break;
        }
        running_attend(cpu);
    }
    if (cpu->running != entered) {
        switch_account(cpu, entered);
        if (kind == SWITCH_CALL) {
            fpu_save_call(entered);
        } else {
            fpu_save(entered);
        }
        root = cpu->running->process->space->root;
        /* A kernel thread runs on whatever tables are loaded. */
        arch_thread_activate(cpu->running, root != PADDR_NONE ? root : cpu_this()->space_root);
        if (UNLIKELY(cpu->zombie != NULL)) {
            struct thread *zombie = cpu->zombie;

            cpu->zombie = NULL;
            object_put(&zombie->object);
        }
    }
    if (cpu->timer_check) {
        timer_update(cpu);
    }
    kernel_lock_release();
}

void deadline_arm(struct thread *thread, uint64_t deadline_ns) {
    if (deadline_ns == DEADLINE_NEVER) {
        return;
    }
    tree_insert(&deadlines, &thread->deadline, deadline_ns);
    if (tree_first(&deadlines) == &thread->deadline) {
        generic()->timer_check = true;
    }
}

void deadline_disarm_linked(struct thread *thread) {
    tree_remove(&deadlines, &thread->deadline);
}

static void deadlines_run(uint64_t now) {
    for (unsigned i = 0; i < DEADLINES_PER_STEP; i++) {
        struct tree_node *node = tree_first(&deadlines);

        if (node == NULL || node->key > now) {
            return;
        }
        tree_remove(&deadlines, node);
        thread_deadline_passed(CONTAINER_OF(node, struct thread, deadline));
    }
}

void timer_enter(struct thread *entered) {
    struct cpu_generic *cpu;
    uint64_t now;

    kernel_lock_take();
    cpu = generic();
    now = clock_now_ns();
    cpu->timer_ns = DEADLINE_NEVER;
    cpu->timer_check = true;
    deadlines_run(now);
    if (entered != cpu->idle && now >= cpu->slice_end_ns &&
        !list_is_empty(&run_queues[entered->priority])) {
        running_requeue(cpu, false);
    }
    scheduler_leave(entered, SWITCH_PREEMPT);
}

void kernel_enter(void) {
    arch_interrupts_disable();
    kernel_lock_take();
}

void kernel_leave(void) {
    struct cpu_generic *cpu = generic();
    bool preempt = ready_top() > (int)cpu->running->priority;

    cpu->running->gives_way = preempt;
    if (cpu->timer_check) {
        timer_update(cpu);
    }
    kernel_lock_release();
    arch_interrupts_enable();
    if (preempt) {
        arch_kernel_thread_wait();
    }
}

void kernel_thread_wait(void) {
    arch_kernel_thread_wait();
}

void kernel_thread_wake(struct thread *thread) {
    thread->work = true;
    if (thread->state == THREAD_WAITING) {
        scheduler_ready(thread);
    }
}

void kernel_thread_wait_enter(struct thread *thread) {
    kernel_lock_take();
    if (thread->gives_way) {
        thread->gives_way = false; /* `work` is kept: somebody may have woken it just before */
    } else if (thread->work) {
        thread->work = false;
    } else {
        scheduler_block(thread, THREAD_WAITING);
    }
    scheduler_leave(thread, SWITCH_PREEMPT);
}

uint64_t scheduler_process_ns(const struct process *process) {
    struct thread *current = cpu_this()->current;
    uint64_t ticks = process->cpu_ticks;

    if (current->process == process) {
        ticks += tsc_read() - generic()->switch_tsc;
    }
    return arch_clock_ticks_to_ns(ticks);
}

uint64_t scheduler_idle_ns(void) {
    return arch_clock_ticks_to_ns(idle_ticks);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/scheduler.h"

#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/page_table.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/debug/check.h"
#include "kernel/frame.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/upcall.h"

#define SLICE_NS (10 * 1000 * 1000ULL)
/* Deadlines sorted, and deadlines that have passed, in one timer interrupt; the rest make it fire
 * again at once. */
#define DEADLINES_PER_STEP 4
/* Threads that are to end or to stop, when they come to run. */
#define ATTENDS_PER_STEP 5

struct list run_queues[PRIORITY_MAX + 1][CPU_MAX];
uint32_t scheduler_ready_cpus[PRIORITY_MAX + 1];
uint64_t scheduler_ready_mask; /* fastpath.S looks at it too */
static uint64_t idle_ticks, n_readied;
uint64_t scheduler_n_switches, scheduler_n_moves;

static struct cpu_generic *generic(void) {
    return &cpu_this()->generic;
}

void scheduler_add_cpu(struct cpu *cpu, struct thread *idle) {
    struct cpu_generic *new = &cpu->generic;

    list_init(&new->recent);
    tree_init(&new->deadlines);
    new->timer_ns = DEADLINE_NEVER;
    new->index = (uint32_t)(cpu - cpus);
    for (unsigned i = 0; i <= PRIORITY_MAX; i++) {
        list_init(&run_queues[i][new->index]);
    }
    new->running_word = THREAD_RUNNING << 8 | new->index;
    idle->state = THREAD_RUNNING;
    idle->near = (uint8_t) new->index;
    new->idle = idle;
    new->running = idle;
    cpu->current = idle;
    idle_ticks -= cpu == cpu_this() ? tsc_read() : 0; /* the others': when they come */
}

static void cpu_kick(struct cpu *cpu) {
    if (!cpu->generic.kicked) {
        cpu->generic.kicked = true;
        arch_cpu_kick(cpu);
    }
}

void scheduler_kick_thread(const struct thread *thread) {
    if (thread_runs_elsewhere(thread)) {
        cpu_kick(&cpus[thread->near]);
    }
}

bool scheduler_kick_process(const struct process *process) {
    bool runs = false;

    for (uint32_t i = 0; i < cpu_n; i++) {
        if (&cpus[i] != cpu_this() && cpus[i].generic.running->process == process) {
            cpu_kick(&cpus[i]);
            runs = true;
        }
    }
    return runs;
}

/* The highest priority that has a ready thread, -1 if none has. */
static int ready_top(void) {
    return scheduler_ready_mask == 0 ? -1 : 63 ^ __builtin_clzll(scheduler_ready_mask);
}

static bool is_idle(const struct cpu_generic *cpu) {
    return cpu->running == cpu->idle;
}

/* A thread of this priority is ready: a CPU that runs another of them, until now for as long as it
 * likes, shall begin its slice, if it has not. */
static void slices_end(unsigned priority) {
    for (uint32_t i = 0; i < cpu_n; i++) {
        struct cpu_generic *other = &cpus[i].generic;

        if (other != generic() && !is_idle(other) && other->running->priority == priority &&
            other->timer_ns > other->slice_end_ns) {
            cpu_kick(&cpus[i]);
        }
    }
}

/* [book:ready-spread] */
/* If somebody is ready: the CPU that runs the least important thread shall look whether it would
 * not rather run that one. It does the same for the next. Of several such CPUs one that the thread
 * last ran on. */
static void ready_spread(void) {
    int top = ready_top(), lowest = 2 * top;
    struct cpu *found = NULL;

    for (uint32_t i = 0; i < cpu_n && top >= 0; i++) {
        struct cpu_generic *other = &cpus[i].generic;
        int priority = is_idle(other) ? -1 : other->running->priority;
        int rank = 2 * priority + !(scheduler_ready_cpus[top] >> i & 1);

        if (other != generic() && !other->kicked && rank < lowest) {
            lowest = rank;
            found = &cpus[i];
        }
    }
    if (found != NULL) {
        cpu_kick(found);
    }
}
/* [/book] */

static bool others_wait(unsigned priority) {
    return (scheduler_ready_mask >> priority & 1) != 0;
}

/* Arms the timer, if it would fire too late. */
static void timer_arm(struct cpu_generic *cpu, uint64_t wanted_ns) {
    if (wanted_ns < cpu->timer_ns) {
        cpu->timer_ns = wanted_ns;
        arch_timer_arm(wanted_ns);
    }
}

/* Others of the same priority wait for the end of this CPU's slice, which is the thread's: it
 * begins, if it has not. */
static inline void slice_begin(struct cpu_generic *cpu, struct thread *thread) {
    if (cpu->slice_end_ns == 0) {
        cpu->slice_end_ns =
            clock_now_ns() + (thread->slice_left_ns != 0 ? thread->slice_left_ns : SLICE_NS);
        thread->slice_left_ns = 0;
    }
    timer_arm(cpu, cpu->slice_end_ns);
}

/* Who runs is decided. */
static inline void slice_update(struct cpu_generic *cpu) {
    if (others_wait(cpu->running->priority)) {
        slice_begin(cpu, cpu->running);
    }
}

static ALWAYS_INLINE void queue_in(struct thread *thread, bool first) {
    unsigned priority = thread->priority, near = thread->near;
    struct list *queue = &run_queues[priority][near];

    thread->state = THREAD_READY;
    thread->readied = ++n_readied;
    list_insert_before(first ? queue->head.next : &queue->head, &thread->item.link);
    scheduler_ready_cpus[priority] |= 1u << near;
    scheduler_ready_mask |= 1ULL << priority;
    if (UNLIKELY(cpu_n > 1)) {
        slices_end(priority);
    }
}

/* The running thread gives way to a more important one: later it goes on, before the others of its
 * priority, with what is left of its slice. */
static void running_put_back(struct cpu_generic *cpu) {
    struct thread *thread = cpu->running;

    if (thread == cpu->idle) {
        thread->state = THREAD_READY; /* but in no queue */
        return;
    }
    if (cpu->slice_end_ns != 0) {
        uint64_t now = clock_now_ns();

        thread->slice_left_ns = cpu->slice_end_ns > now ? (uint32_t)(cpu->slice_end_ns - now) : 1;
    }
    queue_in(thread, true);
}

static void running_set(struct cpu_generic *cpu, struct thread *thread) {
    thread->state = THREAD_RUNNING;
    cpu->running = thread;
    cpu->slice_end_ns = 0;
}

/* [book:scheduler-ready] */
/* Who does not run at once waits behind the others of its priority. */
static NOINLINE void ready_later(struct cpu_generic *cpu, struct thread *thread) {
    const struct thread *running = cpu->running;
    int ahead = running == NULL ? 1 : thread->priority - running->priority;

    queue_in(thread, false);
    if (ahead < 0 && running->current_reply != NULL &&
        running->current_reply->priority == thread->priority) {
        slice_begin(cpu, running->current_reply); /* it goes on later, on the slice that it lent */
    }
    /* On one CPU, nothing changes for a running thread that is as important and will be stopped in
     * time, or more. */
    if (ahead > 0 || cpu_n > 1 ||
        (ahead == 0 && (cpu->slice_end_ns == 0 || cpu->timer_ns > cpu->slice_end_ns))) {
        cpu->changed = true;
    }
}

void scheduler_ready(struct thread *thread) {
    struct cpu_generic *cpu = generic();

    if (cpu->running != NULL && thread->priority > cpu->running->priority && !cpu->changed &&
        scheduler_ready_mask >> thread->priority == 0) {
        running_put_back(cpu);
        running_set(cpu, thread);
    } else {
        ready_later(cpu, thread);
    }
}
/* [/book] */

void scheduler_unready(struct thread *thread) {
    unsigned priority = thread->priority, near = thread->near;
    bool is_only = thread->item.link.next == thread->item.link.prev; /* both are the list's head */

    list_remove(&thread->item.link);
    if (is_only) {
        scheduler_ready_cpus[priority] &= ~(1u << near);
        if (scheduler_ready_cpus[priority] == 0) {
            scheduler_ready_mask &= ~(1ULL << priority);
        }
    }
}

/* [book:scheduler-handoff] */
void scheduler_handoff(struct thread *next) {
    struct cpu_generic *cpu = generic();
    int top = ready_top();

    if (cpu->running == NULL && (int)next->priority >= top) {
        next->state = THREAD_RUNNING;
        cpu->running = next;
        if ((int)next->priority == top) {
            cpu->changed = true; /* the slice is shared now, it was not if the priority was
                                        another */
        }
        return;
    }
    scheduler_ready(next);
}
/* [/book] */

/* The running thread, which is not the idle one, goes to the end of its queue. */
static void running_requeue(struct cpu_generic *cpu) {
    struct thread *thread = cpu->running;

    cpu->running = NULL;
    cpu->rotates = true;
    thread->slice_left_ns = 0;
    scheduler_ready(thread);
}

void scheduler_yield(struct thread *thread) {
    if (others_wait(thread->priority)) {
        running_requeue(generic());
    }
}

void scheduler_set_priority(struct thread *thread, unsigned priority) {
    if (thread->state == THREAD_READY) {
        scheduler_unready(thread);
        thread->priority = (uint8_t)priority;
        scheduler_ready(thread);
    } else {
        thread->priority = (uint8_t)priority;
        generic()->changed = true; /* it may run, and have company there */
        scheduler_kick_thread(thread);
    }
}

/* [book:ready-first] */
/* Whom of priority `top` the CPU is to run next: see the head of scheduler.h. */
static struct thread *ready_first(const struct cpu_generic *cpu, unsigned top) {
    const struct list *queues = run_queues[top];
    struct thread *best = LIST_FIRST(&queues[cpu->index], struct thread, item.link);
    unsigned others;

    if (best != NULL && !cpu->rotates) {
        return best;
    }
    for (others = scheduler_ready_cpus[top]; others != 0; others &= others - 1) {
        struct thread *first = LIST_FIRST(&queues[__builtin_ctz(others)], struct thread, item.link);

        if (best == NULL || first->readied < best->readied) {
            best = first;
        }
    }
    return best;
}
/* [/book] */

/* Takes the thread that should run into cpu->running. */
static ALWAYS_INLINE void running_next(struct cpu_generic *cpu) {
    struct thread *thread = cpu->running;

    if (thread != NULL) {
        if (thread == cpu->idle ? scheduler_ready_mask == 0
                                : scheduler_ready_mask >> thread->priority <= 1) {
            return;
        }
        running_put_back(cpu);
    }
    thread = cpu->idle;
    if (scheduler_ready_mask != 0) {
        thread = ready_first(cpu, (unsigned)ready_top());
        scheduler_unready(thread);
    }
    running_set(cpu, thread);
    cpu->rotates = false;
}

/* [book:running-attend] */
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
/* [/book] */

static inline bool needs_attention(const struct thread *thread) {
    const struct process *process = thread->process;

    /* Upcalls wait until a multi-step system call is through: a handler might make the same call.
     */
    return (UNLIKELY(thread->attention) && thread->restarted == 0) ||
           (UNLIKELY(process->hold) && (process_is_dying(process) || process->cloner != thread));
}

/* Where a thread's time is counted. While one of its threads runs, a sum lacks the moment at which
 * that began: two additions make a switch. */
static inline uint64_t *ticks_of(const struct cpu_generic *cpu, struct thread *thread) {
    return UNLIKELY(thread == cpu->idle) ? &idle_ticks : &thread->process->cpu_ticks;
}

/* `running` takes the place of `entered` on the CPU. */
static void running_activate(struct cpu_generic *cpu, struct thread *entered,
                             enum switch_kind kind) {
    struct thread *next = cpu->running;
    paddr_t root = next->process->space->root;

    uint64_t *from = ticks_of(cpu, entered), *to = ticks_of(cpu, next);

    if (from != to) {
        uint64_t now = tsc_read();

        *from += now;
        *to -= now;
    }
    scheduler_n_switches++;
    if (UNLIKELY(next->near != cpu->index)) {
        next->near = (uint8_t)cpu->index;
        scheduler_n_moves++;
    }
    if (kind == SWITCH_CALL) {
        fpu_save_call(entered);
    } else {
        fpu_save(entered);
    }
    /* A kernel thread runs on whatever tables are loaded. */
    arch_thread_activate(next, root);
    if (UNLIKELY(cpu->zombie != NULL)) {
        struct thread *zombie = cpu->zombie;

        cpu->zombie = NULL;
        object_put(&zombie->object);
    }
}

/* Threads that are to end or to stop may be many: then the idle one runs for a moment. */
static NOINLINE void running_attend_some(struct cpu_generic *cpu) {
    for (unsigned i = 0; i < ATTENDS_PER_STEP; i++) {
        running_attend(cpu);
        running_next(cpu);
        if (!needs_attention(cpu->running)) {
            cpu->changed = false;
            slice_update(cpu);
            return;
        }
    }
    running_put_back(cpu);
    running_set(cpu, cpu->idle);
    cpu->changed = false;
    timer_arm(cpu, 0);
}

static NOINLINE void leave_changed(struct cpu_generic *cpu, struct thread *entered,
                                   enum switch_kind kind) {
    if (cpu->running == NULL || cpu->changed) {
        running_next(cpu);
        cpu->changed = false;
        slice_update(cpu);
    }
    if (UNLIKELY(needs_attention(cpu->running))) {
        running_attend_some(cpu);
    }
    if (cpu->running != entered) {
        running_activate(cpu, entered, kind);
    }
    if (UNLIKELY(cpu_n > 1)) {
        ready_spread();
    }
    if (DEBUG_KERNEL) {
        debug_check_leave();
    }
    kernel_lock_release();
}

void scheduler_leave(struct thread *entered, enum switch_kind kind) {
    struct cpu_generic *cpu = generic();

    if (LIKELY(cpu->running == entered && !cpu->changed && !needs_attention(entered))) {
        kernel_lock_release();
        return;
    }
    leave_changed(cpu, entered, kind);
}

void deadline_arm(struct thread *thread, uint64_t deadline_ns) {
    if (UNLIKELY(deadline_ns != DEADLINE_NEVER)) {
        thread->deadline.key = deadline_ns;
        thread->deadline_place = DEADLINE_RECENT;
        list_push_back(&generic()->recent, &thread->deadline_link);
        timer_arm(generic(), deadline_ns);
    }
}

void deadline_disarm(struct thread *thread) {
    if (LIKELY(!deadline_is_armed(thread))) {
        return;
    }
    if (thread->deadline_place == DEADLINE_RECENT) {
        list_remove(&thread->deadline_link);
    } else {
        tree_remove(&cpus[thread->deadline_cpu].generic.deadlines, &thread->deadline);
    }
    thread->deadline_place = DEADLINE_NOWHERE;
}

/* Sorts what is recent, ends the waits whose time has come, and arms the timer for the first of the
 * others; or at once, if not all of it is done. */
static void deadlines_run(struct cpu_generic *cpu, uint64_t now) {
    uint64_t wanted = 0; /* at once */

    for (unsigned i = 0; i < DEADLINES_PER_STEP && !list_is_empty(&cpu->recent); i++) {
        struct thread *thread =
            CONTAINER_OF(list_pop_front(&cpu->recent), struct thread, deadline_link);

        if (thread->deadline.key <= now) {
            thread->deadline_place = DEADLINE_NOWHERE;
            thread_deadline_passed(thread);
        } else {
            thread->deadline_place = DEADLINE_SORTED;
            thread->deadline_cpu = (uint8_t)cpu->index;
            tree_insert(&cpu->deadlines, &thread->deadline, thread->deadline.key);
        }
    }
    for (unsigned i = 0; i < DEADLINES_PER_STEP; i++) {
        struct tree_node *node = tree_first(&cpu->deadlines);
        struct thread *thread;

        if (node == NULL || node->key > now) {
            if (list_is_empty(&cpu->recent)) {
                wanted = node == NULL ? DEADLINE_NEVER : node->key;
            }
            break;
        }
        thread = CONTAINER_OF(node, struct thread, deadline);
        deadline_disarm(thread);
        thread_deadline_passed(thread);
    }
    timer_arm(cpu, wanted);
}

void timer_enter(struct thread *entered) {
    struct cpu_generic *cpu;
    uint64_t now;

    kernel_lock_take();
    cpu = generic();
    now = clock_now_ns();
    cpu->timer_ns = DEADLINE_NEVER;
    deadlines_run(cpu, now);
    cpu->changed |= is_idle(cpu); /* see running_attend_some */
    if (cpu->running == entered && cpu->slice_end_ns != 0 && others_wait(entered->priority)) {
        if (now >= cpu->slice_end_ns) {
            running_requeue(cpu);
        } else {
            timer_arm(cpu, cpu->slice_end_ns);
        }
    }
    scheduler_leave(entered, SWITCH_PREEMPT);
}

void kick_enter(struct thread *entered) {
    kernel_lock_take();
    generic()->kicked = false;
    generic()->changed = true;
    scheduler_leave(entered, SWITCH_PREEMPT);
}

void smp_enter(void) {
    struct thread *idle = generic()->idle;

    kernel_lock_take();
    idle_ticks -= tsc_read();
    arch_thread_activate(idle, page_table_kernel_root);
    scheduler_leave(idle, SWITCH_PREEMPT);
    arch_return();
}

void kernel_enter(void) {
    arch_interrupts_disable();
    kernel_lock_take();
    generic()->changed = true; /* nobody takes the CPU before the end of the step */
}

void kernel_leave(void) {
    struct cpu_generic *cpu = generic();
    bool preempt = ready_top() > (int)cpu->running->priority;

    cpu->running->gives_way = preempt;
    if (cpu->changed) {
        /* It stays set if somebody has to be run: the one who gives way brings that about. */
        cpu->changed = preempt;
        slice_update(cpu);
    }
    if (UNLIKELY(cpu_n > 1)) {
        ready_spread();
    }
    kernel_lock_release();
    arch_interrupts_enable();
    if (preempt) {
        arch_kernel_thread_wait();
    }
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

/* What ticks_of counts there, up to now. */
static uint64_t ticks_ns(const uint64_t *sum) {
    uint64_t ticks = *sum;

    for (uint32_t i = 0; i < cpu_n; i++) {
        ticks += ticks_of(&cpus[i].generic, cpus[i].current) == sum ? tsc_read() : 0;
    }
    return arch_clock_ticks_to_ns(ticks);
}

uint64_t scheduler_process_ns(const struct process *process) {
    return ticks_ns(&process->cpu_ticks);
}

uint64_t scheduler_idle_ns(void) {
    return ticks_ns(&idle_ticks);
}

uint64_t scheduler_n_fast(void) {
    uint64_t n = 0;

    for (uint32_t i = 0; i < cpu_n; i++) {
        n += cpus[i].generic.n_fast;
    }
    return n;
}

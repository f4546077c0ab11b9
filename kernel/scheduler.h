/* SPDX-License-Identifier: MIT */
/*
 * Who runs: fixed priorities, round robin within one, pre-emptive; and the deadline queue behind
 * the one-shot timer.
 *
 * Each CPU has a run queue for each priority, and a thread waits in the one of the CPU that it last
 * ran on. Priorities hold over the whole machine: a CPU takes a thread of the highest priority that
 * is ready anywhere. Of several such it takes the first of its own queue; if it has none, or where
 * a slice has ended, the one that has waited for longest anywhere. So threads stay near what they
 * left in a CPU's caches, but no CPU is idle or does less important things for their sake, and
 * those that compute all the time take equal turns on all CPUs.
 *
 * Invariant: bit c of scheduler_ready_cpus[p] is set iff queue p of CPU c is not empty; bit p of
 * scheduler_ready_mask iff one of these is.
 * Invariant: between entries, each CPU's current is RUNNING. If one is less important than a READY
 * thread, then some CPU of which that is true has been kicked (or it runs a kernel thread that is
 * about to give way, or idles until its timer fires, which is set to now); and of the CPU which
 * leaves the kernel only the last can be true.
 * Invariant: the timer is armed no later than the first deadline of its CPU, and no later than the
 * end of the slice if a thread of the same priority is ready anywhere (or the CPU has been kicked).
 * A slice begins when that becomes so; before, nobody waits for its end. And it begins when a
 * server readies somebody who is as important as its caller: then its answer finds nothing left to
 * be done and is one for the fast path.
 *
 * A deadline that is armed goes to an unsorted list, `recent`; only the timer's interrupt sorts
 * what it finds there into the tree. Nearly every call is answered long before: it costs no search,
 * and the same however many deadlines there are.
 */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/thread.h"

/* A CPU that will run `idle` at first, and whenever nobody else can run. */
void scheduler_add_cpu(struct cpu *cpu, struct thread *idle);

/* A thread that runs on another CPU, or a process's threads that do, enter the kernel soon, where
 * they find what has been decided about them. The second tells whether there is such a thread. */
void scheduler_kick_thread(const struct thread *thread);
bool scheduler_kick_process(const struct process *process);

/*
 * Makes a thread, which is in no list, READY, behind the others of its priority. One that is more
 * important than all others takes the CPU at once: the current thread is READY then, and goes on in
 * the kernel as before.
 */
void scheduler_ready(struct thread *thread);

/* Takes a READY thread out of its run queue. */
void scheduler_unready(struct thread *thread);

/* The current thread waits from now on in `state`. */
static inline void scheduler_block(struct thread *thread, enum thread_state state) {
    if (UNLIKELY(thread->state == THREAD_READY)) {
        scheduler_unready(thread); /* whom it has just woken has taken the CPU */
    } else {
        cpu_this()->generic.running = NULL;
    }
    thread->state = (uint8_t)state;
}

/*
 * The current thread has just blocked: `next`, in no list, runs next on the rest of its slice, if
 * no READY thread has a higher priority; else it becomes READY.
 */
void scheduler_handoff(struct thread *next);

/* The current thread goes behind the others of its priority. */
void scheduler_yield(struct thread *thread);

void scheduler_set_priority(struct thread *thread, unsigned priority);

enum switch_kind { SWITCH_CALL, SWITCH_PREEMPT };

/*
 * End of every entry to the kernel: sees to the attention of the thread that is to run, chooses,
 * activates, arms the timer. `entered` is the thread that was running; kind tells what of its
 * vector state must be kept. Releases the lock.
 */
void scheduler_leave(struct thread *entered, enum switch_kind kind);

/* Deadlines: absolute ns; DEADLINE_NEVER is not queued. */
void deadline_arm(struct thread *thread, uint64_t deadline_ns);
static inline bool deadline_is_armed(const struct thread *thread) {
    return thread->deadline_place != DEADLINE_NOWHERE;
}
void deadline_disarm(struct thread *thread);

/* Kernel threads: kernel data is touched only between these two; interrupts off, lock held. Not
 * inline: tools/stretch knows by the first where that begins. */
NOINLINE void kernel_enter(void);
void kernel_leave(void);
/* Ends an arch_kernel_thread_wait; one that comes before it is not lost. */
void kernel_thread_wake(struct thread *thread);

extern struct list run_queues[PRIORITY_MAX + 1][CPU_MAX];
extern uint32_t scheduler_ready_cpus[PRIORITY_MAX + 1];
extern uint64_t scheduler_ready_mask;

/* Some CPU other than this one runs the thread. */
static inline bool thread_runs_elsewhere(const struct thread *thread) {
    return thread->state == THREAD_RUNNING && thread != cpu_this()->generic.running;
}

/* CPU time of a process up to now, in ns. */
struct process;
uint64_t scheduler_process_ns(const struct process *process);
uint64_t scheduler_idle_ns(void);
extern uint64_t scheduler_n_switches; /* but for those of the fast path: */
uint64_t scheduler_n_fast(void);
extern uint64_t scheduler_n_moves; /* switches to a thread that ran on another CPU before */

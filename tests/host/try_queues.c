/* SPDX-License-Identifier: MIT */
/*
 * Who runs, who waits, who is served: threads of several priorities send, call, receive, reply,
 * notify and yield at one endpoint, with deadlines. The model is arrays: a run queue for each
 * priority, the endpoint's queue, its receivers. It says after each call who is current, in which
 * state all are and what is in the registers of whoever came back. (What cannot be told by arrays,
 * several processors and deaths, is in tests/model.)
 */
#include "tests/host/tries.h"

#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/handle.h"
#include "kernel/lock.h"
#include "kernel/scheduler.h"
#include "tests/host/kernel.h"

#define N_THREADS    7
#define N_GATES      2
#define N_PRIORITIES 3
#define PRIORITY     8 /* of the lowest */
#define NOBODY       N_THREADS
#define N_QUEUE      (N_THREADS + N_GATES)

struct row {
    unsigned items[N_QUEUE];
    unsigned n;
};

struct model_thread {
    struct thread *thread;
    unsigned priority;
    enum thread_state state;
    bool is_call, has_result;
    unsigned gate;    /* SENDING */
    unsigned replier; /* AWAITING: who owes the answer */
    unsigned owes;    /* whom it must answer */
    uint64_t word, deadline_ns;
    int64_t rax; /* what it finds when it comes back, if it has a result */
    uint64_t rdi, rdx;
};

struct model {
    struct model_thread threads[N_THREADS];
    struct row ready[N_PRIORITIES];
    struct row queue;     /* threads, and gates as N_THREADS + g */
    struct row receivers; /* threads */
    uint64_t pending[N_GATES];
    unsigned current; /* NOBODY: the idle thread */
    uint64_t last_word;
};

static struct model m;

static void push(struct row *row, unsigned item) {
    HOLDS(row->n < N_QUEUE);
    row->items[row->n++] = item;
}

static void push_first(struct row *row, unsigned item) {
    push(row, item);
    for (unsigned i = row->n - 1; i > 0; i--) {
        row->items[i] = row->items[i - 1];
    }
    row->items[0] = item;
}

static void row_remove(struct row *row, unsigned item) {
    unsigned i = 0;

    while (i < row->n && row->items[i] != item) {
        i++;
    }
    HOLDS(i < row->n);
    for (row->n--; i < row->n; i++) {
        row->items[i] = row->items[i + 1];
    }
}

static unsigned pop(struct row *row) {
    unsigned item = row->items[0];

    row_remove(row, item);
    return item;
}

/* --- the scheduler --- */

static void ready(unsigned t) {
    m.threads[t].state = THREAD_READY;
    m.threads[t].deadline_ns = DEADLINE_NEVER;
    push(&m.ready[m.threads[t].priority], t);
}

static int top(void) {
    int p = N_PRIORITIES - 1;

    while (p >= 0 && m.ready[p].n == 0) {
        p--;
    }
    return p;
}

static void block(enum thread_state state, uint64_t deadline_ns) {
    m.threads[m.current].state = state;
    m.threads[m.current].deadline_ns = deadline_ns;
    m.current = NOBODY;
}

static void handoff(unsigned t) {
    if (m.current == NOBODY && (int)m.threads[t].priority >= top()) {
        m.threads[t].state = THREAD_RUNNING;
        m.threads[t].deadline_ns = DEADLINE_NEVER;
        m.current = t;
    } else {
        ready(t);
    }
}

static void leave(void) {
    int p = top();

    if (m.current != NOBODY && p > (int)m.threads[m.current].priority) {
        m.threads[m.current].state = THREAD_READY;
        push_first(&m.ready[m.threads[m.current].priority], m.current);
        m.current = NOBODY;
    }
    if (m.current == NOBODY && p >= 0) {
        m.current = pop(&m.ready[p]);
        m.threads[m.current].state = THREAD_RUNNING;
    }
}

/* --- the endpoint --- */

static void result(unsigned t, int64_t rax, uint64_t rdi, uint64_t rdx) {
    m.threads[t].has_result = true;
    m.threads[t].rax = rax;
    m.threads[t].rdi = rdi;
    m.threads[t].rdx = rdx;
}

static void status(unsigned t, status_t value) {
    result(t, value, 0, 0);
}

/* The message of `from` goes over to `to`, who does not wait any more. */
static void deliver(unsigned from, unsigned to) {
    result(to, m.threads[from].is_call ? MESSAGE_CALL : MESSAGE_PLAIN, m.threads[from].gate + 1,
           m.threads[from].word);
    if (m.threads[from].is_call) {
        m.threads[from].replier = to;
        m.threads[to].owes = from;
    }
}

static bool is_past(uint64_t deadline_ns) {
    return deadline_ns <= host_now_ns;
}

static void model_send(bool is_call, unsigned gate, uint64_t word, uint64_t deadline_ns) {
    unsigned me = m.current;

    m.threads[me].is_call = is_call;
    m.threads[me].gate = gate;
    m.threads[me].word = word;
    if (is_call && is_past(deadline_ns)) {
        status(me, ERROR_TIMEOUT);
    } else if (m.receivers.n > 0) {
        unsigned receiver = pop(&m.receivers);

        deliver(me, receiver);
        if (is_call) {
            block(THREAD_AWAITING, deadline_ns);
            handoff(receiver);
        } else {
            status(me, OK);
            ready(receiver);
        }
    } else if (is_past(deadline_ns)) {
        status(me, ERROR_TIMEOUT);
    } else {
        push(&m.queue, me);
        block(THREAD_SENDING, deadline_ns);
    }
}

static void model_receive(uint64_t deadline_ns) {
    unsigned me = m.current;

    if (m.threads[me].owes != NOBODY) {
        status(me, ERROR_PENDING);
    } else if (m.queue.n == 0 && is_past(deadline_ns)) {
        status(me, ERROR_TIMEOUT);
    } else if (m.queue.n == 0) {
        push(&m.receivers, me);
        block(THREAD_RECEIVING, deadline_ns);
    } else {
        unsigned item = pop(&m.queue);

        if (item >= N_THREADS) {
            result(me, MESSAGE_NOTIFICATION, item - N_THREADS + 1, m.pending[item - N_THREADS]);
            m.pending[item - N_THREADS] = 0;
            return;
        }
        deliver(item, me);
        if (m.threads[item].is_call) {
            m.threads[item].state = THREAD_AWAITING; /* its deadline stays */
        } else {
            status(item, OK);
            ready(item);
        }
    }
}

/* The answer; who gets it, or NOBODY. */
static unsigned model_answer(uint64_t word) {
    unsigned caller = m.threads[m.current].owes;

    if (caller != NOBODY) {
        result(caller, MESSAGE_PLAIN, 0, word);
        m.threads[caller].replier = NOBODY;
        m.threads[m.current].owes = NOBODY;
    }
    return caller;
}

static void model_notify(unsigned gate, uint64_t bits) {
    status(m.current, OK);
    if (m.receivers.n > 0) {
        unsigned receiver = pop(&m.receivers);

        result(receiver, MESSAGE_NOTIFICATION, gate + 1, bits);
        ready(receiver);
        return;
    }
    if (m.pending[gate] == 0) {
        push(&m.queue, N_THREADS + gate);
    }
    m.pending[gate] |= bits;
}

/* The first deadline passes: one at a time, for each is another number. */
static void model_wait(void) {
    unsigned first = NOBODY;

    for (unsigned t = 0; t < N_THREADS; t++) {
        if (m.threads[t].deadline_ns != DEADLINE_NEVER &&
            (first == NOBODY || m.threads[t].deadline_ns < m.threads[first].deadline_ns)) {
            first = t;
        }
    }
    if (first == NOBODY) {
        return;
    }
    while (host_now_ns <
           m.threads[first].deadline_ns) { /* the timer may have been armed for less */
        host_wait(m.threads[first].deadline_ns);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        host_wait(host_now_ns); /* one interrupt looks at some deadlines only, and fires again */
    }
    m.threads[first].deadline_ns = DEADLINE_NEVER;
    if (m.threads[first].state == THREAD_SENDING) {
        row_remove(&m.queue, first);
    } else if (m.threads[first].state == THREAD_RECEIVING) {
        row_remove(&m.receivers, first);
    } else {
        return; /* received: it ends with its answer */
    }
    status(first, ERROR_TIMEOUT);
    ready(first);
}

/* --- the kernel, beside it
 * ------------------------------------------------------------------------- */

static unsigned index_of(const struct thread *thread) {
    unsigned t = 0;

    while (t < N_THREADS && m.threads[t].thread != thread) {
        t++;
    }
    return t;
}

static void check(void) {
    SAME(index_of(host_current()), m.current);
    for (unsigned t = 0; t < N_THREADS; t++) {
        struct model_thread *mine = &m.threads[t];
        const struct thread *thread = mine->thread;

        SAME(thread->state, mine->state);
        SAME(index_of(thread->current_reply), mine->owes);
        SAME(index_of(thread->replier), mine->replier);
        if (mine->has_result) {
            SAME(thread->registers.rax, mine->rax);
            if (mine->rax >= 0) {
                SAME(mine->rdi == 0 ? 0 : thread->registers.rdi, mine->rdi);
                SAME(mine->rdi == 0 && mine->rdx == 0 ? 0 : thread->registers.rdx, mine->rdx);
            }
            mine->has_result = false;
        }
    }
}

/* Handles: 1 the endpoint, 2 and 3 the gates. */
static void call(struct choice *choice) {
    uint64_t what = choose(choice, 16), gate = choose(choice, N_GATES), word = ++m.last_word;
    /* In steps of 16, and so that no two are the same. */
    uint64_t deadline_ns = choose_one_in(choice, 2)
                               ? DEADLINE_NEVER
                               : (host_now_ns / 16 + choose(choice, 200)) * 16 + 1 + m.current;
    unsigned me = m.current, caller;
    uint64_t values[7] = {0};

    values[6] = deadline_ns;
    values[2] = word;
    if (what < 7) {
        values[0] = gate + 2;
        model_send(what < 4, (unsigned)gate, word, deadline_ns);
        leave();
        host_syscall(what < 4 ? SYSCALL_call : SYSCALL_send, values, 7);
    } else if (what < 10) {
        values[0] = 1;
        model_receive(deadline_ns);
        leave();
        host_syscall(SYSCALL_receive, values, 7);
    } else if (what < 12) {
        caller = model_answer(word);
        status(me, caller == NOBODY ? ERROR_NO_REPLY : OK);
        if (caller != NOBODY) {
            ready(caller);
        }
        leave();
        host_syscall(SYSCALL_reply, values, 7);
    } else if (what < 13) {
        values[0] = 1;
        caller = model_answer(word);
        model_receive(deadline_ns);
        if (caller != NOBODY) {
            handoff(caller);
        }
        leave();
        host_syscall(SYSCALL_reply_receive, values, 7);
    } else if (what < 15) {
        values[0] = gate + 2;
        values[1] = 1ULL << choose(choice, 60);
        model_notify((unsigned)gate, values[1]);
        leave();
        host_syscall(SYSCALL_notify, values, 2);
    } else {
        values[1] = THREAD_YIELD;
        status(me, OK);
        if (m.ready[m.threads[me].priority].n > 0) {
            m.current = NOBODY;
            ready(me);
        }
        leave();
        host_syscall(SYSCALL_thread_control, values, 2);
    }
}

static void begin(struct choice *choice, struct process **process) {
    struct endpoint *endpoint;
    struct gate *gates[N_GATES];
    handle_t handle;

    m = (struct model){.current = NOBODY};
    *process = host_process(64 * PAGE_SIZE, N_THREADS, PRIORITY);
    SAME(endpoint_create((*process)->space->budget, &endpoint), OK);
    SAME(handle_add(&(*process)->handles, &endpoint->object, RIGHTS_ALL, &handle), OK);
    SAME(handle, 1);
    for (unsigned g = 0; g < N_GATES; g++) {
        SAME(gate_create((*process)->space->budget, endpoint, g + 1, &gates[g]), OK);
        SAME(handle_add(&(*process)->handles, &gates[g]->object, RIGHTS_ALL, &handle), OK);
    }
    for (unsigned t = 0; t < N_THREADS; t++) {
        struct thread *thread =
            process_thread(*process, t == 0 ? 0 : m.threads[t - 1].thread->id + 1);

        m.threads[t] = (struct model_thread){.thread = thread,
                                             .priority = (unsigned)choose(choice, N_PRIORITIES),
                                             .replier = NOBODY,
                                             .owes = NOBODY};
    }
    for (unsigned t = 0; t < N_THREADS; t++) { /* behind all that are ready so far */
        scheduler_set_priority(m.threads[t].thread, PRIORITY + m.threads[t].priority);
        ready(t);
    }
}

void queues_try(struct choice *choice) {
    struct process *process;
    uint64_t n_free, used;

    host_kernel_start();
    n_free = frame_n_free();
    used = budget_root->used;
    begin(choice, &process);
    leave();
    scheduler_leave(host_current(), SWITCH_PREEMPT);
    kernel_lock_take();
    check();
    while (choice_more(choice)) {
        if (m.current != NOBODY) {
            call(choice);
        } else {
            model_wait();
            leave();
            if (m.current == NOBODY) { /* who waits without a deadline is interrupted */
                unsigned t = (unsigned)choose(choice, N_THREADS);
                struct model_thread *mine = &m.threads[t];

                thread_interrupt(mine->thread);
                if (mine->state != THREAD_AWAITING) {
                    row_remove(mine->state == THREAD_SENDING ? &m.queue : &m.receivers, t);
                    status(t, ERROR_INTERRUPTED);
                    ready(t);
                }
                leave();
                scheduler_leave(host_current(), SWITCH_PREEMPT);
                kernel_lock_take();
            }
        }
        check();
    }
    process_die(process, DEATH_KILLED, ERROR_KILLED);
    scheduler_leave(host_current(), SWITCH_PREEMPT);
    kernel_lock_take();
    object_put(&process->object);
    host_reap();
    SAME(budget_root->used, used);
    SAME(frame_n_free(), n_free);
}

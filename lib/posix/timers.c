/* SPDX-License-Identifier: MIT */
#include "lib/posix/timers.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "abi/kernel.h"
#include "lib/native/block.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/calls.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/signal.h"

enum {
    STACK_BYTES = 32 * 1024, /* upcalls come there too, once the first thread has ended */
    ID_STEP = TIMERS_MAX,    /* an id is the place in the table and this, times a generation */
    ID_GENERATIONS = 0x7fffffff / ID_STEP,
};

/* CPU time is looked at again when a timer of it could be due, and not more often than this. */
#define LOOK_NS (10 * NS_PER_MS)

/* Linux's struct sigevent, as musl passes it. */
struct kernel_sigevent {
    uint64_t value;
    int signal;
    int notify;
    int tid;
};

struct posix_timer {
    bool is_used;
    uint32_t generation;
    long clock;
    long counts; /* the clock of at_ns: relative times are not moved by who sets the wall clock */
    int notify;  /* SIGEV_ */
    int signal;
    uint32_t tid; /* SIGEV_THREAD_ID */
    uint64_t value;
    uint64_t at_ns; /* of its clock; 0: not armed */
    uint64_t interval_ns;
    volatile uint32_t overrun; /* of the last delivery */
};

static struct posix_timer timers[TIMERS_MAX] LARGE_TABLE; /* in use: only with the thread */
static volatile uint32_t n_cpu_timers;
struct lock timers_lock;

/* All clocks at once, read before timers_lock is taken: CPU time is asked of the kernel, which
 * takes longer than a look. */
struct clocks {
    uint64_t real_ns, monotonic_ns, cpu_ns;
};

static struct clocks clocks_read(void) {
    struct clocks clocks = {.cpu_ns = 0};

    if (n_cpu_timers != 0) {
        (void)clock_read(CLOCK_PROCESS_CPUTIME_ID, &clocks.cpu_ns);
    }
    (void)clock_read(CLOCK_REALTIME, &clocks.real_ns);
    (void)clock_read(CLOCK_MONOTONIC, &clocks.monotonic_ns);
    return clocks;
}

static uint64_t clock_of(const struct posix_timer *timer, const struct clocks *clocks) {
    return clock_is_cpu(timer->counts)       ? clocks->cpu_ns
           : timer->counts == CLOCK_REALTIME ? clocks->real_ns
                                             : clocks->monotonic_ns;
}

/* ---- the thread ---- */

static volatile uint32_t changes; /* the thread waits for it to change */
static uint64_t stack;            /* 0: not mapped */
static bool is_running;
static struct posix_thread record = {.depth = 1, .exiting = true, .mask = UINT64_MAX};
/* What %fs points to: thread_self finds the record at byte 32. */
static void *thread_block[8];

static uint32_t id_of(const struct posix_timer *timer) {
    return timer->generation * ID_STEP + (uint32_t)(timer - timers);
}

static struct posix_timer *timer_find(uint32_t id) {
    struct posix_timer *timer = &timers[id % ID_STEP];

    return timer->is_used && id_of(timer) == id ? timer : NULL;
}

/* An expiry that is to be told. */
struct expiry {
    int signal;
    int notify;
    uint32_t tid;
    struct signal_information information;
};

static void post(const struct expiry *expiry) {
    struct posix_thread *thread = NULL;

    if (expiry->notify == SIGEV_NONE) {
        return;
    }
    critical_lock(&threads_lock);
    if (expiry->notify == SIGEV_THREAD_ID) {
        thread = thread_find(expiry->tid);
    }
    bool is_wanted =
        expiry->notify == SIGEV_SIGNAL || (thread != NULL && thread_open_handle(thread));
    bool is_new = is_wanted && queue_put_timer(thread, expiry->signal, &expiry->information);

    if (is_new && thread != NULL) {
        signal_post(thread, expiry->signal);
    }
    critical_unlock(&threads_lock);
    if (is_new && thread == NULL) {
        signal_post(NULL, expiry->signal);
    }
}

/* Counts the expiries until `now`, and moves on to the next. */
static uint64_t advance(struct posix_timer *timer, uint64_t now) {
    uint64_t n = 1;

    if (timer->interval_ns == 0) {
        timer->at_ns = 0;
    } else {
        n += (now - timer->at_ns) / timer->interval_ns;
        timer->at_ns += n * timer->interval_ns;
    }
    return n;
}

/* When to look at this armed timer again, on the monotonic clock. */
static uint64_t next_look(const struct posix_timer *timer, uint64_t now) {
    uint64_t left = timer->at_ns > now ? timer->at_ns - now : 0;

    if (timer->counts == CLOCK_REALTIME) {
        left = MIN(left, CLOCK_LOOK_NS);
    }
    return time_deadline(clock_is_cpu(timer->counts) ? MAX(left, LOOK_NS) : left);
}

/* Collects what is due; returns when the next is. Under timers_lock. */
static uint64_t collect(const struct clocks *clocks, struct expiry *expiries, size_t *n) {
    uint64_t deadline = DEADLINE_NEVER;

    *n = 0;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        struct posix_timer *timer = &timers[i];
        uint64_t now = clock_of(timer, clocks);

        if (!timer->is_used || timer->at_ns == 0) {
            continue;
        }
        if (timer->at_ns <= now) {
            uint64_t overrun = advance(timer, now) - 1;

            expiries[(*n)++] = (struct expiry){
                timer->signal,
                timer->notify,
                timer->tid,
                {SI_TIMER, id_of(timer), timer->value,
                 (uint32_t)MIN(overrun, (uint64_t)TIMER_OVERRUN_MAX)},
            };
        }
        if (timer->at_ns != 0) {
            deadline = MIN(deadline, next_look(timer, now));
        }
    }
    return deadline;
}

NORETURN static void run(void) {
    struct expiry expiries[TIMERS_MAX];
    size_t n;

    for (;;) {
        const struct clocks clocks = clocks_read();

        critical_lock(&timers_lock);
        uint32_t seen = changes;
        uint64_t deadline = collect(&clocks, expiries, &n);
        critical_unlock(&timers_lock);

        for (size_t i = 0; i < n; i++) {
            post(&expiries[i]);
        }
        status_ignore(native_futex_wait(&changes, seen, deadline, 0, NULL));
    }
}

void timers_thread_main(void);
NORETURN void timers_thread_main(void) {
    run();
}

void timers_thread_entry(void);
__asm__(".text\n"
        ".global timers_thread_entry\n"
        ".type timers_thread_entry,@function\n"
        "timers_thread_entry:\n"
        "    xor %ebp, %ebp\n"
        "    and $-16, %rsp\n"
        "    call timers_thread_main\n"
        "    ud2\n");

/* Under timers_lock. */
static status_t thread_start(void) {
    uint32_t id;
    status_t status = OK;

    if (is_running) {
        return OK;
    }
    /* The thread tells others by their handles. */
    if (!thread_open_handle(thread_self())) {
        return ERROR_TOO_MANY;
    }
    if (stack == 0) {
        status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, STACK_BYTES, 0, MAP_READ | MAP_WRITE, &stack);
    }
    if (status == OK) {
        thread_block[0] = thread_block;
        thread_block[4] = &record;
        status = sys_thread_create((uint64_t)(uintptr_t)timers_thread_entry, stack + STACK_BYTES, 0,
                                   (uint64_t)(uintptr_t)thread_block, &id);
    }
    if (status == OK) {
        is_running = true;
    }
    return status;
}

static void thread_tell(void) {
    uint64_t n;

    __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
    status_ignore(sys_futex_wake(&changes, 1, 0, &n));
}

void timers_clock_set(void) {
    if (is_running) {
        thread_tell();
    }
}

void timers_after_fork(void) {
    if (!is_running) {
        return;
    }
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        timers[i].is_used = false;
    }
    n_cpu_timers = 0;
    is_running = false;
}

void timer_delivered(uint32_t id, uint32_t overrun) {
    struct posix_timer *timer = timer_find(id);

    if (timer != NULL) {
        timer->overrun = overrun;
    }
}

/* ---- the calls ---- */

static bool event_is_valid(const struct kernel_sigevent *event) {
    switch (event->notify) {
    case SIGEV_NONE:
        return true;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD_ID:
        return event->signal >= SIGNAL_FIRST && event->signal <= SIGNAL_LAST;
    default:
        return false;
    }
}

/* A free place, for a timer of this clock. Under timers_lock. */
static struct posix_timer *timer_new(long clock) {
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (!timers[i].is_used) {
            timers[i] = (struct posix_timer){
                .is_used = true,
                .generation = (timers[i].generation + 1) % ID_GENERATIONS,
                .clock = clock,
                .counts = clock,
            };
            return &timers[i];
        }
    }
    return NULL;
}

long call_timer_create(const long *a) {
    const struct kernel_sigevent *event = (const struct kernel_sigevent *)a[1];
    struct posix_timer *timer = NULL;
    uint64_t now;

    if (clock_read(a[0], &now) != 0 || (event != NULL && !event_is_valid(event))) {
        return -EINVAL;
    }
    if (event != NULL && event->notify == SIGEV_THREAD_ID) {
        critical_lock(&threads_lock);
        bool is_thread = thread_find((uint32_t)event->tid) != NULL;
        critical_unlock(&threads_lock);
        if (!is_thread) {
            return -EINVAL;
        }
    }
    critical_lock(&timers_lock);
    if (thread_start() == OK) {
        timer = timer_new(a[0]);
    }
    if (timer != NULL) {
        timer->notify = event != NULL ? event->notify : SIGEV_SIGNAL;
        timer->signal = event != NULL ? event->signal : SIGALRM;
        timer->value = event != NULL ? event->value : id_of(timer);
        timer->tid = event != NULL ? (uint32_t)event->tid : 0;
        n_cpu_timers += clock_is_cpu(timer->clock);
        *(int *)a[2] = (int)id_of(timer);
    }
    critical_unlock(&timers_lock);
    return timer != NULL ? 0 : -EAGAIN;
}

static struct itimerspec setting_of(const struct posix_timer *timer, const struct clocks *clocks) {
    uint64_t now = clock_of(timer, clocks), left = 0;

    if (timer->at_ns != 0) {
        /* One that is due has a nanosecond left: 0 would say that it is not armed. */
        left = timer->at_ns > now ? timer->at_ns - now : 1;
    }
    return (struct itimerspec){.it_value = timespec_of(left),
                               .it_interval = timespec_of(timer->interval_ns)};
}

long call_timer_settime(const long *a) {
    const struct itimerspec *new = (const struct itimerspec *)a[2];
    struct itimerspec *old = (struct itimerspec *)a[3];
    struct itimerspec before;
    uint64_t at;

    if (new == NULL || !timespec_is_valid(&new->it_value) ||
        !timespec_is_valid(&new->it_interval)) {
        return -EINVAL;
    }
    const struct clocks clocks = clocks_read();

    critical_lock(&timers_lock);
    struct posix_timer *timer = timer_find((uint32_t)a[0]);

    if (timer == NULL) {
        critical_unlock(&timers_lock);
        return -EINVAL;
    }
    before = setting_of(timer, &clocks);
    timer->counts = timer->clock;
    if (timer->clock == CLOCK_REALTIME && (a[1] & TIMER_ABSTIME) == 0) {
        timer->counts = CLOCK_MONOTONIC;
    }
    at = timespec_ns(&new->it_value);
    if (at != 0 && (a[1] & TIMER_ABSTIME) == 0 &&
        u64_add_overflows(clock_of(timer, &clocks), at, &at)) {
        at = UINT64_MAX;
    }
    timer->at_ns = at;
    timer->interval_ns = timespec_ns(&new->it_interval);
    timer->overrun = 0;
    critical_unlock(&timers_lock);
    thread_tell();
    if (old != NULL) {
        *old = before;
    }
    return 0;
}

long call_timer_gettime(const long *a) {
    struct itimerspec setting = {0};
    const struct clocks clocks = clocks_read();

    critical_lock(&timers_lock);
    const struct posix_timer *timer = timer_find((uint32_t)a[0]);

    if (timer != NULL) {
        setting = setting_of(timer, &clocks);
    }
    critical_unlock(&timers_lock);
    if (timer == NULL) {
        return -EINVAL;
    }
    *(struct itimerspec *)a[1] = setting;
    return 0;
}

long call_timer_getoverrun(const long *a) {
    critical_lock(&timers_lock);
    const struct posix_timer *timer = timer_find((uint32_t)a[0]);
    long overrun = timer != NULL ? (long)timer->overrun : -EINVAL;
    critical_unlock(&timers_lock);
    return overrun;
}

long call_timer_delete(const long *a) {
    critical_lock(&timers_lock);
    struct posix_timer *timer = timer_find((uint32_t)a[0]);

    if (timer != NULL) {
        timer->is_used = false;
        n_cpu_timers -= clock_is_cpu(timer->clock);
    }
    critical_unlock(&timers_lock);
    return timer != NULL ? 0 : -EINVAL;
}

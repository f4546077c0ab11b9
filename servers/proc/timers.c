/* SPDX-License-Identifier: MIT */
/*
 * The timers of setitimer. Real time is a deadline of the server loop. CPU time passes no faster
 * than real time, so a timer of it looks again when it could be due at the earliest; not more often
 * than each LOOK_NS, for a process that sleeps shortly before its time.
 *
 * We run before every program, so periods are a claim on the processor: however short they are and
 * however many timers run, we go back to our other work, and to sleep, between two of them
 * (rest_ns). Invariant: n_set is the number of timers whose setting.at_ns is not 0.
 */
#include "abi/kernel.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/proc/member.h"

/* How late a timer of CPU time may be. */
#define LOOK_NS (10 * NS_PER_MS)
/* The least time from one end of a timer's period to the next, and from one of any to that of
 * another, on average. */
#define PERIOD_MIN_NS  NS_PER_MS
#define PERIOD_EACH_NS (100 * NS_PER_US)

static uint64_t n_set;

static const uint32_t signals[TIMER_KINDS] = {
    [PROC_TIMER_REAL] = SIGNAL_ALRM,
    [PROC_TIMER_VIRTUAL] = SIGNAL_VTALRM,
    [PROC_TIMER_PROFILE] = SIGNAL_PROF,
};

/* What the timer counts. */
static uint64_t timer_now(const struct timer *timer) {
    struct process_status info;

    if (timer->kind == PROC_TIMER_REAL) {
        return time_now_ns();
    }
    return sys_process_info(timer->member->process, PROCESS_INFO_STATUS, &info, sizeof info, 0,
                            NULL, NULL) == OK
               ? info.cpu_ns
               : 0;
}

static void on_clock(struct server *loop, struct server_timer *clock);

static void setting_change(struct timer *timer, struct timer_setting setting) {
    n_set = n_set + (setting.at_ns != 0) - (timer->setting.at_ns != 0);
    timer->setting = setting;
}

/* How long a timer that was just looked at is left alone. */
static uint64_t rest_ns(void) {
    return MAX((uint64_t)PERIOD_MIN_NS, n_set * PERIOD_EACH_NS);
}

/* The clock looks at it when it can be due, and not before `rest` has passed. */
static void timer_arm(struct timer *timer, uint64_t rest) {
    uint64_t now = timer_now(timer), at = timer->setting.at_ns;
    uint64_t left = at > now ? at - now : 0;

    if (at == 0) {
        return;
    }
    if (timer->kind != PROC_TIMER_REAL) {
        rest = MAX(rest, LOOK_NS);
    }
    server_timer_arm(server, &timer->clock, time_deadline(MAX(left, rest)), on_clock);
}

static void on_clock(struct server *loop, struct server_timer *clock) {
    struct timer *timer = CONTAINER_OF(clock, struct timer, clock);
    uint64_t now = timer_now(timer);

    (void)loop;
    if (now < timer->setting.at_ns) {
        timer_arm(timer, rest_ns());
        return;
    }
    /* The next is a whole number of periods later, and after now: who was late does not get them
     * all at once, and the times do not drift. */
    uint64_t at = timer->setting.at_ns, interval = timer->setting.interval_ns, next = 0;
    if (interval != 0) {
        uint64_t last = now - (now - at) % interval;

        next = last > UINT64_MAX - interval ? UINT64_MAX : last + interval;
    }
    setting_change(timer, (struct timer_setting){next, interval});
    timer_arm(timer, rest_ns());
    member_save(timer->member);
    member_signal(timer->member, signals[timer->kind]);
}

void timers_init(struct member *member) {
    for (uint32_t kind = 0; kind < TIMER_KINDS; kind++) {
        struct timer *timer = &member->timers[kind];

        list_node_init(&timer->clock.node);
        timer->kind = kind;
        timer->member = member;
    }
}

void timers_resume(struct member *member, const struct record *record) {
    for (uint32_t kind = 0; kind < TIMER_KINDS; kind++) {
        setting_change(&member->timers[kind], record->timers[kind]);
        timer_arm(&member->timers[kind], 0);
    }
}

void timers_stop(struct member *member) {
    for (uint32_t kind = 0; kind < TIMER_KINDS; kind++) {
        server_timer_stop(&member->timers[kind].clock);
        setting_change(&member->timers[kind], (struct timer_setting){0});
    }
}

/* ---- the messages ---- */

static status_t timer_find(const void *context, const struct request *request, uint32_t kind,
                           struct timer **timer) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK && kind >= TIMER_KINDS) {
        status = ERROR_BAD_ARGUMENT;
    }
    *timer = status == OK ? &member->timers[kind] : NULL;
    return status;
}

/* One that is due but was not seen yet has a nanosecond left: 0 would say that there is none. */
static void timer_get(const struct timer *timer, uint64_t *left_ns, uint64_t *interval_ns) {
    uint64_t now = timer_now(timer), at = timer->setting.at_ns;

    *left_ns = at == 0 ? 0 : at > now ? at - now : 1;
    *interval_ns = timer->setting.interval_ns;
}

status_t on_get_timer(void *context, struct request *request, uint32_t kind, uint64_t *left_ns,
                      uint64_t *interval_ns) {
    struct timer *timer;
    status_t status = timer_find(context, request, kind, &timer);

    if (status == OK) {
        timer_get(timer, left_ns, interval_ns);
    }
    return status;
}

status_t on_set_timer(void *context, struct request *request, uint32_t kind, uint64_t delay_ns,
                      uint64_t interval_ns, uint64_t *left_ns, uint64_t *old_interval_ns) {
    struct timer *timer;
    uint64_t at;
    status_t status = timer_find(context, request, kind, &timer);

    if (status != OK) {
        return status;
    }
    timer_get(timer, left_ns, old_interval_ns);
    if (u64_add_overflows(timer_now(timer), delay_ns, &at)) {
        at = UINT64_MAX;
    }
    server_timer_stop(&timer->clock);
    setting_change(timer, delay_ns != 0 ? (struct timer_setting){at, interval_ns}
                                        : (struct timer_setting){0});
    timer_arm(timer, 0);
    member_save(timer->member);
    return OK;
}

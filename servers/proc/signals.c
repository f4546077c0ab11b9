/* SPDX-License-Identifier: MIT */
/*
 * Signals: who may send, what becomes of one. The program's library delivers them and knows which
 * are blocked; we know which are handled and ignored, so that nothing is sent that would do
 * nothing, and end a program that a signal should have ended and that does not react (it waits for
 * a server that hangs, say).
 */
#include "abi/kernel.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/proc/member.h"

/* How long a program has to end by itself. */
#define OVERDUE_NS (500 * NS_PER_MS)

#define STOPPING                                                                                   \
    (SIGNAL_BIT(SIGNAL_TSTP) | SIGNAL_BIT(SIGNAL_TTIN) | SIGNAL_BIT(SIGNAL_TTOU) |                 \
     SIGNAL_BIT(SIGNAL_STOP))
#define HARMLESS                                                                                   \
    (SIGNAL_BIT(SIGNAL_CHLD) | SIGNAL_BIT(SIGNAL_CONT) | SIGNAL_BIT(SIGNAL_URG) |                  \
     SIGNAL_BIT(SIGNAL_WINCH))

/* ---- effects ---- */

static void kill_by(const struct member *member, uint32_t signal) {
    status_t status = sys_process_kill(member->process, PROC_STATUS_SIGNAL | (int32_t)signal);

    (void)status; /* it can only be dead already */
}

static void stop_by(struct member *member, uint32_t signal) {
    if (member->is_stopped ||
        sys_process_control(member->process, PROCESS_STOP, 0, 0, NULL) != OK) {
        return;
    }
    member->is_stopped = true;
    member->stop_signal = signal;
    member->was_continued = false;
    member_tell_parent(member);
}

static void continue_it(struct member *member) {
    if (!member->is_stopped) {
        return;
    }
    status_t status = sys_process_control(member->process, PROCESS_CONTINUE, 0, 0, NULL);

    (void)status; /* it can only be dead, which we shall hear */
    member->is_stopped = false;
    member->stop_signal = 0;
    member->was_continued = true;
    member_tell_parent(member);
}

static void on_overdue(struct server *loop, struct server_timer *timer) {
    struct member *member = CONTAINER_OF(timer, struct member, overdue);
    uint64_t due = member->overdue_signals & ~member->handled & ~member->ignored;

    (void)loop;
    member->overdue_signals = 0;
    if (due != 0 && !member->is_dead) {
        kill_by(member, (uint32_t)__builtin_ctzll(due) + 1);
    }
}

/* Brings it to the program's library. */
static void deliver(struct member *member, uint32_t signal) {
    uint64_t bit = SIGNAL_BIT(signal);
    bool ends_it = (member->handled & bit) == 0 && ((STOPPING | HARMLESS) & bit) == 0;
    status_t status = sys_thread_upcall(member->process, bit);

    (void)status; /* it can only be dead */
    if (ends_it && !member->is_stopped) {
        member->overdue_signals |= bit;
        if (!list_is_linked(&member->overdue.node)) {
            server_timer_arm(server, &member->overdue, time_deadline(OVERDUE_NS), on_overdue);
        }
    }
}

void member_signal(struct member *member, uint32_t signal) {
    uint64_t bit = SIGNAL_BIT(signal);

    if (member->is_dead) {
        return;
    }
    if (signal == SIGNAL_KILL) {
        kill_by(member, signal);
        return;
    }
    if (signal == SIGNAL_STOP) {
        stop_by(member, signal);
        return;
    }
    if (signal == SIGNAL_CONT) {
        continue_it(member);
    }
    bool does_nothing =
        (member->ignored & bit) != 0 || ((member->handled & bit) == 0 && (HARMLESS & bit) != 0);

    if (!does_nothing) {
        deliver(member, signal);
    }
}

void group_signal(uint32_t session, uint32_t group, uint32_t signal) {
    struct member *member;

    LIST_FOR_EACH(member, &members, node) {
        if (member->session == session && member->group == group && !member->is_dead) {
            member_signal(member, signal);
        }
    }
}

/* ---- kill ---- */

static bool may_signal(const struct asker *asker, const struct member *target) {
    return asker->is_control || (asker->member != NULL && !target->is_service &&
                                 asker->member->session == target->session);
}

static bool is_selected(const struct asker *asker, const struct member *target, int32_t selector) {
    if (selector > 0) {
        return target->pid == (uint32_t)selector;
    }
    if (selector == -1) {
        return target != asker->member && !target->is_service;
    }
    uint32_t group =
        selector == 0 ? (asker->member != NULL ? asker->member->group : 0) : (uint32_t)-selector;

    return target->group == group;
}

status_t on_kill(void *context, struct request *request, int32_t selector, uint32_t signal,
                 uint64_t value) {
    struct asker asker;
    struct member *target;
    uint32_t n_selected = 0, n_allowed = 0;
    status_t status = asker_find(context, request, &asker);

    (void)value; /* sigqueue: the value is not delivered yet */
    if (status != OK) {
        return status;
    }
    if (signal > SIGNAL_LAST || selector == INT32_MIN) {
        return ERROR_BAD_ARGUMENT;
    }
    LIST_FOR_EACH(target, &members, node) {
        if (!is_selected(&asker, target, selector)) {
            continue;
        }
        n_selected++;
        if (may_signal(&asker, target)) {
            n_allowed++;
            if (signal != 0) {
                member_signal(target, signal);
            }
        }
    }
    return n_allowed != 0 ? OK : n_selected != 0 ? ERROR_DENIED : ERROR_NO_PROCESS;
}

/* ---- what the programs tell ---- */

/* The caller as a member; process 1 has no signals. */
static status_t caller_find(const void *context, const struct request *request,
                            struct member **member) {
    struct asker asker;
    status_t status = asker_find(context, request, &asker);

    if (status == OK && asker.member == NULL) {
        status = ERROR_NO_PROCESS;
    }
    *member = status == OK ? asker.member : NULL;
    return status;
}

status_t on_set_handled(void *context, struct request *request, uint64_t handled,
                        uint64_t ignored) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        member->handled = handled & ~ignored;
        member->ignored = ignored;
        member_save(member);
    }
    return status;
}

status_t on_held(void *context, struct request *request, uint64_t signals) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        member->overdue_signals &= ~signals;
    }
    return status;
}

status_t on_stop(void *context, struct request *request, uint32_t signal) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK &&
        (signal == 0 || signal > SIGNAL_LAST || (STOPPING & SIGNAL_BIT(signal)) == 0)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status == OK) {
        stop_by(member, signal); /* it gets the answer when it is continued */
    }
    return status;
}

/* ---- the alarm ---- */

static void on_alarm(struct server *loop, struct server_timer *timer) {
    struct member *member = CONTAINER_OF(timer, struct member, alarm);

    if (member->alarm_interval_ns != 0) {
        /* From now, not from the last time: who was late does not get them all at once. */
        server_timer_arm(loop, timer, time_deadline(member->alarm_interval_ns), on_alarm);
    }
    member_signal(member, SIGNAL_ALRM);
}

static void alarm_get(const struct member *member, uint64_t *deadline_ns, uint64_t *interval_ns) {
    bool is_armed = list_is_linked(&member->alarm.node);

    *deadline_ns = is_armed ? member->alarm.deadline : 0;
    *interval_ns = is_armed ? member->alarm_interval_ns : 0;
}

status_t on_set_alarm(void *context, struct request *request, uint64_t deadline_ns,
                      uint64_t interval_ns, uint64_t *old_deadline_ns, uint64_t *old_interval_ns) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status != OK) {
        return status;
    }
    alarm_get(member, old_deadline_ns, old_interval_ns);
    server_timer_stop(&member->alarm);
    member->alarm_interval_ns = interval_ns;
    if (deadline_ns != 0) {
        server_timer_arm(server, &member->alarm, deadline_ns, on_alarm);
    }
    return OK;
}

status_t on_get_alarm(void *context, struct request *request, uint64_t *deadline_ns,
                      uint64_t *interval_ns) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        alarm_get(member, deadline_ns, interval_ns);
    }
    return status;
}

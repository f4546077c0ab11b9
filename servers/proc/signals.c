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

/* How long a program has to end by itself; twice that, when another signal came before. */
#define OVERDUE_NS (500 * NS_PER_MS)

#define STOPPING                                                                                   \
    (SIGNAL_BIT(SIGNAL_TSTP) | SIGNAL_BIT(SIGNAL_TTIN) | SIGNAL_BIT(SIGNAL_TTOU) |                 \
     SIGNAL_BIT(SIGNAL_STOP))
#define HARMLESS                                                                                   \
    (SIGNAL_BIT(SIGNAL_CHLD) | SIGNAL_BIT(SIGNAL_CONT) | SIGNAL_BIT(SIGNAL_URG) |                  \
     SIGNAL_BIT(SIGNAL_WINCH))

/* ---- effects ---- */

static void kill_by(struct member *member, uint32_t signal) {
    status_t status = sys_process_kill(member->process, PROC_STATUS_SIGNAL | (int32_t)signal);

    (void)status; /* it can only be dead already */
    member->is_killed = true;
}

static void on_overdue(struct server *loop, struct server_timer *timer) {
    struct member *member = CONTAINER_OF(timer, struct member, overdue);
    uint64_t due =
        member->overdue_signals & ~member->overdue_later & ~member->handled & ~member->ignored;

    (void)loop;
    member->overdue_signals = member->overdue_later;
    member->overdue_later = 0;
    if (due != 0 && !member->is_dead) {
        member->overdue_signals = 0;
        kill_by(member, (uint32_t)__builtin_ctzll(due) + 1);
    } else if (member->overdue_signals != 0) {
        server_timer_arm(server, timer, time_deadline(OVERDUE_NS), on_overdue);
    }
}

static void overdue_begin(struct member *member, uint64_t bit) {
    bool is_first = member->overdue_signals == 0;

    if ((member->overdue_signals & bit) != 0) {
        return; /* the time of the first counts */
    }
    member->overdue_signals |= bit;
    member->overdue_later |= is_first ? 0 : bit;
    if (is_first && !member->is_stopped) {
        server_timer_arm(server, &member->overdue, time_deadline(OVERDUE_NS), on_overdue);
    }
}

/* It goes on: it has all the time for what came before. */
static void overdue_begin_anew(struct member *member) {
    member->overdue_later = 0;
    if (member->overdue_signals != 0) {
        server_timer_arm(server, &member->overdue, time_deadline(OVERDUE_NS), on_overdue);
    }
}

/* The program has reacted to these. */
static void overdue_end(struct member *member, uint64_t signals) {
    member->overdue_signals &= ~signals;
    member->overdue_later &= ~signals;
    if (member->overdue_signals == 0) {
        server_timer_stop(&member->overdue);
    }
}

static void stop_by(struct member *member, uint32_t signal) {
    if (member->is_stopped ||
        sys_process_control(member->process, PROCESS_STOP, 0, 0, NULL) != OK) {
        return;
    }
    member->is_stopped = true;
    server_timer_stop(&member->overdue); /* it cannot react before it is continued */
    member->stop_signal = signal;
    member->was_continued = false;
    member_save(member);
    member_tell_parent(member, CODE_CHILD_STOPPED, signal);
}

static void continue_it(struct member *member) {
    if (!member->is_stopped) {
        return;
    }
    status_t status = sys_process_control(member->process, PROCESS_CONTINUE, 0, 0, NULL);

    (void)status; /* it can only be dead, which we shall hear */
    member->is_stopped = false;
    overdue_begin_anew(member);
    member->stop_signal = 0;
    member->was_continued = true;
    member_save(member);
    member_tell_parent(member, CODE_CHILD_CONTINUED, SIGNAL_CONT);
}

/* [book:signal-deliver] */
/* Brings it to the program's library. */
static void deliver(struct member *member, uint32_t signal) {
    uint64_t bit = SIGNAL_BIT(signal);
    bool ends_it = (member->handled & bit) == 0 && ((STOPPING | HARMLESS) & bit) == 0;
    status_t status = sys_thread_upcall(member->process, bit);

    (void)status; /* it can only be dead */
    if (ends_it) {
        overdue_begin(member, bit);
    }
}
/* [/book] */

/* Would it do nothing at the member? */
static bool does_nothing(const struct member *member, uint64_t bit) {
    bool is_default = ((member->handled | member->wanted) & bit) == 0;

    return (member->ignored & bit) != 0 || (is_default && (HARMLESS & bit) != 0);
}

bool member_signal_with(struct member *member, uint32_t signal,
                        const struct signal_information *information) {
    uint64_t bit = SIGNAL_BIT(signal);
    bool is_kept = true;

    if (member->is_dead) {
        return true;
    }
    if (signal == SIGNAL_KILL) {
        kill_by(member, signal);
        return true;
    }
    if (signal == SIGNAL_STOP) {
        stop_by(member, signal);
        return true;
    }
    if (signal == SIGNAL_CONT) {
        member->is_continued = true;
        continue_it(member);
    } else if ((STOPPING & bit) != 0) {
        member->is_continued = false;
    }
    if (!does_nothing(member, bit)) {
        is_kept = queue_put(member, signal, information);
        if (is_kept || information->code >= 0) {
            deliver(member, signal);
        }
    }
    return is_kept;
}

void member_signal(struct member *member, uint32_t signal) {
    member_signal_with(member, signal, &(struct signal_information){.code = CODE_KERNEL});
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
    /* What a login started, in whatever session, belongs to one user. */
    return asker->is_control ||
           (asker->member != NULL && !target->is_service && asker->member->login == target->login);
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

/* OK: sent, or allowed (signal 0). */
static status_t kill_one(const struct asker *asker, struct member *target, uint32_t signal,
                         int32_t code, uint64_t value) {
    const struct signal_information information = {code, asker->pid, value};

    if (!may_signal(asker, target)) {
        return ERROR_DENIED;
    }
    return signal == 0 || member_signal_with(target, signal, &information) || code == CODE_USER
               ? OK
               : ERROR_TOO_MANY;
}

status_t on_kill(void *context, struct request *request, int32_t selector, uint32_t signal,
                 int32_t code, uint64_t value) {
    struct asker asker;
    struct member *target;
    status_t status = asker_find(context, request, &asker), result = ERROR_NO_PROCESS;

    if (status != OK) {
        return status;
    }
    if (signal > SIGNAL_LAST || selector == INT32_MIN || code > CODE_USER) {
        return ERROR_BAD_ARGUMENT;
    }
    LIST_FOR_EACH(target, &members, node) {
        if (is_selected(&asker, target, selector)) {
            status = kill_one(&asker, target, signal, code, value);
            /* One that could be signalled makes it a success. */
            result = result == ERROR_NO_PROCESS || status == OK ? status : result;
        }
    }
    return result;
}

/* ---- what the programs tell ---- */

status_t caller_find(const void *context, const struct request *request, struct member **member) {
    struct asker asker;
    status_t status = asker_find(context, request, &asker);

    if (status == OK && asker.member == NULL) {
        status = ERROR_NO_PROCESS;
    }
    *member = status == OK ? asker.member : NULL;
    return status;
}

status_t on_set_handled(void *context, struct request *request, uint64_t handled, uint64_t ignored,
                        uint64_t wanted, uint32_t child_flags) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        member->handled = handled & ~ignored;
        member->ignored = ignored;
        member->wanted = wanted;
        member->child_flags = child_flags;
        queue_drop(member, ignored);
        member_save(member);
    }
    return status;
}

status_t on_take(void *context, struct request *request, uint32_t signal, int32_t *code,
                 uint32_t *pid, uint64_t *value, uint32_t *more) {
    struct member *member;
    struct signal_information information;
    bool has_more;
    status_t status = caller_find(context, request, &member);

    if (status == OK && (signal == 0 || signal > SIGNAL_LAST)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status == OK) {
        overdue_end(member, SIGNAL_BIT(signal));
        status = queue_take(member, signal, &information, &has_more) ? OK : ERROR_NOT_FOUND;
    }
    if (status == OK) {
        *code = information.code;
        *pid = information.pid;
        *value = information.value;
        *more = has_more;
    }
    return status;
}

status_t on_get_queued(void *context, struct request *request, uint64_t *signals) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        *signals = queue_signals(member);
    }
    return status;
}

status_t on_held(void *context, struct request *request, uint64_t signals) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK) {
        overdue_end(member, signals);
    }
    return status;
}

status_t on_stop(void *context, struct request *request, uint32_t signal, uint32_t own) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK &&
        (signal == 0 || signal > SIGNAL_LAST || (STOPPING & SIGNAL_BIT(signal)) == 0)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status != OK) {
        return status;
    }
    if (signal != SIGNAL_STOP &&
        ((member->is_continued && own == 0) || group_is_orphaned(member->session, member->group))) {
        return OK; /* it has been continued before it came to stop, or nobody could do that */
    }
    stop_by(member, signal); /* it gets the answer when it is continued */
    return OK;
}

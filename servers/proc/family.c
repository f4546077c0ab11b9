/* SPDX-License-Identifier: MIT */
/*
 * Parents and children: adopting, ending, waiting.
 */

#include "abi/kernel.h"
#include "lib/native/recycle.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"
#include "servers/proc/member.h"

/* A wait that nothing answered yet. */
struct waiter {
    struct list_node node;
    uint64_t cookie;
    handle_t saved;
    uint32_t parent;
    uint32_t group; /* of the parent, for selector 0 */
    int32_t selector;
    uint32_t options;
};

static struct list waiters = LIST_INITIALIZER(waiters);
static uint64_t last_cookie;

enum { STATUS_SIGNAL = 0x7f, STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff };

static void waiters_try(uint32_t parent);

/* ---- adopting ---- */

/* Group and session of a new child, by the flags. */
static status_t placement(const struct asker *asker, uint32_t flags, uint32_t wanted,
                          uint32_t *group, uint32_t *session) {
    const struct member *parent = asker->member, *other;

    *group = *session = 0; /* its own */
    if ((flags & PROC_ADOPT_SESSION) != 0 || parent == NULL) {
        return OK;
    }
    *session = parent->session;
    if ((flags & PROC_ADOPT_GROUP) == 0) {
        *group = parent->group;
        return OK;
    }
    if (wanted == 0) {
        return OK;
    }
    LIST_FOR_EACH(other, &members, node) {
        if (other->group == wanted && other->session == parent->session) {
            *group = wanted;
            return OK;
        }
    }
    return ERROR_DENIED;
}

static void inherit_signals(struct member *child, const struct member *parent, uint32_t flags) {
    if (parent == NULL || (flags & PROC_ADOPT_RESET) != 0) {
        return;
    }
    child->ignored = parent->ignored;
    if ((flags & PROC_ADOPT_FORKED) != 0) {
        child->handled = parent->handled;
        child->wanted = parent->wanted;
        child->child_flags = parent->child_flags;
    }
}

status_t on_adopt(void *context, struct request *request, uint32_t flags, uint32_t group,
                  uint64_t entry, uint64_t stack, uint64_t argument, handle_t child,
                  uint32_t *pid) {
    struct asker asker;
    struct process_status info;
    struct member *member;
    uint32_t child_group, child_session;
    status_t status = asker_find(context, request, &asker);

    if (status == OK && asker.member != NULL && asker.member->is_killed) {
        status = ERROR_BAD_STATE; /* its child would outlive a kill of the whole group */
    }
    if (status == OK) {
        status = placement(&asker, flags, group, &child_group, &child_session);
    }
    if (status == OK) {
        status = sys_process_info(child, PROCESS_INFO_STATUS, &info, sizeof info, 0, NULL, NULL);
    }
    if (status == OK && (info.state != PROCESS_NEW || info.tag != 0)) {
        status = ERROR_BAD_STATE; /* somebody's process already */
    }
    if (status == OK) {
        uint32_t parent = (flags & PROC_ADOPT_DETACHED) != 0 ? (uint32_t)PID_INIT : asker.pid;

        status = member_create(child, info.id, parent,
                               asker.member != NULL ? asker.member->login : 0, &member);
    }
    if (status != OK) {
        return status;
    }
    /* [book:fork-adopt] */
    member->is_kept = (flags & PROC_ADOPT_DETACHED) == 0 && asker.is_control;
    member->group = child_group != 0 ? child_group : member->pid;
    member->session = child_session != 0 ? child_session : member->pid;
    member->is_released = (flags & PROC_ADOPT_VFORK) == 0;
    inherit_signals(member, asker.member, flags);
    member_save(member);
    *pid = member->pid;
    member->process = request_keep(request, child);
    status = sys_process_start(child, entry, stack, argument);
    if (status != OK) {
        /* It will never run: dropping the last handle ends it. */
        member_free(member);
    }
    return status;
    /* [/book] */
}

/* ---- the end ---- */

/* Children of one that ended belong to process 1, where nobody waits for them. */
static void children_orphan(uint32_t parent) {
    struct member *child;

    LIST_FOR_EACH_SAFE(child, &members, node) {
        if (child->parent != parent) {
            continue;
        }
        if (child->is_dead) {
            member_free(child);
        } else {
            member_orphan(child);
        }
    }
}

/* Does anybody want to know how this one ended? */
static bool is_awaited(const struct member *member) {
    const struct member *parent = member_find_alive(member->parent);

    if (member->is_service) {
        return false;
    }
    if (member->parent == PID_INIT) {
        return member->is_kept;
    }
    return parent != NULL && (parent->ignored & SIGNAL_BIT(SIGNAL_CHLD)) == 0 &&
           (parent->child_flags & PROC_CHILD_NO_WAIT) == 0;
}

/* Nobody will wait for it, but with SA_NOCLDWAIT its parent hears of it. */
static void forget(struct member *member, int32_t code, uint32_t status) {
    struct member *parent = member_find_alive(member->parent);
    uint32_t pid = member->pid, parent_pid = member->parent;

    member_free(member);
    waiters_try(parent_pid); /* it may have been the last child */
    if (parent != NULL && !parent->is_service) {
        member_signal_with(parent, SIGNAL_CHLD, &(struct signal_information){code, pid, status});
    }
}

void member_ended(struct member *member, uint32_t wait_status, uint64_t cpu_ns) {
    uint32_t pid = member->pid, signal = wait_status & STATUS_SIGNAL;
    bool led_session = member->session == pid;
    int32_t code = signal != 0 ? CODE_CHILD_KILLED : CODE_CHILD_EXITED;
    uint32_t status = signal != 0 ? signal : wait_status >> 8;

    member->is_stopped = false;
    groups_before_end();
    member->is_dead = true;
    member->stop_signal = 0;
    member->was_continued = false;
    member->wait_status = wait_status;
    member->cpu_ns = cpu_ns;
    timers_stop(member);
    server_timer_stop(&member->overdue);
    queue_drop(member, UINT64_MAX);
    member_detach(member);
    member_save(member);
    children_orphan(pid);
    waiters_try(pid); /* its own waits: nobody waits there any more */
    if (is_awaited(member)) {
        member_tell_parent(member, code, status);
    } else {
        forget(member, code, status);
    }
    /* Only now that it is told of, and perhaps freed: who is continued here makes its parent's
     * waits look again, and they would find one that is nobody's to find yet. */
    if (led_session) {
        session_ended(pid);
    }
    groups_after_end();
}

/* ---- waiting ---- */

static bool matches(const struct member *child, const struct waiter *waiter) {
    if (child->parent != waiter->parent || child->is_service ||
        (waiter->parent == PID_INIT && !child->is_kept)) {
        return false;
    }
    if (waiter->selector == -1) {
        return true;
    }
    if (waiter->selector > 0) {
        return child->pid == (uint32_t)waiter->selector;
    }
    return child->group == (waiter->selector == 0 ? waiter->group : (uint32_t)-waiter->selector);
}

/* What there is to report of this child, to this wait; with the report it is forgotten, unless the
 * wait keeps it. */
static bool report(struct member *child, const struct waiter *waiter, uint32_t *status,
                   uint64_t *cpu_ns) {
    bool keep = (waiter->options & PROC_WAIT_KEEP) != 0;
    struct member *parent = member_find_alive(child->parent);

    *cpu_ns = child->cpu_ns + child->children_cpu_ns;
    if ((waiter->options & PROC_WAIT_RELEASED) != 0) {
        *status = 0;
        return child->is_released || child->is_dead;
    }
    if (child->is_dead && (waiter->options & PROC_WAIT_EXITED) != 0) {
        *status = child->wait_status;
        if (!keep) {
            if (parent != NULL) {
                parent->children_cpu_ns += child->cpu_ns + child->children_cpu_ns;
                member_save(parent);
            }
            member_free(child);
        }
        return true;
    }
    if (child->stop_signal != 0 && (waiter->options & PROC_WAIT_STOPPED) != 0) {
        *status = child->stop_signal << 8 | STATUS_STOPPED;
        child->stop_signal = keep ? child->stop_signal : 0;
        member_save(child);
        return true;
    }
    if (child->was_continued && (waiter->options & PROC_WAIT_CONTINUED) != 0) {
        *status = STATUS_CONTINUED;
        child->was_continued = keep;
        member_save(child);
        return true;
    }
    return false;
}

/* OK: answered; WOULD_BLOCK: nothing yet; NO_CHILD. */
static status_t wait_try(const struct waiter *waiter, uint32_t *pid, uint32_t *status,
                         uint64_t *cpu_ns) {
    struct member *child;
    bool has_child = false;

    LIST_FOR_EACH_SAFE(child, &members, node) {
        if (!matches(child, waiter)) {
            continue;
        }
        has_child = true;
        *pid = child->pid;
        if (report(child, waiter, status, cpu_ns)) {
            return OK;
        }
    }
    *pid = 0;
    return has_child ? ERROR_WOULD_BLOCK : ERROR_NO_CHILD;
}

static void waiter_end(struct waiter *waiter, status_t outcome, uint32_t pid, uint32_t status,
                       uint64_t cpu_ns) {
    handle_t saved = waiter->saved;

    list_remove(&waiter->node);
    recycle_free(waiter, sizeof *waiter);
    proc_answer_wait(saved, outcome, pid, status, cpu_ns);
}

/* Tries the waits of this parent again; those that cannot succeed any more end too. */
static void waiters_try(uint32_t parent) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &waiters, node) {
        uint32_t pid = 0, status = 0;
        uint64_t cpu_ns = 0;

        if (waiter->parent == parent) {
            status_t outcome = wait_try(waiter, &pid, &status, &cpu_ns);

            if (outcome != ERROR_WOULD_BLOCK) {
                waiter_end(waiter, outcome, pid, status, cpu_ns);
            }
        }
    }
}

void waiter_cancel(uint64_t cookie) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &waiters, node) {
        if (waiter->cookie == cookie) {
            waiter_end(waiter, ERROR_INTERRUPTED, 0, 0, 0);
            return;
        }
    }
}

void member_tell_parent(struct member *member, int32_t code, uint32_t status) {
    uint32_t parent_pid = member->parent;
    struct member *parent = member_find_alive(parent_pid);
    uint32_t pid = member->pid;
    bool has_ended = member->is_dead;

    waiters_try(parent_pid); /* may free the member */
    if (parent != NULL && !parent->is_service &&
        (has_ended || (parent->child_flags & PROC_CHILD_NO_STOP) == 0)) {
        member_signal_with(parent, SIGNAL_CHLD, &(struct signal_information){code, pid, status});
    }
}

status_t on_released(void *context, struct request *request) {
    struct member *member;
    status_t status = caller_find(context, request, &member);

    if (status == OK && !member->is_released) {
        member->is_released = true;
        waiters_try(member->parent);
    }
    return status;
}

status_t on_wait(void *context, struct request *request, int32_t selector, uint32_t options,
                 uint32_t *pid, uint32_t *status, uint64_t *cpu_ns) {
    struct asker asker;
    status_t result = asker_find(context, request, &asker);

    if (result != OK) {
        return result;
    }
    struct waiter wanted = {.parent = asker.pid,
                            .group = asker.member != NULL ? asker.member->group : 0,
                            .selector = selector,
                            .options = options};

    result = wait_try(&wanted, pid, status, cpu_ns);
    if (result != ERROR_WOULD_BLOCK) {
        return result;
    }
    if ((options & PROC_WAIT_NOHANG) != 0) {
        return OK; /* pid 0 */
    }
    struct waiter *waiter = recycle_allocate(sizeof *waiter);

    if (waiter == NULL) {
        return ERROR_NO_MEMORY;
    }
    *waiter = wanted;
    list_node_init(&waiter->node);
    waiter->cookie = ++last_cookie;
    result = request_save(request, waiter->cookie, &waiter->saved);
    if (result != OK) {
        recycle_free(waiter, sizeof *waiter);
        return result == ERROR_NO_REPLY ? REQUEST_DEFERRED : result;
    }
    list_push_back(&waiters, &waiter->node);
    return REQUEST_DEFERRED;
}

status_t on_get_times(void *context, struct request *request, uint64_t *cpu_ns,
                      uint64_t *children_cpu_ns) {
    struct asker asker;
    struct process_status info;
    status_t status = asker_find(context, request, &asker);

    if (status == OK && asker.member == NULL) {
        status = ERROR_NO_PROCESS;
    }
    if (status == OK) {
        status = sys_process_info(asker.member->process, PROCESS_INFO_STATUS, &info, sizeof info, 0,
                                  NULL, NULL);
    }
    if (status == OK) {
        *cpu_ns = info.cpu_ns;
        *children_cpu_ns = asker.member->children_cpu_ns;
    }
    return status;
}

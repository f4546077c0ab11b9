/* SPDX-License-Identifier: MIT */
/*
 * Sessions, process groups, terminals. A session has a record here only if it has a terminal: the
 * terminal's server notifies the session's gate of Ctrl-C and the like, and the foreground group
 * gets the signal.
 */
#include <stdlib.h>

#include "abi/generated/terminal.h"
#include "lib/native/syscall.h"
#include "servers/proc/member.h"

struct session {
    struct list_node node;
    uint32_t id; /* 0: the leader is gone; kept until the terminal drops its gate */
    uint32_t foreground;
};

static struct list sessions = LIST_INITIALIZER(sessions);

static struct session *session_find(uint32_t id) {
    struct session *session;

    LIST_FOR_EACH(session, &sessions, node) {
        if (session->id == id && id != 0) {
            return session;
        }
    }
    return NULL;
}

bool session_has_terminal(uint32_t id) {
    return session_find(id) != NULL;
}

/* ---- the terminal's word ---- */

static void on_terminal_notified(struct server *loop, void *object, uint64_t bits) {
    static const struct {
        uint64_t bit;
        uint32_t signal;
    } effects[] = {
        {TERMINAL_NOTIFY_INTERRUPT, SIGNAL_INT}, {TERMINAL_NOTIFY_QUIT, SIGNAL_QUIT},
        {TERMINAL_NOTIFY_SUSPEND, SIGNAL_TSTP},  {TERMINAL_NOTIFY_RESIZED, SIGNAL_WINCH},
        {TERMINAL_NOTIFY_HANGUP, SIGNAL_HUP},
    };
    const struct session *session = object;

    (void)loop;
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++) {
        if ((bits & effects[i].bit) != 0 && session->id != 0) {
            group_signal(session->id, session->foreground, effects[i].signal);
        }
    }
}

static void on_terminal_closed(struct server *loop, void *object) {
    struct session *session = object;

    (void)loop;
    list_remove(&session->node);
    free(session);
}

static const struct server_protocol no_protocols[] = {{0}};
static const struct server_class terminal_class = {
    .protocols = no_protocols, .notified = on_terminal_notified, .closed = on_terminal_closed};

static bool group_is_in_session(uint32_t group, uint32_t session) {
    const struct member *member;

    LIST_FOR_EACH(member, &members, node) {
        if (member->group == group && member->session == session) {
            return true;
        }
    }
    return false;
}

status_t on_terminal_gate(void *context, struct request *request, handle_t *gate) {
    struct asker asker;
    status_t status = asker_find(context, request, &asker);

    if (status != OK) {
        return status;
    }
    if (asker.member == NULL || asker.pid != asker.member->session) {
        return ERROR_DENIED;
    }
    struct session *session = calloc(1, sizeof *session), *old = session_find(asker.pid);

    if (session == NULL) {
        return ERROR_NO_MEMORY;
    }
    session->id = asker.pid;
    session->foreground = old != NULL ? old->foreground : asker.member->group;
    if (old == NULL && group_is_in_session(asker.member->foreground, session->id)) {
        session->foreground = asker.member->foreground; /* as an earlier run of ours knew it */
    }
    status = server_object_create(server, request->tag, &terminal_class, session, gate);
    if (status != OK) {
        free(session);
        return status;
    }
    if (old != NULL) {
        old->id = 0; /* the terminal before: it has nothing to say any more */
    }
    list_push_back(&sessions, &session->node);
    return OK;
}

void session_ended(uint32_t id) {
    struct session *session = session_find(id);

    if (session != NULL) {
        session->id = 0;
        group_signal(id, session->foreground, SIGNAL_HUP);
        group_signal(id, session->foreground, SIGNAL_CONT);
    }
}

/* ---- ids and groups ---- */

/* The member that `pid` means to the asker: 0 itself. */
static status_t subject_find(const void *context, const struct request *request, uint32_t pid,
                             struct asker *asker, struct member **subject) {
    status_t status = asker_find(context, request, asker);

    if (status != OK) {
        return status;
    }
    *subject = pid == 0 ? asker->member : member_find(pid);
    return *subject != NULL ? OK : ERROR_NO_PROCESS;
}

status_t on_get_ids(void *context, struct request *request, uint32_t pid, uint32_t *parent,
                    uint32_t *group, uint32_t *session, uint32_t *terminal) {
    struct asker asker;
    struct member *subject;
    status_t status = subject_find(context, request, pid, &asker, &subject);

    if (status == OK) {
        *parent = subject->parent;
        *group = subject->group;
        *session = subject->session;
        *terminal = session_has_terminal(subject->session);
    }
    return status;
}

bool group_is_orphaned(uint32_t session, uint32_t group) {
    const struct member *member, *parent;

    LIST_FOR_EACH(member, &members, node) {
        if (member->is_dead || member->session != session || member->group != group) {
            continue;
        }
        parent = member_find_alive(member->parent);
        if (parent != NULL && parent->session == session && parent->group != group) {
            return false;
        }
    }
    return true;
}

static bool any_was_controlled;

void groups_before_end(void) {
    struct member *member;

    any_was_controlled = false;
    LIST_FOR_EACH(member, &members, node) {
        if (member->is_stopped) {
            member->was_controlled = !group_is_orphaned(member->session, member->group);
            any_was_controlled = any_was_controlled || member->was_controlled;
        }
    }
}

void groups_after_end(void) {
    struct member *member;

    if (!any_was_controlled) {
        return;
    }
    LIST_FOR_EACH(member, &members, node) {
        bool was_controlled = member->was_controlled;

        member->was_controlled = false;
        if (was_controlled && member->is_stopped &&
            group_is_orphaned(member->session, member->group)) {
            group_signal(member->session, member->group, SIGNAL_HUP);
            group_signal(member->session, member->group, SIGNAL_CONT);
        }
    }
}

status_t on_set_group(void *context, struct request *request, uint32_t pid, uint32_t group) {
    struct asker asker;
    struct member *subject;
    status_t status = subject_find(context, request, pid, &asker, &subject);

    if (status != OK) {
        return status;
    }
    if (asker.member == NULL || subject->is_dead ||
        (subject != asker.member && subject->parent != asker.pid)) {
        return ERROR_NO_PROCESS;
    }
    group = group == 0 ? subject->pid : group;
    if (subject->session != asker.member->session || subject->pid == subject->session ||
        (group != subject->pid && !group_is_in_session(group, subject->session))) {
        return ERROR_DENIED;
    }
    subject->group = group;
    member_save(subject);
    return OK;
}

status_t on_new_session(void *context, struct request *request, uint32_t *session) {
    struct asker asker;
    const struct member *other;
    status_t status = asker_find(context, request, &asker);

    if (status == OK && asker.member == NULL) {
        status = ERROR_DENIED;
    }
    if (status != OK) {
        return status;
    }
    LIST_FOR_EACH(other, &members, node) {
        if (other->group == asker.pid) {
            return ERROR_DENIED; /* the new group would not be new */
        }
    }
    asker.member->group = asker.member->session = asker.pid;
    member_save(asker.member);
    *session = asker.pid;
    return OK;
}

/* ---- the foreground ---- */

static status_t terminal_session(const void *context, const struct request *request,
                                 struct session **session) {
    struct asker asker;
    status_t status = asker_find(context, request, &asker);

    if (status != OK) {
        return status;
    }
    *session = asker.member != NULL ? session_find(asker.member->session) : NULL;
    return *session != NULL ? OK : ERROR_NOT_TERMINAL;
}

status_t on_get_foreground(void *context, struct request *request, uint32_t *group) {
    struct session *session;
    status_t status = terminal_session(context, request, &session);

    if (status == OK) {
        *group = session->foreground;
    }
    return status;
}

status_t on_set_foreground(void *context, struct request *request, uint32_t group) {
    struct session *session;
    status_t status = terminal_session(context, request, &session);

    if (status == OK && !group_is_in_session(group, session->id)) {
        status = ERROR_DENIED;
    }
    if (status == OK) {
        struct member *leader = member_find_alive(session->id);

        session->foreground = group;
        if (leader != NULL) {
            leader->foreground = group;
            member_save(leader);
        }
    }
    return status;
}

/* ---- the background ---- */

status_t on_background(void *context, struct request *request, uint32_t number, uint32_t signal,
                       uint32_t held, uint32_t *verdict) {
    struct asker asker;
    status_t status = asker_find(context, request, &asker);
    const struct member *member = asker.member;
    const struct session *session;

    if (status == OK && (signal != SIGNAL_TTIN && signal != SIGNAL_TTOU)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status != OK) {
        return status;
    }
    session = member != NULL && member->session == number ? session_find(number) : NULL;
    *verdict = PROC_BACKGROUND_PROCEED;
    if (session == NULL || session->foreground == member->group ||
        (held != 0 && signal == SIGNAL_TTOU)) {
        return OK;
    }
    *verdict = PROC_BACKGROUND_REFUSED;
    if (held == 0 && !group_is_orphaned(member->session, member->group)) {
        *verdict = PROC_BACKGROUND_SIGNALLED;
        group_signal(member->session, member->group, signal);
    }
    return OK;
}

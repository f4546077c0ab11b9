/* SPDX-License-Identifier: MIT */
#include "servers/proc/member.h"

#include <stdlib.h>

#include "abi/kernel.h"
#include "abi/tag.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/recycle.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

enum { EXIT_BIT = 1, LIST_AT_ONCE = 16 };

struct list members = LIST_INITIALIZER(members);
static struct record *records;
static size_t n_records;
static struct shares shares; /* of the records */
static uint32_t last_pid = PID_INIT, last_login;

/* ---- finding ---- */

/* From the youngest on: who starts programs and ends is mostly one of these. */
struct member *member_find(uint32_t pid) {
    for (struct list_node *node = members.head.prev; node != &members.head; node = node->prev) {
        struct member *member = CONTAINER_OF(node, struct member, node);

        if (member->pid == pid) {
            return member;
        }
    }
    return NULL;
}

struct member *member_find_alive(uint32_t pid) {
    struct member *member = member_find(pid);

    return member != NULL && !member->is_dead ? member : NULL;
}

static struct member *member_find_kernel_id(uint32_t kernel_id) {
    struct member *member;

    LIST_FOR_EACH(member, &members, node) {
        if (!member->is_dead && member->kernel_id == kernel_id) {
            return member;
        }
    }
    return NULL;
}

bool pid_is_used(uint32_t pid) {
    const struct member *member;

    LIST_FOR_EACH(member, &members, node) {
        if (member->pid == pid || member->group == pid || member->session == pid) {
            return true;
        }
    }
    return false;
}

static uint32_t pid_new(void) {
    do {
        last_pid = last_pid >= TAG_PID_MAX ? PID_INIT + 1 : last_pid + 1;
    } while (pid_is_used(last_pid));
    return last_pid;
}

/* The next that nobody has; 0: there is none. */
static uint32_t login_new(void) {
    for (uint32_t i = 0; i < TAG_LOGIN_MAX; i++) {
        last_login = last_login % TAG_LOGIN_MAX + 1;
        if (shares.own[last_login] == 0) {
            return last_login;
        }
    }
    return 0;
}

/* ---- records ---- */

static struct record *record_take(void) {
    for (size_t i = 0; i < n_records; i++) {
        if ((records[i].flags & RECORD_USED) == 0) {
            records[i] = (struct record){.flags = RECORD_USED};
            return &records[i];
        }
    }
    return NULL;
}

static void record_free(struct record *record) {
    record->flags = 0;
}

void member_save(const struct member *member) {
    *member->record = (struct record){
        .flags = RECORD_USED | (member->is_dead ? RECORD_DEAD : 0u) |
                 (member->is_kept ? RECORD_KEPT : 0u) |
                 (member->was_continued ? RECORD_CONTINUED : 0u),
        .pid = member->pid,
        .kernel_id = member->kernel_id,
        .parent = member->parent,
        .group = member->group,
        .session = member->session,
        .wait_status = member->wait_status,
        .child_flags = member->child_flags,
        .stop_signal = member->stop_signal,
        .foreground = member->foreground,
        .login = member->login,
        .handled = member->handled,
        .ignored = member->ignored,
        .wanted = member->wanted,
        .cpu_ns = member->cpu_ns,
        .children_cpu_ns = member->children_cpu_ns,
    };
    for (size_t kind = 0; kind < TIMER_KINDS; kind++) {
        member->record->timers[kind] = member->timers[kind].setting;
    }
}

/* ---- making and freeing ---- */

static uint32_t signal_of_fault(const struct death_record *death) {
    switch (death->vector) {
    case 0:  /* #DE */
    case 16: /* #MF */
    case 19: /* #XM */
        return SIGNAL_FPE;
    case 1: /* #DB */
    case 3: /* #BP */
        return SIGNAL_TRAP;
    case 6: /* #UD */
        return SIGNAL_ILL;
    case 17: /* #AC */
        return SIGNAL_BUS;
    case 14: /* #PF */
        return (death->error_code & FAULT_BEYOND_END) != 0 ? SIGNAL_BUS : SIGNAL_SEGV;
    default:
        return SIGNAL_SEGV;
    }
}

/* The end of a process as wait4 gives it. */
static uint32_t wait_status_of(const struct member *member, const struct process_status *status) {
    struct death_record death;
    bool says_signal = (status->status & PROC_STATUS_SIGNAL) != 0;

    switch (status->cause) {
    case DEATH_EXIT:
        return says_signal ? (uint32_t)status->status & 0x7f
                           : ((uint32_t)status->status & 0xff) << 8;
    case DEATH_FAULT:
        return sys_process_info(member->process, PROCESS_INFO_DEATH, &death, sizeof death, 0, NULL,
                                NULL) == OK
                   ? signal_of_fault(&death)
                   : (uint32_t)SIGNAL_SEGV;
    case DEATH_KILLED:
        return says_signal ? (uint32_t)status->status & 0x7f : (uint32_t)SIGNAL_KILL;
    default:
        return SIGNAL_KILL;
    }
}

/* The kernel's notification on the exit gate. Notifications can be had from elsewhere: only the
 * kernel's word counts. */
static void on_exit_notified(struct server *loop, void *object, uint64_t bits) {
    struct member *member = object;
    struct process_status status;

    (void)loop, (void)bits;
    if (member->is_dead || sys_process_info(member->process, PROCESS_INFO_STATUS, &status,
                                            sizeof status, 0, NULL, NULL) != OK) {
        return;
    }
    if (status.state != PROCESS_DEAD && status.state != PROCESS_DYING) {
        return;
    }
    if (!member->is_service && (status.cause == DEATH_FAULT || status.cause == DEATH_BUDGET)) {
        report_death(member);
    }
    member_ended(member, wait_status_of(member, &status), status.cpu_ns);
}

static const struct server_protocol no_protocols[] = {{0}};
static const struct server_class exit_class = {.protocols = no_protocols,
                                               .notified = on_exit_notified};

/* Tells the kernel, and so all whom it talks to, who it is. */
static status_t member_identify(const struct member *member) {
    return sys_process_identify(identity, member->process, tag_make(member->login, member->pid),
                                member->parent);
}

/* Services keep tag 0: to other servers they are what they were. */
static status_t member_attach(struct member *member) {
    status_t status = server_object_create_badged(server, 0, &exit_class, member,
                                                  &member->exit_gate, &member->exit_badge);

    if (status != OK) {
        return status;
    }
    if (!member->is_service) {
        status = member_identify(member);
    }
    if (status == OK) {
        status = sys_process_watch(member->process, member->exit_gate, EXIT_BIT);
    }
    if (status != OK) {
        server_object_revoke(server, member->exit_badge, member->exit_gate);
        member->exit_gate = HANDLE_NONE;
    }
    return status;
}

void member_detach(struct member *member) {
    if (member->exit_gate != HANDLE_NONE) {
        server_object_revoke(server, member->exit_badge, member->exit_gate);
        member->exit_gate = HANDLE_NONE;
    }
    if (member->process != HANDLE_NONE) {
        server_handle_close(member->process);
        member->process = HANDLE_NONE;
    }
}

static status_t member_make(handle_t process, const struct record *like, bool is_service,
                            struct member **created) {
    uint32_t login = is_service ? 0 : like->login != 0 ? like->login : login_new();

    if (login == 0 && !is_service) {
        return ERROR_TOO_MANY;
    }
    struct member *member = recycle_allocate(sizeof *member);

    if (member == NULL) {
        return ERROR_NO_MEMORY;
    }
    member->record = record_take();
    if (member->record == NULL) {
        recycle_free(member, sizeof *member);
        return ERROR_TOO_MANY;
    }
    member->process = process;
    member->is_service = is_service;
    member->kernel_id = like->kernel_id;
    member->pid = like->pid != 0 ? like->pid : pid_new();
    member->parent = like->parent;
    member->group = like->group;
    member->session = like->session;
    member->login = login;
    member->handled = like->handled;
    member->ignored = like->ignored;
    member->wanted = like->wanted;
    member->child_flags = like->child_flags;
    member->stop_signal = like->stop_signal;
    member->was_continued = (like->flags & RECORD_CONTINUED) != 0;
    member->foreground = like->foreground;
    member->children_cpu_ns = like->children_cpu_ns;
    member->is_released = true;
    list_init(&member->queue);
    timers_init(member);
    member->is_kept = (like->flags & RECORD_KEPT) != 0;
    status_t status = process == HANDLE_NONE ? OK : member_attach(member);

    if (status != OK) {
        record_free(member->record);
        recycle_free(member, sizeof *member);
        return status;
    }
    share_take(&shares, member->login, 1);
    list_push_back(&members, &member->node);
    member_save(member);
    *created = member;
    return OK;
}

status_t member_create(handle_t process, uint32_t kernel_id, uint32_t parent, uint32_t login,
                       struct member **created) {
    const struct record like = {.kernel_id = kernel_id, .parent = parent, .login = login};

    if (!share_is_left(&shares, login, 1)) {
        return ERROR_TOO_MANY;
    }
    return member_make(process, &like, false, created);
}

void member_orphan(struct member *member) {
    member->parent = PID_INIT;
    if (member->process != HANDLE_NONE && !member->is_service) {
        status_t status = member_identify(member);
        (void)status; /* the process has ended meanwhile: it will not ask */
    }
    member_save(member);
}

void member_free(struct member *member) {
    timers_stop(member);
    server_timer_stop(&member->overdue);
    queue_drop(member, UINT64_MAX);
    member_detach(member);
    share_return(&shares, member->login, 1);
    record_free(member->record);
    list_remove(&member->node);
    recycle_free(member, sizeof *member);
}

/* ---- the kernel's list ---- */

static bool list_next_part(uint64_t *cursor, struct process_status *entries, size_t *n) {
    uint64_t next;

    memset(entries, 0, LIST_AT_ONCE * sizeof *entries);
    if (sys_process_info(identity, PROCESS_INFO_LIST, entries, LIST_AT_ONCE * sizeof *entries,
                         *cursor, &next, NULL) != OK) {
        return false;
    }
    for (*n = 0; *n < LIST_AT_ONCE && entries[*n].id != 0;) {
        (*n)++;
    }
    *cursor = next;
    return true;
}

static void for_each_process(void (*visit)(const struct process_status *entry)) {
    struct process_status entries[LIST_AT_ONCE];
    uint64_t cursor = 0;
    size_t n;

    do {
        if (!list_next_part(&cursor, entries, &n)) {
            return;
        }
        for (size_t i = 0; i < n; i++) {
            visit(&entries[i]);
        }
    } while (cursor != 0);
}

static status_t process_open(uint32_t kernel_id, handle_t *process) {
    return sys_process_info(identity, PROCESS_INFO_OPEN, NULL, 0, kernel_id, NULL, process);
}

/* A running process without a tag is a service: programs get their tag before they start. */
static void visit_service(const struct process_status *entry) {
    struct member *member;
    handle_t process;
    bool is_init = entry->id == PID_INIT;

    if (entry->tag != 0 || entry->state == PROCESS_NEW || entry->state >= PROCESS_DYING ||
        member_find_kernel_id(entry->id) != NULL || process_open(entry->id, &process) != OK) {
        return;
    }
    struct record like = {.kernel_id = entry->id, .pid = is_init ? (uint32_t)PID_INIT : 0};

    if (member_make(process, &like, true, &member) != OK) {
        server_handle_close(process);
        return;
    }
    member->parent = is_init ? 0 : PID_INIT;
    member->group = member->session = member->pid;
    member_save(member);
}

void members_find_services(void) {
    for_each_process(visit_service);
}

/* ---- after a restart ---- */

/* What was known before; the array is copied, since taking members on writes the state anew. */
static struct record *old_records;

static const struct record *old_record(uint32_t pid, uint32_t kernel_id) {
    for (size_t i = 0; i < n_records; i++) {
        const struct record *old = &old_records[i];

        if ((old->flags & RECORD_USED) != 0 && old->pid == pid && old->kernel_id == kernel_id) {
            return old;
        }
    }
    return NULL;
}

/* A process that an earlier run gave a pid. Without its record it becomes a session of its own. */
static void visit_tagged(const struct process_status *entry) {
    uint32_t pid = tag_pid(entry->tag);
    struct record like = {
        .pid = pid, .kernel_id = entry->id, .parent = PID_INIT, .group = pid, .session = pid};
    const struct record *old = old_record(pid, entry->id);
    struct member *member;
    handle_t process;

    if (entry->tag == 0 || entry->state == PROCESS_NEW || process_open(entry->id, &process) != OK) {
        return; /* one that an adopt had not got started yet fails at its parent's */
    }
    if (old != NULL) {
        like = *old;
    }
    like.login = tag_login(entry->tag);
    status_t status = member_make(process, &like, false, &member);

    if (status != OK) {
        log_write(LOG_ERROR, "proc: process %u (pid %u) is lost: %s", entry->id, pid,
                  status_text(status));
        server_handle_close(process);
        return;
    }
    last_pid = MAX(last_pid, member->pid);
    member->is_stopped = entry->state == PROCESS_STOPPED;
    timers_resume(member, &like);
}

/* The dead of before, and, in a second turn, those that ended while nobody was here to see: how
 * those ended is not known, but their parents must not wait for ever, and their own children that
 * are dead are forgotten. */
static void restore_dead(const struct record *old, bool was_dead) {
    struct member *member;

    if (((old->flags & RECORD_DEAD) != 0) != was_dead || (old->flags & RECORD_USED) == 0 ||
        member_find(old->pid) != NULL || old->pid <= PID_INIT || old->pid > TAG_PID_MAX ||
        old->login > TAG_LOGIN_MAX || member_make(HANDLE_NONE, old, false, &member) != OK) {
        return;
    }
    if (was_dead) {
        member->is_dead = true;
        member->wait_status = old->wait_status;
        member->cpu_ns = old->cpu_ns;
        member_save(member);
    } else {
        member_ended(member, SIGNAL_KILL, 0);
    }
}

/* The records of members, then those of queued signals. */
static void state_map(void) {
    const struct startup_entry *state = startup_find(STARTUP_MEMORY, "state");
    uint64_t address = 0;
    size_t bytes = state != NULL ? state->number * PAGE_SIZE : 0;

    if (state == NULL ||
        sys_map(HANDLE_NONE, state->handle, 0, bytes, 0, MAP_READ | MAP_WRITE, &address) != OK) {
        /* Without state pages all works but a restart. */
        bytes = 48 * PAGE_SIZE;
        address = (uint64_t)(uintptr_t)calloc(1, bytes);
    }
    if (address == 0) {
        return;
    }
    size_t queue_bytes = bytes / 4;

    records = (struct record *)address;
    n_records = (bytes - queue_bytes) / sizeof *records;
    queue_start((void *)(uintptr_t)(address + bytes - queue_bytes), queue_bytes);
}

void members_rebuild(void) {
    state_map();
    old_records = calloc(n_records, sizeof *old_records);
    if (old_records != NULL) {
        memcpy(old_records, records, n_records * sizeof *records);
    } else {
        n_records = 0;
    }
    memset(records, 0, n_records * sizeof *records);
    shares.total = n_records;
    for_each_process(visit_tagged);
    for (size_t i = 0; i < 2 * n_records; i++) {
        restore_dead(&old_records[i % n_records], i < n_records);
    }
    free(old_records);
    old_records = NULL;
    queue_rebuild();
    members_find_services();
}

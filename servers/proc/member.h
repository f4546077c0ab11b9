/* SPDX-License-Identifier: MIT */
/*
 * Everything that the proc server knows: one member per process, alive or dead and not yet waited
 * for.
 *
 * Each member also has a record in the service's state pages, which outlive us: what cannot be had
 * from the kernel again. Process 1 is init; it adopts orphans, and whoever has the control gate
 * (root 1) speaks for it.
 *
 * Invariant: a living member has `process` and is watched by `exit_gate`; a dead one (is_dead) has
 * neither.
 */
#pragma once

#include "abi/generated/proc.h"
#include "lib/base/list.h"
#include "lib/base/share.h"
#include "lib/native/server.h"

enum { PID_INIT = 1, SIGNAL_LAST = 64 };

/* Linux's numbers, as everywhere in POSIX programs. */
enum signal_number {
    SIGNAL_HUP = 1,
    SIGNAL_INT = 2,
    SIGNAL_QUIT = 3,
    SIGNAL_ILL = 4,
    SIGNAL_TRAP = 5,
    SIGNAL_BUS = 7,
    SIGNAL_FPE = 8,
    SIGNAL_KILL = 9,
    SIGNAL_SEGV = 11,
    SIGNAL_ALRM = 14,
    SIGNAL_VTALRM = 26,
    SIGNAL_PROF = 27,
    SIGNAL_CHLD = 17,
    SIGNAL_CONT = 18,
    SIGNAL_STOP = 19,
    SIGNAL_TSTP = 20,
    SIGNAL_TTIN = 21,
    SIGNAL_TTOU = 22,
    SIGNAL_URG = 23,
    SIGNAL_WINCH = 28,
};
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

/* siginfo's si_code, of signals that are no program's. */
enum signal_code {
    CODE_USER = 0,
    CODE_KERNEL = 128,
    CODE_CHILD_EXITED = 1,
    CODE_CHILD_KILLED = 2,
    CODE_CHILD_STOPPED = 5,
    CODE_CHILD_CONTINUED = 6,
};

/* What comes with a signal. */
struct signal_information {
    int32_t code;
    uint32_t pid;
    uint64_t value;
};

enum record_flags { RECORD_USED = 1, RECORD_DEAD = 2, RECORD_KEPT = 4, RECORD_CONTINUED = 8 };

enum { TIMER_KINDS = 3 }; /* PROC_TIMER_REAL, _VIRTUAL, _PROFILE */

/* A timer's next moment, of the monotonic clock or of the process's CPU time; 0: never. */
struct timer_setting {
    uint64_t at_ns, interval_ns;
};

/* In the state pages. After a restart nothing in it is believed that contradicts the kernel. */
struct record {
    uint32_t flags;
    uint32_t pid;
    uint32_t kernel_id;
    uint32_t parent;
    uint32_t group;
    uint32_t session;
    uint32_t wait_status; /* dead */
    uint32_t child_flags;
    uint32_t stop_signal; /* not yet reported, else 0 */
    uint32_t foreground;  /* leader of a session: the foreground group, 0: none yet */
    uint32_t login;
    uint64_t handled;
    uint64_t ignored;
    uint64_t wanted;
    uint64_t cpu_ns;
    uint64_t children_cpu_ns;
    struct timer_setting timers[TIMER_KINDS];
};

struct member {
    struct list_node node; /* in members */
    struct record *record;
    uint32_t pid, kernel_id, parent, group, session;
    uint32_t login; /* part of its tag, 0: a service */
    handle_t process;
    handle_t exit_gate;
    uint64_t exit_badge;
    bool is_service; /* started by init, without a tag */
    bool is_dead;
    bool is_killed; /* by us: what it still asks for may have been sent before, and come after */
    bool is_kept;   /* a child of process 1 that somebody will wait for */
    bool is_stopped;
    bool is_released;     /* the parent of a vfork may go on */
    bool is_continued;    /* SIGCONT was sent after the last of SIGTSTP, SIGTTIN and SIGTTOU */
    bool was_controlled;  /* stopped, in a group that was not orphaned (groups_before_end) */
    uint32_t wait_status; /* of the end */
    uint32_t stop_signal; /* not yet reported to a wait, else 0 */
    bool was_continued;   /* the same */
    uint32_t foreground;  /* of the session that it leads, 0: none yet */
    uint64_t handled, ignored, wanted; /* sets of signals, as told by set_handled */
    uint32_t child_flags;              /* PROC_CHILD_NO_STOP, PROC_CHILD_NO_WAIT */
    struct list queue;                 /* of struct queued: what came with signals */
    uint32_t n_queued;                 /* realtime ones in it */
    uint64_t unqueued;        /* signals that may have come, of which the queue has nothing */
    uint64_t cpu_ns;          /* when it ended */
    uint64_t children_cpu_ns; /* of those that were waited for */
    struct timer {
        struct server_timer clock; /* iff setting.at_ns is not 0 */
        struct timer_setting setting;
        uint32_t kind;
        struct member *member;
    } timers[TIMER_KINDS];
    struct server_timer overdue; /* runs iff overdue_signals is not empty, and it is not stopped */
    uint64_t overdue_signals;    /* of default effect, which should have ended it */
    uint64_t overdue_later;      /* those of them that came after the timer began */
};

extern struct list members;
extern struct server *server;
extern handle_t identity;

/* NULL if there is none. Dead ones are found too. */
struct member *member_find(uint32_t pid);
struct member *member_find_alive(uint32_t pid);

/* Takes on the process: a new pid, record, tag, watch; its page says pid and parent; login 0: it
 * begins one. On an error (TOO_MANY: its login has its share, or 255 live) nothing is changed, and
 * `process` stays the caller's. */
WARN_UNUSED status_t member_create(handle_t process, uint32_t kernel_id, uint32_t parent,
                                   uint32_t login, struct member **created);

/* Its parent is gone: process 1 is the parent from now on. */
void member_orphan(struct member *member);

/* Writes what a restart needs to the record. */
void member_save(const struct member *member);

/* No more is heard of its process, which is closed: the end of an unstarted one. */
void member_detach(struct member *member);

/* Forgets a dead one, or one whose start failed. */
void member_free(struct member *member);

/* Takes on the services that init started, so that ps shows them. */
void members_find_services(void);

/* From the kernel's list and the state pages, at start. */
void members_rebuild(void);

/* Is this pid, as number of a process, group or session, in use? */
bool pid_is_used(uint32_t pid);

/* ---- family.c ---- */

/* The member has ended (the kernel says so, or a restart found it gone). */
void member_ended(struct member *member, uint32_t wait_status, uint64_t cpu_ns);

/* A change that wait can report: tells waiters, and sends SIGCHLD with code and si_status. */
void member_tell_parent(struct member *member, int32_t code, uint32_t status);
void waiter_cancel(uint64_t cookie);

/* ---- signals.c ---- */

/* Does to the member what the signal does. Never fails: a member that just ends has no need of it.
 */
void member_signal(struct member *member, uint32_t signal);
void group_signal(uint32_t session, uint32_t group, uint32_t signal);

/* The same with what comes with it. False: its queue is full. A signal of sigqueue (code < 0) has
 * then not been sent, any other has, without what comes with it. */
bool member_signal_with(struct member *member, uint32_t signal,
                        const struct signal_information *information);

/* The asker as a member; process 1 is none (NO_PROCESS). */
WARN_UNUSED status_t caller_find(const void *context, const struct request *request,
                                 struct member **member);

/* ---- queue.c ---- */

/* The part of the state pages that holds queued signals; before the first member is made. */
void queue_start(void *memory, size_t bytes);
/* After a restart: takes back what was queued for members that live, and sends it again. */
void queue_rebuild(void);

/* Keeps what came with the signal. False: not kept, there is no room. */
bool queue_put(struct member *member, uint32_t signal,
               const struct signal_information *information);
/* Takes the oldest; *more: there is another. False: there is none. */
bool queue_take(struct member *member, uint32_t signal, struct signal_information *information,
                bool *more);
/* Those of which it has something. */
uint64_t queue_signals(const struct member *member);
/* Drops what came with these signals. */
void queue_drop(struct member *member, uint64_t signals);

/* ---- timers.c ---- */

void timers_init(struct member *member);
/* As the record says, which a restart has read. */
void timers_resume(struct member *member, const struct record *record);
void timers_stop(struct member *member);

/* ---- sessions.c ---- */

/* The leader has ended: its terminal is free, the foreground group hears SIGHUP. */
void session_ended(uint32_t session);
bool session_has_terminal(uint32_t session);

/* Nobody of the session outside the group is parent of one of it: who stops stays so. */
bool group_is_orphaned(uint32_t session, uint32_t group);

/* Around the end of a member: groups that it orphans and that have stopped members hear SIGHUP and
 * SIGCONT. */
void groups_before_end(void);
void groups_after_end(void);

/* ---- report.c ---- */

/* Says on the log how a program died of a fault. */
void report_death(const struct member *member);

/* ---- text.c ---- */

extern const struct file_handlers text_directory_handlers;

/* ---- who asks ---- */

/* Context of the two roots. */
struct root {
    bool is_control;
};

/* The member that a request speaks for: the caller, or process 1 (NULL then) with the control gate.
 * DENIED: nobody. */
struct asker {
    struct member *member;
    uint32_t pid;
    bool is_control;
};
WARN_UNUSED status_t asker_find(const void *context, const struct request *request,
                                struct asker *asker);

/* main.c */
extern const struct proc_handlers proc_handlers;
void on_cancelled(struct server *loop, void *object, uint64_t cookie);

/* The handlers of protocol proc, by file. */
status_t on_adopt(void *context, struct request *request, uint32_t flags, uint32_t group,
                  uint64_t entry, uint64_t stack, uint64_t argument, handle_t child, uint32_t *pid);
status_t on_wait(void *context, struct request *request, int32_t selector, uint32_t options,
                 uint32_t *pid, uint32_t *status, uint64_t *cpu_ns);
status_t on_get_times(void *context, struct request *request, uint64_t *cpu_ns,
                      uint64_t *children_cpu_ns);
status_t on_released(void *context, struct request *request);
status_t on_kill(void *context, struct request *request, int32_t selector, uint32_t signal,
                 int32_t code, uint64_t value);
status_t on_take(void *context, struct request *request, uint32_t signal, int32_t *code,
                 uint32_t *pid, uint64_t *value, uint32_t *more);
status_t on_get_queued(void *context, struct request *request, uint64_t *signals);
status_t on_set_handled(void *context, struct request *request, uint64_t handled, uint64_t ignored,
                        uint64_t wanted, uint32_t child_flags);
status_t on_held(void *context, struct request *request, uint64_t signals);
status_t on_stop(void *context, struct request *request, uint32_t signal, uint32_t own);
status_t on_set_timer(void *context, struct request *request, uint32_t timer, uint64_t delay_ns,
                      uint64_t interval_ns, uint64_t *left_ns, uint64_t *old_interval_ns);
status_t on_get_timer(void *context, struct request *request, uint32_t timer, uint64_t *left_ns,
                      uint64_t *interval_ns);
status_t on_background(void *context, struct request *request, uint32_t session, uint32_t signal,
                       uint32_t held, uint32_t *verdict);
status_t on_get_ids(void *context, struct request *request, uint32_t pid, uint32_t *parent,
                    uint32_t *group, uint32_t *session, uint32_t *terminal);
status_t on_set_group(void *context, struct request *request, uint32_t pid, uint32_t group);
status_t on_new_session(void *context, struct request *request, uint32_t *session);
status_t on_terminal_gate(void *context, struct request *request, handle_t *session);
status_t on_get_foreground(void *context, struct request *request, uint32_t *group);
status_t on_set_foreground(void *context, struct request *request, uint32_t group);

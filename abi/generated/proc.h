/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/proc.idl: change that, not this.
 *
 * The proc server (namespace entry /proc): pids, parents, sessions, process groups, signals, exit statuses. The caller
 * is known by its tag (abi/tag.h); a process without a tag is refused (DENIED). Pids are 1 to TAG_PID_MAX. Who has the
 * control gate (root 1) speaks for process 1, whose children it can adopt and wait for, and may signal every process.
 *
 * /proc is also a directory of text files (protocol file): `list`, a line `pid ppid pgid sid state cpu_ns pages threads
 * name` per process, state one of R (runs or waits), T (stopped), Z (dead, not waited for); and `memory` and
 * `kernel`, lines `name number`: bytes of the one, counts of the other.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { PROC_PROTOCOL = 5 };

enum proc_label {
    PROC_ADOPT = PROC_PROTOCOL << 16 | 1,
    PROC_WAIT = PROC_PROTOCOL << 16 | 2,
    PROC_RELEASED = PROC_PROTOCOL << 16 | 3,
    PROC_KILL = PROC_PROTOCOL << 16 | 4,
    PROC_TAKE = PROC_PROTOCOL << 16 | 5,
    PROC_GET_QUEUED = PROC_PROTOCOL << 16 | 6,
    PROC_SET_HANDLED = PROC_PROTOCOL << 16 | 7,
    PROC_HELD = PROC_PROTOCOL << 16 | 8,
    PROC_STOP = PROC_PROTOCOL << 16 | 9,
    PROC_GET_IDS = PROC_PROTOCOL << 16 | 10,
    PROC_SET_GROUP = PROC_PROTOCOL << 16 | 11,
    PROC_NEW_SESSION = PROC_PROTOCOL << 16 | 12,
    PROC_TERMINAL_GATE = PROC_PROTOCOL << 16 | 13,
    PROC_GET_FOREGROUND = PROC_PROTOCOL << 16 | 14,
    PROC_SET_FOREGROUND = PROC_PROTOCOL << 16 | 15,
    PROC_BACKGROUND = PROC_PROTOCOL << 16 | 16,
    PROC_SET_TIMER = PROC_PROTOCOL << 16 | 17,
    PROC_GET_TIMER = PROC_PROTOCOL << 16 | 18,
    PROC_GET_TIMES = PROC_PROTOCOL << 16 | 19,
};

#define PROC_SIGNAL_MAX 64
/*
 * Status that a process gives to process_exit, or its killer to process_kill: exit code 0 to 255, or status_signal |
 * signal.
 */
#define PROC_STATUS_SIGNAL 0x100
/*
 * Takes the process on, gives it a pid, and starts it (system call process_start with entry, stack and argument; all 0
 * for a forked child). Its parent is the caller. Group and session are the caller's, unless a flag says otherwise;
 * adopt_group: `group` is that of an existing group of the session, or 0 for a new one. Signals are handled as the
 * caller handles them if it is forked; else those that the caller handles are default. adopt_reset: all signals are
 * default. adopt_detached: nobody waits for it; its parent is process 1. adopt_vfork: see wait_released. Its login is the
 * caller's; a child of process 1 begins one. If this fails the process is not started, and ends when the caller closes
 * its handle.
 */
#define PROC_ADOPT_FORKED 1
#define PROC_ADOPT_SESSION 2
#define PROC_ADOPT_GROUP 4
#define PROC_ADOPT_RESET 8
#define PROC_ADOPT_DETACHED 16
#define PROC_ADOPT_VFORK 32
/*
 * Waits for a child: selector -1 any, 0 of the caller's group, > 0 that pid, < -1 of the group -selector. NO_CHILD if
 * there is none. Answers pid 0 if wait_nohang and none is ready. `status` is what POSIX's wait4 gives. wait_keep: it
 * can be waited for again. wait_released, alone: until a child adopted with adopt_vfork has said `released` or has
 * ended, which stays to be waited for.
 */
#define PROC_WAIT_NOHANG 1
#define PROC_WAIT_STOPPED 2
#define PROC_WAIT_EXITED 4
#define PROC_WAIT_CONTINUED 8
#define PROC_WAIT_KEEP 0x1000000
#define PROC_WAIT_RELEASED 0x2000000
/*
 * Sends a signal (0: only tests): selector as kill(2). Only within the caller's login (else DENIED), unless the gate
 * has `control`. `code` is siginfo's si_code, 0 (SI_USER) or negative, and `value` goes with it (sigqueue). Signals from
 * signal_realtime on are queued with what comes with them, up to queue_max for a process: TOO_MANY if the queue is full
 * and the code is not 0. Of the others the latest is kept.
 */
#define PROC_SIGNAL_REALTIME 35
#define PROC_QUEUE_MAX 128
/*
 * Which signals the caller handles and which it ignores (bit number - 1); all others have their default effect.
 * `wanted`: those that are sent though their default effect is nothing, because they may be blocked and waited for.
 */
#define PROC_CHILD_NO_STOP 1
/*
 * Children that end leave nothing to be waited for (SA_NOCLDWAIT); child_no_stop: no SIGCHLD when one stops.
 */
#define PROC_CHILD_NO_WAIT 2
/*
 * May the caller read (signal SIGTTIN), or write or change (SIGTTOU), the terminal of that session (terminal
 * get_session)? `held`: it blocks or ignores the signal. background_proceed: it may, because it is in the foreground, or
 * that is not its session, or its SIGTTOU is held. background_signalled: its group has been sent the signal; ask again.
 * background_refused: it may not, and no signal is of use (EIO).
 */
#define PROC_BACKGROUND_PROCEED 0
#define PROC_BACKGROUND_SIGNALLED 1
#define PROC_BACKGROUND_REFUSED 2
/*
 * Timers of the caller: after `delay_ns` (0: never) and then every `interval_ns` (0: once) it gets SIGALRM, SIGVTALRM or
 * SIGPROF. The last two count the CPU time of the process, and come up to 10 ms late. Answers what was left.
 */
#define PROC_TIMER_REAL 0
#define PROC_TIMER_VIRTUAL 1
#define PROC_TIMER_PROFILE 2

/*
 * request: w0.low flags, w0.high group, w1 entry, w2 stack, w3 argument, handle child
 * answer: w0.low pid
 */
WARN_UNUSED static inline status_t proc_adopt(handle_t server, uint32_t flags, uint32_t group,
                                              uint64_t entry, uint64_t stack, uint64_t argument,
                                              handle_t child, uint32_t *pid, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_ADOPT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)flags | (uint64_t)(uint32_t)group << 32;
    message_.words[1] = entry;
    message_.words[2] = stack;
    message_.words[3] = argument;
    message_.handles[0] = child;
    message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    status_t status_ = MESSAGE_CALL(&message_);
    *pid = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low selector, w0.high options
 * answer: w0.low pid, w0.high status, w1 cpu_ns
 */
WARN_UNUSED static inline status_t proc_wait(handle_t server, int32_t selector, uint32_t options,
                                             uint32_t *pid, uint32_t *status, uint64_t *cpu_ns,
                                             uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_WAIT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)selector | (uint64_t)(uint32_t)options << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *pid = (uint32_t)message_.words[0];
    *status = (uint32_t)(message_.words[0] >> 32);
    *cpu_ns = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* From the child of a vfork: it is about to become another program, its parent can go on. */
WARN_UNUSED static inline status_t proc_released(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_RELEASED;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    return MESSAGE_SEND(&message_);
}

/* request: w0.low selector, w0.high signal, w1.low code, w2 value */
WARN_UNUSED static inline status_t proc_kill(handle_t server, int32_t selector, uint32_t signal,
                                             int32_t code, uint64_t value, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_KILL;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)selector | (uint64_t)(uint32_t)signal << 32;
    message_.words[1] = (uint64_t)(uint32_t)code;
    message_.words[2] = value;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What came with the caller's pending signal, oldest first; `more`: another of this number is queued. NOT_FOUND: none
 * has come since the last was taken. For SIGCHLD `value` is the child's si_status.
 * request: w0.low signal
 * answer: w0.low code, w0.high pid, w1 value, w2.low more
 */
WARN_UNUSED static inline status_t proc_take(handle_t server, uint32_t signal, int32_t *code,
                                             uint32_t *pid, uint64_t *value, uint32_t *more,
                                             uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_TAKE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)signal;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *code = (int32_t)message_.words[0];
    *pid = (uint32_t)(message_.words[0] >> 32);
    *value = message_.words[1];
    *more = (uint32_t)message_.words[2];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The signals of which the caller could take something.
 * answer: w0 signals
 */
WARN_UNUSED static inline status_t proc_get_queued(handle_t server, uint64_t *signals,
                                                   uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_GET_QUEUED;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *signals = message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0 handled, w1 ignored, w2 wanted, w3.low child_flags */
WARN_UNUSED static inline status_t proc_set_handled(handle_t server, uint64_t handled,
                                                    uint64_t ignored, uint64_t wanted,
                                                    uint32_t child_flags, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_SET_HANDLED;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = handled;
    message_.words[1] = ignored;
    message_.words[2] = wanted;
    message_.words[3] = (uint64_t)(uint32_t)child_flags;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The signal arrived at the caller but is blocked there: so the default effect is not overdue.
 * request: w0 signals
 */
WARN_UNUSED static inline status_t proc_held(handle_t server, uint64_t signals, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_HELD;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = signals;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    return MESSAGE_SEND(&message_);
}

/*
 * Stops the caller with this signal (default effect of SIGTSTP and its kin); returns after it is continued. Not if the
 * caller's group is orphaned, nor, unless it raised the signal itself (`own`), if SIGCONT has been sent since.
 * request: w0.low signal, w0.high own
 */
WARN_UNUSED static inline status_t proc_stop(handle_t server, uint32_t signal, uint32_t own,
                                             uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_STOP;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)signal | (uint64_t)(uint32_t)own << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Ids of a process, 0: the caller. `terminal` is 1 if its session has one.
 * request: w0.low pid
 * answer: w0.low parent, w0.high group, w1.low session, w1.high terminal
 */
WARN_UNUSED static inline status_t proc_get_ids(handle_t server, uint32_t pid, uint32_t *parent,
                                                uint32_t *group, uint32_t *session,
                                                uint32_t *terminal, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_GET_IDS;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)pid;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *parent = (uint32_t)message_.words[0];
    *group = (uint32_t)(message_.words[0] >> 32);
    *session = (uint32_t)message_.words[1];
    *terminal = (uint32_t)(message_.words[1] >> 32);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low pid, w0.high group */
WARN_UNUSED static inline status_t proc_set_group(handle_t server, uint32_t pid, uint32_t group,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_SET_GROUP;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)pid | (uint64_t)(uint32_t)group << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* answer: w0.low session */
WARN_UNUSED static inline status_t proc_new_session(handle_t server, uint32_t *session,
                                                    uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_NEW_SESSION;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *session = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * For the leader of a session: the gate that its terminal is to notify (terminal set_session). DENIED to others.
 * answer: handle session
 */
WARN_UNUSED static inline status_t proc_terminal_gate(handle_t server, handle_t *session,
                                                      uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_TERMINAL_GATE;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *session = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The foreground group of the caller's session: Ctrl-C goes to it. NOT_TERMINAL if the session has no terminal.
 * answer: w0.low group
 */
WARN_UNUSED static inline status_t proc_get_foreground(handle_t server, uint32_t *group,
                                                       uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_GET_FOREGROUND;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *group = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low group */
WARN_UNUSED static inline status_t proc_set_foreground(handle_t server, uint32_t group,
                                                       uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_SET_FOREGROUND;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)group;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low session, w0.high signal, w1.low held
 * answer: w0.low verdict
 */
WARN_UNUSED static inline status_t proc_background(handle_t server, uint32_t session,
                                                   uint32_t signal, uint32_t held,
                                                   uint32_t *verdict, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_BACKGROUND;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)session | (uint64_t)(uint32_t)signal << 32;
    message_.words[1] = (uint64_t)(uint32_t)held;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *verdict = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low timer, w1 delay_ns, w2 interval_ns
 * answer: w0 left_ns, w1 old_interval_ns
 */
WARN_UNUSED static inline status_t proc_set_timer(handle_t server, uint32_t timer,
                                                  uint64_t delay_ns, uint64_t interval_ns,
                                                  uint64_t *left_ns, uint64_t *old_interval_ns,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_SET_TIMER;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)timer;
    message_.words[1] = delay_ns;
    message_.words[2] = interval_ns;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *left_ns = message_.words[0];
    *old_interval_ns = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low timer
 * answer: w0 left_ns, w1 interval_ns
 */
WARN_UNUSED static inline status_t proc_get_timer(handle_t server, uint32_t timer,
                                                  uint64_t *left_ns, uint64_t *interval_ns,
                                                  uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_GET_TIMER;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)timer;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *left_ns = message_.words[0];
    *interval_ns = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * CPU time of the caller and of its children that were waited for.
 * answer: w0 cpu_ns, w1 children_cpu_ns
 */
WARN_UNUSED static inline status_t proc_get_times(handle_t server, uint64_t *cpu_ns,
                                                  uint64_t *children_cpu_ns, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PROC_GET_TIMES;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *cpu_ns = message_.words[0];
    *children_cpu_ns = message_.words[1];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct proc_handlers {
    status_t (*adopt)(void *context, struct request *request, uint32_t flags, uint32_t group,
                      uint64_t entry, uint64_t stack, uint64_t argument, handle_t child,
                      uint32_t *pid);
    status_t (*wait)(void *context, struct request *request, int32_t selector, uint32_t options,
                     uint32_t *pid, uint32_t *status, uint64_t *cpu_ns);
    status_t (*released)(void *context, struct request *request);
    status_t (*kill)(void *context, struct request *request, int32_t selector, uint32_t signal,
                     int32_t code, uint64_t value);
    status_t (*take)(void *context, struct request *request, uint32_t signal, int32_t *code,
                     uint32_t *pid, uint64_t *value, uint32_t *more);
    status_t (*get_queued)(void *context, struct request *request, uint64_t *signals);
    status_t (*set_handled)(void *context, struct request *request, uint64_t handled,
                            uint64_t ignored, uint64_t wanted, uint32_t child_flags);
    status_t (*held)(void *context, struct request *request, uint64_t signals);
    status_t (*stop)(void *context, struct request *request, uint32_t signal, uint32_t own);
    status_t (*get_ids)(void *context, struct request *request, uint32_t pid, uint32_t *parent,
                        uint32_t *group, uint32_t *session, uint32_t *terminal);
    status_t (*set_group)(void *context, struct request *request, uint32_t pid, uint32_t group);
    status_t (*new_session)(void *context, struct request *request, uint32_t *session);
    status_t (*terminal_gate)(void *context, struct request *request, handle_t *session);
    status_t (*get_foreground)(void *context, struct request *request, uint32_t *group);
    status_t (*set_foreground)(void *context, struct request *request, uint32_t group);
    status_t (*background)(void *context, struct request *request, uint32_t session,
                           uint32_t signal, uint32_t held, uint32_t *verdict);
    status_t (*set_timer)(void *context, struct request *request, uint32_t timer, uint64_t delay_ns,
                          uint64_t interval_ns, uint64_t *left_ns, uint64_t *old_interval_ns);
    status_t (*get_timer)(void *context, struct request *request, uint32_t timer, uint64_t *left_ns,
                          uint64_t *interval_ns);
    status_t (*get_times)(void *context, struct request *request, uint64_t *cpu_ns,
                          uint64_t *children_cpu_ns);
};

static inline status_t proc_dispatch_adopt(const struct proc_handlers *handlers, void *context,
                                           struct request *request) {
    uint32_t pid = 0;

    if (handlers->adopt == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is(request, 0, OBJECT_PROCESS)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->adopt(context, request, (uint32_t)request->words[0],
                                       (uint32_t)(request->words[0] >> 32), request->words[1],
                                       request->words[2], request->words[3], request->handles[0],
                                       &pid);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)pid;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_adopt(handle_t saved, status_t outcome, uint32_t pid) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)pid;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_wait(const struct proc_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t pid = 0;
    uint32_t status = 0;
    uint64_t cpu_ns = 0;

    if (handlers->wait == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->wait(context, request, (int32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32), &pid, &status, &cpu_ns);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)pid | (uint64_t)(uint32_t)status << 32;
    request->answer.words[1] = cpu_ns;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_wait(handle_t saved, status_t outcome, uint32_t pid,
                                        uint32_t status, uint64_t cpu_ns) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)pid | (uint64_t)(uint32_t)status << 32;
    answer_.words[1] = cpu_ns;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_released(const struct proc_handlers *handlers, void *context,
                                              struct request *request) {
    if (handlers->released == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->released(context, request);
    return status_;
}

static inline status_t proc_dispatch_kill(const struct proc_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->kill == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->kill(context, request, (int32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32),
                                      (int32_t)request->words[1], request->words[2]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_kill(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_take(const struct proc_handlers *handlers, void *context,
                                          struct request *request) {
    int32_t code = 0;
    uint32_t pid = 0;
    uint64_t value = 0;
    uint32_t more = 0;

    if (handlers->take == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->take(context, request, (uint32_t)request->words[0], &code, &pid,
                                      &value, &more);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)code | (uint64_t)(uint32_t)pid << 32;
    request->answer.words[1] = value;
    request->answer.words[2] = (uint64_t)(uint32_t)more;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_take(handle_t saved, status_t outcome, int32_t code,
                                        uint32_t pid, uint64_t value, uint32_t more) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)code | (uint64_t)(uint32_t)pid << 32;
    answer_.words[1] = value;
    answer_.words[2] = (uint64_t)(uint32_t)more;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_get_queued(const struct proc_handlers *handlers, void *context,
                                                struct request *request) {
    uint64_t signals = 0;

    if (handlers->get_queued == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_queued(context, request, &signals);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = signals;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_get_queued(handle_t saved, status_t outcome, uint64_t signals) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = signals;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_set_handled(const struct proc_handlers *handlers,
                                                 void *context, struct request *request) {
    if (handlers->set_handled == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_handled(context, request, request->words[0], request->words[1],
                                             request->words[2], (uint32_t)request->words[3]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_set_handled(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_held(const struct proc_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->held == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->held(context, request, request->words[0]);
    return status_;
}

static inline status_t proc_dispatch_stop(const struct proc_handlers *handlers, void *context,
                                          struct request *request) {
    if (handlers->stop == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->stop(context, request, (uint32_t)request->words[0],
                                      (uint32_t)(request->words[0] >> 32));
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_stop(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_get_ids(const struct proc_handlers *handlers, void *context,
                                             struct request *request) {
    uint32_t parent = 0;
    uint32_t group = 0;
    uint32_t session = 0;
    uint32_t terminal = 0;

    if (handlers->get_ids == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_ids(context, request, (uint32_t)request->words[0], &parent,
                                         &group, &session, &terminal);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)parent | (uint64_t)(uint32_t)group << 32;
    request->answer.words[1] = (uint64_t)(uint32_t)session | (uint64_t)(uint32_t)terminal << 32;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_get_ids(handle_t saved, status_t outcome, uint32_t parent,
                                           uint32_t group, uint32_t session, uint32_t terminal) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)parent | (uint64_t)(uint32_t)group << 32;
    answer_.words[1] = (uint64_t)(uint32_t)session | (uint64_t)(uint32_t)terminal << 32;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_set_group(const struct proc_handlers *handlers, void *context,
                                               struct request *request) {
    if (handlers->set_group == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_group(context, request, (uint32_t)request->words[0],
                                           (uint32_t)(request->words[0] >> 32));
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_set_group(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_new_session(const struct proc_handlers *handlers,
                                                 void *context, struct request *request) {
    uint32_t session = 0;

    if (handlers->new_session == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->new_session(context, request, &session);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)session;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_new_session(handle_t saved, status_t outcome, uint32_t session) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)session;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_terminal_gate(const struct proc_handlers *handlers,
                                                   void *context, struct request *request) {
    handle_t session = HANDLE_NONE;

    if (handlers->terminal_gate == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->terminal_gate(context, request, &session);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    answer_add_handle(&request->answer, session, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_terminal_gate(handle_t saved, status_t outcome,
                                                 handle_t session) {
    struct answer answer_ = {.control = 0};

    answer_add_handle(&answer_, session, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_get_foreground(const struct proc_handlers *handlers,
                                                    void *context, struct request *request) {
    uint32_t group = 0;

    if (handlers->get_foreground == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_foreground(context, request, &group);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)group;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_get_foreground(handle_t saved, status_t outcome,
                                                  uint32_t group) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)group;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_set_foreground(const struct proc_handlers *handlers,
                                                    void *context, struct request *request) {
    if (handlers->set_foreground == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_foreground(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_set_foreground(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_background(const struct proc_handlers *handlers, void *context,
                                                struct request *request) {
    uint32_t verdict = 0;

    if (handlers->background == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->background(context, request, (uint32_t)request->words[0],
                                            (uint32_t)(request->words[0] >> 32),
                                            (uint32_t)request->words[1], &verdict);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)verdict;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_background(handle_t saved, status_t outcome, uint32_t verdict) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)verdict;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_set_timer(const struct proc_handlers *handlers, void *context,
                                               struct request *request) {
    uint64_t left_ns = 0;
    uint64_t old_interval_ns = 0;

    if (handlers->set_timer == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->set_timer(context, request, (uint32_t)request->words[0],
                                           request->words[1], request->words[2], &left_ns,
                                           &old_interval_ns);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = left_ns;
    request->answer.words[1] = old_interval_ns;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_set_timer(handle_t saved, status_t outcome, uint64_t left_ns,
                                             uint64_t old_interval_ns) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = left_ns;
    answer_.words[1] = old_interval_ns;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_get_timer(const struct proc_handlers *handlers, void *context,
                                               struct request *request) {
    uint64_t left_ns = 0;
    uint64_t interval_ns = 0;

    if (handlers->get_timer == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_timer(context, request, (uint32_t)request->words[0], &left_ns,
                                           &interval_ns);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = left_ns;
    request->answer.words[1] = interval_ns;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_get_timer(handle_t saved, status_t outcome, uint64_t left_ns,
                                             uint64_t interval_ns) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = left_ns;
    answer_.words[1] = interval_ns;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t proc_dispatch_get_times(const struct proc_handlers *handlers, void *context,
                                               struct request *request) {
    uint64_t cpu_ns = 0;
    uint64_t children_cpu_ns = 0;

    if (handlers->get_times == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get_times(context, request, &cpu_ns, &children_cpu_ns);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = cpu_ns;
    request->answer.words[1] = children_cpu_ns;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t proc_answer_get_times(handle_t saved, status_t outcome, uint64_t cpu_ns,
                                             uint64_t children_cpu_ns) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = cpu_ns;
    answer_.words[1] = children_cpu_ns;
    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t proc_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case PROC_ADOPT:
        return proc_dispatch_adopt(handlers, context, request);
    case PROC_WAIT:
        return proc_dispatch_wait(handlers, context, request);
    case PROC_RELEASED:
        return proc_dispatch_released(handlers, context, request);
    case PROC_KILL:
        return proc_dispatch_kill(handlers, context, request);
    case PROC_TAKE:
        return proc_dispatch_take(handlers, context, request);
    case PROC_GET_QUEUED:
        return proc_dispatch_get_queued(handlers, context, request);
    case PROC_SET_HANDLED:
        return proc_dispatch_set_handled(handlers, context, request);
    case PROC_HELD:
        return proc_dispatch_held(handlers, context, request);
    case PROC_STOP:
        return proc_dispatch_stop(handlers, context, request);
    case PROC_GET_IDS:
        return proc_dispatch_get_ids(handlers, context, request);
    case PROC_SET_GROUP:
        return proc_dispatch_set_group(handlers, context, request);
    case PROC_NEW_SESSION:
        return proc_dispatch_new_session(handlers, context, request);
    case PROC_TERMINAL_GATE:
        return proc_dispatch_terminal_gate(handlers, context, request);
    case PROC_GET_FOREGROUND:
        return proc_dispatch_get_foreground(handlers, context, request);
    case PROC_SET_FOREGROUND:
        return proc_dispatch_set_foreground(handlers, context, request);
    case PROC_BACKGROUND:
        return proc_dispatch_background(handlers, context, request);
    case PROC_SET_TIMER:
        return proc_dispatch_set_timer(handlers, context, request);
    case PROC_GET_TIMER:
        return proc_dispatch_get_timer(handlers, context, request);
    case PROC_GET_TIMES:
        return proc_dispatch_get_times(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define PROC_SERVE(handlers) {PROC_PROTOCOL, proc_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *proc_label_name(uint32_t label) {
    switch (label) {
    case PROC_ADOPT:
        return "proc.adopt";
    case PROC_WAIT:
        return "proc.wait";
    case PROC_RELEASED:
        return "proc.released";
    case PROC_KILL:
        return "proc.kill";
    case PROC_TAKE:
        return "proc.take";
    case PROC_GET_QUEUED:
        return "proc.get_queued";
    case PROC_SET_HANDLED:
        return "proc.set_handled";
    case PROC_HELD:
        return "proc.held";
    case PROC_STOP:
        return "proc.stop";
    case PROC_GET_IDS:
        return "proc.get_ids";
    case PROC_SET_GROUP:
        return "proc.set_group";
    case PROC_NEW_SESSION:
        return "proc.new_session";
    case PROC_TERMINAL_GATE:
        return "proc.terminal_gate";
    case PROC_GET_FOREGROUND:
        return "proc.get_foreground";
    case PROC_SET_FOREGROUND:
        return "proc.set_foreground";
    case PROC_BACKGROUND:
        return "proc.background";
    case PROC_SET_TIMER:
        return "proc.set_timer";
    case PROC_GET_TIMER:
        return "proc.get_timer";
    case PROC_GET_TIMES:
        return "proc.get_times";
    default:
        return NULL;
    }
}

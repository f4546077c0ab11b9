/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/service.idl: change that, not this.
 *
 * init's control of the services (file /dev/services; so any program with that name in its namespace). A service is known by the
 * name of its manifest.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { SERVICE_PROTOCOL = 9 };

enum service_label {
    SERVICE_LIST = SERVICE_PROTOCOL << 16 | 1,
    SERVICE_START = SERVICE_PROTOCOL << 16 | 2,
    SERVICE_STOP = SERVICE_PROTOCOL << 16 | 3,
    SERVICE_RESTART = SERVICE_PROTOCOL << 16 | 4,
    SERVICE_KILL = SERVICE_PROTOCOL << 16 | 5,
    SERVICE_SPIN = SERVICE_PROTOCOL << 16 | 8,
    SERVICE_CRASH = SERVICE_PROTOCOL << 16 | 9,
    SERVICE_POWER_OFF = SERVICE_PROTOCOL << 16 | 6,
    SERVICE_REBOOT = SERVICE_PROTOCOL << 16 | 7,
};

#define SERVICE_NAME_BYTES 24
#define SERVICE_WAITS 0
#define SERVICE_STARTING 1
#define SERVICE_UP 2
#define SERVICE_STOPPED 3
/* Ended, and not to be started again (its policy says so, or it is not needed on this machine). */
#define SERVICE_ENDED 4
/* Will be started again when its back-off is over. */
#define SERVICE_BACK_OFF 5
/* What its manifest asks for cannot be had, or breaks a rule. */
#define SERVICE_REFUSED 6

struct service_state {
    char name[24];
    uint32_t state;
    uint32_t incarnation; /* times that it was started */
    uint32_t restarts; /* of these after an end that was not asked for */
    uint32_t level;
    uint32_t priority;
    uint32_t process; /* the kernel's number for its process, 0: none */
    uint64_t since_ns; /* time of the last change of state */
    uint64_t budget_pages;
    uint64_t used_pages;
    int32_t last_status; /* of the last end */
    uint32_t last_cause; /* enum death_cause */
};

/*
 * Writes as many struct service_state as fit, from number `first` on, in the order of starting. `n` 0: no more.
 * request: w0.low first, lend_write states
 * answer: w0.low n
 */
WARN_UNUSED static inline status_t service_list(handle_t server, uint32_t first, void *states,
                                                uint32_t states_length, uint32_t *n,
                                                uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_LIST;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)first;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(states, states_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *n = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Starts a stopped or ended service. BAD_STATE if it runs.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_start(handle_t server, const void *name,
                                                 uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_START;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Ends a service and keeps it so. What waits for it is answered CLOSED.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_stop(handle_t server, const void *name,
                                                uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_STOP;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Ends and starts it.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_restart(handle_t server, const void *name,
                                                   uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_RESTART;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Ends the process as a fault would: for tests. It is started again as its policy says.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_kill(handle_t server, const void *name,
                                                uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_KILL;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Makes the service spin, at its own priority, as a program does that hangs: for tests. init ends it when it has been silent for
 * long enough, and starts it again. It takes effect when the service next waits for requests.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_spin(handle_t server, const void *name,
                                                uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_SPIN;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Makes the service write through a null pointer: for tests of what the log then says. It takes effect as spin does.
 * request: lend_read name
 */
WARN_UNUSED static inline status_t service_crash(handle_t server, const void *name,
                                                 uint32_t name_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_CRASH;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(name, name_length, LENT_READABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Powers the machine off; `code` goes to QEMU's debug exit device if there is one (so that QEMU ends with 2 * code + 1).
 * request: w0.low code
 */
WARN_UNUSED static inline status_t service_power_off(handle_t server, uint32_t code,
                                                     uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_POWER_OFF;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)code;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

WARN_UNUSED static inline status_t service_reboot(handle_t server, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = SERVICE_REBOOT;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = 0;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct service_handlers {
    status_t (*list)(void *context, struct request *request, uint32_t first, uint32_t states_length,
                     uint32_t *n);
    status_t (*start)(void *context, struct request *request, uint32_t name_length);
    status_t (*stop)(void *context, struct request *request, uint32_t name_length);
    status_t (*restart)(void *context, struct request *request, uint32_t name_length);
    status_t (*kill)(void *context, struct request *request, uint32_t name_length);
    status_t (*spin)(void *context, struct request *request, uint32_t name_length);
    status_t (*crash)(void *context, struct request *request, uint32_t name_length);
    status_t (*power_off)(void *context, struct request *request, uint32_t code);
    status_t (*reboot)(void *context, struct request *request);
};

static inline status_t service_dispatch_list(const struct service_handlers *handlers, void *context,
                                             struct request *request) {
    uint32_t n = 0;

    if (handlers->list == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->list(context, request, (uint32_t)request->words[0],
                                      request->writable, &n);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)n;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_list(handle_t saved, status_t outcome, uint32_t n) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)n;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_start(const struct service_handlers *handlers,
                                              void *context, struct request *request) {
    if (handlers->start == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->start(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_start(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_stop(const struct service_handlers *handlers, void *context,
                                             struct request *request) {
    if (handlers->stop == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->stop(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_stop(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_restart(const struct service_handlers *handlers,
                                                void *context, struct request *request) {
    if (handlers->restart == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->restart(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_restart(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_kill(const struct service_handlers *handlers, void *context,
                                             struct request *request) {
    if (handlers->kill == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->kill(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_kill(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_spin(const struct service_handlers *handlers, void *context,
                                             struct request *request) {
    if (handlers->spin == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->spin(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_spin(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_crash(const struct service_handlers *handlers,
                                              void *context, struct request *request) {
    if (handlers->crash == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->crash(context, request, request->readable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_crash(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_power_off(const struct service_handlers *handlers,
                                                  void *context, struct request *request) {
    if (handlers->power_off == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->power_off(context, request, (uint32_t)request->words[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_power_off(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t service_dispatch_reboot(const struct service_handlers *handlers,
                                               void *context, struct request *request) {
    if (handlers->reboot == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->reboot(context, request);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t service_answer_reboot(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t service_dispatch(const void *handlers, void *context,
                                        struct request *request) {
    switch (request->label) {
    case SERVICE_LIST:
        return service_dispatch_list(handlers, context, request);
    case SERVICE_START:
        return service_dispatch_start(handlers, context, request);
    case SERVICE_STOP:
        return service_dispatch_stop(handlers, context, request);
    case SERVICE_RESTART:
        return service_dispatch_restart(handlers, context, request);
    case SERVICE_KILL:
        return service_dispatch_kill(handlers, context, request);
    case SERVICE_SPIN:
        return service_dispatch_spin(handlers, context, request);
    case SERVICE_CRASH:
        return service_dispatch_crash(handlers, context, request);
    case SERVICE_POWER_OFF:
        return service_dispatch_power_off(handlers, context, request);
    case SERVICE_REBOOT:
        return service_dispatch_reboot(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define SERVICE_SERVE(handlers) {SERVICE_PROTOCOL, service_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *service_label_name(uint32_t label) {
    switch (label) {
    case SERVICE_LIST:
        return "service.list";
    case SERVICE_START:
        return "service.start";
    case SERVICE_STOP:
        return "service.stop";
    case SERVICE_RESTART:
        return "service.restart";
    case SERVICE_KILL:
        return "service.kill";
    case SERVICE_SPIN:
        return "service.spin";
    case SERVICE_CRASH:
        return "service.crash";
    case SERVICE_POWER_OFF:
        return "service.power_off";
    case SERVICE_REBOOT:
        return "service.reboot";
    default:
        return NULL;
    }
}

/* SPDX-License-Identifier: MIT */
#include "servers/init/service.h"

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/message.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/init/boot.h"

enum {
    BACK_OFF_FIRST_MS = 100, /* before the second restart; the first one is at once */
    BACK_OFF_LAST_MS = 5000,
    SUSPECT_MS = 450, /* two questions of services_watch are unanswered */
    GOOD_RUN_S = 10,  /* one that ran so long starts again at once */
};

static void state_set(struct service *service, enum state state) {
    service->state = state;
    service->since_ns = time_now_ns();
}

struct service *service_find(struct init *init, const char *name) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        if (string_equal(init->services[i].manifest.name, name)) {
            return &init->services[i];
        }
    }
    return NULL;
}

/* May it run in this boot, now or later? */
static bool phase_comes(const struct init *init, const struct service *service) {
    switch (service->manifest.phase) {
    case PHASE_BOOT:
        return true;
    case PHASE_SESSION:
        return init->command == NULL;
    case PHASE_RUN:
        return init->command != NULL;
    default:
        return service->incarnation > 0; /* started by hand before */
    }
}

/* ---- calls to services that are not there ---- */

/* Nobody else can receive where the process has ended, so nothing is in the way. */
static void refuse_calls(struct service *service) {
    struct message m = {.gate = service->endpoint, .control = MESSAGE_REFUSE};

    service->is_absent = message_receive(&m) == OK;
}

/* By a receive, which finds nothing: nothing was let in. Once only, for later it might take what is
 * the service's; should an answer of ours be due, which is in its way, the service's own first
 * receive does the same. */
static void take_calls(struct service *service) {
    struct message m = {.gate = service->endpoint, .deadline = 0};

    if (service->is_absent) {
        status_t status = message_receive(&m);
        (void)status; /* TIMEOUT, or PENDING */
        service->is_absent = false;
    }
}

/* Those that it waits for do not come in circles: see services_load. */
static bool needs_come(const struct init *init, const struct service *service) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        if (service->is_needed[i] && !service_comes(init, &init->services[i])) {
            return false;
        }
    }
    return true;
}

bool service_comes(const struct init *init, const struct service *service) {
    switch (service->state) {
    case STATE_WAITS:
        return phase_comes(init, service) && needs_come(init, service);
    case STATE_BACK_OFF:
        return needs_come(init, service);
    case STATE_STARTING:
    case STATE_UP:
        return true;
    default:
        return false;
    }
}

static void step_calls(struct init *init, struct service *service) {
    if (service_comes(init, service)) {
        take_calls(service);
    } else if (!service->is_absent) {
        refuse_calls(service);
    }
}

/* ---- starting ---- */

static void back_off(struct service *service) {
    uint64_t now = time_now_ns();

    if (now - service->since_ns > GOOD_RUN_S * NS_PER_S) {
        service->back_off_ns = 0;
    }
    service->start_ns = now + service->back_off_ns;
    service->back_off_ns = service->back_off_ns == 0
                               ? BACK_OFF_FIRST_MS * NS_PER_MS
                               : MIN(service->back_off_ns * 2, BACK_OFF_LAST_MS * NS_PER_MS);
    service->restarts++;
    state_set(service, STATE_BACK_OFF);
}

static void start_now(struct init *init, struct service *service) {
    take_calls(service); /* before it receives itself */
    status_t status = service_launch(init, service);

    if (status != OK) {
        log_write(LOG_ERROR, "%s cannot be started: %s", service->manifest.name,
                  status_text(status));
        back_off(service);
        return;
    }
    service->alive_ns = time_now_ns();
    state_set(service, STATE_STARTING);
}

static bool needs_are_up(const struct init *init, const struct service *service) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        if (service->is_needed[i] && init->services[i].state != STATE_UP) {
            return false;
        }
    }
    return true;
}

/* May it run at this point of the boot? */
static bool phase_has_come(const struct init *init, const struct service *service) {
    return phase_comes(init, service) &&
           (init->has_session || service->manifest.phase == PHASE_BOOT ||
            service->manifest.phase == PHASE_MANUAL);
}

/* ---- ending ---- */

static void process_gone(struct service *service) {
    struct process_status status = {.status = 0};
    status_t result = sys_process_info(service->process, PROCESS_INFO_STATUS, &status,
                                       sizeof status, 0, NULL, NULL);

    if (result == OK) {
        service->last_status = status.status;
        service->last_cause = status.cause;
    }
    service_report(service);
    server_handle_close(service->process);
    service->process = HANDLE_NONE;
    /* Programs that a session has started outlive it, and live in its budget: it is kept, for its
     * next run too. What other services leave of theirs is given back. */
    if (service->manifest.phase == PHASE_BOOT) {
        server_handle_close(service->budget);
        service->budget = HANDLE_NONE;
    }
}

static void on_exit(struct service *service) {
    bool failed = service->last_cause != DEATH_EXIT || service->last_status != 0;
    enum manifest_restart policy = service->manifest.restart;

    if (service->is_restarting) {
        service->start_ns = 0;
        state_set(service, STATE_BACK_OFF);
    } else if (service->is_stopping) {
        state_set(service, STATE_STOPPED);
    } else if (policy == RESTART_NEVER || (policy == RESTART_FAILURE && !failed)) {
        state_set(service, STATE_ENDED);
    } else {
        back_off(service);
    }
    service->is_restarting = false;
    service->is_stopping = false;
}

/* Has the process really ended? The bit alone could be the service's own doing. */
static bool process_has_ended(const struct service *service) {
    struct process_status status;

    return service->process != HANDLE_NONE &&
           sys_process_info(service->process, PROCESS_INFO_STATUS, &status, sizeof status, 0, NULL,
                            NULL) == OK &&
           status.state == PROCESS_DEAD;
}

void service_notified(struct init *init, struct service *service, uint64_t bits) {
    service->alive_ns = time_now_ns();
    service->is_reprieved = false;
    if ((bits & SERVER_ANSWER_READY) != 0 && service->state == STATE_STARTING) {
        state_set(service, STATE_UP);
        boot_tell_log(init, service);
    }
    if ((bits & SERVER_ANSWER_SETTLED) != 0) {
        init->is_settled = true;
    }
    if ((bits & NOTE_EXIT) != 0 && process_has_ended(service)) {
        process_gone(service);
        on_exit(service);
    }
    services_step(init);
}

/* ---- asked for ---- */

static status_t end_process(struct service *service) {
    return sys_process_kill(service->process, 0);
}

status_t services_start(struct init *init, struct service *service) {
    if (service->state == STATE_REFUSED) {
        return ERROR_DENIED;
    }
    if (service->process != HANDLE_NONE) {
        return ERROR_BAD_STATE;
    }
    service->back_off_ns = 0;
    start_now(init, service);
    return service->process == HANDLE_NONE ? ERROR_NOT_EXECUTABLE : OK;
}

status_t services_stop(struct init *init, struct service *service) {
    (void)init;
    if (service->process == HANDLE_NONE) {
        if (service->state == STATE_REFUSED) {
            return ERROR_BAD_STATE;
        }
        state_set(service, STATE_STOPPED);
        return OK;
    }
    service->is_stopping = true;
    return end_process(service);
}

status_t services_restart(struct init *init, struct service *service) {
    if (service->process == HANDLE_NONE) {
        return services_start(init, service);
    }
    service->is_restarting = true;
    return end_process(service);
}

/* ---- watching ---- */

/* Has it left the last questions unanswered? */
static bool is_suspect(const struct service *service, uint64_t now) {
    return service->state == STATE_UP && service->manifest.heartbeat_ns != 0 &&
           now - service->alive_ns > SUSPECT_MS * NS_PER_MS;
}

/* [book:find-suspect] */
/*
 * One that spins keeps all below its priority from answering, so of those that do not answer only
 * the one with the highest priority is to be judged.
 */
static struct service *find_suspect(struct init *init, uint64_t now) {
    struct service *found = NULL;

    for (uint32_t i = 0; i < init->n_services; i++) {
        struct service *service = &init->services[i];

        if (is_suspect(service, now) &&
            (found == NULL || service->manifest.priority > found->manifest.priority ||
             (service->manifest.priority == found->manifest.priority &&
              service->alive_ns < found->alive_ns))) {
            found = service;
        }
    }
    return found;
}
/* [/book] */

/* Ends a service that hangs. It is then started again like any that died. */
static void end_silent(struct service *service, uint64_t now) {
    log_write(LOG_ERROR, "%s is silent for %llu ms: ended", service->manifest.name,
              (unsigned long long)((now - service->alive_ns) / NS_PER_MS));
    service->alive_ns = now;
    status_t status = end_process(service);
    (void)status; /* it may just have ended by itself */
}

/*
 * We have the highest priority: when we are late ourselves the whole machine stood still, the host
 * of a virtual one being busy or asleep. That time was nobody's silence.
 */
static void forgive_standstill(struct init *init, uint64_t now) {
    const uint64_t period = WATCH_PERIOD_MS * NS_PER_MS;
    uint64_t passed = now - init->watched_ns;

    init->watched_ns = now;
    for (uint32_t i = 0; i < init->n_services && passed > 2 * period; i++) {
        struct service *service = &init->services[i];

        service->alive_ns = MIN(service->alive_ns + passed - period, now);
    }
}

void services_watch(struct init *init) {
    uint64_t now = time_now_ns();

    forgive_standstill(init, now);
    struct service *suspect = find_suspect(init, now);
    bool ends = suspect != NULL && now - suspect->alive_ns > 2 * suspect->manifest.heartbeat_ns;

    if (ends) {
        end_silent(suspect, now);
    }
    for (uint32_t i = 0; i < init->n_services; i++) {
        struct service *service = &init->services[i];

        /* The others may have been silent because of it: they get another chance, but only one
         * until they answer. */
        if (ends && !service->is_reprieved) {
            service->is_reprieved = true;
            service->alive_ns = now;
        }
        if (service->state == STATE_UP && service->manifest.heartbeat_ns != 0) {
            status_t status = sys_notify(service->control, SERVER_CONTROL_HEARTBEAT);
            (void)status; /* it has just ended: its exit is noticed by itself */
        }
    }
}

static void step_service(struct init *init, struct service *service) {
    bool is_due = service->state == STATE_WAITS ||
                  (service->state == STATE_BACK_OFF && time_now_ns() >= service->start_ns);

    if (is_due && phase_has_come(init, service) && needs_are_up(init, service)) {
        start_now(init, service);
    }
}

void services_step(struct init *init) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        step_service(init, &init->services[i]);
    }
    for (uint32_t i = 0; i < init->n_services; i++) {
        step_calls(init, &init->services[i]);
    }
    boot_step(init);
}

/* SPDX-License-Identifier: MIT */
#include "servers/init/control.h"

#include "abi/generated/file.h"
#include "abi/generated/service.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"

static const struct server_class control_class;

/* ---- protocol file: only enough to be opened and looked at ---- */

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    (void)flags, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    *kind = FILE_MODE_CHARACTER;
    return server_object_create(request->server, request->tag, &control_class, context, file);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct file_stat stat = {.device = DEVICE_NUMBER_INIT,
                                   .id = 1,
                                   .mode = FILE_MODE_CHARACTER | 0600,
                                   .n_links = 1,
                                   .block_bytes = PAGE_SIZE};

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static const struct file_handlers file_handlers = {.open = on_open, .stat = on_stat};

/* ---- protocol service ---- */

static void state_fill(struct service_state *state, const struct service *service) {
    struct handle_info info;
    struct process_status process;

    memset(state, 0, sizeof *state);
    memcpy(state->name, service->manifest.name, sizeof state->name);
    state->state = (uint32_t)service->state;
    state->incarnation = service->incarnation;
    state->restarts = service->restarts;
    state->level = service->manifest.level;
    state->priority = service->manifest.priority;
    state->since_ns = service->since_ns;
    state->budget_pages = service->manifest.budget_pages;
    state->last_status = service->last_status;
    state->last_cause = service->last_cause;
    if (service->process == HANDLE_NONE) {
        return;
    }
    if (sys_process_info(service->process, PROCESS_INFO_STATUS, &process, sizeof process, 0, NULL,
                         NULL) == OK) {
        state->process = process.id;
    }
    if (sys_handle_info(service->budget, &info) == OK) {
        state->used_pages = info.budget.used;
    }
}

static status_t on_list(void *context, struct request *request, uint32_t first,
                        uint32_t states_length, uint32_t *n) {
    const struct init *init = context;
    uint32_t room = states_length / (uint32_t)sizeof(struct service_state);
    struct service_state state;
    status_t status = OK;

    for (uint32_t i = first; i < init->n_services && *n < room && status == OK; i++) {
        state_fill(&state, &init->services[i]);
        status = request_write(request, *n * sizeof state, &state, sizeof state);
        *n += 1;
    }
    return status;
}

static status_t find(struct init *init, struct request *request, uint32_t name_length,
                     struct service **service) {
    char name[SERVICE_NAME_BYTES];
    status_t status = request_read_string(request, 0, name_length, name, sizeof name);

    if (status != OK) {
        return status;
    }
    *service = service_find(init, name);
    return *service == NULL ? ERROR_NOT_FOUND : OK;
}

/* By services_start or services_restart. The request is saved first: who starts a service receives
 * at its endpoint, so that calls are let in, and nobody can receive while a caller waits for his
 * answer. */
static status_t start_saved(struct init *init, struct request *request, uint32_t name_length,
                            status_t (*start)(struct init *init, struct service *service),
                            status_t (*answer)(handle_t saved, status_t outcome)) {
    struct service *service;
    handle_t saved;
    status_t status = find(init, request, name_length, &service);

    if (status == OK) {
        status = request_save(request, 0, &saved);
    }
    if (status == OK) {
        answer(saved, start(init, service));
    }
    return status == OK || status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
}

static status_t on_start(void *context, struct request *request, uint32_t name_length) {
    return start_saved(context, request, name_length, services_start, service_answer_start);
}

static status_t on_stop(void *context, struct request *request, uint32_t name_length) {
    struct service *service;
    status_t status = find(context, request, name_length, &service);

    return status != OK ? status : services_stop(context, service);
}

static status_t on_restart(void *context, struct request *request, uint32_t name_length) {
    return start_saved(context, request, name_length, services_restart, service_answer_restart);
}

static status_t on_kill(void *context, struct request *request, uint32_t name_length) {
    struct service *service;
    status_t status = find(context, request, name_length, &service);

    if (status != OK) {
        return status;
    }
    return service->process == HANDLE_NONE ? ERROR_BAD_STATE
                                           : sys_process_kill(service->process, 1);
}

static status_t on_spin(void *context, struct request *request, uint32_t name_length) {
    struct service *service;
    status_t status = find(context, request, name_length, &service);

    return status != OK ? status : sys_notify(service->control, SERVER_CONTROL_SPIN);
}

static status_t on_crash(void *context, struct request *request, uint32_t name_length) {
    struct service *service;
    status_t status = find(context, request, name_length, &service);

    return status != OK ? status : sys_notify(service->control, SERVER_CONTROL_CRASH);
}

static status_t on_power_off(void *context, struct request *request, uint32_t code) {
    const struct init *init = context;

    (void)request;
    log_write(LOG_INFO, "power off");
    return sys_system_control(init->system, SYSTEM_POWER_OFF, code, 0, 0, NULL);
}

static status_t on_reboot(void *context, struct request *request) {
    const struct init *init = context;

    (void)request;
    log_write(LOG_INFO, "reboot");
    return sys_system_control(init->system, SYSTEM_REBOOT, 0, 0, 0, NULL);
}

static const struct service_handlers service_handlers = {
    .list = on_list,
    .start = on_start,
    .stop = on_stop,
    .restart = on_restart,
    .kill = on_kill,
    .spin = on_spin,
    .crash = on_crash,
    .power_off = on_power_off,
    .reboot = on_reboot,
};

static const struct server_protocol control_protocols[] = {
    FILE_SERVE(file_handlers), SERVICE_SERVE(service_handlers), {0}};
static const struct server_class control_class = {.protocols = control_protocols};

status_t control_start(struct init *init) {
    server_export(init->server, 0, &control_class, init);
    return server_object_create(init->server, 0, &control_class, init, &init->control_gate);
}

/* SPDX-License-Identifier: MIT */
/*
 * services: what init runs, and starting, stopping, restarting it. Asks init through /dev/services
 * (protocol service).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi/generated/file.h"
#include "abi/generated/service.h"
#include "lib/native/error.h"
#include "lib/native/namespace.h"
#include "lib/native/time.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char control_path[] = "/dev/services";

static const char help[] =
    "services [start|stop|restart|kill|spin|crash NAME...]\n"
    "Lists the services and their states, or changes that of some.\n"
    "  kill  ends the process as a crash would; init starts it again\n"
    "  spin  makes it hang, taking all of the processor; init ends and starts it\n"
    "  crash makes it fault; the log tells where";

enum { STATES_AT_ONCE = 16, PAGE_KIB = 4 };

static const char *const state_names[] = {
    [SERVICE_WAITS] = "waits",     [SERVICE_STARTING] = "starting", [SERVICE_UP] = "up",
    [SERVICE_STOPPED] = "stopped", [SERVICE_ENDED] = "ended",       [SERVICE_BACK_OFF] = "back-off",
    [SERVICE_REFUSED] = "refused",
};

static void show(const struct service_state *state) {
    const char *name = state->state < ARRAY_SIZE(state_names) ? state_names[state->state] : "?";
    uint64_t seconds = (time_now_ns() - state->since_ns) / NS_PER_S;

    printf("%-12.*s %-9s %5" PRIu32 " %8" PRIu32 " %6" PRIu64 "s %7" PRIu64 "K %7" PRIu64 "K\n",
           (int)sizeof state->name, state->name, name, state->level, state->restarts, seconds,
           state->used_pages * PAGE_KIB, state->budget_pages * PAGE_KIB);
}

static status_t list(handle_t control) {
    struct service_state states[STATES_AT_ONCE];
    uint32_t first = 0, n;

    printf("SERVICE      STATE     LEVEL RESTARTS   SINCE     USED   BUDGET\n");
    for (;;) {
        status_t status = service_list(control, first, states, sizeof states, &n, DEADLINE_NEVER);

        if (status != OK || n == 0 || n > STATES_AT_ONCE) {
            return status;
        }
        for (uint32_t i = 0; i < n; i++) {
            show(&states[i]);
        }
        first += n;
    }
}

typedef status_t service_call(handle_t server, const void *name, uint32_t name_length,
                              uint64_t deadline);

static service_call *find_call(const char *verb) {
    static const struct {
        const char *verb;
        service_call *call;
    } calls[] = {{"start", service_start}, {"stop", service_stop}, {"restart", service_restart},
                 {"kill", service_kill},   {"spin", service_spin}, {"crash", service_crash}};

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (strcmp(calls[i].verb, verb) == 0) {
            return calls[i].call;
        }
    }
    return NULL;
}

static int change(handle_t control, const struct options *options) {
    service_call *call = find_call(options->operands[0]);
    int result = 0;

    if (call == NULL || options->n_operands < 2) {
        options_fail(options,
                     call == NULL ? "start, stop, restart, kill, spin or crash" : "which service?");
    }
    for (int i = 1; i < options->n_operands; i++) {
        const char *name = options->operands[i];
        status_t status = call(control, name, (uint32_t)strlen(name), DEADLINE_NEVER);

        if (status != OK) {
            report("%s: %s", name,
                   status == ERROR_NOT_FOUND ? "no such service" : status_text(status));
            result = 1;
        }
    }
    return result;
}

int main(int argc, char **argv) {
    struct options options;
    handle_t control;
    int result = 0;

    report_begin("services");
    options = options_none(argc, argv, help);
    status_t status = namespace_open(control_path, FILE_OPEN_READ, 0, &control, NULL);
    if (status != OK) {
        report("%s: %s", control_path, status_text(status));
        report_exit(1);
    }
    if (options.n_operands > 0) {
        result = change(control, &options);
    } else {
        status = list(control);
        if (status != OK) {
            report("%s: %s", control_path, status_text(status));
            result = 1;
        }
    }
    report_exit(result);
}

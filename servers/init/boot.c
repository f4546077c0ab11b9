/* SPDX-License-Identifier: MIT */
#include "servers/init/boot.h"

#include "lib/base/string.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum {
    START_PATIENCE_S = 5,   /* one that is not up after so long does not hold up the boot */
    RESTARTS_PATIENCE = 2,  /* nor does one that ended more often than this */
    NETWORK_PATIENCE_S = 3, /* of the command of run= for the network */
};

/* Is it still to be expected that this service comes up? `depth` ends cycles, which services_load
 * refuses anyway. */
static bool is_pending(const struct init *init, const struct service *service, unsigned depth) {
    if (service->manifest.phase != PHASE_BOOT || depth > SERVICES_MAX) {
        return false;
    }
    switch (service->state) {
    case STATE_STARTING:
        return time_now_ns() - service->since_ns < START_PATIENCE_S * NS_PER_S;
    case STATE_BACK_OFF:
        return service->restarts <= RESTARTS_PATIENCE;
    case STATE_WAITS:
        for (uint32_t i = 0; i < init->n_services; i++) {
            if (service->is_needed[i] && is_pending(init, &init->services[i], depth + 1)) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

static bool all_are_up(const struct init *init) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        if (is_pending(init, &init->services[i], 0)) {
            return false;
        }
    }
    return true;
}

/* Is there a network service that may still say something? */
static bool network_may_come(struct init *init) {
    const struct service *net = service_find(init, "network");

    return net != NULL && net->state == STATE_UP && !init->is_settled &&
           time_now_ns() - init->ready_ns < NETWORK_PATIENCE_S * NS_PER_S;
}

void boot_tell_log(const struct init *init, const struct service *service) {
    if (init->is_ready && string_equal(service->manifest.name, "log")) {
        status_t status = sys_notify(service->control, SERVER_CONTROL_QUIET);
        (void)status; /* it has just ended: it is told when it is up again */
    }
}

static void say_ready(struct init *init) {
    const struct info_page *page = info_page();
    uint64_t ticks = time_read_tsc() - page->entry_tsc;
    uint64_t ns = (uint64_t)(((time_product_t)ticks * page->ns_per_tick_32) >> 32);
    const struct service *log = service_find(init, "log");

    init->is_ready = true;
    init->ready_ns = time_now_ns();
    log_write(LOG_INFO, "EuraliOS ready (%llu.%03llu ms since kernel entry)",
              (unsigned long long)(ns / NS_PER_MS),
              (unsigned long long)(ns % NS_PER_MS / NS_PER_US));
    if (log != NULL) {
        boot_tell_log(init, log);
    }
}

void boot_step(struct init *init) {
    if (!init->is_ready && all_are_up(init)) {
        say_ready(init);
    }
    if (init->is_ready && !init->has_session &&
        (init->command == NULL || !network_may_come(init))) {
        init->has_session = true;
        services_step(init);
    }
}

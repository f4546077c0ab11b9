/* SPDX-License-Identifier: MIT */
/*
 * clock: sets the wall clock (abi/protocols/clock.idl). Having a gate of this server is the right
 * to do so.
 */
#include "abi/generated/clock.h"
#include "abi/kernel.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

static handle_t system_handle;

static status_t on_set(void *context, struct request *request, uint64_t wall_ns) {
    (void)context;
    if (wall_ns > CLOCK_WALL_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status =
        sys_system_control(system_handle, SYSTEM_SET_WALL, wall_ns - time_now_ns(), 0, 0, NULL);

    if (status == OK) {
        log_write(LOG_INFO, "clock: set by process %u", request->tag);
    }
    return status;
}

static const struct clock_handlers clock_handlers = {.set = on_set};
static const struct server_protocol root_protocols[] = {CLOCK_SERVE(clock_handlers), {0}};
static const struct server_class root_class = {.protocols = root_protocols};

int main(void) {
    static int root;
    struct server *server = server_start(&(struct server_options){.name = "clock"});

    system_handle = startup_handle(STARTUP_SYSTEM, NULL);
    if (system_handle == HANDLE_NONE) {
        log_write(LOG_ERROR, "clock: the manifest gives no system-clock handle");
        return 1;
    }
    server_export(server, 0, &root_class, &root);
    server_run(server);
}

/* SPDX-License-Identifier: MIT */
/*
 * clock: sets the wall clock: at boot, by the battery-backed one, and for who asks for it
 * (abi/protocols/clock.idl). Having a gate of this server is the right to do so.
 */
#include "abi/generated/clock.h"
#include "abi/generated/file.h"
#include "abi/kernel.h"
#include "abi/tag.h"
#include "lib/native/device_number.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/clock/rtc.h"

static handle_t system_handle;

static status_t wall_set(uint64_t wall_ns) {
    return sys_system_control(system_handle, SYSTEM_SET_WALL, wall_ns - time_now_ns(), 0, 0, NULL);
}

/* An earlier run of this server may have set it already, and somebody since. */
static void wall_set_first(void) {
    struct driver_ports ports;
    uint64_t seconds = 0;
    status_t status;

    if (info_page()->wall_offset_ns != 0) {
        return;
    }
    status = driver_ports_open(&ports, 0);
    if (status == OK) {
        seconds = rtc_read(&ports);
        status = seconds == 0 ? ERROR_NO_DEVICE : wall_set(seconds * NS_PER_S);
    }
    if (status != OK) {
        log_write(LOG_WARNING, "clock: the machine has no clock that shows the time: %s",
                  status_text(status));
    }
}

static status_t on_set(void *context, struct request *request, uint64_t wall_ns) {
    (void)context;
    if (wall_ns > CLOCK_WALL_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = wall_set(wall_ns);

    if (status == OK) {
        log_write(LOG_INFO, "clock: set by process %u", tag_pid(request->tag));
    }
    return status;
}

/* For `ls`: there is nothing to be read or written. */
static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_CLOCK,
        .id = 1,
        .mode = FILE_MODE_CHARACTER | 0644,
        .n_links = 1,
        .rdev = 1,
        .accessed_ns = time_wall_ns(),
        .modified_ns = time_wall_ns(),
        .changed_ns = time_wall_ns(),
    };

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof(stat)));
}

static const struct clock_handlers clock_handlers = {.set = on_set};
static const struct file_handlers file_handlers = {.stat = on_stat};
static const struct server_protocol root_protocols[] = {
    CLOCK_SERVE(clock_handlers), FILE_SERVE(file_handlers), {0}};
static const struct server_class root_class = {.protocols = root_protocols};

int main(void) {
    static int root;
    struct server *server = server_start(&(struct server_options){.name = "clock"});

    system_handle = startup_handle(STARTUP_SYSTEM, NULL);
    if (system_handle == HANDLE_NONE) {
        log_write(LOG_ERROR, "clock: the manifest gives no system-clock handle");
        return 1;
    }
    wall_set_first();
    server_export(server, 0, &root_class, &root);
    server_run(server);
}

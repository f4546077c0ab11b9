/* SPDX-License-Identifier: MIT */
/*
 * init: the first program. It starts the services that the manifests in the boot archive describe,
 * watches them, starts them again, and says when the system is ready. After it has read the
 * manifests it parses nothing, and it never calls anybody: whatever hangs or lies, init goes on. If
 * it ends itself, the kernel reports that and reboots.
 */
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/init/boot.h"
#include "servers/init/command_line.h"
#include "servers/init/control.h"
#include "servers/init/service.h"

static struct init init;

static void fail(const char *what, status_t status) {
    log_write(LOG_ERROR, "%s: %s", what, status_text(status));
    sys_process_exit(1);
}

/* A copy of the kernel's command line, as far as it fits. */
static const char *copy_command_line(void) {
    static char copy[2048];
    const struct startup_block *block = startup_block();
    const char *line = block == NULL ? NULL : (const char *)(uintptr_t)block->command_line;

    if (line != NULL && !string_copy(copy, sizeof copy, line)) {
        log_write(LOG_WARNING, "the command line is cut to %zu bytes", sizeof copy - 1);
    }
    return copy;
}

static void on_timer(struct server *server, struct server_timer *timer) {
    services_watch(&init);
    services_step(&init);
    server_timer_arm(server, timer, time_deadline(WATCH_PERIOD_MS * NS_PER_MS), on_timer);
}

int main(void) {
    status_t status;

    init.system = startup_handle(STARTUP_SYSTEM, NULL);
    init.identity = startup_handle(STARTUP_IDENTITY, NULL);
    init.budget = startup_handle(STARTUP_BUDGET, NULL);
    init.archive = startup_handle(STARTUP_MEMORY, "archive");
    init.command_line = copy_command_line();
    init.command = command_line_command(init.command_line);
    init.server = server_start(&(struct server_options){.name = "init"});

    status = archive_open(&init.files, init.archive);
    if (status != OK) {
        fail("no boot archive", status);
    }
    status = control_start(&init);
    if (status != OK) {
        fail("no control gate", status);
    }
    services_load(&init);
    services_step(&init);
    init.watched_ns = time_now_ns();
    server_timer_arm(init.server, &init.timer, time_deadline(WATCH_PERIOD_MS * NS_PER_MS),
                     on_timer);
    server_run(init.server);
}

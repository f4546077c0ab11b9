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
#include "servers/init/control.h"
#include "servers/init/service.h"

enum { WATCH_PERIOD_MS = 200 };

static struct init init;

static void fail(const char *what, status_t status) {
    log_write(LOG_ERROR, "%s: %s", what, status_text(status));
    sys_process_exit(1);
}

/* The command of run=, which is all the rest of the kernel's command line; NULL without. */
static const char *find_command(void) {
    static char command[1024];
    const struct startup_block *block = startup_block();
    const char *line = block == NULL ? NULL : (const char *)(uintptr_t)block->command_line;

    for (; line != NULL && *line != '\0'; line++) {
        if (string_starts_with(line, "run=")) {
            bool whole = string_copy(command, sizeof command, line + strlen("run="));

            if (!whole) {
                log_write(LOG_WARNING, "the command of run= is cut to %zu bytes",
                          sizeof command - 1);
            }
            return command;
        }
        while (*line != '\0' && *line != ' ') {
            line++;
        }
        if (*line == '\0') {
            break;
        }
    }
    return NULL;
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
    init.command = find_command();
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
    server_timer_arm(init.server, &init.timer, time_deadline(WATCH_PERIOD_MS * NS_PER_MS),
                     on_timer);
    server_run(init.server);
}

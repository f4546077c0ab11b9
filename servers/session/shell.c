/* SPDX-License-Identifier: MIT */
#include "servers/session/shell.h"

#include "abi/generated/file.h"
#include "abi/generated/proc.h"
#include "lib/native/namespace.h"
#include "lib/native/server_state.h"
#include "lib/native/spawn.h"
#include "lib/native/startup.h"
#include "lib/native/time.h"
#include "lib/posix/fd.h"

enum { CODE_SIGNAL = 128, PROC_PATIENCE_MS = 50 };

static char shell_path[] = "/bin/shell";

static handle_t proc(void) {
    return startup_handle(STARTUP_GATE, "proc");
}

static status_t prepare(handle_t terminal, uint32_t kind, char **argv, handle_t budget,
                        struct spawn_prepared *prepared) {
    static char *const environment[] = {"PATH=/bin",        "HOME=/ramdisk", "TERM=xterm",
                                        "SHELL=/bin/shell", "PS1=$PWD$ ",    NULL};
    struct spawn_entry entries[6];
    handle_t file;

    status_t status = namespace_open(shell_path, FILE_OPEN_READ, 0, &file, NULL);
    if (status != OK) {
        return status;
    }
    for (uint32_t fd = 0; fd < 3; fd++) {
        entries[fd] = (struct spawn_entry){.kind = STARTUP_FD,
                                           .handle = terminal,
                                           .rights = RIGHTS_ALL,
                                           .number = fd,
                                           .flags = kind | (fd == 0 ? FD_STARTUP_TERMINAL : 0)};
    }
    entries[3] = (struct spawn_entry){.kind = STARTUP_CWD, .text = "/"};
    entries[4] = (struct spawn_entry){.kind = STARTUP_UMASK, .number = 022};
    entries[5] = (struct spawn_entry){.kind = STARTUP_GATE,
                                      .handle = startup_handle(STARTUP_GATE, "log"),
                                      .rights = RIGHTS_ALL,
                                      .text = "log"};
    struct spawn_args args = {.source = {.file = file},
                              .argv = argv,
                              .envp = environment,
                              .entries = entries,
                              .n_entries = ARRAY_SIZE(entries),
                              .budget = budget,
                              .flags = SPAWN_NAMESPACE};
    status = spawn_prepare(&args, prepared);
    server_handle_close(file);
    return status;
}

status_t shell_start(handle_t terminal, uint32_t kind, char *command, handle_t budget,
                     handle_t *process, uint32_t *pid) {
    static char dash_c[] = "-c";
    char *argv[] = {shell_path, command == NULL ? NULL : dash_c, command, NULL};
    struct spawn_prepared prepared;
    status_t status = prepare(terminal, kind, argv, budget, &prepared);

    if (status != OK) {
        return status;
    }
    status = proc_adopt(proc(), PROC_ADOPT_SESSION | PROC_ADOPT_RESET, 0, prepared.entry,
                        prepared.stack, 0, prepared.process, pid, DEADLINE_NEVER);
    if (status != OK) {
        server_handle_close(prepared.process); /* one that proc refused ends with that */
        return status;
    }
    *process = prepared.process;
    return OK;
}

status_t shell_await(uint32_t pid, uint32_t *code) {
    uint32_t found = 0, wait_status = 0;
    uint64_t cpu_ns;
    status_t status;

    /* A proc that dies meanwhile has not forgotten when it is back. */
    do {
        status = proc_wait(proc(), (int32_t)pid, PROC_WAIT_EXITED, &found, &wait_status, &cpu_ns,
                           DEADLINE_NEVER);
    } while (status == ERROR_CLOSED || status == ERROR_STALE || status == ERROR_INTERRUPTED);
    if (status == OK && found != pid) {
        status = ERROR_NO_CHILD;
    }
    uint32_t signal = wait_status & 0x7f;
    *code = status != OK  ? SHELL_NOT_STARTED
            : signal != 0 ? CODE_SIGNAL + signal
                          : (wait_status >> 8) & 0xff;
    return status;
}

bool shell_lives(uint32_t pid) {
    uint32_t found = 0, wait_status = 0;
    uint64_t cpu_ns;
    status_t status = proc_wait(proc(), (int32_t)pid, PROC_WAIT_EXITED | PROC_WAIT_NOHANG, &found,
                                &wait_status, &cpu_ns, time_deadline(PROC_PATIENCE_MS * NS_PER_MS));

    return status == OK ? found == 0 : status != ERROR_NO_CHILD && status != ERROR_BAD_ARGUMENT;
}

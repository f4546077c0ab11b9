/* SPDX-License-Identifier: MIT */
/*
 * session: a shell on a terminal, and a new one when it ends. `session TERMINAL` is what the system
 * has on each console; `session TERMINAL COMMAND` runs one command (run= on the kernel's command
 * line) and powers the machine off with its status.
 *
 * It acts for process 1: it holds the control gate of proc, adopts the shell as the leader of a new
 * session, and waits for it. It is a client only, so it blocks where it likes.
 */
#include "abi/generated/file.h"
#include "abi/generated/proc.h"
#include "abi/generated/service.h"
#include "abi/generated/terminal.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/namespace.h"
#include "lib/native/server.h"
#include "lib/native/spawn.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/fd.h"

enum {
    DRAIN_PATIENCE_S = 5,       /* of the last lines for the terminal, before the power goes */
    SHORT_LIFE_MS = 500,        /* a shell that ends so soon ... */
    SHORT_LIFE_PAUSE_MS = 1000, /* ... is started anew only after this */
    CODE_NOT_STARTED = 127,     /* as a shell has it for a command that cannot be started */
    CODE_SIGNAL = 128,
    CODE_MAX = 127, /* of the machine: more does not fit into QEMU's exit status */
};

static char shell_path[] = "/bin/shell";

static void say(handle_t terminal, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(handle_t terminal, const char *format, ...) {
    char line[1200];
    va_list args;
    uint64_t n;
    size_t done = 0;

    va_start(args, format);
    size_t length = MIN(format_buffer_v(line, sizeof line, format, args), sizeof line - 1);
    va_end(args);
    while (done < length &&
           file_write(terminal, FILE_OFFSET_CURRENT, line + done, (uint32_t)(length - done), &n,
                      DEADLINE_NEVER) == OK &&
           n > 0) {
        done += n;
    }
}

/* ---- one program, from its start to its end ---- */

static status_t start(handle_t terminal, uint32_t kind, char **argv, uint32_t *pid) {
    static char *const environment[] = {"PATH=/bin", "HOME=/ramdisk", "TERM=xterm",
                                        "SHELL=/bin/shell", NULL};
    struct spawn_entry entries[6];
    struct spawn_prepared prepared;
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
                              .flags = SPAWN_NAMESPACE};
    status = spawn_prepare(&args, &prepared);
    if (status == OK) {
        status =
            proc_adopt(startup_handle(STARTUP_GATE, "proc"), PROC_ADOPT_SESSION | PROC_ADOPT_RESET,
                       0, prepared.entry, prepared.stack, 0, prepared.process, pid, DEADLINE_NEVER);
        status_t closed =
            sys_handle_close(prepared.process); /* proc has its own; a refused one ends here */
        (void)closed;
    }
    status_t closed = sys_handle_close(file);
    (void)closed;
    return status;
}

/* Waits for its end. The status is that of wait4. A proc that dies meanwhile has not forgotten when
 * it is back. */
static status_t await(uint32_t pid, uint32_t *status) {
    uint32_t found = 0;
    uint64_t cpu_ns;
    status_t result;

    do {
        result = proc_wait(startup_handle(STARTUP_GATE, "proc"), (int32_t)pid, PROC_WAIT_EXITED,
                           &found, status, &cpu_ns, DEADLINE_NEVER);
    } while (result == ERROR_CLOSED || result == ERROR_STALE || result == ERROR_INTERRUPTED);
    return result == OK && found != pid ? ERROR_NO_CHILD : result;
}

static uint32_t exit_code(uint32_t wait_status) {
    uint32_t signal = wait_status & 0x7f;

    return signal != 0 ? CODE_SIGNAL + signal : (wait_status >> 8) & 0xff;
}

/* Runs it, and returns its exit code. */
static uint32_t run(handle_t terminal, uint32_t kind, char **argv) {
    uint32_t pid, wait_status;
    status_t status = start(terminal, kind, argv, &pid);

    if (status != OK) {
        say(terminal, "%s cannot be started: %s\n", shell_path, status_text(status));
        return CODE_NOT_STARTED;
    }
    status = await(pid, &wait_status);
    if (status != OK) {
        log_write(LOG_WARNING, "how %s (%u) ended is not known: %s", shell_path, pid,
                  status_text(status));
        return CODE_NOT_STARTED;
    }
    return exit_code(wait_status);
}

/* ---- the two kinds of sessions ---- */

NORETURN static void run_command(handle_t terminal, uint32_t kind, char *command) {
    static char dash_c[] = "-c";
    char *argv[] = {shell_path, dash_c, command, NULL};
    uint64_t deadline;

    say(terminal, "run: %s\n", command);
    uint32_t code = run(terminal, kind, argv);
    say(terminal, "run: exit %u\n", code);
    /* The power goes only when the last byte is out, if the terminal can tell. */
    deadline = time_deadline(DRAIN_PATIENCE_S * NS_PER_S);
    status_t status = terminal_drain(terminal, deadline);
    if (status != OK) {
        status = file_sync(terminal, deadline);
    }
    status = service_power_off(startup_handle(STARTUP_GATE, "services"),
                               MIN(code, (uint32_t)CODE_MAX), DEADLINE_NEVER);
    log_write(LOG_ERROR, "cannot power off: %s", status_text(status));
    sys_process_exit(1);
}

static status_t terminal_open(const char *path, handle_t *terminal, uint32_t *kind) {
    return namespace_open(path, FILE_OPEN_READ | FILE_OPEN_WRITE, 0, terminal, kind);
}

/* Opens the terminal anew for each shell: what was open is stale if the driver died meanwhile. */
NORETURN static void run_shells(const char *path) {
    char *argv[] = {shell_path, NULL};

    for (;;) {
        uint64_t begin = time_now_ns();
        handle_t terminal;
        uint32_t kind;
        status_t status = terminal_open(path, &terminal, &kind);

        if (status == OK) {
            uint32_t code = run(terminal, kind, argv);

            status = sys_handle_close(terminal);
            if (code != 0) {
                log_write(LOG_INFO, "%s ended with status %u", shell_path, code);
            }
        } else {
            log_write(LOG_WARNING, "%s: %s", path, status_text(status));
        }
        if (time_now_ns() - begin < SHORT_LIFE_MS * NS_PER_MS) {
            time_sleep_until(time_deadline(SHORT_LIFE_PAUSE_MS * NS_PER_MS));
        }
    }
}

int main(int argc, char **argv) {
    struct server *server = server_start(&(struct server_options){.name = argv[0]});
    handle_t terminal;
    uint32_t kind;

    if (argc < 2) {
        log_write(LOG_ERROR, "usage: session TERMINAL [COMMAND]");
        return 1;
    }
    if (argc > 2) {
        status_t status = terminal_open(argv[1], &terminal, &kind);

        if (status != OK) {
            log_write(LOG_ERROR, "%s: %s", argv[1], status_text(status));
            return 1;
        }
        server_ready(server);
        run_command(terminal, kind, argv[2]);
    }
    server_ready(server);
    run_shells(argv[1]);
}

/* SPDX-License-Identifier: MIT */
/*
 * session: a shell on each of the terminals that its arguments name, and a new one when it ends.
 * `session -c TERMINAL COMMAND` instead runs one command (run= on the kernel's command line) and
 * powers the machine off with its status.
 *
 * It acts for process 1: it holds the control gate of proc, adopts each shell as the leader of a
 * new session, and takes its status. A shell begins when its terminal takes output: a screen that
 * nobody has looked at yet does not, and that is how its shell comes to wait for that.
 *
 * Each terminal has a budget of its own for its shell and all that this starts: a bomb on one
 * leaves the others theirs.
 *
 * Shells outlive it. Their pids are in its state page, and its next run starts none where one
 * lives.
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
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/session/shell.h"

enum {
    TERMINALS_MAX = 8,
    OPEN_PATIENCE_MS = 50, /* of one try; a driver that is there answers at once */
    DRAIN_PATIENCE_S = 5,  /* of the last lines for the terminal, before the power goes */
    RETRY_MS = 1000,       /* for a terminal that is not there (now) */
    INHERITED_MS = 250,    /* between looks at a shell that an earlier run started */
    SHORT_LIFE_MS = 500,   /* a shell that ends so soon is started anew only after RETRY_MS */
    SHARE_MIN_PAGES = 512, /* of a terminal: a shell and some programs at once */
    CODE_MAX = 127,        /* of the machine: more does not fit into QEMU's exit status */
    WATCH_KEY = 1,
};

/* Bit of a line's gate: its shell ended. The low ones are events of the terminal. */
#define NOTE_EXIT (1ull << 40)

/* A terminal and its shell. Invariant: a shell runs iff process is not HANDLE_NONE. */
struct line {
    const char *path;
    handle_t gate;     /* on which we are notified */
    handle_t terminal; /* open, or HANDLE_NONE */
    handle_t mount;    /* where it was opened without a further name, or HANDLE_NONE */
    uint32_t kind;
    handle_t budget; /* of what is started here; HANDLE_NONE: not yet, or an earlier run's */
    handle_t process;
    uint32_t pid;
    uint32_t *saved; /* in the state page: pid of the shell, 0: none */
    uint64_t begin_ns;
    struct server_timer timer; /* the next try */
};

static struct server *server;
static struct line lines[TERMINALS_MAX];
static uint32_t n_lines;

static void line_step(struct line *line);

/* ---- a shell on each terminal ---- */

static void on_timer(struct server *loop, struct server_timer *timer) {
    (void)loop;
    line_step(CONTAINER_OF(timer, struct line, timer));
}

static void retry_later(struct line *line) {
    server_timer_arm(server, &line->timer, time_deadline(RETRY_MS * NS_PER_MS), on_timer);
}

/* Opened anew for each shell: the driver may have been started anew since the last one. */
static status_t line_open(struct line *line) {
    const char *rest;
    handle_t root;
    uint32_t kind, matched, length;
    char target[1];
    uint64_t deadline = time_deadline(OPEN_PATIENCE_MS * NS_PER_MS);

    if (line->terminal != HANDLE_NONE) {
        server_handle_close(line->terminal);
        line->terminal = HANDLE_NONE;
    }
    /* By hand, because namespace_open waits without end for a service that hangs or is starting. */
    status_t status = namespace_resolve(line->path, &root, &rest);
    if (status != OK) {
        return status;
    }
    status = file_open(root, FILE_OPEN_READ | FILE_OPEN_WRITE, 0, rest, (uint32_t)strlen(rest),
                       target, sizeof target, &kind, &matched, &length, &line->terminal, deadline);
    if (status == ERROR_REDIRECT && line->terminal != HANDLE_NONE) {
        handle_t mount = line->terminal;

        status = matched != strlen(rest) ? ERROR_NOT_FOUND
                                         : file_open(mount, FILE_OPEN_READ | FILE_OPEN_WRITE, 0, "",
                                                     0, target, sizeof target, &kind, &matched,
                                                     &length, &line->terminal, deadline);
        if (line->mount != HANDLE_NONE) {
            server_handle_close(line->mount);
        }
        line->mount = mount;
    }
    line->kind = kind;
    if (status != OK) {
        line->terminal = HANDLE_NONE;
    }
    return status;
}

/* What is started next finds this terminal as /dev/tty: the namespace is copied to it, and by it to
 * all that it starts. Only a convenience: without it the name is not there. */
static void line_name(const struct line *line) {
    handle_t copy = HANDLE_NONE;
    status_t status = line->mount == HANDLE_NONE
                          ? ERROR_NOT_FOUND
                          : sys_handle_copy(line->mount, RIGHTS_ALL, 0, &copy);

    status = status == OK ? namespace_bind("/dev/tty", copy) : namespace_unbind("/dev/tty");
    if (status != OK && status != ERROR_NOT_FOUND) {
        log_write(LOG_WARNING, "no /dev/tty for %s: %s", line->path, status_text(status));
    }
}

/* Is the terminal ready for a shell? If not, we are notified. */
static status_t line_is_ready(const struct line *line, bool *ready) {
    handle_t gate;
    uint32_t events = 0;
    status_t status = server_gate_copy(line->gate, &gate);

    if (status == OK) {
        status = file_watch(line->terminal, FILE_EVENT_WRITE, WATCH_KEY, gate, &events,
                            time_deadline(OPEN_PATIENCE_MS * NS_PER_MS));
        if (status != OK) {
            server_handle_close(gate);
        }
    }
    *ready = events != 0;
    return status;
}

/*
 * A third of our budget for the first terminal, and a third less for each further one: most people
 * use one or two. The rest is for ourselves, and for the terminal whose old share is held by
 * programs that outlived both their shell and our last run, or that leave no room for a new shell.
 */
static status_t line_budget(struct line *line) {
    handle_t own = startup_handle(STARTUP_BUDGET, NULL);
    struct handle_info info;

    if (line->budget != HANDLE_NONE) {
        return OK;
    }
    status_t status = sys_handle_info(own, &info);
    if (status != OK) {
        return status;
    }
    uint64_t share = info.budget.limit / 3, left = info.budget.limit - info.budget.used;

    for (const struct line *before = lines; before < line; before++) {
        share -= share / 3;
    }
    share = MIN(MAX(share, (uint64_t)SHARE_MIN_PAGES), left);
    return share < SHARE_MIN_PAGES ? ERROR_OUT_OF_BUDGET
                                   : sys_budget_create(own, share, &line->budget);
}

static status_t line_start(struct line *line) {
    status_t status = line_budget(line);

    if (status == OK) {
        status =
            shell_start(line->terminal, line->kind, NULL, line->budget, &line->process, &line->pid);
    }
    if (status == ERROR_OUT_OF_BUDGET && line->budget != HANDLE_NONE) {
        server_handle_close(line->budget); /* theirs who use it up: the next try makes another */
        line->budget = HANDLE_NONE;
    }
    return status;
}

static void line_step(struct line *line) {
    bool ready = false;
    status_t status = OK;

    if (line->process != HANDLE_NONE) {
        return;
    }
    if (*line->saved != 0 && shell_lives(*line->saved)) {
        server_timer_arm(server, &line->timer, time_deadline(INHERITED_MS * NS_PER_MS), on_timer);
        return;
    }
    *line->saved = 0;
    if (line->terminal == HANDLE_NONE) {
        status = line_open(line);
    }
    if (status == OK) {
        status = line_is_ready(line, &ready);
    }
    if (status == OK && !ready) {
        return;
    }
    if (status == OK) {
        line->begin_ns = time_now_ns();
        line_name(line);
        status = line_start(line);
        if (status != OK) {
            log_write(LOG_ERROR, "no shell on %s: %s", line->path, status_text(status));
        } else {
            *line->saved = line->pid;
        }
    }
    if (status == OK) {
        status = sys_process_watch(line->process, line->gate, NOTE_EXIT);
    }
    if (status != OK) {
        if (line->terminal != HANDLE_NONE) {
            server_handle_close(line->terminal);
            line->terminal = HANDLE_NONE;
        }
        retry_later(line);
    }
}

/* Its shell ended: takes the status from proc, and makes ready for the next. */
static void line_ended(struct line *line) {
    uint32_t code;

    server_handle_close(line->process);
    line->process = HANDLE_NONE;
    if (line->terminal != HANDLE_NONE) {
        server_handle_close(line->terminal);
        line->terminal = HANDLE_NONE;
    }
    *line->saved = 0;
    if (shell_await(line->pid, &code) == OK && code != 0) {
        log_write(LOG_INFO, "the shell on %s ended with status %u", line->path, code);
    }
    if (time_now_ns() - line->begin_ns < SHORT_LIFE_MS * NS_PER_MS) {
        retry_later(line);
    } else {
        line_step(line);
    }
}

static void on_notified(struct server *loop, void *object, uint64_t bits) {
    struct line *line = object;

    (void)loop;
    if ((bits & NOTE_EXIT) != 0 && line->process != HANDLE_NONE) {
        line_ended(line);
    } else if (line->process == HANDLE_NONE && !list_is_linked(&line->timer.node)) {
        line_step(line);
    }
}

static const struct server_class line_class = {.notified = on_notified};

/* What the state page holds is at worst the number of no shell of ours, which proc then says. */
static uint32_t *saved_pids(void) {
    static uint32_t none[TERMINALS_MAX];
    const struct startup_entry *state = startup_find(STARTUP_MEMORY, "state");
    uint64_t address;

    if (state == NULL || sys_map(HANDLE_NONE, state->handle, 0, PAGE_SIZE, 0, MAP_READ | MAP_WRITE,
                                 &address) != OK) {
        return none;
    }
    return (uint32_t *)(uintptr_t)address;
}

NORETURN static void run_shells(int n, char **paths) {
    uint32_t *saved = saved_pids();

    n_lines = (uint32_t)MIN(n, (int)TERMINALS_MAX);
    for (uint32_t i = 0; i < n_lines; i++) {
        struct line *line = &lines[i];

        line->path = paths[i];
        line->saved = &saved[i];
        status_t status = server_notification_gate(server, &line_class, line, &line->gate);
        if (status != OK) {
            log_write(LOG_ERROR, "%s: %s", line->path, status_text(status));
            continue;
        }
        server_timer_arm(server, &line->timer, 0, on_timer);
    }
    server_run(server);
}

/* ---- one command ---- */

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

/* Runs it, and returns its exit code. */
static uint32_t run(handle_t terminal, uint32_t kind, char *command) {
    uint32_t pid, code = SHELL_NOT_STARTED;
    handle_t process;
    status_t status = shell_start(terminal, kind, command, HANDLE_NONE, &process, &pid);

    if (status != OK) {
        say(terminal, "no shell: %s\n", status_text(status));
        return SHELL_NOT_STARTED;
    }
    status = shell_await(pid, &code);
    if (status != OK) {
        log_write(LOG_WARNING, "how the command ended is not known: %s", status_text(status));
    }
    return code;
}

NORETURN static void run_command(const char *path, char *command) {
    handle_t terminal;
    uint32_t kind, code = SHELL_NOT_STARTED;
    status_t status = namespace_open(path, FILE_OPEN_READ | FILE_OPEN_WRITE, 0, &terminal, &kind);

    if (status == OK) {
        lines[0].path = path;
        if (line_open(&lines[0]) == OK) {
            line_name(&lines[0]);
        }
        say(terminal, "run: %s\n", command);
        code = run(terminal, kind, command);
        say(terminal, "run: exit %u\n", code);
        /* The power goes only when the last byte is out. */
        status = terminal_drain(terminal, time_deadline(DRAIN_PATIENCE_S * NS_PER_S));
    }
    if (status != OK) {
        log_write(LOG_ERROR, "%s: %s", path, status_text(status));
    }
    status = service_power_off(startup_handle(STARTUP_GATE, "services"),
                               MIN(code, (uint32_t)CODE_MAX), DEADLINE_NEVER);
    log_write(LOG_ERROR, "cannot power off: %s", status_text(status));
    sys_process_exit(1);
}

int main(int argc, char **argv) {
    server = server_start(&(struct server_options){.name = argv[0]});
    if (argc == 4 && string_equal(argv[1], "-c")) {
        server_ready(server);
        run_command(argv[2], argv[3]);
    }
    if (argc < 2 || argv[1][0] == '-') {
        log_write(LOG_ERROR, "usage: session TERMINAL... | session -c TERMINAL COMMAND");
        return 1;
    }
    run_shells(argc - 1, argv + 1);
}

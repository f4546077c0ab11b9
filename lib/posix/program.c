/* SPDX-License-Identifier: MIT */
#include "lib/posix/program.h"

#include <errno.h>
#include <string.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/calls.h"
#include "lib/posix/errno.h"
#include "lib/posix/file.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/pool.h"
#include "lib/posix/signal.h"

enum { SCRIPT_LINE_BYTES = 256, SCRIPT_DEPTH_MAX = 4 };

/* For a server that is being restarted. */
enum { RESTART_TRIES = 10 };
#define RESTART_PAUSE_NS (20 * NS_PER_MS)

static char *const no_environment[] = {NULL};

/* ---- the file ---- */

/* Reads the file's first bytes. If they begin with "#!", *is_script says so, and the first line is
 * copied. */
static int head_read(struct program *program, char *line, bool *is_script) {
    uint64_t n = 0;
    status_t status =
        file_read(program->file, 0, program->head, sizeof program->head, &n, DEADLINE_NEVER);

    n = status == OK ? MIN(n, sizeof program->head) : 0;
    program->n_head = (uint32_t)n;
    *is_script = n >= 2 && program->head[0] == '#' && program->head[1] == '!';
    if (!*is_script) {
        return errno_from_status(status);
    }
    n = MIN(n, (uint64_t)SCRIPT_LINE_BYTES - 1);
    memcpy(line, program->head, n);
    line[n] = '\0';
    char *end = strchr(line, '\n');

    if (end == NULL && n == SCRIPT_LINE_BYTES - 1) {
        return -ENOEXEC; /* longer than we look at */
    }
    end = end != NULL ? end : line + n; /* the file ends with the line */
    while (end > line + 2 && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    *end = '\0';
    return 0;
}

static char *skip_blanks(char *text) {
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

/* argv becomes interpreter, its one argument, the script, the script's arguments. `line` is cut
 * into the first two. */
static int script_arguments(struct program *program, const char *line, const char *script,
                            char *const *argv) {
    size_t n = 0;

    while (argv[n] != NULL) {
        n++;
    }
    size_t bytes = (n + 4) * sizeof(char *) + SCRIPT_LINE_BYTES + strlen(script) + 1;
    char **list = pool_map_pages(bytes);

    if (list == NULL) {
        return -ENOMEM;
    }
    char *strings = (char *)&list[n + 4];
    size_t i = 0;

    memcpy(strings, line, strlen(line) + 1);
    char *interpreter = skip_blanks(strings);
    char *argument = interpreter + strcspn(interpreter, " \t");

    list[i++] = interpreter;
    if (*argument != '\0') {
        *argument = '\0';
        list[i++] = skip_blanks(argument + 1);
    }
    list[i] = strings + SCRIPT_LINE_BYTES;
    memcpy(list[i++], script, strlen(script) + 1);
    for (size_t j = 1; j < n; j++) {
        list[i++] = argv[j];
    }
    list[i] = NULL;
    program->argv = list;
    program->memory = (uint64_t)(uintptr_t)list;
    program->memory_bytes = bytes;
    return interpreter[0] == '\0' ? -ENOEXEC : 0;
}

/* The program at `text` is a script with this first line: opens the interpreter in its place. */
static int script_follow(struct program *program, int directory, const char *text,
                         const char *line) {
    struct program inner = {0};
    int error = script_arguments(&inner, line + 2, text, program->argv);

    program_close(program);
    *program = inner;
    if (error == 0) {
        error = file_open_program(directory, program->argv[0], &program->file);
    }
    return error;
}

/* All but the head, which is not looked at without its length. */
static void program_clear(struct program *program) {
    program->file = HANDLE_NONE;
    program->argv = NULL;
    program->memory = 0;
    program->memory_bytes = 0;
    program->n_head = 0;
}

int program_open(struct program *program, int directory, const char *text, char *const *argv) {
    static char *empty[] = {"", NULL};
    char line[SCRIPT_LINE_BYTES];
    bool is_script;

    program_clear(program);
    program->argv = argv == NULL || argv[0] == NULL ? empty : argv;
    int error = file_open_program(directory, text, &program->file);

    for (int depth = 0; error == 0; depth++) {
        error = head_read(program, line, &is_script);
        if (error != 0 || !is_script) {
            break;
        }
        error = depth == SCRIPT_DEPTH_MAX
                    ? -ELOOP
                    : script_follow(program, directory, depth == 0 ? text : program->argv[0], line);
    }
    if (error != 0) {
        program_close(program);
    }
    return error;
}

void program_close(struct program *program) {
    if (program->file != HANDLE_NONE) {
        handle_drop(program->file);
    }
    if (program->memory != 0) {
        pool_unmap_pages((void *)program->memory, program->memory_bytes);
    }
    program_clear(program);
}

bool program_try_again(int error, unsigned *tries) {
    if ((error != -ESTALE && error != -EIO) || ++*tries > RESTART_TRIES) {
        return false;
    }
    time_sleep_until(time_deadline(RESTART_PAUSE_NS));
    return true;
}

/* ---- the state ---- */

/* The last one that was given up, with nothing in it: mapping one and touching its pages costs more
 * than all else that is done with it. */
static struct program_state *spare;

static struct program_state *state_take(void) {
    struct program_state *state = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQ_REL);

    return state != NULL ? state : pool_map_pages(sizeof *state);
}

static void state_give(struct program_state *state) {
    struct program_state *none = NULL;

    state->n_fds = 0;
    if (!__atomic_compare_exchange_n(&spare, &none, state, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        pool_unmap_pages(state, sizeof *state);
    }
}

struct program_state *program_state_make(bool drop_cloexec) {
    struct program_state *state = state_take();

    if (state == NULL) {
        return NULL;
    }
    for (int fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1)) {
        struct fd entry = fd_get(fd);
        char path[PATH_LENGTH_MAX];

        if (drop_cloexec && (entry.flags & FD_CLOEXEC_FLAG) != 0) {
            continue;
        }
        entry.path = fd_path(fd, path, sizeof path) ? pool_copy_string(path) : NULL;
        state->fds[fd] = entry;
        state->n_fds = fd + 1;
    }
    working_directory_get(state->directory, sizeof state->directory);
    state->blocked = thread_self()->mask;
    state->ignored = signals_ignored();
    state->pending = 0;
    return state;
}

void program_state_close(struct program_state *state, int fd) {
    struct fd *entry = &state->fds[fd];

    if (state->owned[fd] && entry->gate != HANDLE_NONE) {
        handle_drop(entry->gate);
    }
    pool_free_string(entry->path);
    *entry = (struct fd){0};
    state->owned[fd] = false;
}

void program_state_free(struct program_state *state) {
    for (int fd = 0; fd < state->n_fds; fd++) {
        program_state_close(state, fd);
    }
    state_give(state);
}

/* ---- the process ---- */

static struct spawn_entry set_entry(const char *name, uint64_t set) {
    return (struct spawn_entry){.kind = STARTUP_SIGNALS,
                                .number = (uint32_t)set,
                                .flags = (uint32_t)(set >> 32),
                                .text = name};
}

static size_t entries_fill(struct program_state *state) {
    size_t n = 0;

    for (int fd = 0; fd < state->n_fds; fd++) {
        const struct fd *entry = &state->fds[fd];

        if (entry->gate != HANDLE_NONE) {
            state->entries[n++] = (struct spawn_entry){.kind = STARTUP_FD,
                                                       .handle = entry->gate,
                                                       .rights = RIGHTS_ALL,
                                                       .number = (uint32_t)fd,
                                                       .flags = entry->mode,
                                                       .text = entry->path};
        }
    }
    state->entries[n++] = (struct spawn_entry){.kind = STARTUP_CWD, .text = state->directory};
    state->entries[n++] = (struct spawn_entry){.kind = STARTUP_UMASK, .number = creation_mask()};
    if (state->blocked != 0) {
        state->entries[n++] = set_entry("blocked", state->blocked);
    }
    if (state->ignored != 0) {
        state->entries[n++] = set_entry("ignored", state->ignored);
    }
    if (state->pending != 0) {
        state->entries[n++] = set_entry("pending", state->pending);
    }
    return n;
}

/* The handles that stay when this process becomes the program: open files, what holds its locks,
 * and the namespace, each once. */
static int keep_fill(struct program_state *state, size_t n_entries) {
    const char *prefix;
    handle_t gate;

    state->n_keep = 0;
    for (int fd = 0; fd < state->n_fds; fd++) {
        gate = state->fds[fd].gate;
        bool is_new = gate != HANDLE_NONE;

        for (size_t i = 0; i < state->n_keep && is_new; i++) {
            is_new = state->keep[i] != gate;
        }
        if (is_new) {
            state->keep[state->n_keep++] = gate;
        }
    }
    for (size_t i = 0; i < n_entries; i++) {
        if (state->entries[i].kind == STARTUP_GATE) {
            state->keep[state->n_keep++] = state->entries[i].handle;
        }
    }
    for (size_t i = 0; namespace_entry(i, &prefix, &gate); i++) {
        if (state->n_keep == ARRAY_SIZE(state->keep)) {
            return -EMFILE;
        }
        state->keep[state->n_keep++] = gate;
    }
    return 0;
}

int program_prepare(const struct program *program, struct program_state *state, char *const *envp,
                    uint32_t flags, struct spawn_prepared *prepared) {
    struct spawn_args args = {
        .source = {.file = program->file, .head = program->head, .n_head = program->n_head},
        .argv = program->argv,
        .envp = envp != NULL ? envp : no_environment,
        .entries = state->entries,
        .n_entries = entries_fill(state),
        .stack_bytes = PROGRAM_STACK_BYTES,
        .flags = flags | SPAWN_NAMESPACE,
    };
    status_t status;
    int error = 0;

    if ((flags & SPAWN_KEEP_NUMBERS) != 0) {
        args.n_entries += lock_entries(&state->entries[args.n_entries]);
        error = keep_fill(state, args.n_entries);
    }

    if (error != 0) {
        return error;
    }
    do {
        status = spawn_prepare(&args, prepared);
    } while (status == ERROR_INTERRUPTED); /* a signal came: nothing is lost but time */
    return status == ERROR_TOO_LARGE ? -E2BIG : errno_from_status(status);
}

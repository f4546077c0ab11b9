/* SPDX-License-Identifier: MIT */
/* The messages of protocols file and terminal. */
#include "lib/terminal/terminal_file.h"

#include <stdlib.h>
#include <termios.h>

#include "lib/base/string.h"
#include "lib/native/device_number.h"

enum {
    MODE = FILE_MODE_CHARACTER | 0620,
    SIZE_MAX_CELLS = 0xffff, /* rows or columns: what struct winsize can say */
};

/* ---- protocol file, of an open description ---- */

/* [book:transfer-check] */
/*
 * Is this transfer of a program whose place in its session we cannot know to go ahead? OK, or
 * BACKGROUND: it is to ask proc, and come back. Services have no job control.
 */
static status_t transfer_check(const struct terminal *terminal, const struct request *request,
                               uint64_t offset) {
    if (offset == TERMINAL_OFFSET_ASKED) {
        return OK;
    }
    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    return terminal->session_number != 0 && request->tag != 0 ? ERROR_BACKGROUND : OK;
}
/* [/book] */

static status_t on_read(void *context, struct request *request, uint64_t offset, uint32_t length,
                        uint64_t *n) {
    struct terminal_file *file = context;
    struct terminal *terminal = file->terminal;
    bool may_time;

    if ((file->flags & FILE_OPEN_READ) == 0) {
        return ERROR_BAD_HANDLE;
    }
    status_t check = transfer_check(terminal, request, offset);
    if (check != OK) {
        return check;
    }
    if (length == 0) {
        return OK;
    }
    if (list_is_empty(&terminal->readers) && terminal_can_read(terminal, length, &may_time)) {
        status_t status = terminal_read_now(terminal, HANDLE_NONE, length, n);

        terminal_tell(terminal);
        return status;
    }
    if ((file->flags & FILE_OPEN_NONBLOCK) != 0) {
        /* What is there, also if it is less than VMIN. */
        return list_is_empty(&terminal->readers) && discipline_available(&terminal->discipline) > 0
                   ? terminal_read_now(terminal, HANDLE_NONE, length, n)
                   : ERROR_WOULD_BLOCK;
    }
    status_t status =
        waiting_add(terminal, &terminal->readers, request,
                    &(struct waiting){.kind = WAITING_READ, .file = file, .length = length});
    if (status == REQUEST_DEFERRED) {
        terminal_step_readers(terminal); /* sets the timer of VTIME */
    }
    return status;
}

static status_t on_write(void *context, struct request *request, uint64_t offset, uint32_t length,
                         uint64_t *n) {
    struct terminal_file *file = context;
    struct terminal *terminal = file->terminal;
    uint32_t done = 0;
    status_t status = ERROR_WOULD_BLOCK;

    if ((file->flags & FILE_OPEN_WRITE) == 0) {
        return ERROR_BAD_HANDLE;
    }
    status_t check = transfer_check(terminal, request, offset);
    bool stops = (terminal->discipline.attributes.local_flags & TOSTOP) != 0;
    if (check != OK && (check != ERROR_BACKGROUND || stops)) {
        return check;
    }
    length = MIN(length, (uint32_t)FILE_TRANSFER_MAX_BYTES);
    if (list_is_empty(&terminal->writers)) {
        /* A device that takes its output at once has made room when it has been told. */
        do {
            status = terminal_write_now(terminal, HANDLE_NONE, length, &done);
            terminal_tell(terminal);
        } while (status == ERROR_WOULD_BLOCK && discipline_is_writable(&terminal->discipline));
    }
    if (status != ERROR_WOULD_BLOCK || (file->flags & FILE_OPEN_NONBLOCK) != 0) {
        *n = done;
        return done > 0 ? OK : status;
    }
    return waiting_add(
        terminal, &terminal->writers, request,
        &(struct waiting){.kind = WAITING_WRITE, .file = file, .length = length, .done = done});
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request, (void)offset, (void)whence, (void)position;
    return ERROR_NOT_SEEKABLE;
}

static status_t stat_write(const struct terminal *terminal, struct request *request,
                           uint32_t path_length, uint32_t length) {
    const struct file_stat stat = {.device = DEVICE_NUMBER_TERMINALS,
                                   .id = terminal->id,
                                   .mode = MODE,
                                   .n_links = 1,
                                   .block_bytes = 1024,
                                   .rdev = DEVICE_NUMBER_TERMINALS << 8 | terminal->id};

    return path_length != 0 ? ERROR_NOT_DIRECTORY
                            : request_write(request, 0, &stat, MIN(length, (uint32_t)sizeof stat));
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct terminal_file *file = context;

    (void)flags, (void)matched, (void)length, (void)next;
    return stat_write(file->terminal, request, path_length, stat_length);
}

/* Times and modes of a terminal mean nothing here, and O_TRUNC does nothing (POSIX.1 open). */
static status_t on_set(void *context, struct request *request, uint64_t what, uint64_t value,
                       int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length,
                       handle_t *next) {
    (void)context, (void)request, (void)what, (void)value, (void)accessed_ns, (void)modified_ns;
    (void)target_length, (void)matched, (void)length, (void)next;
    return path_length != 0              ? ERROR_NOT_DIRECTORY
           : (what & FILE_SET_SIZE) != 0 ? ERROR_BAD_ARGUMENT
                                         : OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct terminal_file *file = context;

    (void)request;
    mask &= FILE_OPEN_NONBLOCK | FILE_OPEN_APPEND;
    file->flags = (file->flags & ~mask) | (value & mask);
    *flags = file->flags;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    struct terminal_file *file = context;

    return watch_arm(&file->watches, request, events, key, notify, terminal_events(file->terminal),
                     ready);
}

static status_t on_sync(void *context, struct request *request) {
    (void)context, (void)request;
    return ERROR_BAD_ARGUMENT; /* as fsync says of a terminal */
}

/* ---- protocol terminal ---- */

static status_t on_get_attributes(void *context, struct request *request, uint32_t length) {
    const struct terminal_file *file = context;
    const struct terminal_attributes *attributes = &file->terminal->discipline.attributes;

    return length < sizeof *attributes ? ERROR_BAD_ARGUMENT
                                       : request_write(request, 0, attributes, sizeof *attributes);
}

static status_t on_set_attributes(void *context, struct request *request, uint32_t when,
                                  uint32_t length) {
    struct terminal_file *file = context;
    struct terminal *terminal = file->terminal;
    struct waiting wanted = {.kind = WAITING_ATTRIBUTES, .file = file, .when = when};

    if (length < sizeof wanted.attributes || when > TERMINAL_WHEN_FLUSHED) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = request_read(request, 0, &wanted.attributes, sizeof wanted.attributes);
    if (status != OK) {
        return status;
    }
    if (when != TERMINAL_WHEN_NOW && !terminal_is_drained(terminal)) {
        return waiting_add(terminal, &terminal->drainers, request, &wanted);
    }
    terminal_apply(terminal, when, &wanted.attributes);
    terminal_step_readers(terminal);
    return OK;
}

static status_t on_get_size(void *context, struct request *request, uint32_t *rows,
                            uint32_t *columns) {
    const struct terminal_file *file = context;

    (void)request;
    *rows = file->terminal->rows;
    *columns = file->terminal->columns;
    return OK;
}

static status_t on_set_size(void *context, struct request *request, uint32_t rows,
                            uint32_t columns) {
    struct terminal_file *file = context;

    (void)request;
    if (rows > SIZE_MAX_CELLS || columns > SIZE_MAX_CELLS) {
        return ERROR_BAD_ARGUMENT;
    }
    terminal_resize(file->terminal, rows, columns);
    return OK;
}

static status_t on_flush(void *context, struct request *request, uint32_t queues) {
    struct terminal_file *file = context;

    (void)request;
    if ((queues & ~(uint32_t)(TERMINAL_FLUSH_INPUT | TERMINAL_FLUSH_OUTPUT)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    terminal_flush_queues(file->terminal, queues);
    return OK;
}

static status_t on_drain(void *context, struct request *request) {
    struct terminal_file *file = context;
    struct terminal *terminal = file->terminal;

    if (terminal_is_drained(terminal)) {
        return OK;
    }
    return waiting_add(terminal, &terminal->drainers, request,
                       &(struct waiting){.kind = WAITING_DRAIN, .file = file});
}

static status_t on_get_queued(void *context, struct request *request, uint64_t *input,
                              uint64_t *output) {
    const struct terminal_file *file = context;

    (void)request;
    *input = discipline_available(&file->terminal->discipline);
    *output = discipline_queued(&file->terminal->discipline);
    return OK;
}

static status_t on_set_session(void *context, struct request *request, uint32_t number,
                               handle_t session) {
    struct terminal_file *file = context;

    terminal_set_owner(file->terminal, number, request_keep(request, session));
    return OK;
}

static status_t on_get_session(void *context, struct request *request, uint32_t *number) {
    const struct terminal_file *file = context;

    (void)request;
    *number = file->terminal->session_number;
    return OK;
}

/* ---- descriptions ---- */

static struct waiting *waiting_find(struct list *list, const struct terminal_file *file,
                                    const uint64_t *cookie) {
    struct waiting *waiting;

    LIST_FOR_EACH(waiting, list, node) {
        if (waiting->file == file && (cookie == NULL || waiting->cookie == *cookie)) {
            return waiting;
        }
    }
    return NULL;
}

/* Gives up the requests that wait through this description: the one with the cookie, or all. */
static void give_up(struct terminal_file *file, const uint64_t *cookie, status_t status) {
    struct terminal *terminal = file->terminal;
    struct list *const lists[] = {&terminal->readers, &terminal->writers, &terminal->drainers};
    struct waiting *waiting;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        while ((waiting = waiting_find(lists[i], file, cookie)) != NULL) {
            waiting_give_up(terminal, waiting, status);
        }
    }
}

static void on_closed(struct server *server, void *object) {
    struct terminal_file *file = object;

    (void)server;
    give_up(file, NULL, ERROR_CLOSED);
    watch_clear(&file->watches);
    list_remove(&file->node);
    free(file);
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    (void)server;
    give_up(object, &cookie, ERROR_INTERRUPTED);
}

static const struct file_handlers file_handlers = {
    .read = on_read,
    .write = on_write,
    .seek = on_seek,
    .stat = on_stat,
    .set = on_set,
    .set_flags = on_set_flags,
    .watch = on_watch,
    .sync = on_sync,
};
static const struct terminal_handlers terminal_handlers = {
    .get_attributes = on_get_attributes,
    .set_attributes = on_set_attributes,
    .get_size = on_get_size,
    .set_size = on_set_size,
    .flush = on_flush,
    .drain = on_drain,
    .get_queued = on_get_queued,
    .set_session = on_set_session,
    .get_session = on_get_session,
};
static const struct server_protocol file_protocols[] = {
    FILE_SERVE(file_handlers), TERMINAL_SERVE(terminal_handlers), {0, NULL, NULL}};
static const struct server_class file_class = {
    .protocols = file_protocols, .closed = on_closed, .cancelled = on_cancelled};

/* ---- the terminal itself: there to be opened ---- */

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    struct terminal *terminal = context;

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    struct terminal_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return ERROR_NO_MEMORY;
    }
    file->terminal = terminal;
    file->flags = flags & (FILE_OPEN_READ | FILE_OPEN_WRITE | FILE_OPEN_NONBLOCK);
    watch_init(&file->watches);
    status_t status = server_object_create(request->server, request->tag, &file_class, file, gate);
    if (status != OK) {
        free(file);
        return status;
    }
    list_push_back(&terminal->files, &file->node);
    *kind = FILE_MODE_CHARACTER;
    return OK;
}

static status_t on_root_stat(void *context, struct request *request, uint32_t flags,
                             uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                             uint32_t *length, handle_t *next) {
    (void)flags, (void)matched, (void)length, (void)next;
    return stat_write(context, request, path_length, stat_length);
}

static const struct file_handlers root_handlers = {.open = on_open, .stat = on_root_stat};
static const struct server_protocol root_protocols[] = {FILE_SERVE(root_handlers), {0, NULL, NULL}};
const struct server_class terminal_class = {.protocols = root_protocols};

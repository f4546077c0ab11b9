/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a terminal, and when they are answered: after every change the first reader, the
 * first writer and those who wait for the end of output are looked at, in this file; what the
 * messages ask for is in terminal_file.c.
 */
#include "lib/terminal/terminal.h"

#include <stdlib.h>
#include <termios.h>

#include "lib/native/server_state.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/terminal/terminal_file.h"

enum { DECISECOND_NS = 100000000, COPY_BYTES = 1024 };

/* ---- the list of those who wait ---- */

status_t waiting_add(struct terminal *terminal, struct list *list, struct request *request,
                     const struct waiting *wanted) {
    struct waiting *waiting = malloc(sizeof *waiting);

    if (waiting == NULL) {
        return ERROR_NO_MEMORY;
    }
    *waiting = *wanted;
    waiting->cookie = terminal->next_cookie++;
    waiting->since_ns = time_now_ns();
    status_t status = request_save(request, waiting->cookie, &waiting->saved);
    if (status != OK) {
        free(waiting);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(list, &waiting->node);
    return REQUEST_DEFERRED;
}

/* Takes it off the list and answers it. */
static void waiting_end(struct waiting *waiting, status_t status, uint64_t n) {
    struct waiting done = *waiting;

    list_remove(&waiting->node);
    free(waiting);
    switch (done.kind) {
    case WAITING_READ:
        file_answer_read(done.saved, status, n);
        break;
    case WAITING_WRITE:
        file_answer_write(done.saved, status, n);
        break;
    default: /* both answers are a bare status */
        terminal_answer_drain(done.saved, status);
        break;
    }
}

void waiting_give_up(struct terminal *terminal, struct waiting *waiting, status_t status) {
    bool is_first = LIST_FIRST(&terminal->readers, struct waiting, node) == waiting;

    if (waiting->kind == WAITING_WRITE && waiting->done > 0) {
        waiting_end(waiting, OK, waiting->done);
    } else {
        waiting_end(waiting, status, 0);
    }
    if (is_first) {
        terminal_step_readers(terminal); /* the next one may want less */
    }
}

/* ---- reading ---- */

/* Is there enough for a read of `size` bytes? *may_time: VTIME ends it too. */
bool terminal_can_read(const struct terminal *terminal, uint32_t size, bool *may_time) {
    const struct discipline *d = &terminal->discipline;
    size_t available = discipline_available(d);

    *may_time = false;
    if (discipline_is_canonical(d)) {
        return available > 0;
    }
    uint32_t minimum = d->attributes.characters[VMIN];
    bool has_time = d->attributes.characters[VTIME] != 0;

    if (minimum == 0) {
        *may_time = has_time;
        return available > 0 || !has_time;
    }
    *may_time = has_time && available > 0;
    return available >= MIN(minimum, size);
}

status_t terminal_read_now(struct terminal *terminal, handle_t saved, uint32_t size, uint64_t *n) {
    uint8_t buffer[DISCIPLINE_LINE_BYTES];
    struct handle_info info;
    size_t used;
    size_t got = discipline_peek(&terminal->discipline, buffer, MIN(size, sizeof buffer), &used);
    status_t status = saved_write(saved, 0, buffer, got);

    if (status == OK && got == 0 && saved != HANDLE_NONE &&
        sys_handle_info(saved, &info) == ERROR_NO_REPLY) {
        status = ERROR_NO_REPLY; /* nothing was copied that could have told */
    }
    if (status == OK) {
        discipline_consume(&terminal->discipline, used);
        *n = got;
    }
    return status;
}

static void on_timer(struct server *server, struct server_timer *timer) {
    struct terminal *terminal = CONTAINER_OF(timer, struct terminal, timer);
    struct waiting *reader = LIST_FIRST(&terminal->readers, struct waiting, node);
    uint64_t n = 0;

    (void)server;
    if (reader != NULL) {
        status_t status = terminal_read_now(terminal, reader->saved, reader->length, &n);
        waiting_end(reader, status, n);
        terminal_step_readers(terminal);
    }
}

/*
 * VTIME counts from the last byte, or, if none is asked for (VMIN 0), from the read. This is called
 * at each of these moments.
 */
static void timer_set(struct terminal *terminal, const struct waiting *reader) {
    uint64_t period = (uint64_t)terminal->discipline.attributes.characters[VTIME] * DECISECOND_NS;
    bool from_read = terminal->discipline.attributes.characters[VMIN] == 0;

    server_timer_arm(terminal->server, &terminal->timer,
                     from_read ? reader->since_ns + period : time_deadline(period), on_timer);
}

static void answer_readers(struct terminal *terminal) {
    struct waiting *reader;
    bool may_time = false;

    while ((reader = LIST_FIRST(&terminal->readers, struct waiting, node)) != NULL &&
           terminal_can_read(terminal, reader->length, &may_time)) {
        uint64_t n = 0;
        status_t status = terminal_read_now(terminal, reader->saved, reader->length, &n);

        /* A reader that was killed has taken nothing: the next one gets it. */
        waiting_end(reader, status, n);
    }
    if (reader != NULL && may_time) {
        timer_set(terminal, reader);
    } else {
        server_timer_stop(&terminal->timer);
    }
}

void terminal_step_readers(struct terminal *terminal) {
    answer_readers(terminal);
    terminal_tell(terminal);
}

/* ---- writing ---- */

status_t terminal_write_now(struct terminal *terminal, handle_t saved, uint32_t length,
                            uint32_t *done) {
    uint8_t buffer[COPY_BYTES];

    while (*done < length) {
        size_t n = MIN((size_t)(length - *done), sizeof buffer);
        status_t status = saved_read(saved, *done, buffer, n);

        if (status != OK) {
            return status;
        }
        size_t taken = discipline_write(&terminal->discipline, buffer, n);
        *done += (uint32_t)taken;
        if (taken < n) {
            return ERROR_WOULD_BLOCK;
        }
    }
    return OK;
}

static void step_writers(struct terminal *terminal) {
    struct waiting *writer;

    while ((writer = LIST_FIRST(&terminal->writers, struct waiting, node)) != NULL &&
           discipline_is_writable(&terminal->discipline)) {
        status_t status =
            terminal_write_now(terminal, writer->saved, writer->length, &writer->done);

        if (status == ERROR_WOULD_BLOCK) {
            return;
        }
        waiting_end(writer, writer->done > 0 ? OK : status, writer->done);
    }
}

static void notify_session(struct terminal *terminal, uint64_t bits) {
    if (bits != 0 && terminal->session != HANDLE_NONE &&
        sys_notify(terminal->session, bits) != OK) {
        /* The session is over, or proc another: who leads it says so again, with its number. */
        server_handle_close(terminal->session);
        terminal->session = HANDLE_NONE;
    }
}

static void tell_watches(struct terminal *terminal) {
    uint32_t events = terminal_events(terminal);
    struct terminal_file *file;

    LIST_FOR_EACH(file, &terminal->files, node) {
        watch_changed(&file->watches, events);
    }
}

static bool is_all_out(const struct terminal *terminal) {
    return discipline_queued(&terminal->discipline) == 0 && list_is_empty(&terminal->writers) &&
           !terminal->is_sending;
}

bool terminal_is_drained(const struct terminal *terminal) {
    return is_all_out(terminal) && list_is_empty(&terminal->drainers);
}

/* Not for the device to hear of: it may be asking for output. */
static void step_drainers(struct terminal *terminal) {
    struct waiting *drainer;
    bool is_applied = false;

    while (is_all_out(terminal) &&
           (drainer = LIST_FIRST(&terminal->drainers, struct waiting, node)) != NULL) {
        if (drainer->kind == WAITING_ATTRIBUTES) {
            terminal_apply(terminal, drainer->when, &drainer->attributes);
            is_applied = true;
        }
        waiting_end(drainer, OK, 0);
    }
    if (is_applied) {
        answer_readers(terminal); /* another mode, and what was typed ahead can be read, or not */
        tell_watches(terminal);
    }
}

/* ---- the device's side ---- */

/* Would a read of many bytes give some now, or, with VTIME, after a while? */
static bool is_readable(const struct terminal *terminal) {
    const uint8_t *characters = terminal->discipline.attributes.characters;
    bool is_counted = !discipline_is_canonical(&terminal->discipline) && characters[VTIME] == 0;

    return discipline_available(&terminal->discipline) >=
           (is_counted ? MAX((size_t)characters[VMIN], (size_t)1) : 1);
}

uint32_t terminal_events(const struct terminal *terminal) {
    return (is_readable(terminal) ? FILE_EVENT_READ : 0) |
           (!terminal->is_unseen && discipline_is_writable(&terminal->discipline) ? FILE_EVENT_WRITE
                                                                                  : 0);
}

static void tell_room(struct terminal *terminal) {
    if (terminal->is_throttled && discipline_room(&terminal->discipline) > 0) {
        terminal->is_throttled = false;
        if (terminal->device->has_room != NULL) {
            terminal->device->has_room(terminal);
        }
    }
}

void terminal_tell(struct terminal *terminal) {
    tell_watches(terminal);
    tell_room(terminal);
    if (discipline_queued(&terminal->discipline) > 0) {
        terminal->device->has_output(terminal);
    }
}

/* After input: signals first, so that a reader that they interrupt is not answered before. */
static void step_input(struct terminal *terminal, uint32_t signals) {
    notify_session(terminal, signals);
    step_drainers(terminal); /* a signal drops output */
    terminal_step_readers(terminal);
}

void terminal_received(struct terminal *terminal, const uint8_t *bytes, size_t n) {
    step_input(terminal, discipline_input(&terminal->discipline, bytes, n));
}

void terminal_received_break(struct terminal *terminal) {
    step_input(terminal, discipline_break(&terminal->discipline));
}

size_t terminal_room(struct terminal *terminal) {
    size_t room = discipline_room(&terminal->discipline);

    terminal->is_throttled = room == 0;
    return room;
}

size_t terminal_take(struct terminal *terminal, uint8_t *to, size_t n) {
    bool was_writable = discipline_is_writable(&terminal->discipline);
    size_t taken = discipline_take(&terminal->discipline, to, n);

    if (taken == 0) {
        terminal->is_sending = false;
        step_drainers(terminal);
        taken = discipline_take(&terminal->discipline, to, n); /* echo, of another mode */
    }
    if (taken > 0) {
        terminal->is_sending = true;
        step_writers(terminal);
        if (!was_writable) {
            tell_watches(terminal);
        }
        tell_room(terminal);
    }
    return taken;
}

void terminal_seen(struct terminal *terminal) {
    if (terminal->is_unseen) {
        terminal->is_unseen = false;
        terminal_tell(terminal);
    }
}

void terminal_resize(struct terminal *terminal, uint32_t rows, uint32_t columns) {
    if (rows != terminal->rows || columns != terminal->columns) {
        terminal->rows = rows;
        terminal->columns = columns;
        notify_session(terminal, TERMINAL_NOTIFY_RESIZED);
    }
}

void terminal_set_owner(struct terminal *terminal, uint32_t number, handle_t session) {
    notify_session(terminal, TERMINAL_NOTIFY_HANGUP);
    if (terminal->session != HANDLE_NONE) {
        server_handle_close(terminal->session);
    }
    terminal->session = session;
    terminal->session_number = number;
}

void terminal_apply(struct terminal *terminal, uint32_t when,
                    const struct terminal_attributes *attributes) {
    if (when == TERMINAL_WHEN_FLUSHED) {
        discipline_flush_input(&terminal->discipline);
    }
    notify_session(terminal, discipline_set_attributes(&terminal->discipline, attributes));
}

void terminal_flush_queues(struct terminal *terminal, uint32_t queues) {
    if ((queues & TERMINAL_FLUSH_INPUT) != 0) {
        discipline_flush_input(&terminal->discipline);
    }
    if ((queues & TERMINAL_FLUSH_OUTPUT) != 0) {
        discipline_flush_output(&terminal->discipline);
        step_writers(terminal);
        step_drainers(terminal);
    }
    terminal_step_readers(terminal);
}

void terminal_init(struct terminal *terminal, struct server *server,
                   const struct terminal_device *device, uint32_t id) {
    *terminal = (struct terminal){
        .device = device, .server = server, .id = id, .session = HANDLE_NONE, .next_cookie = 1};
    discipline_init(&terminal->discipline);
    list_init(&terminal->files);
    list_init(&terminal->readers);
    list_init(&terminal->writers);
    list_init(&terminal->drainers);
}

/* SPDX-License-Identifier: MIT */
/*
 * The character device class: two byte queues between the device and its clients, and the lists of
 * clients that wait at them.
 *
 * Invariants: a reader waits only if `input` is empty; a writer waits only if `output` is full or
 * another waits before it.
 */
#include "lib/native/driver_char.h"

#include <stdlib.h>

#include "abi/generated/device.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/server_state.h"
#include "lib/native/watch.h"

enum { INPUT_BYTES = 4096, OUTPUT_BYTES = 16384 }; /* powers of two */

/* Bytes first in, first out; the counters run freely. */
struct queue {
    uint8_t *bytes;
    uint32_t size;
    uint32_t in;
    uint32_t out;
};

/* A client's open file. */
struct char_file {
    struct list_node node; /* in `files` */
    uint32_t flags;
    struct watch_list watches;
};

/* A request that waits for bytes, or for room. */
struct waiter {
    struct list_node node;
    struct char_file *file;
    handle_t saved;
    uint64_t cookie;
    uint32_t length;
    uint32_t done;
};

static const struct char_driver *the_driver;
static uint8_t input_bytes[INPUT_BYTES], output_bytes[OUTPUT_BYTES];
static struct queue input = {.bytes = input_bytes, .size = INPUT_BYTES};
static struct queue output = {.bytes = output_bytes, .size = OUTPUT_BYTES};
static struct list files = LIST_INITIALIZER(files);
static struct list readers = LIST_INITIALIZER(readers);
static struct list writers = LIST_INITIALIZER(writers);
static struct list syncers = LIST_INITIALIZER(syncers); /* wait for all output to be out */
static struct driver_irq irq;
static uint64_t n_lost; /* bytes that came when the input was full */
static uint64_t last_cookie;

/* ---- queues ---- */

static uint32_t queue_used(const struct queue *queue) {
    return queue->in - queue->out;
}

static uint32_t queue_room(const struct queue *queue) {
    return queue->size - queue_used(queue);
}

/* The bytes that can be taken (or room that can be filled) without going around the end. */
static uint8_t *queue_front(struct queue *queue, uint32_t *n) {
    uint32_t place = queue->out % queue->size;

    *n = MIN(queue_used(queue), queue->size - place);
    return queue->bytes + place;
}

static uint8_t *queue_back(struct queue *queue, uint32_t *n) {
    uint32_t place = queue->in % queue->size;

    *n = MIN(queue_room(queue), queue->size - place);
    return queue->bytes + place;
}

/* ---- clients ---- */

static uint32_t events_now(void) {
    return (queue_used(&input) > 0 ? FILE_EVENT_READ : 0) |
           (queue_room(&output) > 0 ? FILE_EVENT_WRITE : 0);
}

static void tell_watchers(void) {
    struct char_file *file;

    LIST_FOR_EACH(file, &files, node) {
        watch_changed(&file->watches, events_now());
    }
}

/* Copies input to a client; HANDLE_NONE: the current request. */
static status_t give_input(handle_t saved, uint32_t length, uint64_t *n) {
    while (*n < length && queue_used(&input) > 0) {
        uint32_t part;
        const uint8_t *bytes = queue_front(&input, &part);

        part = MIN(part, (uint32_t)(length - *n));
        status_t status = saved_write(saved, *n, bytes, part);
        if (status != OK) {
            return *n > 0 ? OK : status; /* what could not be given stays in the queue */
        }
        input.out += part;
        *n += part;
    }
    return OK;
}

/* Takes output from a client, as much as there is room for. */
static status_t take_output(handle_t saved, uint32_t length, uint32_t *done) {
    while (*done < length && queue_room(&output) > 0) {
        uint32_t part;
        uint8_t *bytes = queue_back(&output, &part);

        part = MIN(part, length - *done);
        status_t status = saved_read(saved, *done, bytes, part);
        if (status != OK) {
            return status;
        }
        output.in += part;
        *done += part;
    }
    return OK;
}

static void waiter_end(struct waiter *waiter) {
    list_remove(&waiter->node);
    free(waiter);
}

static void serve_readers(void) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &readers, node) {
        uint64_t n = 0;

        if (queue_used(&input) == 0) {
            return;
        }
        status_t status = give_input(waiter->saved, waiter->length, &n);
        file_answer_read(waiter->saved, status, n);
        waiter_end(waiter);
    }
}

static void serve_writers(void) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &writers, node) {
        status_t status = take_output(waiter->saved, waiter->length, &waiter->done);

        if (status == OK && waiter->done < waiter->length) {
            return;
        }
        file_answer_write(waiter->saved, status, waiter->done);
        waiter_end(waiter);
    }
}

static void serve_syncers(void) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, &syncers, node) {
        file_answer_sync(waiter->saved, OK);
        waiter_end(waiter);
    }
}

/* Moves bytes to the device until it takes no more. */
static void pump_output(void) {
    for (;;) {
        uint32_t n;
        const uint8_t *bytes = queue_front(&output, &n);
        size_t taken = n == 0 ? 0 : the_driver->transmit(bytes, n);

        if (taken == 0) {
            break;
        }
        output.out += (uint32_t)taken;
        serve_writers();
    }
    if (queue_used(&output) == 0) {
        serve_syncers();
    }
}

static void pump_input(void) {
    for (;;) {
        uint8_t overflow[16];
        uint32_t room;
        uint8_t *bytes = queue_back(&input, &room);

        if (room == 0) {
            /* The device must be emptied all the same, or its interrupt would not end. */
            size_t lost = the_driver->receive(overflow, sizeof overflow);

            n_lost += lost;
            if (lost == 0) {
                return;
            }
            continue;
        }
        size_t n = the_driver->receive(bytes, room);
        if (n == 0) {
            return;
        }
        input.in += (uint32_t)n;
        serve_readers();
    }
}

static void on_irq(void *context) {
    (void)context;
    if (the_driver->irq != NULL) {
        the_driver->irq();
    }
    pump_input();
    pump_output();
    tell_watchers();
}

/* ---- protocol file ---- */

static const struct server_class file_class;

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0 || (flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    struct char_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return ERROR_NO_MEMORY;
    }
    file->flags = flags & (FILE_OPEN_READ | FILE_OPEN_WRITE | FILE_OPEN_NONBLOCK);
    watch_init(&file->watches);
    *kind = FILE_MODE_CHARACTER;
    status_t status = server_object_create(request->server, request->tag, &file_class, file, gate);
    if (status != OK) {
        free(file);
        return status;
    }
    list_push_back(&files, &file->node);
    return OK;
}

/* Saves the request, to be served later. */
static status_t wait_in(struct list *list, struct char_file *file, struct request *request,
                        uint32_t length, uint32_t done) {
    struct waiter *waiter = calloc(1, sizeof *waiter);

    if (waiter == NULL) {
        return ERROR_NO_MEMORY;
    }
    *waiter =
        (struct waiter){.file = file, .cookie = ++last_cookie, .length = length, .done = done};
    status_t status = request_save(request, waiter->cookie, &waiter->saved);
    if (status != OK) {
        free(waiter);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(list, &waiter->node);
    return REQUEST_DEFERRED;
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct char_file *file = context;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (file == NULL || (file->flags & FILE_OPEN_READ) == 0) {
        return ERROR_NO_RIGHT;
    }
    if (queue_used(&input) > 0 || data_length == 0) {
        return give_input(HANDLE_NONE, data_length, n);
    }
    return (file->flags & FILE_OPEN_NONBLOCK) != 0
               ? ERROR_WOULD_BLOCK
               : wait_in(&readers, file, request, data_length, 0);
}

static status_t on_write(void *context, struct request *request, uint64_t offset,
                         uint32_t data_length, uint64_t *n) {
    struct char_file *file = context;
    uint32_t done = 0;

    if (offset != FILE_OFFSET_CURRENT) {
        return ERROR_NOT_SEEKABLE;
    }
    if (file == NULL || (file->flags & FILE_OPEN_WRITE) == 0) {
        return ERROR_NO_RIGHT;
    }
    if (list_is_empty(&writers)) {
        status_t status = take_output(HANDLE_NONE, data_length, &done);

        pump_output();
        if (status == OK && done < data_length) {
            status = take_output(HANDLE_NONE, data_length, &done);
            pump_output();
        }
        if (status != OK) {
            return status;
        }
    }
    *n = done;
    if (done == data_length) {
        return OK;
    }
    if ((file->flags & FILE_OPEN_NONBLOCK) != 0) {
        return done > 0 ? OK : ERROR_WOULD_BLOCK;
    }
    return wait_in(&writers, file, request, data_length, done);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct file_stat stat = {.device = DEVICE_NUMBER_CHARACTERS,
                                   .id = 1,
                                   .mode = FILE_MODE_CHARACTER | 0666,
                                   .n_links = 1,
                                   .block_bytes = 1024};

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    return path_length != 0
               ? ERROR_NOT_DIRECTORY
               : request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    struct char_file *file = context;

    (void)request;
    if (file == NULL) {
        return ERROR_BAD_ARGUMENT;
    }
    mask &= FILE_OPEN_NONBLOCK;
    file->flags = (file->flags & ~mask) | (value & mask);
    *flags = file->flags;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    struct char_file *file = context;

    return file == NULL
               ? ERROR_BAD_ARGUMENT
               : watch_arm(&file->watches, request, events, key, notify, events_now(), ready);
}

static status_t on_sync(void *context, struct request *request) {
    if (queue_used(&output) == 0) {
        return OK;
    }
    return wait_in(&syncers, context, request, 0, 0);
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .sync = on_sync,
    .stat = on_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};

static status_t on_describe(void *context, struct request *request, uint32_t description_length) {
    struct device_description description = {.interrupts = irq.n, .errors = n_lost};
    bool fits = string_copy(description.driver, sizeof description.driver, the_driver->name) &&
                string_copy(description.model, sizeof description.model, the_driver->model);

    (void)context, (void)fits;
    return request_write(request, 0, &description,
                         MIN(description_length, (uint32_t)sizeof description));
}

static const struct device_handlers device_handlers = {.describe = on_describe};

/* ---- ends ---- */

static void end_waiters(struct list *list, const struct char_file *file, uint64_t cookie,
                        status_t status) {
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE(waiter, list, node) {
        if (waiter->file != file || (cookie != 0 && waiter->cookie != cookie)) {
            continue;
        }
        if (list == &readers) {
            file_answer_read(waiter->saved, status, 0);
        } else if (list == &syncers) {
            file_answer_sync(waiter->saved, status);
        } else {
            /* Some of it is out already: then that is what was written. */
            file_answer_write(waiter->saved, waiter->done > 0 ? OK : status, waiter->done);
        }
        waiter_end(waiter);
    }
}

static void on_closed(struct server *server, void *object) {
    struct char_file *file = object;

    (void)server;
    end_waiters(&readers, file, 0, ERROR_CLOSED);
    end_waiters(&writers, file, 0, ERROR_CLOSED);
    end_waiters(&syncers, file, 0, ERROR_CLOSED);
    watch_clear(&file->watches);
    list_remove(&file->node);
    free(file);
}

static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    (void)server;
    end_waiters(&readers, object, cookie, ERROR_INTERRUPTED);
    end_waiters(&writers, object, cookie, ERROR_INTERRUPTED);
    end_waiters(&syncers, object, cookie, ERROR_INTERRUPTED);
    serve_writers();
}

static const struct server_protocol file_protocols[] = {
    FILE_SERVE(file_handlers), DEVICE_SERVE(device_handlers), {0, NULL, NULL}};
static const struct server_class file_class = {
    .protocols = file_protocols, .closed = on_closed, .cancelled = on_cancelled};

void char_driver_run(const struct char_driver *driver) {
    struct server *server = server_start(&(struct server_options){.name = driver->name});
    static struct driver_ports ports;

    the_driver = driver;
    status_t status = driver_ports_open(&ports, 0);
    if (status == OK) {
        status = driver->start(&ports);
    }
    if (status == OK) {
        status = driver_irq_open(server, &irq, 0, on_irq, NULL);
    }
    if (status != OK) {
        driver_fail(driver->model, status);
    }
    server_export(server, 0, &file_class, NULL);
    server_run(server);
}

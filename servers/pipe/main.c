/* SPDX-License-Identifier: MIT */
/*
 * pipe: pipes, pairs, and the devices that every system has. Root 0 makes pipes
 * (abi/protocols/pipe.idl), roots 1 to 4 are /dev/null, zero, full and random.
 *
 * A restart ends all pipes: their users see the error STALE, as if the other end had broken.
 */
#include "lib/native/device_number.h"
#include "lib/native/server.h"
#include "lib/native/time.h"
#include "servers/pipe/device.h"
#include "servers/pipe/pair.h"
#include "servers/pipe/random.h"
#include "servers/pipe/ring.h"

/* Pipes, and what of the budget (in 16ths) is for their content; one is for watches
 * (lib/native/watch.h), the rest for open files, of which ends of pipes are the largest. */
enum { RINGS_MAX = 2048, RINGS_SHARE = 10, WATCHES_SHARE = 1, SHARES = 16, END_BYTES = 448 };
enum { ROOT_PIPES = 0, ROOT_DEVICES = 1, OBJECTS_PER_TAG = 2048, SAVED_PER_TAG = 512 };

static const struct server_class pipes_class;

static status_t on_create(void *context, struct request *request, uint32_t flags, handle_t *reader,
                          handle_t *writer) {
    (void)context;
    return pipe_make(request->server, request->tag, flags, reader, writer);
}

static status_t on_create_pair(void *context, struct request *request, uint32_t flags,
                               handle_t *one, handle_t *other) {
    (void)context;
    return pair_make(request->server, request->tag, flags, one, other);
}

/* Whoever reaches us by a path that others serve opens us first; what that gives makes pipes too.
 */
static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    (void)flags, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    *kind = FILE_MODE_CHARACTER;
    return server_object_create(request->server, request->tag, &pipes_class, context, gate);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_PIPE,
        .id = 1ull << 33,
        .mode = FILE_MODE_CHARACTER | 0600,
        .n_links = 1,
        .block_bytes = PIPE_ATOMIC_BYTES,
        .accessed_ns = time_wall_ns(),
        .modified_ns = time_wall_ns(),
        .changed_ns = time_wall_ns(),
    };

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static const struct pipe_handlers pipe_handlers = {.create = on_create,
                                                   .create_pair = on_create_pair};
static const struct file_handlers file_handlers = {.open = on_open, .stat = on_stat};
static const struct server_protocol pipes_protocols[] = {
    PIPE_SERVE(pipe_handlers), FILE_SERVE(file_handlers), {0}};
static const struct server_class pipes_class = {.protocols = pipes_protocols};

int main(void) {
    struct server *server = server_start(&(struct server_options){
        .name = "pipe",
        .objects_per_tag = OBJECTS_PER_TAG,
        .saved_per_tag = SAVED_PER_TAG,
        .objects = (uint32_t)(server_budget_bytes() * (SHARES - RINGS_SHARE - WATCHES_SHARE) /
                              SHARES / END_BYTES)});

    random_start();
    ring_start(RINGS_SHARE, RINGS_MAX);
    server_export(server, ROOT_PIPES, &pipes_class, NULL);
    devices_export(server, ROOT_DEVICES);
    server_run(server);
}

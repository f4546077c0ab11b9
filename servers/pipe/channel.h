/* SPDX-License-Identifier: MIT */
/*
 * Channels: a ring of bytes between those who read and those who write. An end is one of them: what
 * an open file is for its server. A pipe is a channel with one end of each kind, a pair is two
 * channels crossed, a FIFO a channel whose ends come and go (ramfs uses this file too).
 *
 * Requests that cannot be answered at once wait in the order in which they came. A write of up to
 * PIPE_ATOMIC_BYTES goes in as one piece or waits; a larger one goes in as there is room, but no
 * other writer comes between.
 */
#pragma once

#include "abi/generated/file.h"
#include "abi/generated/pipe.h"
#include "abi/generated/socket.h"
#include "lib/native/server.h"
#include "lib/native/watch.h"
#include "servers/pipe/ring.h"

struct channel {
    struct ring ring;
    size_t head; /* of the oldest byte */
    size_t count;
    struct list readers, writers; /* struct end, by as_reader and as_writer */
    uint64_t n_readers_ever, n_writers_ever;
    uint32_t n_ends;                  /* that have it, and may read and write no more */
    struct list reads, writes, meets; /* struct waiting, oldest first */
};

struct end {
    struct channel *in, *out; /* NULL: this end does not read, write */
    struct list_node as_reader, as_writer;
    /* How many of the others there had been, and were gone, when this one came. */
    uint64_t readers_seen, writers_seen;
    uint32_t flags; /* FILE_OPEN_READ, WRITE, NONBLOCK */
    bool is_socket; /* of a pair */
    struct watch_list watches;
};

/* NULL: no memory, or the login has its share. ring_start comes first. */
struct channel *channel_make(uint32_t login);
/* It has no ends. */
void channel_free(struct channel *channel);
bool channel_is_unused(const struct channel *channel);

/* An end that reads from `in` and writes to `out` (which may be the same; NULL: does not). NULL: no
 * memory. Who waited for such a one goes on. */
struct end *end_make(struct channel *in, struct channel *out, uint32_t flags);

/* Takes it away and frees it; its channels stay, used or not. */
void end_close(struct end *end);

/* The requests of protocol file that an end answers. */
status_t end_read(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                  uint64_t *n);
status_t end_write(struct end *end, struct request *request, uint64_t offset, uint32_t data_length,
                   uint64_t *n);
status_t end_read_short(struct end *end, struct request *request, uint32_t length, uint64_t *n,
                        uint64_t *a, uint64_t *b, uint64_t *c);
status_t end_write_short(struct end *end, struct request *request, uint32_t length, uint64_t a,
                         uint64_t b, uint64_t c, uint64_t *n);
/* Those of protocol socket that an end of a pair answers; flags are SOCKET_MESSAGE_ ones, of which
 * only `all`, `peek` and `nonblock` mean something. */
status_t end_receive(struct end *end, struct request *request, uint32_t flags, uint32_t data_length,
                     uint64_t *n);
status_t end_send(struct end *end, struct request *request, uint32_t flags, uint32_t data_length,
                  uint64_t *n);
/* It reads, writes no more: the other one finds that it cannot write, or the end. */
void end_shutdown(struct end *end, bool reads, bool writes);

status_t end_meet(struct end *end, struct request *request);
status_t end_watch(struct end *end, struct request *request, uint32_t events, uint32_t key,
                   handle_t notify, uint32_t *ready);
void end_cancelled(struct end *end, uint64_t cookie);

/* Between channel.c and end.c: what holds of an end, FILE_EVENT_; something changed, serves whom it
 * can and tells those who watch; an end has come that somebody may have waited for. */
uint32_t end_events(const struct end *end);
void channel_run(struct channel *channel);
void channel_meet(struct channel *channel);

/* SPDX-License-Identifier: MIT */
/*
 * Pipes and pairs. A channel is a ring of bytes with a reading and a writing end; an end is an open
 * file. A pipe is one channel, a pair is two, crossed.
 *
 * Requests that cannot be answered at once wait in the order in which they came. A write of up to
 * PIPE_ATOMIC_BYTES goes in as one piece or waits; a larger one goes in as there is room, but no
 * other writer comes between.
 */
#pragma once

#include "abi/generated/file.h"
#include "abi/generated/pipe.h"
#include "lib/native/server.h"
#include "lib/native/watch.h"

/* st_dev of all that this server has. */

struct end;

struct channel {
    uint8_t *bytes; /* PIPE_CAPACITY_BYTES */
    size_t head;    /* of the oldest byte */
    size_t count;
    struct end *reader, *writer; /* NULL: closed */
    struct list reads, writes;   /* struct waiting, oldest first */
};

struct end {
    struct channel *in, *out; /* NULL: this end does not read, write */
    uint32_t flags;           /* FILE_OPEN_READ, WRITE, NONBLOCK */
    uint32_t id;
    struct watch_list watches;
};

/* Makes the gates; tag is charged with both objects. */
WARN_UNUSED status_t pipe_make(struct server *server, uint32_t tag, uint32_t flags,
                               handle_t *reader, handle_t *writer);
WARN_UNUSED status_t pair_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *one,
                               handle_t *other);

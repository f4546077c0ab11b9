/* SPDX-License-Identifier: MIT */
/* How channels and their ends come and go. */
#include "servers/pipe/channel.h"

#include <stdlib.h>

struct channel *channel_make(uint32_t login) {
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL) {
        return NULL;
    }
    list_init(&channel->readers);
    list_init(&channel->writers);
    list_init(&channel->reads);
    list_init(&channel->writes);
    list_init(&channel->meets);
    if (!ring_allocate(&channel->ring, login)) {
        free(channel);
        return NULL;
    }
    return channel;
}

void channel_free(struct channel *channel) {
    ring_free(&channel->ring);
    free(channel);
}

bool channel_is_unused(const struct channel *channel) {
    return channel->n_ends == 0;
}

struct end *end_make(struct channel *in, struct channel *out, uint32_t flags) {
    struct end *end = calloc(1, sizeof *end);

    if (end == NULL) {
        return NULL;
    }
    end->in = in;
    end->out = out;
    end->flags = (flags & FILE_OPEN_NONBLOCK) | (in != NULL ? FILE_OPEN_READ : 0) |
                 (out != NULL ? FILE_OPEN_WRITE : 0);
    watch_init(&end->watches);
    if (in != NULL) {
        in->n_ends++;
        end->writers_seen = in->n_writers_ever - (list_is_empty(&in->writers) ? 0 : 1);
        in->n_readers_ever++;
        list_push_back(&in->readers, &end->as_reader);
    }
    if (out != NULL) {
        out->n_ends++;
        end->readers_seen = out->n_readers_ever - (list_is_empty(&out->readers) ? 0 : 1);
        out->n_writers_ever++;
        list_push_back(&out->writers, &end->as_writer);
    }
    if (in != NULL) {
        channel_meet(in);
    }
    if (out != NULL && out != in) {
        channel_meet(out);
    }
    return end;
}

/* The end reads, writes no more; what changes for others by that is still to be told. */
static void stop_reading(struct end *end) {
    if (list_is_linked(&end->as_reader)) {
        list_remove(&end->as_reader);
    }
}

static void stop_writing(struct end *end) {
    if (list_is_linked(&end->as_writer)) {
        list_remove(&end->as_writer);
    }
}

void end_shutdown(struct end *end, bool reads, bool writes) {
    if (reads) {
        stop_reading(end);
    }
    if (writes) {
        stop_writing(end);
    }
    channel_run(end->in);
    channel_run(end->out);
    watch_changed(&end->watches, end_events(end)); /* the channels may not know it any more */
}

void end_close(struct end *end) {
    struct channel *in = end->in, *out = end->out;

    watch_clear(&end->watches);
    stop_reading(end);
    stop_writing(end);
    free(end);
    if (in != NULL) {
        in->n_ends--;
        channel_run(in);
    }
    if (out != NULL) {
        out->n_ends--;
    }
    if (out != NULL && out != in) {
        channel_run(out);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * One Gopher transaction (RFC 1436 section 2): connect, send one line, receive until the server
 * closes. No step waits longer than the time-out; only the name look-up is as slow as the C library
 * makes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/body.h"
#include "programs/gopher/url.h"

#define FETCH_TIMEOUT_MS 10000u

/* How a transaction ended. The values are exit statuses of `gopher -t`; 1 and 2 are its usage and
 * address errors. */
enum fetch_status {
    FETCH_OK = 0,
    FETCH_NO_HOST = 3,        /* no such host */
    FETCH_NO_NAME_SERVER = 4, /* the look-up failed, perhaps only for now */
    FETCH_NO_ROUTE = 5,       /* network or host unreachable */
    FETCH_REFUSED = 6,
    FETCH_RESET = 7,       /* broken off by the other side */
    FETCH_SILENT = 8,      /* no connection, or no byte of an answer, within the time-out */
    FETCH_TOO_BIG = 9,     /* more than `limit` bytes */
    FETCH_EMPTY = 10,      /* closed without a byte (judged by the caller: a file may be empty) */
    FETCH_NOT_TEXT = 11,   /* (judged by the caller) */
    FETCH_NOT_STORED = 12, /* receive() said no; `error` is its errno */
    FETCH_LOCAL = 13,      /* this side cannot: `error` is an errno */
    FETCH_CANCELLED = 14,  /* progress() said stop */
    FETCH_ERROR_ITEM = 15, /* the server answered with an error item (judged by the caller) */
};

enum fetch_phase { FETCH_RESOLVING, FETCH_CONNECTING, FETCH_RECEIVING };

struct fetch_request {
    const struct gopher_url *url;
    unsigned timeout_ms; /* for connecting, and for each silence */
    uint64_t limit;      /* most bytes to accept; UINT64_MAX for any number */
    int wake_fd;         /* progress() is called at once when this is readable; -1: none */
    /*
     * Called at each new phase and at least every quarter second of waiting; true stops. It must
     * take the input of wake_fd that it was woken by. NULL: none.
     */
    bool (*progress)(void *progress_context, enum fetch_phase phase, uint64_t n_received);
    void *progress_context;
    /* Takes the next bytes; false (with errno set) stops with FETCH_NOT_STORED. */
    bool (*receive)(void *receive_context, const char *data, size_t size);
    void *receive_context;
};

struct fetch_result {
    enum fetch_status status;
    int error;             /* errno for NOT_STORED and LOCAL */
    struct body_scan scan; /* of all bytes received; scan.size is their number */
};

/* Does it all; Blocks: as said above. Returns result->status. */
enum fetch_status fetch(const struct fetch_request *request, struct fetch_result *result);

/* One sentence for a person, without line end. */
void fetch_explain(const struct fetch_result *result, const struct fetch_request *request,
                   char *text, size_t room);

/* Milliseconds of a clock that never goes back. */
uint64_t fetch_now_ms(void);

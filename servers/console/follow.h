/* SPDX-License-Identifier: MIT */
/*
 * Follows a file that grows or speaks (the log, the keyboard): what comes is handed on, without
 * ever waiting for it. When the server of the file is gone it is opened anew, as often as it takes.
 */
#pragma once

#include "lib/native/server.h"

struct follower {
    handle_t file; /* open and nonblocking, or HANDLE_NONE */
    struct server *server;
    handle_t gate; /* on which the file's server notifies us */
    status_t (*open)(handle_t *file, uint64_t deadline);
    void (*opened)(void); /* may be NULL */
    void (*receive)(const char *bytes, size_t n);
    struct server_timer timer;
    uint64_t retry_ns;
};

/* Starts following. The callbacks run in the server loop, the first of them before this returns. */
void follower_start(struct follower *follower, struct server *server,
                    status_t (*open)(handle_t *file, uint64_t deadline), void (*opened)(void),
                    void (*receive)(const char *bytes, size_t n));

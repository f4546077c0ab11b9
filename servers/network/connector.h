/* SPDX-License-Identifier: MIT */
/*
 * Opening /tcp/HOST/PORT: looks the host up, connects, and answers with the connected socket.
 */
#pragma once

#include "lib/native/request.h"

enum { CONNECTOR_HOST_BYTES = 256 };

/*
 * Answers the `open` of protocol file later (REQUEST_DEFERRED), or says why not. HOST_NOT_FOUND,
 * TIMEOUT, REFUSED, HOST_UNREACHABLE, NETWORK_UNREACHABLE (no route, or no name server).
 */
WARN_UNUSED status_t connector_open(struct request *request, uint32_t flags, const char *host,
                                    uint16_t port, uint32_t *kind, handle_t *gate);

/* The client gave up. */
void connector_cancelled(uint64_t cookie);

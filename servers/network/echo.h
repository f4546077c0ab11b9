/* SPDX-License-Identifier: MIT */
/*
 * ICMP echo: `echo` of protocol network.
 */
#pragma once

#include "lib/native/request.h"
#include "lwip/ip_addr.h"

WARN_UNUSED status_t echo_start(void);

/* Sends the request and answers the call later (REQUEST_DEFERRED), or says why not. */
WARN_UNUSED status_t echo_send(struct request *request, uint32_t address, uint32_t bytes,
                               uint64_t timeout_ns);

void echo_cancelled(uint64_t cookie);

/* A router says that the request with this number does not get there. */
void echo_unreachable(uint16_t id, uint16_t sequence);

enum { ECHO_ID = 0x4555 };

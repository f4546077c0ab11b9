/* SPDX-License-Identifier: MIT */
/*
 * The log on the serial line, until the system is ready. At first the kernel itself writes there;
 * when the serial driver can be reached this takes over, from the byte where the kernel stopped.
 */
#pragma once

#include "abi/kernel.h"
#include "lib/native/server.h"

void echo_start(struct server *server, const struct kernel_log *ring, handle_t system);

/* There is more to show. */
void echo_ring_grew(void);

/* Shows what came until now, then nothing more but reports. */
void echo_stop(void);

/* A line that is shown in any case. */
void echo_report(const char *line, size_t length);

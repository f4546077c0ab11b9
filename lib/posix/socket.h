/* SPDX-License-Identifier: MIT */
/* What socket.c has for the other files of sockets. */
#pragma once

#include "abi/types.h"

/* As errno_from_status; but for what is not a socket's server, and one that was restarted, with
 * which all connections are gone. */
long socket_error(status_t status);

/* The gate of a descriptor; minus an errno for what cannot be a socket. */
int socket_gate(int number, handle_t *gate);

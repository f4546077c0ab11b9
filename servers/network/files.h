/* SPDX-License-Identifier: MIT */
/*
 * What this server shows in the namespace: the socket directory (tcp, udp, tcp6, udp6), connections
 * as files (/tcp/HOST/PORT), and /etc/resolv.conf for musl's resolver.
 */
#pragma once

#include "lib/native/server.h"

/* The roots, as the manifest names them. */
enum { ROOT_SOCKETS = 0, ROOT_TCP = 1, ROOT_RESOLVER = 2, ROOT_CONTROL = 3 };

void files_start(struct server *server);

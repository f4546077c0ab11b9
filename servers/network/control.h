/* SPDX-License-Identifier: MIT */
/*
 * /dev/net: what the programs net, ping and arp ask (protocol network).
 */
#pragma once

#include "lib/native/server.h"

void control_start(struct server *server);

/* SPDX-License-Identifier: MIT */
/*
 * What lwIP calls in servers/network at places of its own (LWIP_HOOK_ in lwipopts.h).
 */
#pragma once

struct pbuf;

/* Looks at an IPv4 packet before lwIP does. Always 0: lwIP goes on with it. */
int network_on_ip4(struct pbuf *packet);

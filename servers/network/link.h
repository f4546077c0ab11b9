/* SPDX-License-Identifier: MIT */
/*
 * The network card as lwIP's interface: frames through the rings that its driver shares with us
 * (abi/protocols/nic.idl).
 *
 * The driver may die and come back at any time: its gate to us is then told CLOSED, frames are lost
 * until the next incarnation is attached, and everything above goes on. It is below us, so it is
 * called only to attach, for at most ATTACH_PATIENCE; all else is shared memory and notifications.
 */
#pragma once

#include "abi/generated/nic.h"
#include "lib/native/server.h"
#include "lwip/netif.h"

/* Begins to look for the driver with one of these names (gates of the start block). */
void link_start(struct server *server, char *const *drivers, int n_drivers);

/* Tells the driver what has been put into the ring since the last time. */
void link_flush(void);

/* The interface; it is there from the start, and up while a driver with a link is attached. */
struct netif *link_netif(void);

/* The driver's figures; zeroes (and no name) if none is attached. */
void link_figures(struct nic_figures *figures);

/* Times that a driver was attached after another. */
uint32_t link_reattached(void);

/* SPDX-License-Identifier: MIT */
/*
 * What the network programs share: the net server's control file, and names of hosts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/generated/network.h"

#define NETWORK_CONTROL "/dev/net"

/* "255.255.255.255" and its end. */
#define NETWORK_ADDRESS_SIZE 16

/* Opens NETWORK_CONTROL; reports a failure and ends the program with status 1. */
handle_t network_open(void);

/* "10.0.2.15"; a network_ number, 0 is "none". Returns text. */
char *network_address_text(uint32_t address, char text[NETWORK_ADDRESS_SIZE]);

/* The first IPv4 address of a host, by name or number, as a network_ number. Reports a failure and
 * returns -1. Blocks: as long as name servers are asked. */
int network_resolve(const char *host, uint32_t *address);

/* What getaddrinfo's error means, in our words. */
const char *network_resolve_error(int error);

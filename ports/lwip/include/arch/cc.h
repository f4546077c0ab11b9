/* SPDX-License-Identifier: MIT */
/*
 * What lwIP asks of its compiler and system. servers/network defines the function here, and
 * sys_now(). A failed assertion of lwIP prints itself and aborts (upstream's default): the net
 * server then starts afresh, which its clients survive and a corrupted stack would not.
 */
#pragma once

#include <stdint.h>

/* 32 random bits for ports, sequence numbers and transaction ids; must not be guessable. */
uint32_t net_random(void);

#define LWIP_RAND() net_random()

/* sys_arch.h of the threaded API does not exist here; nothing interrupts the event loop. */
#define SYS_ARCH_DECL_PROTECT(level)
#define SYS_ARCH_PROTECT(level)
#define SYS_ARCH_UNPROTECT(level)

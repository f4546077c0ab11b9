/* SPDX-License-Identifier: MIT */
/*
 * How far the boot is: when all that will come up is up, the ready line is written and the sessions
 * (or the command of run=) start.
 */
#pragma once

#include "servers/init/service.h"

/* Moves the boot on, if it is time. */
void boot_step(struct init *init);

/* Heartbeats of all services; called by the timer. */
void services_watch(struct init *init);

/* Tells the log, if `service` is it, once the system is ready, to leave the consoles to their
 * sessions. */
void boot_tell_log(const struct init *init, const struct service *service);

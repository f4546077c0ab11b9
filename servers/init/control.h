/* SPDX-License-Identifier: MIT */
/*
 * What others may ask of init: protocol service, reached through a file (/dev/services).
 */
#pragma once

#include "servers/init/service.h"

/* Exports the control object and makes the gate to it (init->control_gate). */
WARN_UNUSED status_t control_start(struct init *init);

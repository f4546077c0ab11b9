/* SPDX-License-Identifier: MIT */
/*
 * Pipes and pairs: two ends that are made together and have no name.
 */
#pragma once

#include "servers/pipe/channel.h"

/* Makes the gates; tag is charged with both objects, its login with the rings. TOO_MANY:
 * it has its share of those. */
WARN_UNUSED status_t pipe_make(struct server *server, uint32_t tag, uint32_t flags,
                               handle_t *reader, handle_t *writer);
WARN_UNUSED status_t pair_make(struct server *server, uint32_t tag, uint32_t flags, handle_t *one,
                               handle_t *other);

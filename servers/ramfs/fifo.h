/* SPDX-License-Identifier: MIT */
/*
 * FIFOs: a name for a channel (servers/pipe/channel.h), which exists while somebody has it open.
 */
#pragma once

#include "servers/ramfs/open_file.h"

bool node_is_fifo(const struct node *node);

/* Gives the open file its end; `login` opens it. NO_SERVICE: nobody reads, and it would only write,
 * without waiting. */
WARN_UNUSED status_t fifo_open(struct open_file *file, struct node *node, uint32_t flags,
                               uint32_t login);

/* The open file is closed; its node is still there. */
void fifo_close(struct open_file *file);

/* SPDX-License-Identifier: MIT */
/*
 * The request `lock`: owners, waiting, and ending waits.
 */
#pragma once

#include "servers/ramfs/open_file.h"

status_t locking_request(void *context, struct request *request, uint32_t kind, uint64_t offset,
                         uint64_t length, uint32_t *kind_held, uint32_t *owner, uint64_t *from,
                         uint64_t *held_length, handle_t *life);

/* The client gave up waiting. */
void locking_cancelled(struct server *server, void *object, uint64_t cookie);

/* The open file is closed: its locks end, and waits that they stood in the way of. */
void locking_closed(struct server *server, struct open_file *file);

/* SPDX-License-Identifier: MIT */
/*
 * What this process was given: the start block (abi/startup.h), found through the auxiliary vector.
 */
#pragma once

#include "abi/startup.h"
#include "lib/base/types.h"

/* The block; NULL if there is none or it is malformed. */
const struct startup_block *startup_block(void);

/* First entry of this kind after `after` (NULL: from the start); NULL if there is none. */
const struct startup_entry *startup_next(const struct startup_entry *after, enum startup_kind kind);

/* The entry of this kind and text (NULL: the first of the kind); NULL if there is none. */
const struct startup_entry *startup_find(enum startup_kind kind, const char *text);

/* Its handle, HANDLE_NONE if there is none. The entry keeps it: do not close what others may look
 * up. */
handle_t startup_handle(enum startup_kind kind, const char *text);

/* The entry's text, "" if it has none. */
const char *startup_text(const struct startup_entry *entry);

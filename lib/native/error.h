/* SPDX-License-Identifier: MIT */
/*
 * The text of a status, from abi/errors.def.
 */
#pragma once

#include "lib/base/types.h"
#include "abi/types.h"

/* "the deadline passed"; "no error" for OK, "unknown error" for a number that is none. Never NULL,
 * static. */
const char *status_text(status_t status);

/* "TIMEOUT": the name in the list; "OK", or "?". */
const char *status_name(status_t status);

/* SPDX-License-Identifier: MIT */
/*
 * Pages of memory objects for servers whose clients decide how much they use. A plain access to a
 * page that is not there and cannot be had ends the server; this fails instead.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

/* Makes the page at `offset` (bytes, a multiple of the page size) of the object exist.
 * OUT_OF_BUDGET, NO_MEMORY, NOT_FOUND beyond its end. One thread at a time. */
WARN_UNUSED status_t populate_page(handle_t memory, uint64_t offset);

/* SPDX-License-Identifier: MIT */
/* The full-screen browser: keys in, pages and files out. */
#pragma once

#include "programs/gopher/url.h"

/*
 * Shows the address and lets the reader go where he likes, until he quits. Blocks: as long as he
 * stays. Returns an exit status: 0, or 1 (with a message on standard error) when there is no
 * terminal to run on or it went away.
 */
int browser_run(const struct gopher_url *start, unsigned timeout_ms);

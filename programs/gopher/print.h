/* SPDX-License-Identifier: MIT */
/* gopher -t: one item to standard output. */
#pragma once

#include "programs/gopher/url.h"

/*
 * Fetches the item and prints it: a menu as a readable list with the addresses of its links at the
 * end, a text as text, a file byte for byte. On a terminal everything is made safe (text.h), and a
 * file that is no text is refused. Messages go to standard error.
 *
 * Returns an exit status: 0, or an enum fetch_status. Blocks: until it is done.
 */
int print_url(const struct gopher_url *url, unsigned timeout_ms);

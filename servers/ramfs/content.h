/* SPDX-License-Identifier: MIT */
/*
 * The content of files: one memory object each, grown geometrically, mapped here as a whole. Its
 * pages are charged to a budget of their own, so that files cannot use up the memory that this
 * server needs to go on; pages that nobody wrote cost nothing.
 *
 * Only lent copies touch the pages, since these fail where an own access beyond the budget would
 * end the server.
 *
 * From the first time that a client maps it the object is kept exactly as long as the file: what
 * lies beyond the end is then a fault for the client (SIGBUS), and the object is never exchanged
 * for another, so that mapping and reading always see the same bytes.
 */
#pragma once

#include "servers/ramfs/node.h"

/* Takes a share of the server's budget for content. */
void content_start(void);

/* Room for `size` bytes. NO_SPACE, TOO_LARGE. The bytes that are new read as zeros. */
WARN_UNUSED status_t content_reserve(struct content *content, uint64_t size);

/* The memory of a file of `size` bytes, for a client with these rights: a handle that is the
 * caller's. */
WARN_UNUSED status_t content_share(struct content *content, uint64_t size, uint32_t rights,
                                   handle_t *memory);

/* The bytes from `size` on are gone and will read as zeros. NO_SPACE if that needs a page that
 * cannot be had. */
WARN_UNUSED status_t content_cut(struct content *content, uint64_t old_size, uint64_t size);

void content_free(struct content *content);

/* Pages that the content holds now. */
uint64_t content_used_pages(const struct content *content);

/* Figures of the budget. */
void content_figures(uint64_t *limit_pages, uint64_t *used_pages);

/* SPDX-License-Identifier: MIT */
/*
 * Memory for the content of channels: rings of PIPE_CAPACITY_BYTES from one memory object, with a
 * budget of their own, so that full pipes cannot use up the memory that the server needs to go on.
 * Pages that nobody wrote cost nothing.
 *
 * Lent copies to and from a ring fail where there is no page to be had; before this server touches
 * one itself it asks ring_ready.
 */
#pragma once

#include "lib/base/types.h"

/* What has been given to those who make pipes from one gate: a login. It gets its share of the
 * rings and of their pages (lib/base/share.h). */
struct ring_owner {
    uint32_t n_rings, n_pages;
};

struct ring {
    uint8_t *bytes;
    uint32_t touched;         /* bit i: page i is there for certain */
    struct ring_owner *owner; /* or NULL: of no login, and not limited */
};

/* At start: of 16 parts of the server's budget, `share` are for rings. At most n_max of them. */
void ring_start(unsigned share, uint32_t n_max);

/* False: there are as many as there may be, or the owner has its share. */
bool ring_allocate(struct ring *ring, struct ring_owner *owner);
void ring_free(struct ring *ring);

/* May these bytes, from `position` on, be touched? n is less than a page. */
bool ring_ready(struct ring *ring, size_t position, size_t n);

/* The same for what a lent copy is to fill: n bytes from `at` on, which lie together. A page may
 * still not be there afterwards: then the copy fails. Says ring_filled when it has not. */
bool ring_may_fill(const struct ring *ring, size_t at, size_t n);
void ring_filled(struct ring *ring, size_t at, size_t n);

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

#include "lib/base/share.h"

struct ring {
    uint8_t *bytes;
    uint32_t touched; /* bit i: page i is there for certain */
    uint32_t login;   /* who has it, and its pages, of the share (lib/base/share.h) */
};

/* At start: of 16 parts of the server's budget, `share` are for rings. At most n_max of them. */
void ring_start(unsigned share, uint32_t n_max);

/* False: the login has its share of the rings (lib/base/share.h), or there are no more. */
bool ring_allocate(struct ring *ring, uint32_t login);
void ring_free(struct ring *ring);

/* May these bytes, from `position` on, be touched? n is less than a page. */
bool ring_ready(struct ring *ring, size_t position, size_t n);

/* The same for what a lent copy is to fill: n bytes from `at` on, which lie together. A page may
 * still not be there afterwards: then the copy fails. Says ring_filled when it has not. */
bool ring_may_fill(const struct ring *ring, size_t at, size_t n);
void ring_filled(struct ring *ring, size_t at, size_t n);

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

struct ring {
    uint8_t *bytes;
    uint32_t touched; /* bit i: page i is there for certain */
};

/* At start: of 16 parts of the server's budget, `share` are for rings. At most n_max of them. */
void ring_start(unsigned share, uint32_t n_max);

/* False: there are as many as there may be. */
bool ring_allocate(struct ring *ring);
void ring_free(struct ring *ring);

/* May these bytes, from `position` on, be touched? n is less than a page. */
bool ring_ready(struct ring *ring, size_t position, size_t n);

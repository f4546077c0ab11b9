/* SPDX-License-Identifier: MIT */
#include "servers/pipe/ring.h"

#include <stdlib.h>

#include "abi/generated/pipe.h"
#include "abi/kernel.h"
#include "lib/native/log.h"
#include "lib/native/populate.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

enum { SHARES = 16, RING_PAGES = PIPE_CAPACITY_BYTES / PAGE_BYTES };
/* So many rings keep their first page when they are free: most pipes never need another. */
enum { KEPT_MAX = 32 };

static handle_t memory;
static uint8_t *start;
static uint32_t *free_rings; /* a stack of numbers */
static uint32_t n_free;
static struct shares rings, pages; /* of the budget, the pages: those that rings in use have */
static uint32_t kept;              /* bit i: ring i, which is free, has its first page */

void ring_start(unsigned share, uint32_t n_max) {
    handle_t own = startup_handle(STARTUP_BUDGET, NULL), budget = HANDLE_NONE;
    struct handle_info info;
    uint64_t address = 0;
    status_t status = own == HANDLE_NONE ? ERROR_NOT_FOUND : sys_handle_info(own, &info);

    if (status == OK) {
        status = sys_budget_create(own, info.budget.limit * share / SHARES, &budget);
    }
    if (status == OK) {
        status = sys_memory_create((uint64_t)n_max * RING_PAGES, 0, 0, budget, &memory);
    }
    if (status == OK) {
        status = sys_map(HANDLE_NONE, memory, 0, (uint64_t)n_max * PIPE_CAPACITY_BYTES, 0,
                         MAP_READ | MAP_WRITE, &address);
    }
    free_rings = malloc(n_max * sizeof *free_rings);
    if (status != OK || free_rings == NULL) {
        log_write(LOG_ERROR, "no memory for pipes");
        return;
    }
    start = (uint8_t *)address;
    rings.total = n_max;
    pages.total = info.budget.limit * share / SHARES;
    for (n_free = 0; n_free < n_max; n_free++) {
        free_rings[n_free] = n_max - 1 - n_free; /* low ones first: their pages are there */
    }
}

static size_t bits_count(uint32_t bits) {
    size_t n = 0;

    for (; bits != 0; bits &= bits - 1) {
        n++;
    }
    return n;
}

bool ring_allocate(struct ring *ring, uint32_t login) {
    if (!share_is_left(&rings, login, 1)) {
        return false;
    }
    uint32_t number = free_rings[--n_free];

    *ring = (struct ring){.bytes = start + (size_t)number * PIPE_CAPACITY_BYTES,
                          .touched = number < KEPT_MAX ? kept >> number & 1 : 0,
                          .login = login};
    share_take(&pages, login, bits_count(ring->touched));
    share_take(&rings, login, 1);
    return true;
}

void ring_free(struct ring *ring) {
    uint64_t number = (uint64_t)(ring->bytes - start) / PIPE_CAPACITY_BYTES;
    uint64_t first = number < KEPT_MAX ? 1 : 0;

    if (ring->touched >> first != 0) {
        status_t status =
            sys_memory_control(memory, MEMORY_DISCARD,
                               (number * RING_PAGES + first) | (RING_PAGES - first) << 32, NULL);
        (void)status; /* our own object */
    }
    if (number < KEPT_MAX && (ring->touched & 1) != 0) {
        kept |= 1u << number;
    }
    share_return(&pages, ring->login, bits_count(ring->touched));
    share_return(&rings, ring->login, 1);
    free_rings[n_free++] = (uint32_t)number;
    *ring = (struct ring){0};
}

/* Those of [at, at + n), which does not wrap, that the ring does not have yet. */
static uint32_t fresh_pages(const struct ring *ring, size_t at, size_t n) {
    return ((2u << (at + n - 1) / PAGE_SIZE) - (1u << at / PAGE_SIZE)) & ~ring->touched;
}

bool ring_may_fill(const struct ring *ring, size_t at, size_t n) {
    uint32_t fresh = fresh_pages(ring, at, n);

    return fresh == 0 || share_is_left(&pages, ring->login, bits_count(fresh));
}

void ring_filled(struct ring *ring, size_t at, size_t n) {
    uint32_t fresh = fresh_pages(ring, at, n);

    if (fresh != 0) {
        ring->touched |= fresh;
        share_take(&pages, ring->login, bits_count(fresh));
    }
}

static bool page_get(struct ring *ring, size_t at) {
    uint64_t offset = (uint64_t)(ring->bytes - start) + ALIGN_DOWN(at, (size_t)PAGE_SIZE);

    if (fresh_pages(ring, at, 1) != 0 &&
        (!ring_may_fill(ring, at, 1) || populate_page(memory, offset) != OK)) {
        return false;
    }
    ring_filled(ring, at, 1);
    return true;
}

bool ring_ready(struct ring *ring, size_t position, size_t n) {
    return page_get(ring, position % PIPE_CAPACITY_BYTES) &&
           page_get(ring, (position + n - 1) % PIPE_CAPACITY_BYTES);
}

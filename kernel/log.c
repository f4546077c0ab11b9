/* SPDX-License-Identifier: MIT */
#include "kernel/log.h"

#include "abi/kernel.h"
#include "kernel/console.h"
#include "kernel/endpoint.h"
#include "kernel/frame.h"
#include "kernel/panic.h"

#define LOG_PAGES 8

static struct kernel_log *ring;
static struct memory *memory;
static struct gate *watcher;
static uint64_t watcher_bits;

/* Only for the kernel's own words: called with the lock held, or before there are others. */
static void log_sink(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ring->data[(ring->head + i) % ring->size] = (uint8_t)text[i];
    }
    ring->head += n;
    if (watcher != NULL) {
        (void)gate_notify(watcher, watcher_bits, GATE_NORMAL);
    }
}

void log_init(void) {
    uint64_t below = UINT64_MAX;
    paddr_t start;

    if (frame_take_run(LOG_PAGES, &below, &start) != FRAME_RUN_TAKEN ||
        memory_adopt(start, LOG_PAGES, &memory) != OK) {
        panic("no memory for the log");
    }
    ring = paddr_to_pointer(start);
    ring->head = 0;
    ring->size = LOG_PAGES * PAGE_SIZE - sizeof(*ring);
    console_set_sink(log_sink);
}

struct memory *log_memory(void) {
    return memory;
}

uint64_t log_head(void) {
    return ring->head;
}

void log_bind(struct gate *gate, uint64_t bits) {
    gate_bind_at(&watcher, gate);
    watcher_bits = bits;
}

/* SPDX-License-Identifier: MIT */
/* Stand-in on the host: no device is there; reading gives ones, as from a bus without one. */
#pragma once

#include "kernel/types.h"

static inline uint8_t io_in8(uint16_t port) {
    (void)port;
    return UINT8_MAX;
}

static inline uint16_t io_in16(uint16_t port) {
    (void)port;
    return UINT16_MAX;
}

static inline uint32_t io_in32(uint16_t port) {
    (void)port;
    return UINT32_MAX;
}

static inline void io_out8(uint16_t port, uint8_t value) {
    (void)port;
    (void)value;
}

static inline void io_out16(uint16_t port, uint16_t value) {
    (void)port;
    (void)value;
}

static inline void io_out32(uint16_t port, uint32_t value) {
    (void)port;
    (void)value;
}

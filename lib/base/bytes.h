/* SPDX-License-Identifier: MIT */
/*
 * Numbers in bytes: little and big endian, at any alignment. For file formats, packets and device
 * tables. Compilers turn each into one move (and a byte swap).
 */
#pragma once

#include "lib/base/types.h"

#define BYTES_DEFINE(bits)                                                                         \
    static inline uint##bits##_t bytes_get_le##bits(const void *from) {                            \
        uint##bits##_t value;                                                                      \
        __builtin_memcpy(&value, from, sizeof value);                                              \
        return value;                                                                              \
    }                                                                                              \
    static inline uint##bits##_t bytes_get_be##bits(const void *from) {                            \
        return __builtin_bswap##bits(bytes_get_le##bits(from));                                    \
    }                                                                                              \
    static inline void bytes_put_le##bits(void *to, uint##bits##_t value) {                        \
        __builtin_memcpy(to, &value, sizeof value);                                                \
    }                                                                                              \
    static inline void bytes_put_be##bits(void *to, uint##bits##_t value) {                        \
        bytes_put_le##bits(to, __builtin_bswap##bits(value));                                      \
    }

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the host order is little endian");

BYTES_DEFINE(16)
BYTES_DEFINE(32)
BYTES_DEFINE(64)

#undef BYTES_DEFINE

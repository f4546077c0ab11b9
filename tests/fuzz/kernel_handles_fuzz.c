/* SPDX-License-Identifier: MIT */
/*
 * Handle tables, as tests/host/try_handles.c tries them: the input decides what is done.
 *
 * Build: kernel
 */
#include "tests/fuzz/fuzz.h"

#include "tests/host/tries.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    struct choice choice = {.bytes = data, .n = size};

    handles_try(&choice);
}

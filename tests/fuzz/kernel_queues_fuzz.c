/* SPDX-License-Identifier: MIT */
/*
 * Queues and the scheduler, as tests/host/try_queues.c tries them: the input decides what is done.
 *
 * Build: kernel
 */
#include "tests/fuzz/fuzz.h"

#include "tests/host/tries.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    struct choice choice = {.bytes = data, .n = size};

    queues_try(&choice);
}

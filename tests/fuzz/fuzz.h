/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target includes. A target is one file tests/fuzz/NAME_fuzz.c with a function
 * fuzz_one; it is linked with lib/base and what its head comment names ("Sources: a.c b.c"), under
 * libFuzzer, ASan and UBSan. tests/fuzz/run builds and runs them, each from the seeds that the
 * script makes, if it has any for that name.
 */
#pragma once

#include <stdlib.h>

#include "lib/base/string.h"

/* Whatever must hold for any input. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : abort())

/* One input. The sanitizer sees every access beyond the `size` bytes. */
static void fuzz_one(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size);
    return 0;
}

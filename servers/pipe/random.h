/* SPDX-License-Identifier: MIT */
/*
 * Random bytes: ChaCha20 as a generator that erases its key after each use, so that what was given
 * out cannot be computed from a later state. The key is filled at start from RDRAND, where the
 * processor has it, and from the jitter of the time stamp counter; whatever is written to
 * /dev/random is mixed in.
 */
#pragma once

#include "lib/base/types.h"

void random_start(void);
void random_mix(const void *bytes, size_t n);
void random_fill(void *bytes, size_t n);

/* SPDX-License-Identifier: MIT */
/*
 * Random bytes: HMAC-DRBG with SHA-256 (NIST SP 800-90A, 10.1.2), which is BearSSL's. It changes
 * its state after each use, so that what was given out cannot be computed from a later one. The
 * seed is a hash of RDRAND, where the processor has it, and of the jitter of the time stamp counter
 * over some thousand hashings; more of both is mixed in as bytes are taken, and so is whatever is
 * written to /dev/random.
 */
#pragma once

#include "lib/base/types.h"

/* Takes a seed, once, before the others. Some two million instructions. */
void random_start(void);

/* Makes `n` bytes part of the state: it is never worse for it, whoever chose them. */
void random_mix(const void *bytes, size_t n);

/* `n` random bytes. */
void random_fill(void *bytes, size_t n);

/* SPDX-License-Identifier: MIT */
/*
 * The log ring as a file: every open file has its own place in it. One that follows waits at the
 * end, the other ends there.
 */
#pragma once

#include "abi/generated/file.h"
#include "abi/kernel.h"
#include "lib/native/server.h"

/* What is exported: opening one of these makes a reader. */
extern struct reader reader_to_end;
extern struct reader reader_follow;

extern const struct file_handlers reader_handlers;
#define READER_PROTOCOLS FILE_SERVE(reader_handlers)

void reader_start(const struct kernel_log *ring);

/* Answers those that wait. */
void reader_ring_grew(void);

/*
 * Copies what the ring has from byte number *position on (moved up to the oldest that is still
 * there) to the `size` bytes at `to`. Returns how many; *position then is that of the next byte.
 */
size_t ring_read(const struct kernel_log *ring, uint64_t *position, char *to, size_t size);

/* SPDX-License-Identifier: MIT */
/*
 * read() and write() that go on after a signal handler ran and after short counts.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Like read, but never fails with EINTR. Blocks. */
ssize_t stream_read(int fd, void *buffer, size_t size);

/* Writes everything: 0, or -1 with errno; then an unknown part was written. Blocks. */
int stream_write(int fd, const void *buffer, size_t size);

/* What stream_copy could not do. */
enum stream_copy_result { STREAM_COPIED, STREAM_READ_FAILED, STREAM_WRITE_FAILED };

/* Copies from one descriptor to another until the end of file; errno tells why it failed. */
enum stream_copy_result stream_copy(int from, int to);

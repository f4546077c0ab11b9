/* SPDX-License-Identifier: MIT */
/*
 * Transfers, for the system calls that read and write by other ways.
 */
#pragma once

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/base/types.h"

/* offset FILE_OFFSET_CURRENT: the open file's own. A count, or minus an errno; raises SIGPIPE. */
long file_read_at(int fd, void *buffer, size_t size, uint64_t offset);
long file_write_at(int fd, const void *buffer, size_t size, uint64_t offset);

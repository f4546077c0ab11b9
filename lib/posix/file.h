/* SPDX-License-Identifier: MIT */
/*
 * Transfers, for the system calls that read and write by other ways, and the opening of programs.
 */
#pragma once

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/base/types.h"

/* A program at `text`, to be read and run: a regular file that is executable, else EACCES. Minus an
 * errno, or 0. */
int file_open_program(int directory, const char *text, handle_t *file);

/* offset FILE_OFFSET_CURRENT: the open file's own. A count, or minus an errno; raises SIGPIPE. */
long file_read_at(int fd, void *buffer, size_t size, uint64_t offset);
long file_write_at(int fd, const void *buffer, size_t size, uint64_t offset);

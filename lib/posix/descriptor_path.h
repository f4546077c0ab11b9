/* SPDX-License-Identifier: MIT */
/*
 * Paths that mean a descriptor of the program itself: /dev/stdin, /dev/stdout, /dev/stderr,
 * /dev/fd/N and /proc/self/fd/N. No server can know them. They are looked at where the namespace
 * has no such name, so that what it has comes first and other paths do not pay.
 *
 * To open one is dup, as in 4.4BSD: the same open file, with its offset. (Linux opens the file once
 * more.)
 */
#pragma once

#include "lib/base/types.h"

/* The number that a normal path means, whether it is open or not; -1: none. */
int descriptor_number(const char *path);

/*
 * The descriptor that a normal path means, if it can be read and written as `access` (of
 * FILE_OPEN_READ and FILE_OPEN_WRITE) says. -ENOENT: it means none; -EACCES.
 */
int descriptor_of_path(const char *path, uint32_t access);

/* open(2) of such a path: FILE_OPEN_..., and flags for the new descriptor. -ENOENT as above. */
long descriptor_open(const char *path, uint32_t flags, unsigned fd_flags);

/*
 * The path of the terminal that is open there, for ttyname, or of the directory: its length without
 * a 0 at the end, cut to `size`; or minus an errno, ENOENT for other files.
 */
long descriptor_read_link(int fd, char *buffer, size_t size);

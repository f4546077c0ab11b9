/* SPDX-License-Identifier: MIT */
/*
 * What the other files need to know about files.
 */
#pragma once

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/posix/path.h"

/* stat with open flags (FILE_OPEN_NO_FOLLOW): minus an errno, or 0. path->text becomes where
 * symbolic links led. */
int path_stat(struct posix_path *path, uint32_t flags, struct file_stat *stat);

/* The same of an open descriptor. */
int fd_stat(int fd, struct file_stat *stat);

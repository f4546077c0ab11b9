/* SPDX-License-Identifier: MIT */
/*
 * Copying and removing files and directories with all they hold, for cp, mv and rm. Each failure is
 * reported as it happens, and the rest is still done; the result says whether there was one.
 */
#pragma once

#include <sys/stat.h>

/* Removes a file, or a directory and everything below it. Symbolic links are removed, not
 * followed. Returns 0, or 1 after reports. */
int tree_remove(const char *path);

/* Copies a file's content and mode over *target*, which is created or replaced; a directory too,
 * with everything below it, into *target*, which is created or added to. Symbolic links below a
 * directory, and *source* itself if it is one, are copied as links. Special files are refused.
 * Returns 0, or 1 after reports. */
int tree_copy(const char *source, const char *target);

/* Copies one file's content and mode, following symbolic links; devices and pipes are read like
 * files. Refuses to copy a file onto itself. Returns 0, or 1 after a report. */
int tree_copy_file(const char *source, const char *target);

/* Do both describe the same file? No, if the file system does not number its files. */
int tree_is_same(const struct stat *one, const struct stat *other);

/* Is it a directory, or a link to one? */
int tree_is_directory(const char *path);

/* SPDX-License-Identifier: MIT */
/*
 * The names in a directory, all at once: the directory is closed again before anything is done with
 * them, so that walking a deep tree needs one descriptor, and removing names cannot upset the
 * reading.
 */
#pragma once

#include <stddef.h>

struct directory_names {
    char **names; /* sorted by bytes, without "." and ".." */
    size_t n;
};

/* Reads a directory. Returns 0, or -1 with errno and nothing to free. */
int directory_read(const char *path, struct directory_names *names);

void directory_free(struct directory_names *names);

/* SPDX-License-Identifier: MIT */
/*
 * The names that exist for a pattern.
 */
#pragma once

#include "programs/shell/arena.h"
#include "programs/shell/fields.h"

/* Adds every existing path that matches the pattern, sorted by bytes; adds nothing if there is
 * none. A '/' is matched only by itself, a leading '.' of a name only by a '.'. Directories that
 * cannot be read count as empty. */
void glob_expand(struct fields *fields, struct arena *arena, const char *pattern);

/* SPDX-License-Identifier: MIT */
/*
 * Path names as text.
 */
#pragma once

/* "directory/name", with one slash between them; just the name if directory is "". The caller
 * frees it. */
char *path_join(const char *directory, const char *name);

/* The last component without trailing slashes, "/" for the root; the caller frees it. */
char *path_last(const char *path);

/* SPDX-License-Identifier: MIT */
/*
 * Paths, as text only: nothing here knows files. A process's name space is a list of (prefix,
 * gate); the library resolves a path lexically and picks the longest prefix (design section 5).
 *
 * A *normal* path is absolute, has no empty, "." or ".." component and no slash at its end, except
 * for the root, which is "/". Only path_normalize makes them; all else here expects them.
 */
#pragma once

#include "lib/base/types.h"

#define PATH_LENGTH_MAX 1024 /* bytes with the terminator, before and after normalising */
#define PATH_NAME_MAX   255  /* bytes of one component */

enum path_result {
    PATH_OK,
    PATH_EMPTY,         /* "" names nothing (POSIX: ENOENT) */
    PATH_NOT_ABSOLUTE,  /* the working directory is no absolute path */
    PATH_TOO_LONG,      /* more than PATH_LENGTH_MAX */
    PATH_NAME_TOO_LONG, /* a component of more than PATH_NAME_MAX */
};

/*
 * Makes `path` normal, in the PATH_LENGTH_MAX bytes at `out`. If it does not begin with a slash it
 * is taken relative to `directory`, an absolute path, normal or not; otherwise that is not looked
 * at and may be NULL. ".." removes the component before it, whatever that is; at the root it does
 * nothing. `out` must not overlap the others; after an error its content is unspecified.
 */
WARN_UNUSED enum path_result path_normalize(char *out, const char *directory, const char *path);

/*
 * The quick look for most: the bytes of `path` if it is normal already, and not the root. 0 says
 * nothing: also for names that begin with a dot.
 */
size_t path_normal_length(const char *path);

/* Does the path, not normal yet, say that it names a directory: does it end in "/", "." or ".."?
 * (Normalising loses that; POSIX wants "file/" to fail.) */
bool path_wants_directory(const char *path);

/*
 * The first ".." of `path` that stands behind a name: only whoever knows whether that name is a
 * symbolic link can tell what it means. NULL if there is none.
 */
const char *path_inner_parent(const char *path);

/*
 * The last component of a normal path. The parent is the first *parent_length bytes (1 for those in
 * the root: "/"). NULL for the root, which is in nothing.
 */
const char *path_split_last(const char *path, size_t *parent_length);

/*
 * If the normal path `path` is `prefix` or lies below it, returns the rest without a leading slash
 * ("" if they are equal), else NULL. Whole components only: "/bin" has nothing to do with
 * "/binary".
 */
static inline const char *path_rest(const char *prefix, const char *path) {
    if (prefix[1] == '\0') { /* the root: has a slash at its end already */
        return path + 1;
    }
    for (; *prefix != '\0'; prefix++, path++) {
        if (*prefix != *path) {
            return NULL;
        }
    }
    return *path == '\0' ? path : *path == '/' ? path + 1 : NULL;
}

/*
 * Which of the `n` normal paths at `prefixes` is the longest prefix of the normal path `path`? The
 * first of several equal ones. Returns its index and sets *rest as above; n if there is none.
 */
size_t path_match_longest(const char *const *prefixes, size_t n, const char *path,
                          const char **rest);

/* Does this byte end a component? For nearly all in a name the first comparison says that it does
 * not. */
static ALWAYS_INLINE bool path_ends_component(char c) {
    return UNLIKELY((unsigned char)c <= '/') && (c == '/' || c == '\0');
}

/* Where the component at `path` ends: at a slash or the terminator. */
static inline const char *path_component_end(const char *path) {
    while (!path_ends_component(*path)) {
        path++;
    }
    return path;
}

/* Is this one component of a normal path: not empty, not "." or "..", without slash, not too long?
 */
bool path_name_is_valid(const char *name);

/* Are the `length` bytes at `path` components of a normal path with single slashes between them, or
 * nothing at all? No NUL among them; one follows them. */
bool path_is_relative_normal(const char *path, size_t length);

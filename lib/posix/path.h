/* SPDX-License-Identifier: MIT */
/*
 * Paths as programs give them: relative to the working directory or an open one, made normal (what
 * stands before a ".." is asked of the servers, for it may be a symbolic link), then walked.
 */
#pragma once

#include "lib/base/path.h"
#include "lib/native/namespace.h"

/* Linux's numbers for the *at calls. */
enum {
    LINUX_AT_FDCWD = -100,
    LINUX_AT_SYMLINK_NOFOLLOW = 0x100,
    LINUX_AT_REMOVEDIR = 0x200,
    LINUX_AT_EACCESS = 0x200,
    LINUX_AT_SYMLINK_FOLLOW = 0x400,
    LINUX_AT_EMPTY_PATH = 0x1000,
};

/* What a path ended in: normalising loses that. */
enum path_last { PATH_LAST_NAME, PATH_LAST_SLASH, PATH_LAST_DOT, PATH_LAST_DOT_DOT };

struct posix_path {
    struct namespace_path at; /* the root is "/"; at.text may be the program's own */
    bool wants_directory;     /* it ended in something else than a name */
    enum path_last last;
    /* The walk begins at this open directory, with the text from `start` on, however the directory
     * is called by now; HANDLE_NONE: in the namespace. */
    handle_t directory;
    size_t start;
};

/* The absolute path without `.`, `..` and the like that `text` means at `base`: minus an errno, or
 * 0. Servers are asked what stands before a `..`. */
int path_make_normal(char *out, const char *base, const char *text);

/* Minus an errno, or 0. `directory` is a descriptor or LINUX_AT_FDCWD. */
int path_from_user(struct posix_path *path, int directory, const char *text);

/*
 * namespace_walk for posix: INTERRUPTED never ends it, and the result is minus an errno or 0. The
 * request gets "" as path for the root of a server. Where symbolic links led elsewhere path->at
 * becomes that path.
 */
int path_walk(struct posix_path *path, namespace_request *request, void *context);

/*
 * Opens the directory that holds the last component, *name (inside path->at.text). The caller
 * closes *gate. -EBUSY: the root. For requests that name two paths.
 */
int path_open_parent(const struct posix_path *path, handle_t *gate, const char **name);

/* chdir, getcwd, umask. */
int working_directory_set(const char *normal);
void working_directory_get(char *path, size_t size);
uint32_t creation_mask_set(uint32_t mask);
uint32_t creation_mask(void);
void path_start(void);
